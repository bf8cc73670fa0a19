"""Where the argument of a loss may lie: convex sets with their nearest point and their extreme points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from explainers.diagnoses.scene import Floats


@dataclass(frozen=True)
class Box:
    """Every element between two finite bounds. An `open` one is approached only, as the range of a sigmoid is."""

    lo: float
    hi: float
    open: bool = False


@dataclass(frozen=True)
class Simplex:
    """Elements ≥ 0 that sum to 1 along a dimension: the closure of what softmax can return."""

    dim: int
    open: bool = True


@dataclass(frozen=True)
class Everywhere:
    """All finite numbers."""


Bounded = Box | Simplex
Region = Box | Simplex | Everywhere


def nearest(region: Bounded, x: Floats) -> Floats:
    """The point of the region with the least Euclidean distance to x."""
    match region:
        case Box(lo, hi):
            return np.clip(x, lo, hi)
        case Simplex(dim):
            return np.moveaxis(_on_simplex(np.moveaxis(x, dim, -1)), -1, dim)
        case _:
            assert_never(region)


def extreme(region: Bounded, slope: Floats) -> Floats:
    """A point of the region where the linear function with this slope is least: a corner."""
    match region:
        case Box(lo, hi):
            return np.where(slope > 0, lo, hi)
        case Simplex(dim):
            lowest = np.expand_dims(slope.argmin(axis=dim), dim)
            index = np.arange(slope.shape[dim]).reshape([-1 if d == dim else 1 for d in range(slope.ndim)])
            return (index == lowest).astype(np.float64)
        case _:
            assert_never(region)


def centre(region: Bounded, shape: tuple[int, ...]) -> Floats:
    """A point within the region."""
    match region:
        case Box(lo, hi):
            return np.full(shape, lo + (hi - lo) / 2)
        case Simplex(dim):
            return np.full(shape, 1 / shape[dim])
        case _:
            assert_never(region)


def _on_simplex(x: Floats) -> Floats:
    """Rows projected by the sorting method of Held, Wolfe and Crowder (1974)."""
    falling = -np.sort(-x, axis=-1)
    excess = np.cumsum(falling, axis=-1) - 1
    count = (falling * np.arange(1, x.shape[-1] + 1) > excess).sum(axis=-1, keepdims=True)
    return np.maximum(x - np.take_along_axis(excess, count - 1, axis=-1) / count, 0)
