"""Whether two arrays hold the same numbers: up to rounding, the order of axes, repetition, and zeros around them."""

from __future__ import annotations

import itertools
import math
from typing import Literal

import numpy as np

from explainers.parting.terms import Floats

Likeness = Literal["same", "negated", "transposed", "scattered"]
CLOSE = 2e-5
LEAST = 1e-6
MOST_AXES = 4


def likeness(mine: Floats, theirs: Floats) -> Likeness | None:
    """How one array is the other; None where it is another."""
    a, b = bare(mine), bare(theirs)
    if a.shape == b.shape and close(a, b):
        return "same"
    if a.shape == b.shape and close(a, -b):
        return "negated"
    if _turned(a, b):
        return "transposed"
    return "scattered" if _scattered(a, b) or _scattered(b, a) else None


def close(a: Floats, b: Floats) -> bool:
    """Whether all elements agree as far as float32 would have them agree, beside the largest one."""
    if a.shape != b.shape and a.size != 1 != b.size:
        return False
    with np.errstate(all="ignore"):
        sizes = np.abs(b)
        largest = float(sizes.max(initial=0.0))
        if math.isfinite(largest):
            return bool((np.abs(a - b) <= LEAST * largest + CLOSE * sizes).all())
        held = np.isfinite(sizes)
        near = (np.abs(a - b) <= LEAST * float(sizes[held].max(initial=0.0)) + CLOSE * sizes) & held
        return bool((near | (a == b) | (np.isnan(a) & np.isnan(b))).all())


def strictly(mine: Floats, theirs: Floats) -> bool:
    """Whether each element for itself agrees, however small beside the others."""
    a, b = bare(mine), bare(theirs)
    with np.errstate(all="ignore"):
        return a.size == b.size and bool(np.allclose(np.abs(a.ravel()), np.abs(b.ravel()), 1e-3, 0.0, equal_nan=True))


def bare(x: Floats) -> Floats:
    """The array without axes along which nothing changes."""
    for axis in reversed(range(x.ndim)):
        first = x.take([0], axis) if x.shape[axis] else x
        if x.shape[axis] == 1 or (x.shape[axis] > 1 and np.array_equal(np.broadcast_to(first, x.shape), x)):
            x = np.asarray(x.take(0, axis))
    return x


def _turned(a: Floats, b: Floats) -> bool:
    """Whether the axes stand in another order, or the same elements in another shape."""
    if a.size != b.size or a.size < 2:
        return False
    if a.shape != b.shape and close(a.ravel(), b.ravel()):
        return True
    orders = itertools.permutations(range(a.ndim)) if 2 <= a.ndim <= MOST_AXES else ()
    return any(
        turned.shape == b.shape and close(sign * turned, b)
        for order in orders
        for turned in (a.transpose(order),)
        for sign in (1, -1)
    )


def _scattered(a: Floats, b: Floats) -> bool:
    """Whether an array is another one's elements in order with zeros between them, as a one-hot product leaves them."""
    if a.size <= b.size or b.size < 2:
        return False
    left = a[a != 0]
    return left.size == b.size and (close(left, b.ravel()) or close(-left, b.ravel()))
