"""Values as people paste them, and the numbers in a text."""

import math
import re
from dataclasses import dataclass
from typing import Any

Value = float | tuple[Any, ...]

DIGITS = r"(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][-+]?\d++)?+"
WORD = r"(?:nan|inf(?:inity)?)(?![A-Za-z_])"
ANY_NUMBER = rf"[-+]?(?:{DIGITS}|{WORD})"
_SPOKEN = r"(?:\d++(?:\.(?:\d++|(?!\s|$)))?+|\.\d++)(?:[eE][-+]?\d++)?+"
NUMBER = re.compile(
    rf"(?<![A-Za-z0-9_.])(?<![A-Za-z0-9_]-)(?<!\d,)[-+]?(?:{_SPOKEN}|{WORD})(?![A-Za-z0-9_%]|\s?%|,\d\d\d(?!\d))", re.I
)
"""A number in a sentence: the point that ends the sentence is not its own, and 85,000 is none."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A value read at text[start:end]; `complete` is False where the print was cut with "..."."""

    value: Value
    radius: float
    start: int
    end: int
    integral: bool
    complete: bool = True
    wrapped: bool = False


def half_unit(number: str) -> float:
    """Half a unit of the last digit of a printed number; 0 for integers and for "1.", which torch prints if exact."""
    mantissa, _, exponent = number.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    if "n" in mantissa or (not decimals and not exponent):
        return 0.0
    return 0.5 * 10.0 ** max(-330, min(300, int(float(exponent or 0)) - decimals)) if len(exponent) < 6 else 0.0


def number_at(text: str, match: re.Match[str]) -> Printed:
    """The Printed of a match of NUMBER."""
    word = match.group()
    integral = word.lstrip("+-").isascii() and word.lstrip("+-").isdigit()
    return Printed(float(word), half_unit(word), match.start(), match.end(), integral)


def scaled(value: Value, factor: float) -> Value:
    """The value times a number, entry by entry."""
    return tuple(scaled(v, factor) for v in value) if isinstance(value, tuple) else value * factor


def shape(value: Value) -> tuple[int, ...] | None:
    """The shape of a rectangular nest of numbers, None where it is ragged."""
    if not isinstance(value, tuple):
        return ()
    inner = {shape(v) for v in value}
    first = inner.pop() if len(inner) == 1 else None
    return None if first is None else (len(value), *first)


def as_claimed(value: Value) -> float | str | tuple[Any, ...]:
    """The value as a Claim holds it: a non-finite scalar is a word, since JSON has no such numbers."""
    if isinstance(value, tuple) or math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
