"""Numbers that are known when a program is read: the places that a mask or a list picks, what a loop counts with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from explainers.graph import ops
from explainers.graph.arrays import Array, Layout
from explainers.graph.nodes import Axis, Table


def table(symbol: str, places: Any, axis: Axis | None) -> Array:
    """Whole numbers that are known, along one axis."""
    held = np.asarray(places, dtype=np.int64).reshape(-1)
    return tabled(symbol, held, (axis,))


def numbers(symbol: str, held: Sequence[float], axis: Axis) -> Table:
    """Python's own numbers along an axis, exact."""
    values = np.asarray(held, dtype=np.float64)
    return Table(symbol, (axis,), "float64", _id(values), values)


def tabled(symbol: str, held: npt.NDArray[np.int64], layout: Layout) -> Array:
    """Whole numbers that are known, as an array of this layout."""
    axes = tuple(axis for axis in layout if axis is not None)
    if not axes:
        return Array(ops.constant(int(held.reshape(-1)[0])), layout, held)
    shaped = held.reshape(tuple(axis.size for axis in axes))
    return Array(Table(symbol, axes, "int64", _id(held), shaped), layout, held)


def _id(held: npt.NDArray[Any]) -> int:
    """An id below 0 that stands for these numbers."""
    digest = hashlib.blake2b(held.tobytes() + repr(held.shape).encode(), digest_size=6).digest()
    return -1 - int.from_bytes(digest, "big")
