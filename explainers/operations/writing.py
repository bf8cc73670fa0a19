"""What is written into an array, and what that means for the arrays that share its memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, aligned
from explainers.messages import said
from explainers.operations.assigning import assigned
from explainers.operations.entries import Operation, array, entry
from explainers.torch_indexing import Unsupported, permuted, viewed

Put = Callable[[Array, Array, Mapping[str, Any]], Array]


def writing_operations() -> Mapping[str, Operation]:
    """By torch's short name."""
    return {
        "setitem": entry("input index value", assigned),
        "copy": entry("input src non_blocking", lambda input, src, non_blocking=False: _copied(input, src)),
        "fill": entry("input value", lambda input, value: _copied(input, array(value))),
        "zero": entry("input", lambda input: _copied(input, Array(ops.constant(0)))),
    }


def _copied(input: Array, source: Array) -> Array:
    node = aligned(source, input.layout)
    return Array(node if node.dtype == input.node.dtype else ops.cast(node, input.node.dtype), input.layout)


def put_back(view: str) -> Put | None:
    """How the contents of a view go back into the array that it is a view of; None where that is not told."""
    return _PUTS.get(view)


def _back(whole: Array, part: Array, given: Mapping[str, Any]) -> Array:
    return viewed(part, whole.shape)


def _transposed(whole: Array, part: Array, given: Mapping[str, Any]) -> Array:
    order = list(range(len(whole.layout)))
    if "dim0" in given:
        a, b = given["dim0"] % len(order), given["dim1"] % len(order)
        order[a], order[b] = order[b], order[a]
        return permuted(part, order)
    return permuted(part, order[::-1])


def _on_diagonal(whole: Array, part: Array, given: Mapping[str, Any]) -> Array:
    """The part at the places where column − row is the offset."""
    dims, offset = (given.get("dim1", 0), given.get("dim2", 1)), given.get("offset", 0)
    width = len(whole.layout)
    rows, columns = (whole.layout[d % width] for d in dims)
    if rows is None or columns is None:
        raise Unsupported(said("it writes to what another array is a view of"))
    rest = tuple(a for d, a in enumerate(whole.layout) if d not in [k % width for k in dims])
    along = part.layout[-1]
    node = aligned(part, (*rest, along))
    row, column = ops.coordinate(rows), ops.coordinate(columns)
    node = ops.take(node, ops.sub(row, max(-offset, 0)), along)
    return Array(ops.where(ops.compare("eq", ops.sub(column, row), offset), node, whole.node), whole.layout)


_PUTS: Mapping[str, Put] = MappingProxyType(
    {
        "getitem": lambda whole, part, given: assigned(whole, given["index"], part),
        "select": lambda whole, part, given: assigned(
            whole, (slice(None),) * (given["dim"] % len(whole.layout)) + (given["index"],), part
        ),
        "narrow": lambda whole, part, given: assigned(
            whole,
            (
                *(slice(None),) * (given["dim"] % len(whole.layout)),
                slice(given["start"], given["start"] + given["length"]),
            ),
            part,
        ),
        **dict.fromkeys(("view", "reshape", "flatten", "squeeze", "unsqueeze", "view_as", "ravel"), _back),
        **dict.fromkeys(("T", "t", "transpose"), _transposed),
        "diagonal": _on_diagonal,
        "permute": lambda whole, part, given: permuted(
            part, np.argsort([d % len(whole.layout) for d in given["dims"]]).tolist()
        ),
        **dict.fromkeys(("detach", "data"), lambda whole, part, given: part),
    }
)
