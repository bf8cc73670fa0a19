"""Quantiles and medians: elements in the order that their numbers had when the program ran."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from explainers.graph import ops
from explainers.graph.arrays import Array
from explainers.graph.nodes import Axis, Node
from explainers.messages import said
from explainers.operations.entries import Operation, entry, real
from explainers.operations.tables import tabled
from explainers.torch_indexing import Unsupported, viewed

Held = Mapping[str, npt.NDArray[Any]]


def ordering_operations() -> Mapping[str, Operation]:
    """By torch's short name, of what also needs the numbers that the call was given (`held`, by argument)."""
    return {
        "quantile": entry("input q dim keepdim interpolation held", _quantile),
        "median": entry("input held", _median),
        "nanmedian": entry("input held", _median),
    }


def _numbers(held: Held | None, name: str) -> npt.NDArray[np.float64]:
    if held is None or name not in held:
        raise Unsupported(said("its values were not recorded"))
    return np.asarray(held[name], dtype=np.float64)


def _median(input: Array, held: Held | None = None) -> Array:
    """The element in the middle, of two the smaller one; equal ones share the gradient."""
    numbers = _numbers(held, "input").reshape(-1)
    flat = viewed(input, (-1,))
    axis = flat.layout[0]
    if axis is None:
        return Array(real(flat))
    present = numbers[~np.isnan(numbers)]
    if not len(present) or (len(present) < len(numbers)):
        raise Unsupported(said("a median of what is no number"))
    place = int(np.argsort(numbers, kind="stable")[(len(numbers) - 1) // 2])
    equal = tabled("h", (numbers == numbers[place]).astype(np.int64), flat.layout)
    share = ops.div(ops.cast(equal.node, real(flat).dtype), int((numbers == numbers[place]).sum()))
    value = ops.take(real(flat), ops.constant(place), axis)
    return Array(ops.with_gradient(value, ((real(flat), share),)))


def _quantile(
    input: Array,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    interpolation: str = "linear",
    held: Held | None = None,
) -> Array:
    """The element at q (n − 1) of those in order, between two of them in proportion."""
    numbers = _numbers(held, "input")
    shares = [float(q)] if not isinstance(q, Array) else _numbers(held, "q").reshape(-1).tolist()
    if interpolation != "linear" or (isinstance(q, Array) and len(q.layout) == 1 and len(shares) < 2):
        raise Unsupported(said("this way of calling it"))
    at = None if dim is None else dim % len(input.layout)
    flat, numbers = (viewed(input, (-1,)), numbers.reshape(-1)) if at is None else (input, numbers)
    along = 0 if at is None else at
    found = [_at_share(flat, share, along, numbers) for share in shares]
    kept = tuple(a for d, a in enumerate(flat.layout) if d != along)
    if keepdim:
        kept = (None,) * len(input.layout) if at is None else (*kept[:along], None, *kept[along:])
    if not isinstance(q, Array) or not q.layout:
        return Array(found[0], kept)
    axis = Axis("q", len(found))
    return Array(ops.concat(found, [None] * len(found), axis), (axis, *kept))


def _at_share(input: Array, share: float, dim: int, numbers: npt.NDArray[np.float64]) -> Node:
    """Between the two elements of each row that stand there in order."""
    axis, x = input.layout[dim], real(input)
    if axis is None:
        return x
    rank = np.float32(share) * np.float32(axis.size - 1) if x.dtype == "float32" else share * (axis.size - 1)
    low, high = int(np.floor(rank)), int(np.ceil(rank))
    order = np.argsort(numbers, axis=dim, kind="stable")
    rest = tuple(a for d, a in enumerate(input.layout) if d != dim)
    lower, upper = (ops.take(x, tabled("o", np.take(order, place, axis=dim), rest).node, axis) for place in (low, high))
    if low == high:
        return lower
    part = ops.sub(ops.mul(ops.cast(ops.constant(share), x.dtype), axis.size - 1), low)
    return ops.add(lower, ops.mul(part, ops.sub(upper, lower)))
