"""What is written into an array, and what that means for the arrays that share its memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, aligned
from explainers.operations.entries import Operation, array, entry
from explainers.operations.selecting import assigned
from explainers.torch_indexing import permuted, viewed

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
        "permute": lambda whole, part, given: permuted(
            part, np.argsort([d % len(whole.layout) for d in given["dims"]]).tolist()
        ),
        **dict.fromkeys(("detach", "data"), lambda whole, part, given: part),
    }
)
