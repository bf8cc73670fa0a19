"""Sums, products, norms and distances; the running ones as sums over what came before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from explainers.graph import ops
from explainers.graph.arrays import Array
from explainers.graph.derivative import gradient
from explainers.graph.nodes import Axis, Node
from explainers.messages import said
from explainers.operations.entries import Operation, elementwise, entry, real
from explainers.operations.lacking import singular_values
from explainers.operations.selecting import picked
from explainers.operations.tables import table
from explainers.torch_indexing import Unsupported

MOST_RUNNING = 256
MOST_FACTORS = 64
DIRECT_DISTANCES = 25


def reduction_operations() -> Mapping[str, Operation]:
    """By torch's short name."""
    return {
        "prod": entry("input dim keepdim dtype", _prod),
        "cumsum": entry("input dim dtype", _running(lambda x, over, _: ops.sum(x, (over,)), 0)),
        "cumprod": entry("input dim dtype", _running_product),
        "trapezoid": entry("y x dx dim", _trapezoid),
        "trapz": entry("y x dx dim", _trapezoid),
        "logcumsumexp": entry("input dim", _running(lambda x, over, _: ops.logsumexp(x, over), -math.inf)),
        "norm": entry("input p dim keepdim dtype ord", _norm),
        "matrix_norm": entry("input ord dim keepdim dtype", _matrix_norm),
        "vector_norm": entry(
            "input ord dim keepdim dtype",
            lambda input, ord=2, dim=None, keepdim=False, **_: _norm(input, ord, dim, keepdim),
        ),
        "dist": entry("input other p", lambda input, other, p=2: _norm(elementwise(ops.sub)(input, other), p)),
        "cdist": entry("x1 x2 p compute_mode", _cdist),
        "pdist": entry("input p", _pdist),
        "nansum": entry("input dim keepdim dtype", _nansum),
        "nanmean": entry("input dim keepdim dtype", _nanmean),
        "count_nonzero": entry("input dim", _count_nonzero),
        "any": entry("input dim keepdim", _any("max")),
        "all": entry("input dim keepdim", _any("min")),
        "var_mean": entry(
            "input dim correction keepdim unbiased",
            lambda input, *a, **k: (_variance(input, *a, **k), _mean(input, **k)),
        ),
        "std_mean": entry(
            "input dim correction keepdim unbiased",
            lambda input, *a, **k: (_deviation(input, *a, **k), _mean(input, **k)),
        ),
        "var": entry("input dim correction keepdim unbiased", _variance),
        "std": entry("input dim correction keepdim unbiased", _deviation),
        "aminmax": entry(
            "input dim keepdim",
            lambda input, dim=None, keepdim=False: tuple(_extreme(op, input, dim, keepdim) for op in ("min", "max")),
        ),
        "diff": entry("input n dim", _diff),
    }


def _over(input: Array, dim: Any, keepdim: bool, build: Callable[[Node, tuple[Axis, ...]], Node]) -> Array:
    dims = input.dims(dim)
    return Array(build(real(input), input.along(dims)), input.reduced(dims, keepdim))


def _mean(input: Array, dim: Any = None, keepdim: bool = False, **_: Any) -> Array:
    return _over(input, dim, keepdim, ops.mean)


def _extreme(op: str, input: Array, dim: Any, keepdim: bool) -> Array:
    return _over(input, dim, keepdim, lambda x, over: ops.extremum(op, x, over))


def _variance(
    input: Array, dim: Any = None, correction: float | None = 1, keepdim: bool = False, unbiased: Any = None
) -> Array:
    """Σ (x − mean)² / (N − correction)."""
    if isinstance(dim, bool):  # x.var(False) is x.var(unbiased=False)
        dim, unbiased = None, dim
    less = 1 if correction is None else correction
    return _over(
        input,
        dim,
        keepdim,
        lambda x, over: ops.div(
            ops.sum(ops.square(ops.sub(x, ops.mean(x, over))), over),
            ops.count(over) - (less if unbiased is None else int(unbiased)),
        ),
    )


def _deviation(
    input: Array, dim: Any = None, correction: float | None = 1, keepdim: bool = False, unbiased: Any = None
) -> Array:
    """√variance; torch's gradient of it at 0 is 0."""
    found = _variance(input, dim, correction, keepdim, unbiased)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    less = (1 if correction is None else correction) if unbiased is None else int(unbiased)
    x, over = real(input), input.along(input.dims(dim))
    value = ops.unary("sqrt", found.node)
    slope = ops.div(ops.sub(x, ops.mean(x, over)), ops.mul(ops.count(over) - less, value))
    local = ops.where(ops.compare("eq", value, 0), 0, slope)
    return Array(ops.with_gradient(value, ((x, local),)), found.layout)


def _prod(input: Array, dim: int | None = None, keepdim: bool = False, dtype: str | None = None) -> Array:
    """Π x, factor by factor; torch's gradient is Π / x where no factor is 0: not finite, or 0, where Π is."""

    def product(x: Node, over: tuple[Axis, ...]) -> Node:
        if ops.count(over) > MOST_FACTORS or not ops.count(over):
            raise Unsupported(said("a product of {count} factors", count=ops.count(over)))
        value = reduce(_multiplied, over, x)
        if not over:
            return value
        return ops.with_gradient(value, ((x, _slope(x, gradient(value, (x,))[x], ops.div(value, x))),))

    return _over(input, dim, keepdim, product)


def _slope(x: Node, others: Node, quotient: Node) -> Node:
    """torch's derivative of a product: by a quotient, unless some element is 0."""
    least = ops.extremum("min", ops.unary("abs", x), x.axes)
    return ops.where(ops.compare("eq", least, 0), others, quotient)


def _multiplied(x: Node, axis: Axis) -> Node:
    return reduce(ops.mul, [ops.take(x, ops.constant(k), axis) for k in range(axis.size)])


def _running(build: Callable[[Node, Axis, int], Node], neutral: float) -> Callable[..., Array]:
    """What a function makes of the elements up to each place."""

    def apply(input: Array, dim: int, dtype: str | None = None) -> Array:
        axis = input.layout[dim % len(input.layout)] if input.layout else None
        if axis is None:
            return input
        if axis.size > MOST_RUNNING:
            raise Unsupported(said("a running sum over {count} elements", count=axis.size))
        before = Axis(axis.name, axis.size)
        x = ops.rename(real(input) if dtype is None else ops.cast(real(input), dtype), axis, before)
        so_far = ops.compare("le", ops.coordinate(before), ops.coordinate(axis))
        return Array(build(ops.where(so_far, x, neutral), before, axis.size), input.layout)

    return apply


def _running_product(input: Array, dim: int, dtype: str | None = None) -> Array:
    """Π of the elements up to each place, as the product of as many factors with 1 for those behind it."""
    axis = input.layout[dim % len(input.layout)] if input.layout else None
    if axis is None:
        return input
    if axis.size > MOST_FACTORS:
        raise Unsupported(said("a product of {count} factors", count=axis.size))
    before = Axis(axis.name, axis.size)
    x = ops.rename(real(input), axis, before)
    so_far = ops.compare("le", ops.coordinate(before), ops.coordinate(axis))
    factors = ops.where(so_far, x, 1.0)
    value = _multiplied(factors, before)
    slope = _slope(x, _others(factors, before), ops.div(value, x))
    return Array(ops.with_gradient(value, ((x, ops.where(so_far, slope, 0)),)), input.layout)


def _others(x: Node, axis: Axis) -> Node:
    """For each element the product of all others along an axis."""
    other = Axis(axis.name, axis.size)
    is_other = ops.compare("ne", ops.coordinate(other), ops.coordinate(axis))
    return _multiplied(ops.where(is_other, ops.rename(x, axis, other), 1.0), other)


def _trapezoid(y: Array, x: Array | None = None, dx: float = 1.0, dim: int = -1) -> Array:
    """Σ (yₖ₊₁ + yₖ)/2 · (xₖ₊₁ − xₖ), the gaps being dx where no x is given."""
    at = dim % len(y.layout)
    axis = y.layout[at]
    if axis is None or axis.size < 3 or (x is not None and len(x.layout) != 1):
        raise Unsupported(said("this way of calling it"))
    new = Axis(axis.name, axis.size - 1)
    k, held = ops.coordinate(new), real(y)
    both = ops.add(ops.take(held, ops.add(k, 1), axis), ops.take(held, k, axis))
    gaps: Node = ops.constant(dx)
    if x is not None and x.layout[0] is not None:
        gaps = ops.sub(*(ops.take(real(x), place, x.layout[0]) for place in (ops.add(k, 1), k)))
    parts = ops.div(ops.mul(both, gaps), 2)
    return Array(ops.sum(parts, (new,)), (*y.layout[:at], *y.layout[at + 1 :]))


def _norm(
    input: Array, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: str | None = None, ord: Any = None
) -> Array:
    """(Σ |x|^p)^(1/p); torch's gradient of it at 0 is 0. torch.linalg calls p ord, which over two dimensions is a norm
    of the matrix."""
    if ord is not None:
        dims = input.dims(dim)
        if len(dims) == 2:
            return _matrix_norm(input, ord, dims, keepdim)
        p = ord
    order = 2 if p in (None, "fro") else math.inf if p == "inf" else p
    if order in ("nuc", 0) or isinstance(order, str):
        raise Unsupported(singular_values() if order == "nuc" else said("this norm"))
    return _over(input, dim, keepdim, lambda x, over: length(x, over, float(order)))


def _matrix_norm(
    input: Array, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, dtype: Any = None
) -> Array:
    """The root of all squares; ±1 the largest or smallest sum of a column, ±∞ of a row; the others are made of singular
    values."""
    rows, columns = input.dims(dim)
    if ord == "fro":
        return _norm(input, 2, (rows, columns), keepdim)
    if abs(number := float(ord) if isinstance(ord, int | float) else 2.0) not in (1.0, math.inf):
        raise Unsupported(singular_values())
    first, second = (rows, columns) if abs(number) == 1 else (columns, rows)
    sums = _over(input, first, True, lambda x, over: length(x, over, 1.0))
    found = _over(sums, second, True, lambda x, over: ops.extremum("max" if number > 0 else "min", x, over))
    return (
        found
        if keepdim
        else Array(found.node, tuple(a for k, a in enumerate(found.layout) if k not in (rows, columns)))
    )


def length(x: Node, over: Sequence[Axis], p: float) -> Node:
    """The p-norm of an array over some axes with torch's backward."""
    size = ops.unary("abs", x)
    if p == math.inf:
        return ops.extremum("max", size, over)
    if p == 1:
        return ops.sum(size, over)
    if p == 2:
        value = ops.unary("sqrt", ops.sum(ops.square(x), over))
        local = ops.where(ops.compare("eq", value, 0), 0, ops.div(x, value))
        return ops.with_gradient(value, ((x, local),))
    return ops.binary("pow", ops.sum(ops.binary("pow", size, p), over), 1 / p)


def _cdist(x1: Array, x2: Array, p: float = 2.0, compute_mode: Any = None) -> Array:
    """‖aᵢ − bⱼ‖ for all pairs of rows. Beyond 25 rows torch takes |a|² + |b|² − 2ab for the squares."""
    if len(x1.layout) != len(x2.layout) or x1.shape[:-2] != x2.shape[:-2]:
        raise Unsupported(said("distances of batches"))
    (*batch, i, k), (*theirs, own, k2) = x1.layout, x2.layout
    j = None if own is None else Axis("b", own.size)
    a, b = real(x1), real(x2)
    for mine, other in zip(batch, theirs, strict=True):
        b = b if mine is None or other is None or mine is other else ops.rename(b, other, mine)
    if k2 is not None and k is not None:
        free = Axis(k.name, k.size)
        b = ops.rename(b, k2, free)
        b = b if j is None or own is None else ops.rename(b, own, j)
        b = ops.rename(b, free, k)
    elif j is not None and own is not None:
        b = ops.rename(b, own, j)
    over = () if k is None else (k,)
    gap = ops.sub(a, b)
    if p != 2:
        return Array(length(gap, over, p), (*batch, i, j))
    value = ops.unary("sqrt", _squares(a, b, gap, over, max(x1.shape[-2], x2.shape[-2])))
    local = ops.where(ops.compare("eq", value, 0), 0, ops.div(gap, value))
    return Array(ops.with_gradient(value, ((a, local), (b, ops.neg(local)))), (*batch, i, j))


def _squares(a: Node, b: Node, gap: Node, over: Sequence[Axis], rows: int) -> Node:
    if rows <= DIRECT_DISTANCES:
        return ops.sum(ops.square(gap), over)
    squares = ops.add(ops.sum(ops.square(a), over), ops.sum(ops.square(b), over))
    return ops.clamp_min(ops.sub(squares, ops.mul(2, ops.sum(ops.mul(a, b), over))), 0)


def _pdist(input: Array, p: float = 2.0) -> Array:
    """‖xᵢ − xⱼ‖ for i < j."""
    rows = input.shape[0]
    pairs = [(i, j) for i in range(rows) for j in range(i + 1, rows)]
    axis = Axis("a", len(pairs)) if len(pairs) != 1 else None
    first, second = (table("pq"[side], [pair[side] for pair in pairs], axis) for side in (0, 1))
    gap = elementwise(ops.sub)(picked(input, 0, first), picked(input, 0, second))
    return _over(gap, 1, False, lambda x, over: length(x, over, p))


def _nansum(input: Array, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Array:
    return _over(input, dim, keepdim, lambda x, over: ops.sum(ops.where(ops.compare("ne", x, x), 0, x), over))


def _nanmean(input: Array, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Array:
    def mean(x: Node, over: tuple[Axis, ...]) -> Node:
        absent = ops.compare("ne", x, x)
        present = ops.sum(ops.where(absent, ops.constant(0.0), 1.0), over)
        return ops.div(ops.sum(ops.where(absent, 0, x), over), present)

    return _over(input, dim, keepdim, mean)


def _count_nonzero(input: Array, dim: Any = None) -> Array:
    dims = input.dims(dim)
    found = ops.sum(ops.cast(ops.compare("ne", input.node, 0), "int64"), input.along(dims))
    return Array(found, input.reduced(dims))


def _any(op: str) -> Callable[..., Array]:
    """Whether some or all elements are not 0: as many as there are, or more than none."""

    def apply(input: Array, dim: Any = None, keepdim: bool = False) -> Array:
        dims = input.dims(dim)
        over = input.along(dims)
        found = ops.sum(ops.cast(ops.compare("ne", input.node, 0), "int64"), over)
        wanted = ops.compare("gt", found, 0) if op == "max" else ops.compare("eq", found, ops.count(over))
        return Array(wanted, input.reduced(dims, keepdim))

    return apply


def _diff(input: Array, n: int = 1, dim: int = -1) -> Array:
    """x[k + 1] − x[k]."""
    at = dim % len(input.layout)
    axis = input.layout[at]
    if n != 1 or axis is None or axis.size < 2:
        raise Unsupported(said("this kind of index"))
    new = Axis(axis.name, axis.size - 1) if axis.size > 2 else None
    k = ops.coordinate(new) if new else ops.constant(0)
    node = ops.sub(ops.take(input.node, ops.add(k, 1), axis), ops.take(input.node, k, axis))
    return Array(node, tuple(new if d == at else a for d, a in enumerate(input.layout)))
