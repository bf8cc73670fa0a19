"""Numbers as they stand in a sentence or a formula: four decimals as torch prints them, more where they are small."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from flint import arb

from explainers.cards.notation import RelationSign
from explainers.digits import shown
from explainers.graph import unevaluated as un
from explainers.graph.exact import middle_of
from explainers.graph.symbols import NumberLabel

LARGEST_IN_FULL = 1e9


def label(x: float) -> Any:
    """The number as a formula shows it, a minus sign as a minus sign."""
    return _signed(shown(x))


def relation(value: arb, x: float) -> RelationSign:
    r"""= where the printed digits are the exact value, else ≈."""
    text = shown(x)
    if not math.isfinite(x):
        return "="
    return "=" if value.is_exact() and Fraction(text) == Fraction(float(value)) else "≈"


def full_label(value: arb) -> Any:
    """A number that goes on being computed with: in whole numbers and to four decimals up to a thousand million."""
    x = middle_of(value)
    return label(x) if not 1e6 <= abs(x) < LARGEST_IN_FULL else _signed(_in_full(x))


def is_in_full(value: arb) -> bool:
    """Whether the digits of `full_label` are the number itself."""
    x = middle_of(value)
    text = _in_full(x) if 1e6 <= abs(x) < LARGEST_IN_FULL else shown(x)
    return not math.isfinite(x) or (value.is_exact() and Fraction(text) == Fraction(x))


def _in_full(x: float) -> str:
    return f"{x:.4f}".rstrip("0").rstrip(".")


def _signed(text: str) -> Any:
    return un.negative(NumberLabel(text[1:])) if text.startswith("-") else NumberLabel(text)
