"""Whether a message is for us: a loss of torch, what is computed of it, or what is said of its value."""

import re
from collections.abc import Sequence

from bot.reading import relevance
from bot.reading.losses import loss_mentions
from bot.reading.material import Material
from bot.reading.question import Claim, ReportedError
from bot.reading.snippets import is_losing
from bot.reading.topics import is_concept, is_specific, topics_of

FOUR_DIGITS = 0.0005
"""Radius of a number that is written out so far only where it was printed: money is not."""

_ERA = re.compile(r"(?:\d|year|century|era)\s*$", re.I)

_SAID_OF = re.compile(r"[^.?!\n\d]{0,30}")
"""Between the name of a loss and what is said of it."""


def is_ours(material: Material, claims: Sequence[Claim], prose: str, error: ReportedError | None, direct: bool) -> bool:
    """Whether there is something to answer; `direct` where somebody asks us."""
    losing = any(is_losing(each) for each in material.snippets)
    told = bool(claims) or error is not None
    if not (told or material.snippets or material.spans) and relevance.asks_of_no_value(prose):
        return False
    behaves = any(claim.kind == "behaviour" for claim in claims)
    if not (material.snippets or material.spans or error or behaves) and relevance.asks_how_to(prose):
        return False
    prose = relevance.without_training(prose)
    if relevance.compares_losses(prose):
        return True
    if losing and (direct or told or relevance.could_mean_loss(prose)):
        return True
    if names_a_loss(prose, bool(material.spans)) or (error and relevance.is_about_tensors(error)):
        return True
    if _says_of_a_loss(prose, claims, direct) or (direct and _asks_of_a_loss(prose)):
        return True
    asked = direct and (told or not relevance.is_of_other_topic(prose))
    if relevance.speaks_of_loss(prose) and (told or asked):
        return True
    torch = any(relevance.uses_torch(each.source) for each in material.snippets)
    computes = any(relevance.computes_with_numpy(each.source) for each in material.snippets)
    if direct and (relevance.names_an_argument(prose) or (behaves and relevance.names_torch(prose))):
        return True
    exact = any(claim.kind == "printed" and 0 < claim.radius <= FOUR_DIGITS for claim in claims)
    given = material.lacks is not None and relevance.speaks_of_learning(prose)
    specific = direct and is_specific(topics_of(prose))
    return (relevance.mentions_loss(prose) and (asked or behaves or exact or torch or specific)) or (
        direct and (torch or given or (computes and not relevance.is_of_other_topic(prose)))
    )


def names_a_loss(prose: str, given: bool) -> bool:
    """A full name is enough; short ones (CE, KL) mean other things among other words, unless values are given."""
    names = [prose[start:end] for start, end, _ in loss_mentions(prose)]
    return any(not relevance.is_ambiguous(name) for name in names) or (
        bool(names) and (given or relevance.speaks_of_learning(prose) or relevance.mentions_loss(prose))
    )


def _asks_of_a_loss(prose: str) -> bool:
    """Whether a loss by a short name is what a concept of the trade is asked of: "how to compute BCE by hand?"."""
    named = [each for each in loss_mentions(prose) if not _ERA.search(prose, 0, each[0])]
    return (
        bool(named) and any(is_concept(topic) for topic in topics_of(prose)) and not relevance.is_of_other_topic(prose)
    )


def _says_of_a_loss(prose: str, claims: Sequence[Claim], direct: bool) -> bool:
    """Whether a value or behaviour is said of a loss by a short name: "BCE is 0.6931", "why is KL negative?".

    A year before it makes the name an era. Unless somebody asks us, a value needs the digits of a print.
    """
    told = [c.span.start for c in claims if c.span and (direct or c.kind == "behaviour" or 0 < c.radius <= FOUR_DIGITS)]
    names = [(start, end) for start, end, _ in loss_mentions(prose) if not _ERA.search(prose, 0, start)]
    return any(_SAID_OF.fullmatch(prose, end, at) for _, end in names for at in told if at >= end)
