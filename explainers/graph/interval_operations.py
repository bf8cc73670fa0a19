"""Functions of two arguments on midpoint-radius arrays, sound whatever float64 rounds on the way.

+ − × ÷ by the usual midpoint-radius formulas (Rump, Fast and Parallel Interval Arithmetic, 1999), and by their corners
where a midpoint or radius is not finite; powers, the larger and the smaller of two by their corners.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explainers.graph.arithmetic import Floats, Integers
from explainers.graph.interval_arrays import (
    SLACK,
    TINY,
    UNIT,
    Interval,
    Mask,
    between,
    bounds,
    broadcast,
    chosen,
    is_short,
    is_zero,
    made_unknown,
    not_numbers,
    patched,
    unknown,
)
from explainers.graph.interval_functions import FUNCTION_UNIT, Overflow, function_error, negative
from explainers.graph.nodes import CompareOp


def add(a: Interval, b: Interval, overflow: Overflow) -> Interval:
    """a + b; exact where float64's sum of two numbers is (Knuth's TwoSum leaves no residual)."""
    a, b = broadcast(a, b)
    with np.errstate(all="ignore"):
        mid = a.mid + b.mid
        exact = (a.rad == 0) & (b.rad == 0)
        if exact.any():
            part = mid - a.mid
            exact &= (a.mid - (mid - part)) + (b.mid - part) == 0
        return _finished(np.add, a, b, (mid, a.rad + b.rad, exact), overflow)


def multiply(a: Interval, b: Interval, overflow: Overflow) -> Interval:
    """a · b; exact where a factor is 0 or both have at most 24 digits, as float32 numbers do."""
    a, b = broadcast(a, b)
    with np.errstate(all="ignore"):
        mid = a.mid * b.mid
        rad = np.abs(a.mid) * b.rad + np.abs(b.mid) * a.rad + a.rad * b.rad
        exact = rad == 0
        if exact.any():
            exact &= (is_zero(a) | is_zero(b)) | (is_short(a) & is_short(b))
        return _finished(np.multiply, a, b, (mid, rad, exact), overflow)


def divide(a: Interval, b: Interval, overflow: Overflow) -> Interval:
    """a / b; a quotient by 0 has the sign of its numerator (zeros here have no sign)."""
    a, b = broadcast(a, Interval(b.mid + 0.0, b.rad))
    with np.errstate(all="ignore"):
        mid = a.mid / b.mid
        least = (np.abs(b.mid) - b.rad) * (1 - SLACK) - TINY
        rad = np.where(least > 0, (a.rad + np.abs(mid) * b.rad) / least, np.nan)
        exact = (is_zero(a) & (least > 0)) | (np.isinf(b.mid) & np.isfinite(a.mid) & ~unknown(a))
        exact |= is_short(Interval(mid, a.rad + b.rad)) & is_short(b) & (mid * b.mid == a.mid)
        result = _finished(np.divide, a, b, (mid, rad, exact), overflow)
    across = (b.rad > 0) & ~(least > 0) & ~not_numbers(a)
    return made_unknown(result, across)


def _finished(
    function: Callable[[Floats, Floats], Floats],
    a: Interval,
    b: Interval,
    parts: tuple[Floats, Floats, Mask],
    overflow: Overflow,
) -> Interval:
    """Midpoint and radius with float64's own error; what came out infinite or not a number is redone by its corners."""
    mid, rad, exact = parts
    room = np.where(exact, 0.0, (rad + np.abs(mid) * UNIT) * (1 + SLACK) + TINY)
    wild = ~(np.isfinite(mid) & np.isfinite(room))
    if not wild.any():
        return Interval(mid, room)
    return patched(Interval(mid, room), wild, corners(function, chosen(a, wild), chosen(b, wild), overflow))


def corners(function: Callable[[Floats, Floats], Floats], a: Interval, b: Interval, overflow: Overflow) -> Interval:
    """A function that is monotone in each argument, correctly rounded, from its values at the four corners."""
    (a_low, a_high), (b_low, b_high) = bounds(a), bounds(b)
    values = np.stack([function(x, y) for x in (a_low, a_high) for y in (b_low, b_high)])
    finite = np.isfinite(a.mid) & np.isfinite(b.mid)
    low, high = _outward(values.min(axis=0), -np.inf, finite), _outward(values.max(axis=0), np.inf, finite)
    absent = np.isnan(values)
    lost = absent.any(axis=0) & ~absent.all(axis=0)
    lost |= (unknown(a) | unknown(b)) & ~(not_numbers(a) | not_numbers(b))
    if overflow == "unknown":
        lost |= finite & np.isinf(values).any(axis=0) & (function is not np.divide or b.mid != 0)
    return made_unknown(between(low, high), lost)


def _outward(values: Floats, direction: float, finite: Mask) -> Floats:
    """One float64 further, except infinities and what an infinite operand makes exact."""
    return np.where(np.isfinite(values) & finite, np.nextafter(values, direction), values)


def maximum(a: Interval, b: Interval) -> Interval:
    """The larger, elementwise; not a number where either is."""
    a, b = broadcast(a, b)
    open_ = ~(bounds(a)[0] >= bounds(b)[1])
    if not open_.any():
        return a
    return _larger(a, b) if open_.all() else patched(a, open_, _larger(chosen(a, open_), chosen(b, open_)))


def _larger(a: Interval, b: Interval) -> Interval:
    (a_low, a_high), (b_low, b_high) = bounds(a), bounds(b)
    result = between(np.maximum(a_low, b_low), np.maximum(a_high, b_high))
    return made_unknown(result, (unknown(a) | unknown(b)) & ~not_numbers(result))


def minimum(a: Interval, b: Interval) -> Interval:
    """The smaller, elementwise; not a number where either is."""
    return negative(maximum(negative(a), negative(b)))


def power(a: Interval, b: Interval, overflow: Overflow) -> Interval:
    """a to the b: for a ≥ 0, and for a whole exact exponent on each side of 0, it is monotone in each argument."""
    a, b = broadcast(Interval(a.mid + 0.0, a.rad), b)
    (a_low, a_high), (b_low, b_high) = bounds(a), bounds(b)
    with np.errstate(all="ignore"):
        values = np.stack([np.power(x, y) for x in _ends(a_low, a_high) for y in _ends(b_low, b_high)])
        low, high = values.min(axis=0), values.max(axis=0)
        across = (a_low < 0) & (a_high > 0)
        exact = ((a.rad == 0) & ((a.mid == 0) | (a.mid == 1))) | ((b.mid == 0) & (b.rad == 0))
        exact |= np.isinf(a.mid) | np.isinf(b.mid)
        low = np.where(across & (low > 0), 0.0, low)
        result = between(
            low - function_error(low, FUNCTION_UNIT, exact), high + function_error(high, FUNCTION_UNIT, exact)
        )
        past = np.isinf(values).any(axis=0) & np.isfinite(a.mid) & np.isfinite(b.mid) & ~is_zero(a)
        sure = (np.log2(np.abs(a_low)) * b_low > 1025) & (np.log2(np.abs(a_high)) * b_high > 1025) & ~across
        lost = _power_is_open(a, b, values) | (past & ~(sure & (overflow == "infinite")))
    return made_unknown(result, lost)


def _ends(low: Floats, high: Floats) -> tuple[Floats, ...]:
    """Both ends, once where they are the same numbers."""
    return (low,) if np.array_equal(low, high) else (low, high)


def _power_is_open(a: Interval, b: Interval, values: Floats) -> Mask:
    """Where the corners do not bound a power: across the pole at 0, or a base below 0 whose exponent may be broken
    (of −inf, where C says inf and a square root nan, any broken exponent)."""
    (a_low, a_high), b_low = bounds(a), bounds(b)[0]
    whole = (b.rad == 0) & (b.mid == np.rint(b.mid))
    vague = (a.rad > 0) | (b.rad > 0)
    absent = np.isnan(values)
    settled_anyway = ((b.mid == 0) & (b.rad == 0)) | ((a.mid == 1) & (a.rad == 0)) | not_numbers(a) | not_numbers(b)
    pole = (a_low <= 0) & (a_high >= 0) & (a.rad > 0) & (b_low < 0)
    mixed = absent.any(axis=0) & ~absent.all(axis=0)
    return (
        pole | ((a_low < 0) & ~whole & (vague | np.isinf(a_low))) | unknown(a) | unknown(b) | mixed
    ) & ~settled_anyway


def compare(op: CompareOp, a: Interval, b: Interval) -> Integers:
    """1, 0 or −1 (undecided); a comparison with not a number is false, and only "ne" is true."""
    match op:
        case "gt" | "ge":
            return compare("lt" if op == "gt" else "le", b, a)
        case "ne":
            equal = compare("eq", a, b)
            return np.where(equal == -1, equal, 1 - equal).astype(np.int8)
        case _:
            yes, no = _relation(op, *bounds(a), *bounds(b))
            result = np.where(yes, 1, np.where(no | not_numbers(a) | not_numbers(b), 0, -1))
            return np.where((unknown(a) | unknown(b)) & ~(not_numbers(a) | not_numbers(b)), -1, result).astype(np.int8)


def _relation(op: CompareOp, a_low: Floats, a_high: Floats, b_low: Floats, b_high: Floats) -> tuple[Mask, Mask]:
    """Where "eq", "lt" or "le" certainly holds, and where it certainly does not."""
    match op:
        case "eq":
            return (a_low == b_high) & (a_high == b_low), (a_high < b_low) | (b_high < a_low)
        case "lt":
            return a_high < b_low, a_low >= b_high
        case _:
            return a_high <= b_low, a_low > b_high
