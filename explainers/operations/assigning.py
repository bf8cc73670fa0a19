"""x[index] = value: which elements are written, and what stands in the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from explainers.graph import ops
from explainers.graph.arrays import Array, aligned
from explainers.graph.nodes import Axis, Node
from explainers.messages import said
from explainers.operations.entries import array
from explainers.operations.tables import tabled
from explainers.torch_indexing import Unsupported, viewed


def assigned(input: Array, index: Any, value: Any) -> Array:
    """x with x[index] = value: by its condition where it is a mask or one place of each row, else place by place."""
    given = array(value)
    items = index if isinstance(index, tuple) else (index,)
    if len(items) == 1 and isinstance(items[0], Array) and items[0].node.dtype == "bool" and not given.axes:
        return _masked(input, items[0], given)
    if not given.axes and (hit := _one_of_each_row(input, items)) is not None:
        return Array(ops.where(hit, stored(given.node, input), input.node), input.layout)
    if (written := _basic(input, items, given)) is not None:
        return written
    source = np.full(input.shape, -1)
    place = tuple(known(item) if isinstance(item, Array) else item for item in items)
    try:
        shape = source[place].shape
        numbers = np.broadcast_to(np.arange(max(1, int(np.prod(given.shape)))).reshape(given.shape or ()), shape)
        source[place] = numbers
    except (ValueError, IndexError) as error:
        raise Unsupported(said("this kind of index")) from error
    return overwritten(input, given, source)


def overwritten(input: Array, value: Array, source: npt.NDArray[Any]) -> Array:
    """The value's element of this row-major number where it is not negative, else the input's."""
    if value.shape == input.shape and (source.reshape(-1) == np.arange(source.size)).all():
        return Array(stored(aligned(value, input.layout), input), input.layout)
    written = tabled("s", np.asarray(source, dtype=np.int64), input.layout)
    if value.floating and not input.floating:
        raise Unsupported(said("real numbers written among whole ones"))
    new: Node = value.node
    if value.axes:
        flat = viewed(Array(value.node, value.layout), (-1,))
        new = ops.take(flat.node, written.node, flat.layout[0])
    hit = ops.compare("ge", written.node, 0)
    kept = stored(new, input)
    return Array(ops.where(hit, kept, input.node), input.layout)


def known(index: Array) -> npt.NDArray[Any]:
    if index.values is None:
        raise Unsupported(said("an index that was computed and not recorded"))
    return np.asarray(index.values)


def stored(value: Node, input: Array) -> Node:
    whole = input.node.dtype != "bool" and value.dtype == "scalar"
    return value if whole or value.dtype == input.node.dtype else ops.cast(value, input.node.dtype)


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
    result = stored(node, input)
    for condition in reversed(conditions):
        result = ops.where(condition, result, input.node)
    return Array(result, input.layout)


def _masked(input: Array, mask: Array, value: Array) -> Array:
    spread = Array(mask.node, (*mask.layout, *(None,) * (len(input.layout) - len(mask.layout))))
    hit = aligned(spread, input.layout)
    return Array(ops.where(hit, stored(value.node, input), input.node), input.layout)


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
