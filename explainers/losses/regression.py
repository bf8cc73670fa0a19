"""Losses between numbers: the mean squared error. Shapes: input and target broadcast (torch warns when they differ)."""

from __future__ import annotations

from explainers.graph import ops
from explainers.graph.arrays import Array, broadcast
from explainers.losses.reduction import legacy, reduced


def mse_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Array | None = None,
) -> Array:
    """(input − target)², without a ½; weighted, the mean is over Σ w."""
    (x, y), layout = broadcast((input, target))
    item = ops.square(ops.sub(x, y))
    weights = broadcast((Array(item, layout), weight))[0][1] if weight is not None else None
    if weights is not None:
        item = ops.mul(item, weights)
    return reduced(item, layout, legacy(size_average, reduce, reduction), weights)
