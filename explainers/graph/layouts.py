"""How arrays lie along named axes: permuted and reshaped so that they broadcast."""

from __future__ import annotations

import numpy as np

from explainers.graph.arithmetic import Integers
from explainers.graph.nodes import Axes


def shape(axes: Axes) -> tuple[int, ...]:
    """The lengths of the axes."""
    return tuple(axis.size for axis in axes)


def laid(have: Axes, want: Axes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How to permute and reshape an array along `have` so that it broadcasts along `want`."""
    order = tuple(have.index(axis) for axis in want if axis in have)
    return order, tuple(axis.size if axis in have else 1 for axis in want)


def dims_of(axes: Axes, over: Axes) -> tuple[int, ...]:
    """Which dimensions of an array along `axes` some of them are."""
    return tuple(axes.index(axis) for axis in over)


def certain(reached: Integers, dims: tuple[int, ...]) -> Integers:
    """Which elements are the largest: some one is, so the only one that can be is it."""
    alone = (reached != 0).sum(axis=dims, keepdims=True) == 1
    return np.where(alone & (reached == -1), 1, reached).astype(np.int8)
