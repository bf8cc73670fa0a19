"""Float64 midpoint-radius arrays and the functions of the op table on them, sound whatever the float64 unit does.

An element is one of: a midpoint with a finite radius; ±inf with radius 0, certain; nan with radius 0, certainly not a
number; 0 with an infinite radius, unknown (any number, an infinity, or not a number). float64's own roundings are
bounded by u = 2⁻⁵³ for + − × ÷ √ (IEEE 754) and by 4 ulp for numpy's other functions, twice what its accuracy tests
allow them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from explainers.graph.evaluation import Floats
from explainers.graph.nodes import UnaryOp
from explainers.graph.rounding import ELEMENTARY, TRANSCENDENTAL

Mask = npt.NDArray[np.bool_]
UNIT, FUNCTION_UNIT, SMALLEST = 2.0**-53, 8 * 2.0**-53, 5e-324
SLACK = 2.0**-48
"""More than the few roundings of computing a radius, or a bound from it, can take off."""
TINY = 2.0**-1060
"""More than what those computations can lose to underflow."""


@dataclass(frozen=True)
class Interval:
    """The sets [mid − rad, mid + rad], elementwise; the two arrays have one shape."""

    mid: Floats
    rad: Floats


def exactly(values: Floats) -> Interval:
    """The numbers themselves; the radii share one zero."""
    return Interval(values, np.broadcast_to(np.float64(0.0), values.shape))


def unknown(x: Interval) -> Mask:
    """Where nothing is known."""
    return np.isinf(x.rad)


def not_numbers(x: Interval) -> Mask:
    """Where the element is certainly not a number."""
    return np.isnan(x.mid)


def bounds(x: Interval) -> tuple[Floats, Floats]:
    """Outward bounds; equal where exact, (nan, nan) for not a number, (−inf, inf) where unknown."""
    if not x.rad.any():
        return x.mid, x.mid
    with np.errstate(all="ignore"):
        room = np.where(x.rad > 0, x.rad + (np.abs(x.mid) + x.rad) * SLACK + TINY, 0.0)
        return x.mid - room, x.mid + room


def between(low: Floats, high: Floats) -> Interval:
    """The interval around both bounds, unknown where exactly one is infinite or not a number."""
    with np.errstate(all="ignore"):
        same = (low == high) | (np.isnan(low) & np.isnan(high))
        mid = np.where(same, low, 0.5 * low + 0.5 * high)
        rad = np.where(same, 0.0, (np.maximum(high - mid, mid - low) * (1 + SLACK)) + TINY)
        return settled(mid, rad)


def settled(mid: Floats, rad: Floats) -> Interval:
    """The interval with everything that has no finite bound made unknown, and what has radius 0 left as it is."""
    if np.isfinite(rad).all() and np.isfinite(mid).all():
        return Interval(mid, rad)
    lost = ~np.isfinite(rad) | (~np.isfinite(mid) & (rad != 0))
    return Interval(np.where(lost, 0.0, mid), np.where(lost, np.inf, rad))


def hull(parts: tuple[tuple[Floats, Floats], ...]) -> Interval:
    """The interval around several pairs of bounds; not a number only where all are."""
    lows, highs = np.stack([low for low, _ in parts]), np.stack([high for _, high in parts])
    absent = np.isnan(lows)
    mixed = absent.any(axis=0) & ~absent.all(axis=0)
    low, high = lows.min(axis=0), highs.max(axis=0)
    return between(np.where(mixed, -np.inf, low), np.where(mixed, np.inf, high))


def patched(x: Interval, where: Mask, by: Interval) -> Interval:
    """x with the elements of a mask replaced by those of a shorter array."""
    mid, rad = np.array(x.mid), np.array(x.rad)
    mid[where], rad[where] = by.mid, by.rad
    return Interval(mid, rad)


def maximum(a: Interval, b: Interval) -> Interval:
    """The larger, elementwise; not a number where either is, unknown where either is."""
    (a_low, a_high), (b_low, b_high) = bounds(a), bounds(b)
    result = between(np.maximum(a_low, b_low), np.maximum(a_high, b_high))
    lost = (unknown(a) | unknown(b)) & ~(not_numbers(a) | not_numbers(b))
    return Interval(np.where(lost, 0.0, result.mid), np.where(lost, np.inf, result.rad)) if lost.any() else result


def negative(x: Interval) -> Interval:
    """−x."""
    return Interval(-x.mid, x.rad)


def minimum(a: Interval, b: Interval) -> Interval:
    """The smaller, elementwise; not a number where either is."""
    return negative(maximum(negative(a), negative(b)))


def absolute(x: Interval) -> Interval:
    """|x|."""
    size = np.abs(x.mid)
    across = (size < x.rad) & np.isfinite(x.rad)
    if not across.any():
        return Interval(size, x.rad)
    high = (size + x.rad) * (1 + SLACK)
    return Interval(np.where(across, 0.5 * high, size), np.where(across, 0.5 * high, x.rad))


def sign(x: Interval) -> Interval:
    """−1, 0 or 1; torch's sign of nan is 0."""
    low, high = bounds(x)
    return between(np.sign(np.where(np.isnan(low), 0.0, low)), np.sign(np.where(np.isnan(high), 0.0, high)))


def increasing(x: Interval, function: Callable[[Floats], Floats], unit: float, certain_overflow: bool) -> Interval:
    """An increasing function by its values at both ends, each off by at most `unit` relative.

    An end outside the domain leaves everything open, two of them nothing. Where finite ends give infinite values the
    true ones are only past float64's largest number, which is infinity for a format no wider than float64.
    """
    low, high = bounds(x)
    with np.errstate(all="ignore"):
        below = function(low)
        above = below if high is low else function(high)
        if certain_overflow and np.isinf(below).any():
            below = np.where(np.isposinf(below) & np.isfinite(low), np.minimum(below, function(low - 1.0)), below)
        return _around(below, above, x, unit, certain_overflow)


def _around(below: Floats, above: Floats, x: Interval, unit: float, certain_overflow: bool) -> Interval:
    """The outward interval of two function values."""
    inside = np.isfinite(below) & np.isfinite(above)
    error = np.where((below == 0) & (above == 0) & (x.rad == 0) & exact_zeros, 0, 1)
    return between(below - error, above + error)
