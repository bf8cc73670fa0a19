"""Two numbers of an asker that part only in digits that float32 rounds away."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from bot.reading.question import Claim, Question
from explainers.messages import Message, said

_MOST: Final = 16
"""Steps of float32 that a few dozen operations, each rounded, may put between two orders of the same computation."""

_FRACTION_BITS: Final = 23


def rounding(question: Question) -> Message | None:
    """That the question's two numbers are one, where so few steps of float32 lie between them.

    None where it names one number, more than two, or two whose printed digits leave open whether they differ.
    """
    told = dict(_numbers(question.claims))
    if len(told) != 2:
        return None
    (one, first), (other, second) = told.items()
    step = _step(max(abs(one), abs(other)))
    steps = abs(one - other) / step
    if abs(one - other) <= first.radius + second.radius or steps > _MOST:
        return None
    return said(
        "{one} and {other} differ by {count} steps of float32 (single precision), which are {step} wide there: the "
        "same value up to rounding. Every operation rounds its result, so two ways to compute the same formula may "
        "part in the last digits. Compare them with torch.allclose, or compute both in float64.",
        one=first.text,
        other=second.text,
        count=max(1, round(steps)),
        step=f"{step:.1e}",
    )


def _numbers(claims: Sequence[Claim]) -> Iterator[tuple[float, Claim]]:
    for claim in claims:
        if isinstance(claim.value, float | int) and math.isfinite(claim.value) and claim.value != 0:
            yield float(claim.value), claim


def _step(value: float) -> float:
    """The distance of float32's numbers at a value: one unit in the last place (IEEE 754)."""
    return math.ldexp(1.0, math.frexp(value)[1] - 1 - _FRACTION_BITS)
