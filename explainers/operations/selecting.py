"""Elements by their places: masks, lists of places, scatter and gather, the largest few, in sorted order.

Which elements a program picks by their size it has decided when it ran: the places are those that were recorded, and
the formula takes the elements there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from explainers.graph import ops
from explainers.graph.arrays import Array, aligned, broadcast
from explainers.graph.nodes import Axis, Node
from explainers.messages import said
from explainers.operations.entries import Operation, array, entry
from explainers.operations.tables import tabled
from explainers.torch_indexing import Unsupported, advanced, viewed


def selecting_operations() -> Mapping[str, Operation]:
    """By torch's short name, of what can be told from the arguments."""
    return {
        "masked_select": entry("input mask", lambda input, mask: advanced(*_same_shape(input, mask))),
        "take": entry("input index", lambda input, index: advanced(viewed(input, (-1,)), index)),
        "scatter": entry("input dim index src value reduce", _scatter),
        "scatter_add": entry("input dim index src", _scatter_add),
        "index_add": entry("input dim index source alpha", _index_add),
        "index_fill": entry("input dim index value", _index_fill),
        "diagonal": entry("input offset dim1 dim2", _diagonal),
        "diag": entry("input diagonal", _diag),
        "diag_embed": entry(
            "input offset dim1 dim2", lambda input, offset=0, dim1=-2, dim2=-1: _diag_embed(input, offset)
        ),
        "tril": entry("input diagonal", lambda input, diagonal=0: _triangle(input, diagonal, "le")),
        "triu": entry("input diagonal", lambda input, diagonal=0: _triangle(input, diagonal, "ge")),
        "fill_diagonal": entry("input fill_value wrap", _fill_diagonal),
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


def _known(index: Array) -> npt.NDArray[Any]:
    if index.values is None:
        raise Unsupported(said("an index that was computed and not recorded"))
    return np.asarray(index.values)


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
    held = _known(index)
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


def overwritten(input: Array, value: Array, source: npt.NDArray[Any]) -> Array:
    """The value's element of this row-major number where it is not negative, else the input's."""
    if value.shape == input.shape and (source.reshape(-1) == np.arange(source.size)).all():
        return Array(_stored(aligned(value, input.layout), input), input.layout)
    written = tabled("s", np.asarray(source, dtype=np.int64), input.layout)
    if value.floating and not input.floating:
        raise Unsupported(said("real numbers written among whole ones"))
    new: Node = value.node
    if value.axes:
        flat = viewed(Array(value.node, value.layout), (-1,))
        new = ops.take(flat.node, written.node, flat.layout[0])
    hit = ops.compare("ge", written.node, 0)
    kept = _stored(new, input)
    return Array(ops.where(hit, kept, input.node), input.layout)


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
    source[(slice(None),) * at + (_known(index),)] = 0
    return overwritten(input, array(value), source)


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
    return Array(ops.where(ops.compare("eq", i, j), _stored(ops.constant(fill_value), input), input.node), input.layout)


def assigned(input: Array, index: Any, value: Any) -> Array:
    """x with x[index] = value: by its condition where it is a mask or one place of each row, else place by place."""
    given = array(value)
    items = index if isinstance(index, tuple) else (index,)
    if len(items) == 1 and isinstance(items[0], Array) and items[0].node.dtype == "bool" and not given.axes:
        return _masked(input, items[0], given)
    if not given.axes and (hit := _one_of_each_row(input, items)) is not None:
        return Array(ops.where(hit, _stored(given.node, input), input.node), input.layout)
    if (written := _basic(input, items, given)) is not None:
        return written
    source = np.full(input.shape, -1)
    place = tuple(_known(item) if isinstance(item, Array) else item for item in items)
    try:
        shape = source[place].shape
        numbers = np.broadcast_to(np.arange(max(1, int(np.prod(given.shape)))).reshape(given.shape or ()), shape)
        source[place] = numbers
    except (ValueError, IndexError) as error:
        raise Unsupported(said("this kind of index")) from error
    return overwritten(input, given, source)


def _basic(input: Array, items: Sequence[Any], value: Array) -> Array | None:
    """x[2, :, 1:3] = …: where every coordinate is one that is written to; None for an index of another kind."""
    if not all(item is ... or (isinstance(item, int | slice) and not isinstance(item, bool)) for item in items):
        return None
    full = list(items)
    if any(item is ... for item in full):
        at = next(k for k, item in enumerate(full) if item is ...)
        full[at : at + 1] = [slice(None)] * (len(input.layout) - len(full) + 1)
    full += [slice(None)] * (len(input.layout) - len(full))
    conditions: list[Node] = []
    moves: list[tuple[Axis, range]] = []
    layout: list[Axis | None] = []
    for axis, item in zip(input.layout, full, strict=True):
        chosen = range(*item.indices(axis.size if axis else 1)) if isinstance(item, slice) else None
        if chosen is not None and chosen.step != 1:
            return None
        if axis is None:
            layout += [None] if chosen is not None else []
        elif chosen is None:
            at = item % axis.size if isinstance(item, int) else 0
            conditions.append(ops.compare("eq", ops.coordinate(axis), at))
        elif len(chosen) == axis.size:
            layout.append(axis)
        else:
            conditions += _within(axis, chosen)
            part = Axis(axis.name, len(chosen)) if len(chosen) > 1 else None
            layout.append(part)
            moves += [(axis, chosen)] if part is not None else []
    return _written_where(input, value, conditions, moves, layout)


def _within(axis: Axis, chosen: range) -> list[Node]:
    k = ops.coordinate(axis)
    low = [ops.compare("ge", k, chosen.start)] if chosen.start else []
    return [*low, *([ops.compare("lt", k, chosen.stop)] if chosen.stop < axis.size else [])]


def _written_where(
    input: Array,
    value: Array,
    conditions: Sequence[Node],
    moves: Sequence[tuple[Axis, range]],
    layout: Sequence[Axis | None],
) -> Array:
    node = aligned(value, tuple(layout))
    parts = [axis for axis in layout if axis is not None and axis not in input.axes]
    for (axis, chosen), part in zip(moves, parts, strict=True):
        node = ops.take(node, ops.sub(ops.coordinate(axis), chosen.start), part)
    result = _stored(node, input)
    for condition in reversed(conditions):
        result = ops.where(condition, result, input.node)
    return Array(result, input.layout)


def _stored(value: Node, input: Array) -> Node:
    whole = input.node.dtype != "bool" and value.dtype == "scalar"
    return value if whole or value.dtype == input.node.dtype else ops.cast(value, input.node.dtype)


def _masked(input: Array, mask: Array, value: Array) -> Array:
    spread = Array(mask.node, (*mask.layout, *(None,) * (len(input.layout) - len(mask.layout))))
    hit = aligned(spread, input.layout)
    return Array(ops.where(hit, _stored(value.node, input), input.node), input.layout)


def _one_of_each_row(input: Array, items: Sequence[Any]) -> Node | None:
    """x[arange(n), y] = …: where the last dimension is at y."""
    if len(items) != 2 or len(input.layout) != 2 or not isinstance(items[1], Array):
        return None
    rows, columns = input.layout
    first = items[0].values if isinstance(items[0], Array) else items[0]
    if rows is None or columns is None or not isinstance(first, np.ndarray | list | range):
        return None
    if list(first) != list(range(rows.size)):
        return None
    index = aligned(items[1], (rows,))
    return ops.compare("eq", index, ops.coordinate(columns))
