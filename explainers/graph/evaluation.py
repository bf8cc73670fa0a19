"""The evaluation walk: one pass over a graph in any arithmetic (balls, midpoint-radius arrays, plain floats).

Integers and truth values are exact numpy arrays in every arithmetic; only real numbers are the arithmetic's own.
Each array's dimensions stand in the order of its node's axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar, assert_never

import numpy as np
import numpy.typing as npt

from explainers.graph.nodes import (
    Axes,
    Axis,
    Binary,
    BinaryOp,
    Cast,
    Compare,
    CompareOp,
    Constant,
    Coordinate,
    Extremum,
    Input,
    LogSumExp,
    Named,
    Node,
    OneHot,
    Rename,
    Softmax,
    StopGradient,
    Sum,
    Take,
    Unary,
    UnaryOp,
    Where,
    WithGradient,
    is_floating,
    topological,
)

Integers = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Values = Mapping[int, npt.NDArray[Any]]
A = TypeVar("A")


class Arithmetic(Protocol[A]):
    """Arrays of numbers of one kind. `dtype` says to which precision a floating program would round the result."""

    def leaf(self, values: npt.NDArray[Any]) -> A:
        """Exact floating-point numbers handed in."""
        ...

    def number(self, value: Fraction | float, dtype: str) -> A:
        """A 0-d constant, rounded once to the dtype."""
        ...

    def rounded(self, x: A, dtype: str) -> A:
        """The numbers rounded once to a dtype."""
        ...

    def unary(self, op: UnaryOp, x: A, dtype: str) -> A:
        """An elementwise function."""
        ...

    def binary(self, op: BinaryOp, a: A, b: A, dtype: str) -> A:
        """An elementwise function of two arrays of broadcastable shapes."""
        ...

    def compare(self, op: CompareOp, a: A, b: A) -> Integers:
        """1 where the relation holds for certain, 0 where it certainly does not, −1 where it cannot be decided."""
        ...

    def where(self, condition: Integers, a: A, b: A) -> A:
        """a at 1, b at 0, and what encloses both at −1."""
        ...

    def sum(self, x: A, dims: tuple[int, ...], dtype: str) -> A:
        """The sum over dimensions, in any order of summation."""
        ...

    def logsumexp(self, x: A, dims: tuple[int, ...], dtype: str) -> A:
        """log Σ exp over dimensions."""
        ...

    def extremum(self, op: str, x: A, dims: tuple[int, ...]) -> A:
        """The largest or smallest element over dimensions."""
        ...

    def take(self, x: A, index: Integers, dim: int) -> A:
        """Elements along a dimension; index has x's dimensions with length 1 (or broadcastable) at dim; nan outside."""
        ...

    def reshape(self, x: A, order: tuple[int, ...], shape: tuple[int, ...]) -> A:
        """Dimensions permuted to an order, then given a shape with the same elements (new dimensions of length 1)."""
        ...

    def broadcast(self, x: A, shape: tuple[int, ...]) -> A:
        """The array repeated to a shape."""
        ...


def evaluate(root: Node, values: Values, arithmetic: Arithmetic[A]) -> A:
    """The root's array, with its dimensions in the order of `root.axes`.

    `values` maps tensor ids to arrays shaped like the Input's axes. A real root comes back in the arithmetic's own
    numbers, an integer one as numpy integers.
    """
    return evaluate_all((root,), values, arithmetic)[0]


def evaluate_all(roots: tuple[Node, ...], values: Values, arithmetic: Arithmetic[A]) -> tuple[A, ...]:
    """The arrays of several roots, sharing what they share."""
    walk = _Walk[A](values, arithmetic)
    for root in roots:
        for node in topological(root):
            walk.visit(node)
    return tuple(
        arithmetic.broadcast(walk.done[root], shape(root.axes)) if is_floating(root) else walk.done[root]
        for root in roots
    )


def shape(axes: Axes) -> tuple[int, ...]:
    """The lengths of the axes."""
    return tuple(axis.size for axis in axes)


class _Walk(Generic[A]):
    """One evaluation: what each node came to, shared between the roots."""

    def __init__(self, values: Values, arithmetic: Arithmetic[A]) -> None:
        self.values, self.arithmetic = values, arithmetic
        self.done: dict[Node, Any] = {}

    def visit(self, node: Node) -> None:
        if node not in self.done:
            self.done[node] = self._real(node) if is_floating(node) else self._integer(node)

    def real(self, node: Node, axes: Axes) -> A:
        """A visited node as real numbers, laid out along the axes (length 1 where it has none of them)."""
        order, lengths = _layout(node.axes, axes)
        x = self.done[node] if is_floating(node) else self.arithmetic.leaf(self.done[node].astype(np.float64))
        return self.arithmetic.reshape(x, order, lengths)

    def integers(self, node: Node, axes: Axes) -> Integers:
        """A visited node of integers or truth values, laid out along the axes."""
        order, lengths = _layout(node.axes, axes)
        return self.done[node].transpose(order).reshape(lengths)

    def _real(self, node: Node) -> A:
        do = self.arithmetic
        match node:
            case Input(_, axes, _, tensor):
                return do.leaf(np.asarray(self.values[tensor], dtype=np.float64).reshape(shape(axes)))
            case Constant(value, _, dtype):
                return do.number(value, dtype)
            case Unary(op, x, axes, dtype):
                return do.unary(op, self.real(x, axes), dtype)
            case Binary(op, a, b, axes, dtype):
                return do.binary(op, self._operand(a, axes, dtype), self._operand(b, axes, dtype), dtype)
            case Where(condition, a, b, axes, dtype):
                parts = (self._operand(a, axes, dtype), self._operand(b, axes, dtype))
                return do.where(self.integers(condition, axes), *parts)
            case Sum(x, over, _, dtype):
                return do.sum(self._whole(x), _dims(x.axes, over), dtype)
            case LogSumExp(x, over, _, dtype):
                return do.logsumexp(self._whole(x), _dims(x.axes, over), dtype)
            case Softmax(x, over, axes, dtype):
                kept = tuple(axis for axis in axes if axis not in over)
                total = do.logsumexp(self._whole(x), _dims(x.axes, over), dtype)
                total = do.reshape(total, *_layout(kept, axes))
                return do.unary("exp", do.binary("sub", self.done[x], total, dtype), dtype)
            case Extremum(op, x, over):
                return do.extremum(op, self._whole(x), _dims(x.axes, over))
            case Take(x, index, along, axes):
                return self._take(x, index, along, axes)
            case OneHot(index, along, axes):
                hit = self.integers(index, axes) == np.arange(along.size).reshape(_layout((along,), axes)[1])
                return do.leaf(hit.astype(np.float64))
            case Cast(x, axes, _):
                if x.dtype == "bool":
                    return do.where(
                        self.integers(x, axes), do.number(Fraction(1), "scalar"), do.number(Fraction(0), "scalar")
                    )
                return do.rounded(self.real(x, axes), node.dtype)
            case Rename(x) | StopGradient(x) | Named(_, x):
                return self.done[x]
            case WithGradient(value):
                return self.done[value]
            case Compare() | Coordinate():
                raise TypeError(f"{type(node).__name__} holds no real numbers")
            case _:
                assert_never(node)

    def _operand(self, node: Node, axes: Axes, dtype: str) -> A:
        """An operand; a Python number is rounded once to the dtype of the operation it takes part in."""
        match node:
            case Constant(value):
                return self.arithmetic.reshape(self.arithmetic.number(value, dtype), (), (1,) * len(axes))
            case _:
                return self.real(node, axes)

    def _whole(self, node: Node) -> A:
        """A visited node repeated to its full shape, so that a sum meets every element."""
        return self.arithmetic.broadcast(self.real(node, node.axes), shape(node.axes))

    def _take(self, x: Node, index: Node, along: Axis, axes: Axes) -> A:
        spread = (*axes, along)
        source, picked = self.real(x, spread), self.integers(index, axes)[..., np.newaxis]
        result = self.arithmetic.take(source, picked, len(axes))
        return self.arithmetic.broadcast(
            self.arithmetic.reshape(result, tuple(range(len(spread))), shape(axes)), shape(axes)
        )

    def _integer(self, node: Node) -> Integers:
        match node:
            case Input(_, axes, _, tensor):
                return np.asarray(self.values[tensor]).astype(np.int64).reshape(shape(axes))
            case Compare(op, a, b, axes):
                if is_floating(a) and not isinstance(a, Constant) or is_floating(b) and not isinstance(b, Constant):
                    return self.arithmetic.compare(op, self.real(a, axes), self.real(b, axes))
                return _COMPARE[op](self._exact(a, axes), self._exact(b, axes)).astype(np.int8)
            case Where(condition, a, b, axes):
                chosen, x, y = self.integers(condition, axes), self._exact(a, axes), self._exact(b, axes)
                return np.where(chosen == 1, x, np.where(chosen == 0, y, -1))
            case Binary(op, a, b, axes):
                return _INTEGER[op](self._exact(a, axes), self._exact(b, axes))
            case Unary("neg", x, axes):
                return -self.integers(x, axes)
            case Unary("abs", x, axes):
                return np.abs(self.integers(x, axes))
            case Unary("square", x, axes):
                return self.integers(x, axes) ** 2
            case Sum(x, over):
                return np.broadcast_to(self.done[x], shape(x.axes)).sum(axis=_dims(x.axes, over), dtype=np.int64)
            case Take(x, index, along, axes):
                source = np.broadcast_to(self.integers(x, (*axes, along)), (*shape(axes), along.size))
                picked = np.broadcast_to(self.integers(index, axes), shape(axes))[..., np.newaxis]
                return np.take_along_axis(source, picked % along.size, -1)[..., 0]
            case OneHot(index, along, axes):
                return (self.integers(index, axes) == np.arange(along.size).reshape(_layout((along,), axes)[1])).astype(
                    np.int64
                )
            case Coordinate(along):
                return np.arange(along.size)
            case Cast(x, axes):
                return self._truncated(x, axes, node.dtype)
            case Rename(x) | StopGradient(x) | Named(_, x):
                return self.done[x]
            case _:
                raise TypeError(f"{type(node).__name__} with dtype {node.dtype} is not an integer node")

    def _exact(self, node: Node, axes: Axes) -> Integers:
        match node:
            case Constant(value):
                return np.full((1,) * len(axes), int(value))
            case _:
                return self.integers(node, axes)

    def _truncated(self, x: Node, axes: Axes, dtype: str) -> Integers:
        if is_floating(x):
            raise TypeError("a real array has no certain integer values")
        held = self.integers(x, axes)
        return (held != 0).astype(np.int8) if dtype == "bool" else held.astype(np.int64)


_COMPARE: Mapping[CompareOp, Any] = MappingProxyType(
    {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}
)
_INTEGER: Mapping[BinaryOp, Any] = MappingProxyType(
    {"add": np.add, "sub": np.subtract, "mul": np.multiply, "maximum": np.maximum, "minimum": np.minimum}
)


def _layout(have: Axes, want: Axes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How to permute and reshape an array along `have` so that it broadcasts along `want`."""
    order = tuple(have.index(axis) for axis in want if axis in have)
    return order, tuple(axis.size if axis in have else 1 for axis in want)


def _dims(axes: Axes, over: Axes) -> tuple[int, ...]:
    return tuple(axes.index(axis) for axis in over)
