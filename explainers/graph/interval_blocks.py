"""Midpoint-radius arrays in blocks that fit a core's cache, each pass over them a branch-free one.

A pass over a million numbers that come from memory costs twice one over numbers in the cache, and a choice by a mask
that a processor can't foresee (numpy.where) ten times: both numbers' bits are masked instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import EllipsisType

import numpy as np
import numpy.typing as npt

from explainers.graph.arithmetic import Floats
from explainers.graph.interval_arrays import Mask

BLOCK = 2**14
Place = tuple[slice | EllipsisType, ...]


def blocks(shape: tuple[int, ...]) -> Iterator[Place]:
    """Places of at most about `BLOCK` elements that make up an array, cut along its longest dimension."""
    total = math.prod(shape)
    if total <= BLOCK:
        yield (...,)
        return
    cut = shape.index(max(shape))
    step = max(1, BLOCK * shape[cut] // total)
    for start in range(0, shape[cut], step):
        yield tuple(slice(start, start + step) if k == cut else slice(None) for k in range(len(shape)))


def room_for(shape: tuple[int, ...], *like: Floats) -> Floats:
    """An array to be filled, laid out in memory as the first of those that has this shape in full."""
    whole = next((x for x in like if x.shape == shape and 0 not in x.strides), None)
    return np.empty(shape) if whole is None else np.empty_like(whole)


def laid_out(values: npt.NDArray[np.generic]) -> Floats:
    """The numbers as float64 with the longest dimension innermost in memory, where loops and sums are fast.

    A copy is made only where the dtype or a much longer dimension asks for it; the dimensions keep their order.
    """
    order = sorted(range(values.ndim), key=lambda k: values.shape[k])
    if values.ndim < 2 or values.size <= BLOCK or 4 * values.shape[-1] > values.shape[order[-1]]:
        return np.asarray(values, dtype=np.float64)
    turned = np.ascontiguousarray(values.transpose(order), dtype=np.float64)
    return turned.transpose(np.argsort(order))


def selected(where: Mask, a: Floats, b: Floats) -> Floats:
    """a where the mask holds, else b; all of one shape. Whatever the numbers are, nan and infinities too."""
    result = room_for(where.shape, a, b)
    bits, ones, others = result.view(np.int64), a.view(np.int64), b.view(np.int64)
    for place in blocks(where.shape):
        kept = -where[place].astype(np.int64)
        np.bitwise_xor(ones[place], others[place], out=bits[place])
        np.bitwise_and(bits[place], kept, out=bits[place])
        np.bitwise_xor(bits[place], others[place], out=bits[place])
    return result
