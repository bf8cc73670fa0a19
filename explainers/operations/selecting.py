"""Elements by their places: masks, lists of places, the largest few, in sorted order.

Which elements a program picks by their size it has decided when it ran: the places are those that were recorded, and
the formula takes the elements there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, broadcast
from explainers.messages import said
from explainers.operations.entries import Operation, entry
from explainers.torch_indexing import Unsupported, advanced, viewed


def selecting_operations() -> Mapping[str, Operation]:
    """By torch's short name, of what can be told from the arguments."""
    return {
        "masked_select": entry("input mask", lambda input, mask: advanced(*_same_shape(input, mask))),
        "take": entry("input index", lambda input, index: advanced(viewed(input, (-1,)), index)),
    }


def deciding_operations() -> Mapping[str, Operation]:
    """By torch's short name, of what also needs the places that the call returned (`places`)."""
    return {
        "topk": entry(
            "input k dim largest sorted places",
            lambda input, k, dim=-1, places=None, **_: _at_places(input, dim, places),
        ),
        "sort": entry(
            "input dim descending stable places", lambda input, dim=-1, places=None, **_: _at_places(input, dim, places)
        ),
        "max": entry("input dim keepdim places", _largest("max")),
        "min": entry("input dim keepdim places", _largest("min")),
        **{
            name: entry("input dim places", lambda input, dim, places=None: _at_places(input, dim, places))
            for name in ("cummax", "cummin")
        },
        "median": entry(
            "input dim keepdim places",
            lambda input, dim=-1, keepdim=False, places=None: _one_place(input, dim, keepdim, places),
        ),
        "mode": entry(
            "input dim keepdim places",
            lambda input, dim=-1, keepdim=False, places=None: _one_place(input, dim, keepdim, places),
        ),
        "kthvalue": entry(
            "input k dim keepdim places",
            lambda input, k, dim=-1, keepdim=False, places=None: _one_place(input, dim, keepdim, places),
        ),
    }


def picked(input: Array, dim: int, places: Array) -> Array:
    """Whole slices at some places of a dimension."""
    at = dim % len(input.layout)
    layout = (*input.layout[:at], *places.layout, *input.layout[at + 1 :])
    return Array(ops.take(input.node, places.node, input.layout[at]), layout)


def _same_shape(input: Array, mask: Array) -> tuple[Array, Array]:
    (a, b), layout = broadcast((input, mask))
    shape = tuple(1 if axis is None else axis.size for axis in layout)
    held = None if mask.values is None else np.broadcast_to(mask.values, shape)
    return Array(a, layout), Array(b, layout, held)


def _at_places(input: Array, dim: int, places: Array | None) -> tuple[Array, ...]:
    """The elements at places of each row, and the places."""
    if places is None:
        raise Unsupported(said("the places that it found were not recorded"))
    if not input.layout:
        return input, places
    at = dim % len(input.layout)
    index = places.node
    for d, (mine, theirs) in enumerate(zip(places.layout, input.layout, strict=True)):
        if d != at and mine is not None and theirs is not None:
            index = ops.rename(index, mine, theirs)
    layout = tuple(places.layout[d] if d == at else axis for d, axis in enumerate(input.layout))
    return Array(ops.take(input.node, index, input.layout[at]), layout), Array(index, layout, places.values)


def _one_place(input: Array, dim: Any, keepdim: bool, places: Array | None) -> tuple[Array, ...]:
    """The element at one place of each row."""
    if places is None:
        raise Unsupported(said("the places that it found were not recorded"))
    at = dim % max(len(input.layout), 1)
    if not input.layout:
        return input, places
    kept = places if keepdim else _unsqueezed(places, at)
    found, index = _at_places(input, at, kept)
    layout = found.layout if keepdim else tuple(a for d, a in enumerate(found.layout) if d != at)
    return Array(found.node, layout), Array(index.node, layout, places.values)


def _unsqueezed(x: Array, at: int) -> Array:
    held = None if x.values is None else np.expand_dims(x.values, at)
    return Array(x.node, (*x.layout[:at], None, *x.layout[at:]), held)


def _largest(op: str) -> Callable[..., tuple[Array, ...]]:
    """max(dim): the largest element; its gradient goes to the place that was found alone, also at a tie."""

    def apply(input: Array, dim: int, keepdim: bool = False, places: Array | None = None) -> tuple[Array, ...]:
        at = dim % max(len(input.layout), 1)
        axis = input.layout[at] if input.layout else None
        found, index = _one_place(input, dim, keepdim, places)
        if axis is None:
            return found, index
        value = ops.extremum(op, input.node, (axis,))
        local = ops.one_hot(index.node, axis, input.node.dtype)
        node = ops.with_gradient(value, ((input.node, local),)) if input.floating else value
        return Array(node, found.layout), index

    return apply
