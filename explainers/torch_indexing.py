"""Indexing and shapes over named axes: views rearrange a layout, gathers become Take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, Layout, aligned
from explainers.graph.nodes import Axis, Node
from explainers.messages import Message, said


class Unsupported(Exception):
    """The table cannot express this use of an operation; `reason` says which."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason.text)
        self.reason = reason


def gathered(input: Array, dim: int, index: Array) -> Array:
    """torch.gather: out[…, k, …] = input[…, index[…, k, …], …]; the other dimensions are shared."""
    dim %= len(input.layout)
    along = input.layout[dim]
    shared = tuple(None if d == dim else axis for d, axis in enumerate(input.layout))
    if any(size != full for d, (size, full) in enumerate(zip(index.shape, input.shape, strict=True)) if d != dim):
        raise Unsupported(said("gather with an index smaller than its input"))
    kept = index.layout[dim]
    node, picked = input.node, index.node
    for d, (mine, theirs) in enumerate(zip(index.layout, shared, strict=True)):
        if d != dim and mine is not None and theirs is not None:
            picked = ops.rename(picked, mine, theirs)
    if kept is not None and kept in shared:
        fresh = Axis(kept.name, kept.size)
        picked, kept = ops.rename(picked, kept, fresh), fresh
    layout = tuple(kept if d == dim else axis for d, axis in enumerate(input.layout))
    return Array(ops.take(node, picked, along), layout)


def chosen(input: Array, dim: int, index: Array) -> Array:
    """torch.index_select: whole slices along one dimension."""
    dim %= len(input.layout)
    layout = (*input.layout[:dim], index.layout[0] if index.layout else None, *input.layout[dim + 1 :])
    return Array(ops.take(input.node, index.node, input.layout[dim]), layout)


def advanced(input: Array, index: Any) -> Array:
    """x[index] with integers, full slices, None, Ellipsis and integer arrays (which index together)."""
    items = _expanded(index if isinstance(index, tuple) else (index,), len(input.layout))
    node, dim, layout, arrays = input.node, 0, list[Axis | None](), list[tuple[int, Axis | None, Array]]()
    place: int | None = None
    for item in items:
        if item is None:
            layout.append(None)
            continue
        axis = input.layout[dim]
        dim += 1
        match item:
            case slice(start=None, stop=None, step=None):
                layout.append(axis)
            case int():
                node = _fixed(node, axis, item)
            case Array() | list() | range():
                place = len(layout) if place is None else place
                arrays.append((dim - 1, axis, _indices(item)))
            case _:
                raise Unsupported(said("this kind of index"))
    layout.extend(input.layout[dim:])
    if not arrays:
        return Array(node, tuple(layout))
    return _together(node, arrays, layout, place or 0)


def _together(
    node: Node, arrays: Sequence[tuple[int, Axis | None, Array]], layout: list[Axis | None], place: int
) -> Array:
    """Integer arrays pick element by element; one that counts 0, 1, 2, … along its axis pairs it with the others."""
    counting = [(axis, a) for _, axis, a in arrays if _counts(axis, a)]
    rest = [(axis, a) for _, axis, a in arrays if not _counts(axis, a)]
    if counting and rest:
        paired = counting[0][0]
        if len(counting) > 1:
            raise Unsupported(said("two indices that count along their axes"))
        for axis, index in rest:
            node = ops.take(node, aligned(index, (paired,)), axis)
        return Array(node, (*layout[:place], paired, *layout[place:]))
    if counting and not rest and len(counting) == 1:
        return Array(node, (*layout[:place], counting[0][0], *layout[place:]))
    shared: Layout = rest[0][1].layout
    for axis, index in rest:
        node = ops.take(node, aligned(index, shared), axis)
    return Array(node, (*layout[:place], *shared, *layout[place:]))


def _counts(axis: Axis | None, index: Array) -> bool:
    size = 1 if axis is None else axis.size
    held = index.values
    return held is not None and held.shape == (size,) and bool((held == np.arange(size)).all())


def _indices(item: Any) -> Array:
    if isinstance(item, Array):
        if item.node.dtype == "bool":
            raise Unsupported(said("a mask as index: its length depends on the data"))
        return item
    held = np.asarray(list(item))
    if held.ndim != 1 or held.dtype.kind not in "iu":
        raise Unsupported(said("a nested list as index"))
    axis = Axis("a", len(held)) if len(held) != 1 else None
    if axis is not None and not (held == np.arange(len(held))).all():
        raise Unsupported(said("a list of numbers as index"))
    node = ops.coordinate(axis) if axis else ops.constant(int(held[0]))
    return Array(node, (axis,), held)


def _fixed(node: Node, axis: Axis | None, at: int) -> Node:
    return node if axis is None else ops.take(node, ops.constant(at % axis.size), axis)


def _expanded(items: tuple[Any, ...], width: int) -> list[Any]:
    """The index with its Ellipsis written out."""
    if not any(item is ... for item in items):
        return list(items)
    at = next(k for k, item in enumerate(items) if item is ...)
    used = sum(1 for item in items if item is not None and item is not ...)
    return [*items[:at], *[slice(None)] * (width - used), *items[at + 1 :]]


def viewed(input: Array, shape: Any) -> Array:
    """A reshape that only adds or drops dimensions of length 1; anything else would mix axes."""
    wanted = [shape] if isinstance(shape, int) else list(shape)
    total = int(np.prod(input.shape, dtype=np.int64))
    known = int(np.prod([s for s in wanted if s != -1], dtype=np.int64))
    sizes = [total // known if s == -1 and known else s for s in wanted]
    if [s for s in sizes if s != 1] != [s for s in input.shape if s != 1]:
        raise Unsupported(said("a reshape from {old} to {new} mixes axes", old=str(input.shape), new=str(tuple(sizes))))
    left = iter(axis for axis in input.layout if axis is not None)
    return Array(input.node, tuple(None if s == 1 else next(left) for s in sizes), input.values)


def flattened(input: Array, start_dim: int = 0, end_dim: int = -1) -> Array:
    """torch.flatten where at most one of the dimensions is longer than 1."""
    width = max(len(input.layout), 1)
    first, last = start_dim % width, end_dim % width
    size = int(np.prod(input.shape[first : last + 1], dtype=np.int64))
    return viewed(input, (*input.shape[:first], size, *input.shape[last + 1 :]))


def squeezed(input: Array, dim: Any = None) -> Array:
    """Dimensions of length 1 dropped."""
    dims = input.dims(dim)
    layout = tuple(axis for d, axis in enumerate(input.layout) if d not in dims or axis is not None)
    return Array(
        input.node, layout, None if input.values is None else input.values.reshape([a.size if a else 1 for a in layout])
    )


def unsqueezed(input: Array, dim: int) -> Array:
    """A dimension of length 1 put in."""
    at = dim if dim >= 0 else dim + len(input.layout) + 1
    layout = (*input.layout[:at], None, *input.layout[at:])
    return Array(input.node, layout, None if input.values is None else np.expand_dims(input.values, at))


def permuted(input: Array, dims: Sequence[int]) -> Array:
    """The dimensions in another order."""
    order = tuple(d % len(input.layout) for d in dims)
    return Array(
        input.node,
        tuple(input.layout[d] for d in order),
        None if input.values is None else input.values.transpose(order),
    )
