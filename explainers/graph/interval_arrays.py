"""Float64 midpoint-radius arrays: what an element may be, its outward bounds, and the way back from bounds.

An element is one of: a midpoint with a finite radius; ±inf with radius 0, certain; nan with radius 0, certainly not a
number; 0 with an infinite radius, unknown (any number, an infinity, or not a number).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from explainers.graph.arithmetic import Floats

Mask = npt.NDArray[np.bool_]
UNIT = 2.0**-53
"""float64's unit roundoff: one + − × ÷ or √ of numpy's is off by at most this, relative."""
SLACK = 2.0**-48
"""More than the few roundings of computing a radius, or a bound from it, can take off."""
TINY = 2.0**-1060
"""More than what those computations can lose to underflow."""


@dataclass(frozen=True)
class Interval:
    """The sets [mid − rad, mid + rad], elementwise; the two arrays have one shape.

    No element is larger than `size`, which is finite only where all are finite numbers.
    """

    mid: Floats
    rad: Floats
    size: float = math.inf


def exactly(values: Floats) -> Interval:
    """The numbers themselves; their radii are one shared zero."""
    return Interval(values, np.broadcast_to(np.float64(0.0), values.shape), largest(values))


def largest(values: Floats) -> float:
    """The largest absolute value, inf where one is not a number."""
    if not values.size:
        return 0.0
    most = float(np.maximum(values.max(), -values.min()))
    return math.inf if math.isnan(most) else most


def measured(x: Interval) -> Interval:
    """The interval with its size looked up where it is not known."""
    if not math.isinf(x.size):
        return x
    size = (largest(x.mid) + largest(x.rad)) * (1 + SLACK)
    return x if math.isinf(size) else Interval(x.mid, x.rad, size)


def is_exact(x: Interval) -> bool:
    """Whether the radii are the shared zero."""
    return not any(x.rad.strides) and not (x.rad.size and x.rad.flat[0])


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
    """The interval around both bounds; unknown where one alone is not a number, or they differ and one is infinite."""
    with np.errstate(all="ignore"):
        same = (low == high) | (np.isnan(low) & np.isnan(high))
        mid = np.where(same, low, 0.5 * low + 0.5 * high)
        rad = np.where(same, 0.0, np.maximum(high - mid, mid - low) * (1 + SLACK) + TINY)
        return settled(mid, rad)


def settled(mid: Floats, rad: Floats) -> Interval:
    """The interval with everything that has no finite bound made unknown, and what has radius 0 left as it is."""
    lost = ~np.isfinite(rad) | (~np.isfinite(mid) & (rad != 0))
    return made_unknown(Interval(mid, rad), lost)


def made_unknown(x: Interval, where: Mask) -> Interval:
    """x with nothing known at a mask."""
    return Interval(np.where(where, 0.0, x.mid), np.where(where, np.inf, x.rad)) if where.any() else x


def patched(x: Interval, where: Mask, by: Interval) -> Interval:
    """x with the elements of a mask replaced by those of a shorter array."""
    mid, rad = np.array(x.mid), np.array(x.rad)
    mid[where], rad[where] = by.mid, by.rad
    return Interval(mid, rad)


def chosen(x: Interval, where: Mask) -> Interval:
    """The elements of a mask."""
    return Interval(x.mid[where], x.rad[where])


def broadcast(*arrays: Interval) -> tuple[Interval, ...]:
    """The arrays repeated to one shape."""
    shape = np.broadcast_shapes(*(x.mid.shape for x in arrays))
    return tuple(Interval(np.broadcast_to(x.mid, shape), np.broadcast_to(x.rad, shape)) for x in arrays)


def union(a: Interval, b: Interval) -> Interval:
    """What encloses both; not a number only where both are."""
    (a_low, a_high), (b_low, b_high) = bounds(a), bounds(b)
    both = not_numbers(a) & not_numbers(b)
    result = between(np.minimum(a_low, b_low), np.maximum(a_high, b_high))
    return made_unknown(result, (not_numbers(a) | not_numbers(b)) & ~both)


def widened(x: Interval, error: Floats) -> Interval:
    """x with more room, unknown where that overflows; errors of 0 leave exact elements exact."""
    with np.errstate(all="ignore"):
        rad = np.where(error > 0, (x.rad + error) * (1 + SLACK) + TINY, x.rad)
    return settled(x.mid, rad)


def is_held(values: Floats, unit: float, subnormal: float, largest: float) -> Mask:
    """Where a format with this unit roundoff holds the number as it is (normal numbers and 0 only)."""
    digits = 1 - np.frexp(unit)[1]
    mantissa = np.ldexp(np.frexp(values)[0], digits)
    size = np.abs(values)
    return (values == 0) | ((mantissa == np.rint(mantissa)) & (size >= subnormal / unit) & (size <= largest))


def is_zero(x: Interval) -> Mask:
    """Where the element is exactly 0."""
    return (x.mid == 0) & (x.rad == 0)


def is_short(x: Interval) -> Mask:
    """Where a number is 0 or a float32 whose products stay clear of float64's underflow, and has radius 0."""
    return (x.rad == 0) & (x.mid.astype(np.float32) == x.mid) & np.isfinite(x.mid)
