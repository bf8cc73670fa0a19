"""Diagonals and triangles of matrices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array
from explainers.graph.nodes import Axis
from explainers.messages import said
from explainers.operations.assigning import stored
from explainers.operations.entries import Operation, entry
from explainers.torch_indexing import Unsupported


def diagonal_operations() -> Mapping[str, Operation]:
    """By torch's short name."""
    return {
        "diagonal": entry("input offset dim1 dim2", _diagonal),
        "diag": entry("input diagonal", _diag),
        "diag_embed": entry(
            "input offset dim1 dim2", lambda input, offset=0, dim1=-2, dim2=-1: _diag_embed(input, offset)
        ),
        "tril": entry("input diagonal", lambda input, diagonal=0: _triangle(input, diagonal, "le")),
        "triu": entry("input diagonal", lambda input, diagonal=0: _triangle(input, diagonal, "ge")),
        "fill_diagonal": entry("input fill_value wrap", _fill_diagonal),
    }


def _diagonal(input: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """x[k, k + offset], as a last dimension."""
    width = len(input.layout)
    first, second = dim1 % width, dim2 % width
    rows, columns = input.shape[first], input.shape[second]
    count = min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)
    axis = Axis("a", count) if count != 1 else None
    k = ops.coordinate(axis) if axis else ops.constant(0)
    node = input.node
    node = ops.take(node, ops.add(k, max(-offset, 0)), input.layout[first])
    if input.layout[first] is not input.layout[second]:
        node = ops.take(node, ops.add(k, max(offset, 0)), input.layout[second])
    return Array(node, (*(a for d, a in enumerate(input.layout) if d not in (first, second)), axis))


def _diag(input: Array, diagonal: int = 0) -> Array:
    return _diagonal(input, diagonal) if len(input.layout) == 2 else _diag_embed(input, diagonal)


def _diag_embed(input: Array, offset: int = 0) -> Array:
    """A matrix that is 0 beside its diagonal."""
    axis = input.layout[-1]
    if axis is None or offset:
        raise Unsupported(said("this kind of index"))
    column = Axis("b", axis.size)
    on = ops.compare("eq", ops.coordinate(axis), ops.coordinate(column))
    return Array(ops.where(on, input.node, 0), (*input.layout, column))


def _triangle(input: Array, diagonal: int, op: Any) -> Array:
    """The elements on one side of a diagonal, 0 on the other."""
    rows, columns = input.layout[-2:]
    i, j = (ops.coordinate(a) if a else ops.constant(0) for a in (rows, columns))
    return Array(
        ops.where(ops.compare(op, j, ops.add(i, diagonal)), input.node, 0), input.layout, _kept(input, diagonal, op)
    )


def _kept(input: Array, diagonal: int, op: str) -> Any:
    if input.values is None:
        return None
    return np.tril(input.values, diagonal) if op == "le" else np.triu(input.values, diagonal)


def _fill_diagonal(input: Array, fill_value: float, wrap: bool = False) -> Array:
    i, j = (ops.coordinate(a) if a else ops.constant(0) for a in input.layout[-2:])
    return Array(ops.where(ops.compare("eq", i, j), stored(ops.constant(fill_value), input), input.node), input.layout)
