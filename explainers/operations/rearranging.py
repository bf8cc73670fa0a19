"""Shapes: what is laid anew, repeated, put one behind the other, cut apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, aligned, broadcast
from explainers.graph.nodes import Axis
from explainers.messages import said
from explainers.operations.entries import Operation, entry
from explainers.operations.tables import table
from explainers.torch_indexing import Unsupported, permuted, unsqueezed, viewed


def rearranging_operations() -> Mapping[str, Operation]:
    """By torch's short name."""
    return {
        "view_as": entry("input other", lambda input, other: viewed(input, other.shape)),
        "reshape_as": entry("input other", lambda input, other: viewed(input, other.shape)),
        "unflatten": entry("input dim sizes", _unflatten),
        "ravel": entry("input", lambda input: viewed(input, (-1,))),
        "expand": entry("input size implicit", expanded),
        "expand_as": entry("input other", lambda input, other: expanded(input, other.shape)),
        "broadcast_to": entry("input size", expanded),
        "broadcast_tensors": entry("tensors", _broadcast_tensors),
        "repeat": entry("input repeats", _repeat),
        "tile": entry("input dims", _repeat),
        "repeat_interleave": entry("input repeats dim output_size", _repeat_interleave),
        "cat": entry("tensors dim", concatenated),
        "concat": entry("tensors dim", concatenated),
        "stack": entry("tensors dim", stacked),
        "hstack": entry("tensors", lambda tensors: concatenated(tensors, 0 if len(tensors[0].layout) < 2 else 1)),
        "vstack": entry("tensors", lambda tensors: concatenated([_at_least_2d(t) for t in tensors], 0)),
        "row_stack": entry("tensors", lambda tensors: concatenated([_at_least_2d(t) for t in tensors], 0)),
        "column_stack": entry(
            "tensors", lambda tensors: stacked(tensors, 1) if len(tensors[0].layout) == 1 else concatenated(tensors, 1)
        ),
        "chunk": entry("input chunks dim", _chunk),
        "split": entry("input split_size dim", _split),
        "split_with_sizes": entry("input split_sizes dim", _split),
        "tensor_split": entry("input sections:indices_or_sections dim", _tensor_split),
        "unbind": entry("input dim", _unbind),
        "narrow": entry("input dim start length", cut),
        "select": entry("input dim index", _selected),
        "flip": entry("input dims", lambda input, dims: _along(input, dims, lambda k, size: ops.sub(size - 1, k))),
        "fliplr": entry("input", lambda input: _along(input, (1,), lambda k, size: ops.sub(size - 1, k))),
        "flipud": entry("input", lambda input: _along(input, (0,), lambda k, size: ops.sub(size - 1, k))),
        "roll": entry("input shifts dims", _roll),
        "movedim": entry("input source destination", _movedim),
        "mT": entry("input", lambda input: permuted(input, (*range(len(input.layout) - 2), -1, -2))),
        "meshgrid": entry("tensors indexing", _meshgrid),
        "atleast_1d": entry("tensors", lambda tensors: _widened(tensors, 1)),
        "atleast_2d": entry("tensors", lambda tensors: _widened(tensors, 2)),
        "unfold": entry("input dimension size step", _unfold),
    }


def expanded(input: Array, size: Any, implicit: bool = False) -> Array:
    """Repeated along dimensions of length 1 and new ones in front."""
    shape = [size] if isinstance(size, int) else list(size)
    extra = len(shape) - len(input.layout)
    layout: list[Axis | None] = []
    for d, wanted in enumerate(shape):
        axis = input.layout[d - extra] if d >= extra else None
        layout.append(axis if axis is not None or wanted in (-1, 1) else Axis("abcdefgh"[min(d, 7)], wanted))
    return Array(input.node, tuple(layout))


def _broadcast_tensors(tensors: Sequence[Array]) -> tuple[Array, ...]:
    nodes, layout = broadcast(tensors)
    return tuple(Array(node, layout) for node in nodes)


def concatenated(tensors: Sequence[Array], dim: int = 0) -> Array:
    """One behind the other along a dimension; empty ones of one dimension say nothing."""
    parts = [t for t in tensors if t.shape != (0,)]
    at = dim % max(len(parts[0].layout), 1)
    total = sum(t.shape[at] for t in parts)
    others = [Array(t.node, tuple(None if d == at else axis for d, axis in enumerate(t.layout))) for t in parts]
    layout = broadcast(others)[1]
    along = Axis("abcdefgh"[min(at, 7)], total)
    if len(parts) == 1:
        return parts[0]
    spans = [t.layout[at] for t in parts]
    nodes = [aligned(Array(o.node, o.layout), layout) for o in others]
    return Array(ops.concat(nodes, spans, along), tuple(along if d == at else a for d, a in enumerate(layout)))


def stacked(tensors: Sequence[Array], dim: int = 0) -> Array:
    """Side by side along a new dimension."""
    at = dim if dim >= 0 else dim + len(tensors[0].layout) + 1
    return concatenated([unsqueezed(t, at) for t in tensors], at)


def _at_least_2d(input: Array) -> Array:
    while len(input.layout) < 2:
        input = unsqueezed(input, 0)
    return input


def _widened(tensors: Sequence[Array], width: int) -> Any:
    if len(tensors) != 1:
        raise Unsupported(said("this kind of index"))
    found = tensors[0]
    while len(found.layout) < width:
        found = unsqueezed(found, 0)
    return found


def cut(input: Array, dim: int, start: int, length: int, step: int = 1) -> Array:
    """Some places of a dimension in a row."""
    at = dim % len(input.layout)
    axis = input.layout[at]
    if axis is None or (start == 0 and length == axis.size and step == 1):
        return input
    new = Axis(axis.name, length) if length != 1 else None
    begin = start % axis.size
    k = ops.add(ops.mul(step, ops.coordinate(new)), begin) if new else ops.constant(begin)
    values = None if input.values is None else input.values.take(range(begin, begin + length * step, step), axis=at)
    layout = tuple(new if d == at else a for d, a in enumerate(input.layout))
    return Array(ops.take(input.node, k, axis), layout, values)


def _selected(input: Array, dim: int, index: int) -> Array:
    at = dim % len(input.layout)
    found = cut(input, at, index % max(input.shape[at], 1), 1)
    return Array(found.node, tuple(a for d, a in enumerate(found.layout) if d != at), _at(input, at, index))


def _at(input: Array, dim: int, index: int) -> Any:
    return None if input.values is None else input.values.take(index, axis=dim)


def _split(input: Array, split_size: Any = None, dim: int = 0, split_sizes: Any = None) -> tuple[Array, ...]:
    wanted, full = split_size if split_sizes is None else split_sizes, input.shape[dim]
    if isinstance(wanted, int):
        wanted = [min(wanted, full - k) for k in range(0, full, wanted)]
    starts = [sum(wanted[:k]) for k in range(len(wanted))]
    return tuple(cut(input, dim, start, length) for start, length in zip(starts, wanted, strict=True))


def _chunk(input: Array, chunks: int, dim: int = 0) -> tuple[Array, ...]:
    return _split(input, -(-input.shape[dim] // chunks), dim)


def _tensor_split(input: Array, indices_or_sections: Any, dim: int = 0) -> tuple[Array, ...]:
    full = input.shape[dim]
    if isinstance(indices_or_sections, int):
        base, more = divmod(full, indices_or_sections)
        return _split(input, [base + (k < more) for k in range(indices_or_sections)], dim)
    ends = [*indices_or_sections, full]
    return _split(input, [end - start for start, end in zip([0, *ends], ends, strict=False)], dim)


def _unbind(input: Array, dim: int = 0) -> tuple[Array, ...]:
    return tuple(_selected(input, dim, k) for k in range(input.shape[dim]))


def _unflatten(input: Array, dim: int, sizes: Sequence[int]) -> Array:
    at = dim % len(input.layout)
    return viewed(input, (*input.shape[:at], *sizes, *input.shape[at + 1 :]))


def _along(input: Array, dims: Any, index: Any) -> Array:
    """Another order along some dimensions."""
    node = input.node
    for d in (dims,) if isinstance(dims, int) else dims:
        axis = input.layout[d % len(input.layout)]
        if axis is not None and axis in node.axes:
            node = ops.take(node, index(ops.coordinate(axis), axis.size), axis)
    return Array(node, input.layout)


def _roll(input: Array, shifts: Any, dims: Any = ()) -> Array:
    if dims in (None, (), []):
        flat = viewed(input, (-1,))
        return viewed(_roll(flat, shifts, 0), input.shape)
    pairs = [(shifts, dims)] if isinstance(dims, int) else list(zip(shifts, dims, strict=True))
    for shift, d in pairs:
        axis = input.layout[d % len(input.layout)]
        if axis is not None:
            order = table("r", [(k - shift) % axis.size for k in range(axis.size)], Axis(axis.name, axis.size))
            moved = ops.take(input.node, order.node, axis)
            back = next(a for a in order.layout if a is not None)
            input = Array(ops.rename(moved, back, axis), input.layout)
    return input


def _repeat(input: Array, repeats: Any = None, dims: Any = None) -> Array:
    """The whole array again and again along each dimension."""
    wanted = repeats if dims is None else dims
    times = [wanted] if isinstance(wanted, int) else list(wanted)
    while len(input.layout) < len(times):
        input = unsqueezed(input, 0)
    for d, count in enumerate([1] * (len(input.layout) - len(times)) + times):
        if count != 1:
            input = concatenated([input] * count, d) if input.shape[d] > 1 else _expanded_at(input, d, count)
    return input


def _expanded_at(input: Array, dim: int, count: int) -> Array:
    return expanded(input, [count if d == dim else -1 for d in range(len(input.layout))])


def _repeat_interleave(input: Array, repeats: Any, dim: int | None = None, output_size: Any = None) -> Array:
    """Each element several times in a row."""
    given = repeats.values if isinstance(repeats, Array) else np.asarray(repeats)
    if given is None:
        raise Unsupported(said("this kind of index"))
    if dim is None:
        input, dim = viewed(input, (-1,)), 0
    at, full = dim % len(input.layout), input.shape[dim]
    counts = [int(r) for r in given.reshape(-1)]
    counts = counts * full if len(counts) == 1 else counts
    places = [k for k, count in enumerate(counts) for _ in range(count)]
    axis = Axis("abcdefgh"[min(at, 7)], len(places)) if len(places) != 1 else None
    order = table("r", places, axis)
    layout = tuple(axis if d == at else a for d, a in enumerate(input.layout))
    return Array(ops.take(input.node, order.node, input.layout[at]), layout)


def _movedim(input: Array, source: Any, destination: Any) -> Array:
    width = len(input.layout)
    sources = [s % width for s in ((source,) if isinstance(source, int) else source)]
    targets = [t % width for t in ((destination,) if isinstance(destination, int) else destination)]
    rest = iter(d for d in range(width) if d not in sources)
    order = [sources[targets.index(d)] if d in targets else next(rest) for d in range(width)]
    return permuted(input, order)


def _meshgrid(tensors: Sequence[Array], indexing: str | None = "ij") -> tuple[Array, ...]:
    if indexing != "ij":
        raise Unsupported(said("its argument {name} is not in the table", name="indexing"))
    axes = [Axis("abcdefgh"[d], t.shape[0]) if t.shape and t.shape[0] != 1 else None for d, t in enumerate(tensors)]
    nodes = [
        ops.rename(t.node, own, axis) if axis is not None and (own := t.layout[0]) is not None else t.node
        for t, axis in zip(tensors, axes, strict=True)
    ]
    return tuple(Array(node, tuple(axes)) for node in nodes)


def _unfold(input: Array, dimension: int, size: int, step: int) -> Array:
    """Windows of a dimension, each as a new last one."""
    at = dimension % len(input.layout)
    axis, count = input.layout[at], (input.shape[dimension] - size) // step + 1
    if axis is None:
        return unsqueezed(input, len(input.layout))
    rows, inner = (Axis(axis.name, n) if n != 1 else None for n in (count, size))
    k = ops.mul(step, ops.coordinate(rows)) if rows else ops.constant(0)
    place = ops.add(k, ops.coordinate(inner)) if inner else k
    return Array(
        ops.take(input.node, place, axis), (*(rows if d == at else a for d, a in enumerate(input.layout)), inner)
    )
