"""Values written or added at the places of an index: scatter, scatter_add, index_add, index_fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, aligned
from explainers.graph.nodes import Node
from explainers.messages import said
from explainers.operations.assigning import known, overwritten
from explainers.operations.entries import Operation, array, entry
from explainers.torch_indexing import Unsupported


def scattering_operations() -> Mapping[str, Operation]:
    """By torch's short name."""
    return {
        "scatter": entry("input dim index src value reduce", _scatter),
        "scatter_add": entry("input dim index src", _scatter_add),
        "index_add": entry("input dim index source alpha", _index_add),
        "index_fill": entry("input dim index value", _index_fill),
    }


def _scatter(
    input: Array, dim: int, index: Array, src: Any = None, value: Any = None, reduce: str | None = None
) -> Array:
    """The value at the places of an index, along one dimension; elsewhere what was there."""
    given = src if src is not None else value
    if reduce is not None:
        raise Unsupported(said("its argument {name} is not in the table", name="reduce"))
    at = dim % len(input.layout)
    if index.shape[at] == 1 and not isinstance(given, Array) and _covers(index, input, at):
        hit = ops.one_hot(_aligned_rows(index, input, at), input.layout[at], "bool")
        hit = ops.compare("ne", ops.cast(hit, "int64"), 0)
        return Array(ops.where(hit, given, input.node), input.layout)
    held = known(index)
    source = np.full(input.shape, -1)
    place: list[Any] = [*np.indices(held.shape)]
    place[at] = held
    given = array(given)
    numbers = np.arange(held.size).reshape(held.shape)
    if isinstance(src, Array):
        numbers = np.arange(int(np.prod(src.shape))).reshape(src.shape)[tuple(map(slice, held.shape))]
    source[tuple(place)] = numbers
    return overwritten(input, given, source if given.axes else np.where(source >= 0, 0, -1))


def _covers(index: Array, input: Array, at: int) -> bool:
    return all(a == b for d, (a, b) in enumerate(zip(index.shape, input.shape, strict=True)) if d != at)


def _aligned_rows(index: Array, input: Array, at: int) -> Node:
    rows = Array(index.node, tuple(None if d == at else a for d, a in enumerate(index.layout)))
    return aligned(rows, tuple(None if d == at else a for d, a in enumerate(input.layout)))


def _scatter_add(input: Array, dim: int, index: Array, src: Array) -> Array:
    """Each element of the source added at the place that the index says."""
    at = dim % len(input.layout)
    if src.shape != index.shape or not _covers(index, input, at):
        raise Unsupported(said("an index smaller than its source"))
    target, source_axis = input.layout[at], src.layout[at]
    where_to = aligned(index, src.layout)
    hit = (
        ops.one_hot(where_to, target, src.node.dtype)
        if target
        else ops.cast(ops.compare("eq", where_to, 0), src.node.dtype)
    )
    added = ops.sum(ops.mul(hit, src.node), (source_axis,) if source_axis else ())
    rows = Array(added, tuple(target if d == at else a for d, a in enumerate(src.layout)))
    return Array(ops.add(input.node, aligned(rows, input.layout)), input.layout)


def _index_add(input: Array, dim: int, index: Array, source: Array, alpha: float = 1) -> Array:
    """Each slice of the source added to the slice that the index says."""
    at = dim % len(input.layout)
    target, from_axis = input.layout[at], source.layout[at]
    along = index.node
    own = index.layout[0] if index.layout else None
    if own is not None and from_axis is not None:
        along = ops.rename(along, own, from_axis)
    hit = (
        ops.one_hot(along, target, source.node.dtype)
        if target
        else ops.cast(ops.compare("eq", along, 0), source.node.dtype)
    )
    added = ops.mul(alpha, ops.sum(ops.mul(hit, source.node), (from_axis,) if from_axis else ()))
    rows = Array(added, tuple(target if d == at else a for d, a in enumerate(source.layout)))
    return Array(ops.add(input.node, aligned(rows, input.layout)), input.layout)


def _index_fill(input: Array, dim: int, index: Array, value: Any) -> Array:
    at = dim % len(input.layout)
    source = np.full(input.shape, -1)
    source[(slice(None),) * at + (known(index),)] = 0
    return overwritten(input, array(value), source)
