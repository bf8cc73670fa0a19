"""A symptom without anything to compute: examples of what causes it are run, and what each of them gave is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from bot.exchange import Answer, Catalogue
from bot.reading.question import Claim
from explainers.messages import Message, said

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"nan": "nan", "inf": "inf", "negative": "negative", "not-decreasing": "stuck", "always-same": "stuck"}
)
"""What is claimed of a loss → the complaint that diagnoses name as a symptom of theirs."""


def symptom(claims: tuple[Claim, ...]) -> str | None:
    """The first symptom that the claims name, None where they name none."""
    named = (_WORDS.get(claim.value) for claim in claims if isinstance(claim.value, str))
    return next((word for word in named if word is not None), None)


def told(found: Sequence[tuple[str, Answer]], catalogue: Catalogue, locale: str) -> Iterator[Message]:
    """What further causes gave that were run: pairs of a diagnosis and the answer to its example."""
    titles = {kind.slug: kind.titles.get(locale, kind.slug) for kind in catalogue.diagnoses}
    if found:
        yield said("This is one cause of it, on numbers of ours. I ran others, too:")
    for slug, answer in found:
        yield said("- {title}: {verdict}", title=titles.get(slug, slug), verdict=answer.verdict)
    yield said("Which of them it is, your code would tell: send the lines that compute the loss, and what they print.")
