"""Reduction, weights and the legacy flags, in the one place where they live."""

from __future__ import annotations

from explainers.graph import ops
from explainers.graph.arrays import Array, Layout
from explainers.graph.nodes import Node


def reduced(item: Node, layout: Layout, reduction: str, weights: Node | None = None) -> Array:
    """The elements as they are ("none"), added ("sum"), or averaged ("mean"): over their number, or by their weights.

    Raises ValueError for another reduction, with torch's words.
    """
    over = tuple(axis for axis in layout if axis is not None)
    match reduction:
        case "none":
            return Array(item, layout)
        case "sum":
            return Array(ops.sum(item, over))
        case "mean" if weights is None:
            return Array(ops.mean(item, over))
        case "mean":
            assert weights is not None
            return Array(ops.div(ops.sum(item, over), ops.sum(weights, over)))
        case _:
            raise ValueError(f"{reduction} is not a valid value for reduction")


def legacy(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction that torch's deprecated flags mean; given, they override `reduction`, whose old name for the mean
    torch still knows."""
    if size_average is None and reduce is None:
        return "mean" if reduction == "elementwise_mean" else reduction
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"
