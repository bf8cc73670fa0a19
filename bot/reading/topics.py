"""What a text is about, as words that are the same in ten languages: "loss 恒为负" and "loss is always negative"."""

import re
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from bot.reading.losses import loss_mentions
from bot.reading.question import Claim
from bot.reading.text import blanked
from bot.reading.vocabulary import CONCEPTS, STOP_WORDS

SPECIFIC = 2
_NAMES = frozenset(name for name, _ in CONCEPTS)
MAX_LENGTH = 6000
"""Longer texts are judged by their beginning."""

_CONCEPT = re.compile(
    f"(?<![A-Za-z0-9_])(?:{'|'.join(f'(?P<c{at}>{p})' for at, (_, p) in enumerate(CONCEPTS))})(?![A-Za-z0-9_])", re.I
)
_BEHAVIOURS: Mapping[str, str] = MappingProxyType(
    {"negative": "negative", "nan": "nan", "inf": "infinite", "not-decreasing": "stuck", "always-same": "stuck"}
)
"""Behaviours that are claimed → the concepts that they are."""

_MEANT = re.compile(r"\b(what (?:do|does|did|would|could) [^.?!\n]{1,60}? )mean\b", re.I)
"""What something means, which asks for no average."""

_WORD = re.compile(r"[a-z][a-z_]{2,30}")
_ENDINGS = re.compile(r"(?:ations?|ings?|ed|es|s|ly|ion)$")


def topics_of(text: str) -> frozenset[str]:
    """Concepts that the text names in any of ten languages, and the stems of its other English words.

    Names of losses are left out: whoever compares topics compares losses, too.
    """
    text = _MEANT.sub(r"\1", text[:MAX_LENGTH])
    names = [(start, end) for start, end, _ in loss_mentions(text) if not _CONCEPT.fullmatch(text, start, end)]
    text = blanked(text, names)
    found: set[str] = set()
    rest: list[str] = []
    at = 0
    for match in _CONCEPT.finditer(text):
        found.add(CONCEPTS[int((match.lastgroup or "c0")[1:])][0])
        rest.append(text[at : match.start()])
        at = match.end()
    words = _WORD.findall(" ".join([*rest, text[at:]]).lower())
    return frozenset(
        found | {stem for word in words if word not in STOP_WORDS and (stem := _stem(word)) not in STOP_WORDS}
    )


def topics_of_values(claims: Iterable[Claim]) -> frozenset[str]:
    """What the stated values are, for those who show a number and do not name it: a loss of -6.89 is negative."""
    return frozenset(topic for claim in claims if (topic := _of_value(claim)) is not None)


def _of_value(claim: Claim) -> str | None:
    match claim.kind, claim.value:
        case "behaviour", str(word):
            return _BEHAVIOURS.get(word)
        case "printed", "nan" | "inf" | "-inf" as value:
            return "nan" if value == "nan" else "infinite"
        case "printed", float(number) if number < 0:
            return "negative"
        case _:
            return None


def is_specific(topics: Collection[str]) -> bool:
    """Whether these are enough of the trade's concepts to tell what a question without a loss by name is about."""
    return len(_NAMES.intersection(topics)) >= SPECIFIC


def is_concept(topic: str) -> bool:
    """Whether it is one of the trade's concepts rather than the stem of a word."""
    return topic in _NAMES


def _stem(word: str) -> str:
    short = _ENDINGS.sub("", word)
    return short if len(short) >= 3 else word
