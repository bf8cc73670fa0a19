"""Indexing and shapes over named axes: views rearrange a layout, gathers become Take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, aligned, broadcast
from explainers.graph.nodes import Axis, Node
from explainers.messages import Message, said
from explainers.operations.tables import table, tabled


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
    """x[index] with integers, slices, None, Ellipsis, masks and integer arrays (which index together)."""
    given = tuple(map(_plain, index)) if isinstance(index, tuple) else (_plain(index),)
    items = _expanded(_unmasked(given), len(input.layout))
    node, held, dim, layout = input.node, input.values, 0, list[Axis | None]()
    arrays, places = list[tuple[Axis | None, Array]](), list[int]()
    lists = any(isinstance(item, Array | list | range) for item in items)
    for at, item in enumerate(items):
        if item is None:
            layout.append(None)
            continue
        axis = input.layout[dim]
        dim += 1
        match item:
            case slice():
                node, axis = _sliced(node, axis, item)
                layout.append(axis)
            case bool():
                raise Unsupported(said("this kind of index"))
            case int():
                node = _fixed(node, axis, item)
                places += [at] if lists else []
            case Array() | list() | range():
                arrays.append((axis, _indices(item)))
                places.append(at)
            case _:
                raise Unsupported(said("this kind of index"))
    layout.extend(input.layout[dim:])
    if not arrays:
        return Array(node, tuple(layout), _indexed(held, items))
    together = places == list(range(places[0], places[0] + len(places)))
    before = sum(not isinstance(item, int) for item in items[: places[0]]) if together else 0
    found = _together(node, arrays, layout, before)
    return Array(found.node, found.layout, _indexed(held, items))


def _plain(item: Any) -> Any:
    """A slice whose bounds are tensors of one whole number, with the numbers."""
    if not isinstance(item, slice):
        return item
    return slice(*(_whole(bound) for bound in (item.start, item.stop, item.step)))


def _whole(bound: Any) -> Any:
    held = bound.values if isinstance(bound, Array) else None
    return bound if held is None or held.size != 1 else int(held.reshape(-1)[0])


def _indexed(held: Any, items: Sequence[Any]) -> Any:
    """The same of the values, where they are known."""
    place = [item.values if isinstance(item, Array) else item for item in items]
    if held is None or any(item is None and isinstance(given, Array) for item, given in zip(place, items, strict=True)):
        return None
    found: Any = np.asarray(held)
    return found[tuple(list(item) if isinstance(item, range) else item for item in place)]


def _unmasked(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Each mask as the places where it holds, one array for each of its dimensions; a list as an array."""
    found: list[Any] = []
    for item in items:
        if isinstance(item, Array) and item.node.dtype == "bool":
            if item.values is None:
                raise Unsupported(said("a mask that was not recorded"))
            where = np.nonzero(item.values)
            axis = Axis("a", len(where[0])) if len(where[0]) != 1 else None
            found += [table("rcdefgh"[d], places, axis) for d, places in enumerate(where)]
        else:
            found.append(item)
    return tuple(found)


def _sliced(node: Node, axis: Axis | None, item: slice) -> tuple[Node, Axis | None]:
    """The places of a slice along an axis."""
    if any(isinstance(part, Array) for part in (item.start, item.stop, item.step)):
        raise Unsupported(said("this kind of index"))
    chosen = range(*item.indices(1 if axis is None else axis.size))
    if axis is None or (len(chosen) == axis.size and chosen.step > 0):
        if not chosen:
            raise Unsupported(said("an index that picks nothing"))
        return node, axis
    new = Axis(axis.name, len(chosen)) if len(chosen) != 1 else None
    place = ops.constant(chosen.start) if new is None else ops.coordinate(new)
    if new is not None:
        place = ops.add(ops.mul(chosen.step, place), chosen.start)
    return ops.take(node, place, axis), new


def _together(node: Node, arrays: Sequence[tuple[Axis | None, Array]], layout: list[Axis | None], place: int) -> Array:
    """Integer arrays pick element by element; one that counts 0, 1, 2, … along its axis pairs it with the others."""
    counting = [(axis, a) for axis, a in arrays if _counts(axis, a)]
    paired_at = next((k for k, pair in enumerate(arrays) if _counts(*pair)), None)
    rest = [pair for k, pair in enumerate(arrays) if k != paired_at]  # by place: x[r, r] has one array twice
    if counting and all(len(a.layout) == 1 for _, a in arrays):
        paired = counting[0][0]
        for axis, index in rest:
            node = ops.take(node, aligned(index, (paired,)), axis)
        return Array(node, (*layout[:place], paired, *layout[place:]))
    nodes, shared = broadcast([index for _, index in arrays])
    for (axis, _), index in zip(arrays, nodes, strict=True):
        node = ops.take(node, index, axis)
    return Array(node, (*layout[:place], *shared, *layout[place:]))


def _counts(axis: Axis | None, index: Array) -> bool:
    size = 1 if axis is None else axis.size
    held = index.values
    return held is not None and held.shape == (size,) and bool((held == np.arange(size)).all())


def _indices(item: Any) -> Array:
    """An index array; one that counts from the end counts from the start."""
    if isinstance(item, Array):
        if item.values is None or not item.values.size or item.values.min() >= 0:
            return item
        raise Unsupported(said("an index that counts from the end"))
    held = np.asarray(list(item))
    if held.dtype.kind not in "iu":
        raise Unsupported(said("this kind of index"))
    layout = tuple(Axis("abcdefgh"[min(d, 7)], size) if size != 1 else None for d, size in enumerate(held.shape))
    if len(layout) == 1 and layout[0] is not None and (held == np.arange(len(held))).all():
        return Array(ops.coordinate(layout[0]), layout, held)
    if (held < 0).any():
        raise Unsupported(said("an index that counts from the end"))
    return tabled("m", held, layout)


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
    """A reshape: dimensions of length 1 come and go, runs of others are laid anew row by row."""
    wanted = [shape] if isinstance(shape, int) else list(shape)
    total = int(np.prod(input.shape, dtype=np.int64))
    known = int(np.prod([s for s in wanted if s != -1], dtype=np.int64))
    sizes = [total // known if s == -1 and known else s for s in wanted]
    held = None if input.values is None else input.values.reshape(sizes)
    left, right = list(input.axes), [s for s in sizes if s != 1]
    if not total and [a.size for a in left] != right:
        raise Unsupported(said("a reshape from {old} to {new} mixes axes", old=str(input.shape), new=str(tuple(sizes))))
    node, made = input.node, iter(())
    if [a.size for a in left] != right:
        node, laid = _laid_anew(node, left, right)
        made = iter(laid)
    else:
        made = iter(left)
    return Array(node, tuple(None if s == 1 else next(made) for s in sizes), held)


def _laid_anew(node: Node, left: list[Axis], right: list[int]) -> tuple[Node, list[Axis]]:
    """The node with runs of axes exchanged for runs of as many elements, and its axes in order."""
    made: list[Axis] = []
    while left or right:
        old, new = [left.pop(0)], [right.pop(0)]
        while ops.count(tuple(old)) != int(np.prod(new)):
            if ops.count(tuple(old)) < int(np.prod(new)):
                old.append(left.pop(0))
            else:
                new.append(right.pop(0))
        axes = old if len(old) == len(new) == 1 else [Axis(old[0].name, size) for size in new]
        node = ops.reshape(node, tuple(old), tuple(axes))
        made += axes
    return node, made


def flattened(input: Array, start_dim: int = 0, end_dim: int = -1) -> Array:
    """torch.flatten: some dimensions in a row as one."""
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
