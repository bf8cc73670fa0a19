"""Axis ticks at 1, 2 or 5 times a power of ten (Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """The drawn range and the places with their labels within it."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]


def nice_step(width: float, about: int) -> float:
    """The least of 1, 2, 5 × 10^k that needs at most `about` intervals for `width` > 0."""
    raw = width / about
    power = 10.0 ** math.floor(math.log10(raw))
    return next((size * power for size in (1, 2, 5) if size * power >= raw * (1 - 1e-9)), 10 * power)


def axis(values: Iterable[float], about: int, widen: bool) -> Axis:
    """An axis over the finite values; `widen` rounds its ends outward to ticks and takes 0 in where it is near."""
    finite = [value for value in values if math.isfinite(value) and abs(value) < 1e300]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if widen and 0 < low < 0.4 * high:
        low = 0.0
    if widen and 0.4 * low < high < 0:
        high = 0.0
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-290):
        margin = abs(low) / 2 or 1.0
        low, high = low - margin, high + margin
    step = nice_step(high - low, about)
    if widen:
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return Axis(low, high, _ticks(low, high, step) or _ticks(low, high, nice_step(high - low, about + 1)))


def _ticks(low: float, high: float, step: float) -> tuple[tuple[float, str], ...]:
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple((count * step, label(count, step)) for count in range(first, last + 1))


def label(count: int, step: float) -> str:
    """count · step, with the digits that the step has and a true minus sign."""
    value = count * step
    size = max(abs(value), step)
    if value == 0:
        return "0"
    if step >= 1e-3 and size < 1e5:
        text = f"{value:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"
    else:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        text = f"{float(mantissa):g}e{int(exponent)}"
    return text.replace("-", "−")
