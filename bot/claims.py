"""What the asker states, as it was read → as the explainer judges it, and as the Answer repeats it."""

from __future__ import annotations

import re
from typing import Final

from bot import exchange
from bot.exchange import Numbers, worded
from bot.reading.question import Claim, Question, Snippet
from explainers import claims

_ITEM: Final = re.compile(
    r"\s*(?:\**(?:Q|question|frage|pregunta|pergunta|вопрос|質問|问题|질문)\s*)?\(?\d[).:：、]\D", re.I
)
"""A line that begins one of several questions: "1)", "Q2:"."""

_CLOSE: Final = 1e-6
"""Relative: float32's own rounding, of a number with all of its digits."""

_ABOVE: Final = 4
"""Lines from a program up to the number that is said to be its: a blank one, a fence, and its own."""


def for_explainer(found: tuple[Claim, ...]) -> tuple[claims.Claim, ...]:
    """The claims without their place in the message."""
    return tuple(claims.Claim(each.kind, worded(each.value), each.radius, each.text) for each in found)


def for_answer(found: tuple[Claim, ...]) -> tuple[exchange.Claim, ...]:
    """The claims without digits' radius and place."""
    return tuple(exchange.Claim(each.kind, worded(each.value)) for each in found)


def printed(found: tuple[Claim, ...]) -> tuple[tuple[float, float], ...]:
    """The single numbers that were printed, each with the radius that its digits leave open."""
    values = ((claim.value, claim.radius) for claim in found if claim.kind == "printed")
    return tuple((float(value), radius) for value, radius in values if not isinstance(value, tuple))


def about(question: Question, snippet: Snippet) -> tuple[Claim, ...]:
    """What is claimed of one program of a message: all, unless several programs have an expectation of their own."""
    if not are_apart(question):
        return question.claims
    return tuple(each for each in question.claims if _owner(question, each) in (None, snippet))


def without(found: tuple[Claim, ...], value: Numbers | None) -> tuple[Claim, ...]:
    """The claims but for printed numbers that are the value of another program."""
    return tuple(each for each in found if each.kind != "printed" or not is_value(each, value))


def is_value(claim: Claim, value: object) -> bool:
    """Whether a claimed number is a value, to its digits or to float32's rounding."""
    number = claim.value
    if not isinstance(value, float) or not isinstance(number, float):
        return False
    return abs(number - value) <= max(claim.radius, _CLOSE * abs(value))


def are_apart(question: Question) -> bool:
    """Whether a message asks two questions: it expects something of each of two of its programs, or numbers them."""
    hoped = (_owner(question, each) for each in question.claims if each.kind == "expected")
    several = len({each.line_map[0] for each in hoped if each is not None}) > 1
    lines = question.text.split("\n")
    return several or len({_numbered(each, lines) for each in question.snippets} - {None}) > 1


def _numbered(snippet: Snippet, lines: list[str]) -> int | None:
    """The line with a number of its own that a program stands in, or below; None where there is none."""
    at = snippet.line_map[0] if snippet.line_map and snippet.file is None else 0
    return next((k for k in range(at - 1, max(-1, at - 1 - _ABOVE), -1) if _ITEM.match(lines[k])), None)


def _owner(question: Question, claim: Claim) -> Snippet | None:
    """The program that a claim stands beside or below; None for one above all, or without a place."""
    if claim.span is None:
        return None
    line = question.text.count("\n", 0, claim.span.start) + 1
    above = [each for each in question.snippets if each.file is None and each.line_map and each.line_map[0] <= line]
    return max(above, key=lambda each: each.line_map[0], default=None)
