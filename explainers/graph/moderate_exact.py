"""Which results of exact moderate numbers are exact too, and held by the dtype that a correct rounding is to."""

from __future__ import annotations

from typing import Literal

import numpy as np

from explainers.graph.arithmetic import Floats
from explainers.graph.interval_arrays import Mask, is_held

Format = tuple[float, float, float]
"""Unit roundoff (0 where nothing is rounded), smallest subnormal, largest number."""
_SINGLE, _LEAST_SINGLE = 2.0**-24, 2.0**-126


def exact_result(op: Literal["add", "sub", "mul", "div"], x: Floats, y: Floats, mid: Floats, held: Format) -> Mask:
    """Fills in float64's result of numbers of one shape, and says where it is exact and held.

    A sum is where Knuth's TwoSum leaves no residual, a product of numbers of at most 24 digits, a quotient of them
    that gives the numerator back, and everything that a factor or numerator of 0 makes 0.
    """
    match op:
        case "add" | "sub":
            exact = _summed(x, y if op == "add" else -y, mid)
        case "mul":
            np.multiply(x, y, out=mid)
            exact = is_single(x) & is_single(y)
            if not exact.all():
                exact |= (x == 0) | (y == 0)
        case "div":
            np.divide(x, y, out=mid)
            exact = is_single(mid) & is_single(y) & (mid * y == x) | (x == 0)
    return exact & is_kept(mid, held)


def is_kept(mid: Floats, held: Format) -> Mask:
    """Where the format holds a moderate number: a normal one, or 0."""
    if not held[0]:
        return np.ones(mid.shape, dtype=bool)
    return is_single(mid) if held[0] == _SINGLE else is_held(mid, *held)


def _summed(x: Floats, y: Floats, mid: Floats) -> Mask:
    np.add(x, y, out=mid)
    part = mid - x
    residual = y - part
    np.subtract(mid, part, out=part)
    np.subtract(x, part, out=part)
    residual += part
    return residual == 0


def is_single(values: Floats) -> Mask:
    """Where a moderate number is 0 or one of float32's normal ones."""
    with np.errstate(over="ignore", under="ignore"):
        found = values.astype(np.float32) == values
    size = np.abs(values)
    if size.size and size.min() < _LEAST_SINGLE:
        found &= (size >= _LEAST_SINGLE) | (size == 0)
    return found
