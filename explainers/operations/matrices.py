"""Determinants, inverses and solutions of small matrices, written out; covariances, cross and Kronecker products."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import permutations
from typing import Any

from explainers.graph import ops
from explainers.graph.arrays import Array
from explainers.graph.nodes import Axis, Node
from explainers.messages import said
from explainers.operations.entries import Operation, elementwise, entry, real
from explainers.operations.products import einsum, matmul
from explainers.torch_indexing import Unsupported, permuted, unsqueezed, viewed

LARGEST = 4
"""Rows of a matrix that is written out: a determinant of n rows has n! products."""

Rows = list[list[Node]]


def matrix_operations() -> Mapping[str, Operation]:
    """By torch's short name."""
    return {
        "det": entry("input A:input", _of_matrix(_determinant)),
        "logdet": entry("input A:input", _of_matrix(lambda rows: ops.log(_determinant(rows)))),
        "slogdet": entry("input A:input", _sign_and_logarithm),
        "inv": entry("input A:input", _inverse),
        "inverse": entry("input A:input", _inverse),
        "solve": entry("A B left", _solution),
        "cross": entry("input other dim", _cross),
        "kron": entry("input other", _kronecker),
        "cov": entry("input correction", _covariance),
        "corrcoef": entry("input", _correlation),
    }


def _rows(input: Array) -> Rows:
    """The entries of a square matrix, each over what stands before it."""
    if len(input.layout) < 2 or input.shape[-1] != input.shape[-2]:
        raise Unsupported(said("this way of calling it"))
    if input.shape[-1] > LARGEST:
        raise Unsupported(said("a matrix of {count} rows", count=input.shape[-1]))
    places = range(input.shape[-1])
    return [[_entry(input, i, j) for j in places] for i in places]


def _entry(input: Array, i: int, j: int) -> Node:
    node = real(input)
    for place, axis in ((i, input.layout[-2]), (j, input.layout[-1])):
        node = node if axis is None else ops.take(node, ops.constant(place), axis)
    return node


def _determinant(rows: Rows) -> Node:
    """The sum over all permutations of the products of their entries, with their signs (Leibniz)."""
    count = len(rows)
    terms = ((_sign(order), [rows[k][order[k]] for k in range(count)]) for order in permutations(range(count)))
    products = [reduce(ops.mul, factors) if sign > 0 else ops.neg(reduce(ops.mul, factors)) for sign, factors in terms]
    return reduce(ops.add, products)


def _sign(order: Sequence[int]) -> int:
    turned = sum(a > b for k, a in enumerate(order) for b in order[k + 1 :])
    return -1 if turned % 2 else 1


def _of_matrix(build: Callable[[Rows], Node]) -> Callable[[Array], Array]:
    return lambda input: Array(build(_rows(input)), input.layout[:-2])


def _sign_and_logarithm(input: Array) -> tuple[Array, Array]:
    found = _determinant(_rows(input))
    size = ops.log(ops.unary("abs", found))
    return Array(ops.unary("sign", found), input.layout[:-2]), Array(size, input.layout[:-2])


def _inverse(input: Array) -> Array:
    """The cofactors of the transpose over the determinant (Cramer)."""
    rows = _rows(input)
    whole, places = _determinant(rows), range(len(rows))
    entries = [[ops.div(_cofactor(rows, j, i), whole) for j in places] for i in places]
    return _assembled(entries, input)


def _cofactor(rows: Rows, i: int, j: int) -> Node:
    rest = [[x for at, x in enumerate(row) if at != j] for k, row in enumerate(rows) if k != i]
    minor = _determinant(rest) if rest else ops.constant(1.0)
    return minor if (i + j) % 2 == 0 else ops.neg(minor)


def _assembled(entries: Rows, like: Array) -> Array:
    """A matrix of entries, under axes of its own."""
    count = len(entries)
    if count == 1:
        return Array(entries[0][0], (*like.layout[:-2], None, None))
    down, across = Axis("r", count), Axis("c", count)
    held = [ops.concat(row, [None] * count, across) for row in entries]
    return Array(ops.concat(held, [None] * count, down), (*like.layout[:-2], down, across))


def _solution(A: Array, B: Array, left: bool = True) -> Array:
    """A⁻¹B."""
    if not left or len(A.layout) != 2 or len(B.layout) > 2:
        raise Unsupported(said("this way of calling it"))
    return matmul(_inverse(A), B)


def _cross(input: Array, other: Array, dim: int | None = -1) -> Array:
    """(a₁b₂ − a₂b₁, a₂b₀ − a₀b₂, a₀b₁ − a₁b₀), along the first dimension of three where none is named."""
    threes = (k for k, axis in enumerate(input.layout) if axis is not None and axis.size == 3)
    dim = next(threes, -1) if dim is None else dim
    at = dim % len(input.layout)
    axis, theirs = input.layout[at], other.layout[dim % len(other.layout)]
    if axis is None or theirs is None or axis.size != 3 or len(input.layout) != len(other.layout):
        raise Unsupported(said("this way of calling it"))

    def turned(x: Array, along: Axis, by: int) -> Array:
        place = ops.coordinate(along)
        moved = ops.add(place, by)
        return Array(
            ops.take(real(x), ops.where(ops.compare("lt", moved, 3), moved, ops.sub(moved, 3)), along), x.layout
        )

    product = elementwise(ops.mul)
    first = product(turned(input, axis, 1), turned(other, theirs, 2))
    second = product(turned(input, axis, 2), turned(other, theirs, 1))
    return elementwise(ops.sub)(first, second)


def _kronecker(input: Array, other: Array) -> Array:
    """Each entry of one times the whole of the other."""
    if len(input.layout) != 2 or len(other.layout) != 2:
        raise Unsupported(said("this way of calling it"))
    found = einsum("ab,cd->acbd", (input, other))
    return viewed(found, (input.shape[0] * other.shape[0], input.shape[1] * other.shape[1]))


def _covariance(input: Array, correction: int = 1, **_: Any) -> Array:
    """The products of the rows, less their means, over the number of columns less the correction."""
    if len(input.layout) != 2 or input.layout[1] is None:
        raise Unsupported(said("this way of calling it"))
    columns = input.layout[1]
    x = real(input)
    apart = Array(ops.sub(x, ops.mean(x, (columns,))), input.layout)
    products = matmul(apart, permuted(apart, (1, 0)))
    return Array(ops.div(products.node, columns.size - correction), products.layout)


def _correlation(input: Array) -> Array:
    """The covariances over both deviations."""
    found = _covariance(input)
    spread = einsum("ii->i", (found,))
    root = Array(ops.unary("sqrt", spread.node), spread.layout)
    over = elementwise(ops.div)
    return over(over(found, unsqueezed(root, 1)), unsqueezed(root, 0))
