"""Windows that move over an image or a signal: padding, convolutions with a fixed kernel, averages, the largest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explainers.graph import ops
from explainers.graph.arrays import Array
from explainers.graph.nodes import Axis, Node
from explainers.messages import said
from explainers.operations.entries import Operation, elementwise, entry, real
from explainers.operations.products import einsum
from explainers.operations.tables import table, tabled
from explainers.torch_indexing import Unsupported, viewed

MOST_PRODUCTS = 300_000


def window_operations() -> Mapping[str, Operation]:
    """By torch's short name."""
    names = "input weight bias stride padding dilation groups"
    pooled = "input kernel_size stride padding ceil_mode count_include_pad divisor_override"
    return {
        "pad": entry("input pad mode value", _pad),
        **{f"conv{n}d": entry(names, _convolution(n)) for n in (1, 2, 3)},
        **{f"avg_pool{n}d": entry(pooled, _average(n)) for n in (1, 2, 3)},
        **{f"adaptive_avg_pool{n}d": entry("input output_size", _adaptive(n)) for n in (1, 2, 3)},
    }


def largest_of_windows() -> Mapping[str, Operation]:
    """By torch's short name, of what also needs the numbers that the call was given (`held`)."""
    names = "input kernel_size stride padding dilation ceil_mode return_indices held"
    return {f"max_pool{n}d": entry(names, _largest(n)) for n in (1, 2, 3)}


@dataclass(frozen=True)
class Windows:
    """How a window of some size moves along one dimension of `full` elements."""

    full: int
    size: int
    stride: int
    padding: int
    dilation: int

    @property
    def count(self) -> int:
        """How many places the window has."""
        return (self.full + 2 * self.padding - self.dilation * (self.size - 1) - 1) // self.stride + 1


def _pad(input: Array, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Array:
    """More elements at both ends of the last dimensions: a number, or those inside again."""
    found = input
    for k in range(len(pad) // 2):
        found = _padded(found, len(input.layout) - 1 - k, (pad[2 * k], pad[2 * k + 1]), mode, value or 0)
    return found


def _padded(input: Array, dim: int, more: tuple[int, int], mode: str, value: float) -> Array:
    if more == (0, 0):
        return input
    full, axis = input.shape[dim], input.layout[dim]
    places = np.arange(-more[0], full + more[1])
    new = Axis("abcdefgh"[min(dim, 7)], len(places)) if len(places) != 1 else None
    layout = tuple(new if d == dim else a for d, a in enumerate(input.layout))
    inside = {
        "replicate": np.clip(places, 0, full - 1),
        "circular": places % full,
        "reflect": full - 1 - np.abs(full - 1 - np.abs(places)),
    }.get(mode)
    if inside is not None:
        return Array(ops.take(real(input), table("r", inside, new).node, axis), layout)
    index = ops.sub(ops.coordinate(new), more[0]) if new else ops.constant(int(places[0]))
    return Array(_inside(real(input), index, axis, value), layout)


def _inside(x: Node, index: Node, axis: Axis | None, outside: float) -> Node:
    """x at an index; another number where that lies before the first element or behind the last."""
    if axis is None:
        return ops.where(ops.compare("eq", index, 0), x, outside)
    return ops.where(ops.in_range(index, axis), ops.take(x, index, axis), outside)


def _moved(input: Array, windows: Sequence[Windows], outside: float) -> tuple[Array, tuple[Axis | None, ...]]:
    """The elements under each window along the last dimensions, and the axes inside a window."""
    node, layout, inner = real(input), list(input.layout), list[Axis | None]()
    first = len(layout) - len(windows)
    for dim, w in enumerate(windows, start=first):
        axis = layout[dim]
        name = "abcdefgh"[min(dim, 7)]
        rows, within = (Axis(name, n) if n != 1 else None for n in (w.count, w.size))
        index = ops.add(ops.mul(w.stride, ops.coordinate(rows)), ops.mul(w.dilation, ops.coordinate(within)))
        index = ops.sub(index, w.padding) if w.padding else index
        node = _inside(node, index, axis, outside) if w.padding or axis is None else ops.take(node, index, axis)
        layout[dim] = rows
        inner.append(within)
    return Array(node, tuple(layout)), tuple(inner)


def _each(value: Any, n: int) -> tuple[int, ...]:
    """An option for each dimension; one number is meant for all."""
    given = (value,) if isinstance(value, int) else tuple(value)
    return given * n if len(given) == 1 else given


def _windows(input: Array, n: int, size: Any, stride: Any, padding: Any, dilation: Any = 1) -> list[Windows]:
    sizes, shape = _each(size, n), input.shape[len(input.shape) - n :]
    steps = sizes if stride in (None, (), []) else _each(stride, n)
    spans = zip(shape, sizes, steps, _each(padding, n), _each(dilation, n), strict=True)
    return [Windows(*span) for span in spans]


def _convolution(n: int) -> Any:
    """Σ over channels and places of the kernel of x · w; the kernel is laid on as it is, not turned round."""

    def apply(
        input: Array, weight: Array, bias: Array | None = None,
        stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
    ) -> Array:  # fmt: skip
        if len(input.layout) != n + 2:
            raise Unsupported(said("this way of calling it"))
        size, spread = weight.shape[2:], _each(dilation, n)
        if isinstance(padding, str):
            whole = [0 if padding == "valid" else d * (s - 1) for s, d in zip(size, spread, strict=True)]
            input = _pad(input, [k for w in reversed(whole) for k in (w // 2, w - w // 2)])
            padding = 0
        windows = _windows(input, n, size, _each(stride, n), padding, dilation)
        outputs = math.prod(w.count for w in windows) * input.shape[0] * weight.shape[0]
        if outputs * math.prod(weight.shape[1:]) > MOST_PRODUCTS:
            raise Unsupported(said("a convolution of more than {count} products", count=MOST_PRODUCTS))
        return _convolved(input, weight, bias, windows, groups)

    return apply


def _convolved(input: Array, weight: Array, bias: Array | None, windows: Sequence[Windows], groups: int) -> Array:
    n, shape = len(windows), input.shape
    rows = viewed(input, (shape[0], groups, shape[1] // groups, *shape[2:]))
    kernel = viewed(weight, (groups, weight.shape[0] // groups, *weight.shape[1:]))
    moved, inner = _moved(rows, windows, 0)
    spatial, within = "uvw"[:n], "xyz"[:n]
    covered = Array(moved.node, (*moved.layout, *inner))
    found = einsum(f"ngc{spatial}{within},goc{within}->ngo{spatial}", (covered, Array(real(kernel), kernel.layout)))
    found = viewed(found, (shape[0], weight.shape[0], *(w.count for w in windows)))
    if bias is None:
        return found
    return elementwise(ops.add)(found, viewed(bias, (-1, *(1,) * n)))


def _average(n: int) -> Any:
    """The mean of each window, the 0 of the padding counted in."""

    def apply(
        input: Array, kernel_size: Any, stride: Any = None, padding: Any = 0,
        ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> Array:  # fmt: skip
        windows = _windows(input, n, kernel_size, stride, padding)
        partly = ceil_mode and any((w.full + 2 * w.padding - w.size) % w.stride for w in windows)
        if partly or (not count_include_pad and any(w.padding for w in windows)):
            raise Unsupported(said("windows of different sizes"))
        moved, inner = _moved(input, windows, 0)
        count = divisor_override or math.prod(w.size for w in windows)
        total = ops.sum(moved.node, tuple(axis for axis in inner if axis is not None))
        return Array(ops.div(total, count), moved.layout)

    return apply


def _adaptive(n: int) -> Any:
    def apply(input: Array, output_size: Any) -> Array:
        if set(_each(output_size, n)) != {1}:
            raise Unsupported(said("windows of different sizes"))
        dims = tuple(range(len(input.layout) - n, len(input.layout)))
        return Array(ops.mean(real(input), input.along(dims)), input.reduced(dims, keepdim=True))

    return apply


def _largest(n: int) -> Any:
    """The largest element under each window; the gradient goes to the first place where torch found it."""

    def apply(
        input: Array, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False, return_indices: bool = False, held: Mapping[str, Any] | None = None,
    ) -> Array:  # fmt: skip
        numbers = (held or {}).get("input", (held or {}).get("0"))
        windows = _windows(input, n, kernel_size, stride, padding, dilation)
        if ceil_mode or return_indices or numbers is None:
            raise Unsupported(said("this way of calling it"))
        moved, inner = _moved(input, windows, -math.inf)
        over = tuple(axis for axis in inner if axis is not None)
        value = ops.extremum("max", moved.node, over)
        found = _first_places(np.asarray(numbers, dtype=np.float64), windows)
        hits: list[Node] = []
        for axis, places in zip(inner, np.unravel_index(found, [w.size for w in windows]), strict=True):
            if axis is not None:
                first = tabled("p", places, moved.layout).node
                hits.append(ops.compare("eq", first, ops.coordinate(axis)))
        local: Node = ops.constant(1.0)
        for hit in hits:
            local = ops.where(hit, local, 0.0)
        return Array(ops.with_gradient(value, ((moved.node, local),)), moved.layout)

    return apply


def _first_places(numbers: npt.NDArray[np.float64], windows: Sequence[Windows]) -> npt.NDArray[np.int64]:
    """Which place of its window holds the first of the largest numbers, for each window; nan counts as the largest."""
    n = len(windows)
    around = [(0, 0)] * (numbers.ndim - n) + [(w.padding, w.padding) for w in windows]
    padded = np.pad(np.where(np.isnan(numbers), np.inf, numbers), around, constant_values=-np.inf)
    spans = tuple(w.dilation * (w.size - 1) + 1 for w in windows)
    seen = np.lib.stride_tricks.sliding_window_view(padded, spans, axis=tuple(range(-n, 0)))
    steps = (*(slice(None, None, w.stride) for w in windows), *(slice(None, None, w.dilation) for w in windows))
    rows = seen[(..., *steps)]
    return np.argmax(rows.reshape((*rows.shape[:-n], -1)), axis=-1)
