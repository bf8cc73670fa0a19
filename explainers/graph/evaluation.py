"""The evaluation walk: one pass over a graph in any arithmetic (balls, midpoint-radius arrays, plain floats).

Integers and truth values are exact numpy arrays in every arithmetic; only real numbers are the arithmetic's own.
Each array's dimensions stand in the order of its node's axes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Generic, TypeVar, assert_never

import numpy as np
import numpy.typing as npt

from explainers.graph.alignments import Lattice
from explainers.graph.arithmetic import Arithmetic, Integers
from explainers.graph.contraction import products
from explainers.graph.integers import COMPARE, INTEGER
from explainers.graph.layouts import certain, dims_of, laid, shape
from explainers.graph.nodes import (
    AlignmentSum,
    Axes,
    Axis,
    Binary,
    Cast,
    Compare,
    CompareOp,
    Concat,
    Constant,
    Coordinate,
    Extremum,
    Input,
    LogSumExp,
    Named,
    Node,
    Occupancy,
    OneHot,
    Rename,
    Reshape,
    Softmax,
    StopGradient,
    Sum,
    Take,
    Unary,
    Where,
    WithGradient,
    is_floating,
    operands,
    topological,
)

Values = Mapping[int, npt.NDArray[Any]]
Changed = Callable[[Node, Any, Callable[[Node, Axes], Any]], Any]
"""What an array of a node is to be instead, from the arrays of its operands laid out along its axes."""
A = TypeVar("A")
_WHOLE = MappingProxyType({"bfloat16": 2**8, "float16": 2**11, "float32": 2**24})


class UndecidedError(ArithmeticError):
    """An integer depends on a comparison that the enclosure leaves open."""


def evaluate(root: Node, values: Values, arithmetic: Arithmetic[A]) -> A:
    """The root's array, with its dimensions in the order of `root.axes`.

    `values` maps tensor ids to arrays shaped like the Input's axes. A real root comes back in the arithmetic's own
    numbers, an integer one as numpy integers.
    """
    return evaluate_all((root,), values, arithmetic)[0]


def evaluate_all(
    roots: tuple[Node, ...],
    values: Values,
    arithmetic: Arithmetic[A],
    changed: Changed | None = None,
) -> tuple[A, ...]:
    """The arrays of several roots, sharing what they share; what `changed` makes of a node's array is used for it."""
    walk = _Walk[A](values, arithmetic)
    order = dict.fromkeys(node for root in roots for node in topological(root, _needed))
    waiting = Counter(part for node in order for part in _needed(node)) + Counter(roots)
    fused = products(order, roots)
    for node in order:
        if node in fused:
            continue
        walk.visit(node)
        if changed:
            walk.done[node] = changed(node, walk.done[node], walk.real)
        used = [part for n in _needed(node) for part in ((n, *operands(n)) if n in fused else (n,))]
        waiting.subtract(used)
        for part in used:
            if not waiting[part]:
                walk.done.pop(part, None)  # a million elements are held only as long as somebody needs them
    return tuple(
        arithmetic.broadcast(walk.done[root], shape(root.axes)) if is_floating(root) else walk.done[root]
        for root in roots
    )


def _needed(node: Node) -> tuple[Node, ...]:
    """What the numbers of a node are computed from: not the derivatives that its backward has."""
    return (node.value,) if isinstance(node, WithGradient) else operands(node)


def _same(node: Node) -> object:
    """What an operand is told apart by: two graphs of one program have each their own nodes for an input."""
    return (node.tensor, node.axes) if isinstance(node, Input) else node.value if isinstance(node, Constant) else node


class _Walk(Generic[A]):
    """One evaluation: what each node came to, shared between the roots."""

    def __init__(self, values: Values, arithmetic: Arithmetic[A]) -> None:
        self.values, self.arithmetic = values, arithmetic
        self.done: dict[Node, Any] = {}
        self.lattices: dict[tuple[object, ...], Lattice[A]] = {}  # a loss and its derivative share their tables
        self.open: set[Node] = set()  # comparisons that some element leaves undecided

    def visit(self, node: Node) -> None:
        if node not in self.done:
            self.done[node] = self._real(node) if is_floating(node) else self._integer(node)
            if isinstance(node, Compare) and (self.done[node] == -1).any():
                self.open.add(node)

    def real(self, node: Node, axes: Axes) -> A:
        """A visited node as real numbers, laid out along the axes (length 1 where it has none of them)."""
        order, lengths = laid(node.axes, axes)
        return self.arithmetic.reshape(self.done[node] if is_floating(node) else self._leaf(node), order, lengths)

    def _leaf(self, node: Node) -> A:
        """Integers as real numbers; a truth value that is left open is anything from 0 to 1."""
        do, held = self.arithmetic, self.done[node]
        if node.dtype != "bool":
            return do.leaf(held.astype(np.float64))
        one, zero = (do.reshape(do.number(Fraction(n), "scalar"), (), (1,) * held.ndim) for n in (1, 0))
        return do.where(held, one, zero)

    def decided(self, node: Node, axes: Axes) -> Integers:
        """Integers, or truth values none of which is left open. Raises UndecidedError."""
        if node.dtype == "bool" and (self.done[node] == -1).any():
            raise UndecidedError("a whole number depends on a comparison too close to decide")
        return self.integers(node, axes)

    def integers(self, node: Node, axes: Axes) -> Integers:
        """A visited node of integers or truth values, laid out along the axes."""
        if isinstance(node, Constant):
            return np.full((1,) * len(axes), int(node.value))
        order, lengths = laid(node.axes, axes)
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
                if op == "sub" and isinstance(b, LogSumExp) and b.x is a:
                    return self._log_softmax(self.real(a, axes), self.real(b, axes), dtype, b.fused)
                if op == "sub" and a is b:
                    return self._nothing_of(a, axes)
                if op in ("clamp_min", "clamp_max") and isinstance(b, Constant):  # torch rounds the bound first
                    return do.binary(op, self._operand(a, axes, dtype), self._bound(b, axes, dtype), dtype)
                return do.binary(op, self._operand(a, axes, dtype), self._operand(b, axes, dtype), dtype)
            case Where(condition, a, b, axes, dtype):
                parts = (self._operand(a, axes, dtype), self._operand(b, axes, dtype))
                return do.where(self.integers(condition, axes), *parts)
            case Sum(Binary("mul", a, b) as x, over, _, dtype) if x not in self.done:
                return do.dot(self.real(a, x.axes), self.real(b, x.axes), dims_of(x.axes, over), dtype)
            case Sum(x, over, _, dtype):
                total = do.sum(self._whole(x), dims_of(x.axes, over), dtype)
                if self._counts_ties(x):
                    total = do.binary("maximum", total, do.number(Fraction(1), "scalar"), "scalar")
                return total
            case LogSumExp(x, over, _, dtype):
                return do.logsumexp(self._whole(x), dims_of(x.axes, over), dtype)
            case Softmax(x, over, axes, dtype):
                kept = tuple(axis for axis in axes if axis not in over)
                total = do.logsumexp(self._whole(x), dims_of(x.axes, over), dtype)
                total = do.reshape(total, *laid(kept, axes))
                return do.unary("exp", self._log_softmax(self._whole(x), total, dtype, fused=True), dtype)
            case Extremum(op, x, over):
                return do.extremum(op, self._whole(x), dims_of(x.axes, over))
            case AlignmentSum():
                return self._aligned(node)
            case Take(x, index, along, axes):
                return self._take(x, index, along, axes)
            case OneHot(index, along, axes):
                hit = self.integers(index, axes) == np.arange(along.size).reshape(laid((along,), axes)[1])
                return do.leaf(hit.astype(np.float64))
            case Reshape(x, old):
                spread = tuple(axis for axis in (*node.axes, *old) if axis in old or axis not in node.new)
                whole = do.broadcast(self.real(x, spread), shape(spread))
                return do.reshape(whole, tuple(range(len(spread))), shape(node.axes))
            case Concat():
                return do.concatenate([self._part(node, k) for k in range(len(node.parts))], len(node.axes) - 1)
            case Cast(x, axes, _):
                return do.rounded(self.real(x, axes), node.dtype)
            case Rename(x) | StopGradient(x) | Named(_, x):
                return self.done[x]
            case WithGradient(value):
                return self.done[value]
            case Compare() | Coordinate():
                raise TypeError(f"{type(node).__name__} holds no real numbers")
            case _:
                assert_never(node)

    def _nothing_of(self, x: Node, axes: Axes) -> A:
        """x − x: 0 wherever in its ball x is, or not a number where x is not finite."""
        zero = self.arithmetic.reshape(self.arithmetic.number(Fraction(0), "scalar"), (), (1,) * len(axes))
        return self.arithmetic.binary("mul", self.real(x, axes), zero, "scalar")

    def _log_softmax(self, x: A, total: A, dtype: str, fused: bool) -> A:
        """x − log Σ e^x as (x − max) − log Σ e^(x − max), two subtractions: at most 0 however they round, since the
        last sum has the term 1; and fused not a number throughout where the largest is +inf (inf − inf)."""
        do = self.arithmetic
        found = do.rounded(do.binary("sub", x, total, dtype), dtype)
        found = do.binary("minimum", found, do.number(Fraction(0), "scalar"), dtype)
        endless = do.compare("eq", total, do.number(math.inf, "scalar"))
        return do.where(endless, do.number(math.nan, "scalar"), found) if fused and endless.any() else found

    def _counts_ties(self, x: Node) -> bool:
        """Whether a sum counts the largest elements and it is open which they are: some one is."""
        match x:
            case Cast(Compare("eq", a, Extremum(_, b)) as hit) if a is b:
                return hit in self.open
            case _:
                return False

    def _operand(self, node: Node, axes: Axes, dtype: str) -> A:
        """An operand; a Python number is rounded once to the dtype of the operation it takes part in."""
        match node:
            case Constant(value):
                return self.arithmetic.reshape(self.arithmetic.number(value, dtype), (), (1,) * len(axes))
            case _ if not is_floating(node) and np.abs(self.done[node]).max(initial=0) > _WHOLE.get(dtype, 2**53):
                return self.arithmetic.rounded(self.real(node, axes), dtype)
            case _:
                return self.real(node, axes)

    def _bound(self, node: Constant, axes: Axes, dtype: str) -> A:
        """A Python number as an array of the dtype holds it: the nearest number, 0 for 1e-12 in float16."""
        return self.arithmetic.reshape(self.arithmetic.nearest(node.value, dtype), (), (1,) * len(axes))

    def _whole(self, node: Node) -> A:
        """A visited node repeated to its full shape, so that a sum meets every element."""
        return self.arithmetic.broadcast(self.real(node, node.axes), shape(node.axes))

    def _part(self, node: Concat, k: int) -> A:
        """One of the arrays put together, with as many elements along the others' axes as they have."""
        kept, span = tuple(axis for axis in node.axes if axis is not node.along), node.spans[k]
        inner = (*kept, span) if span else kept
        whole = self.arithmetic.broadcast(self._operand(node.parts[k], inner, node.dtype), shape(inner))
        lengths = (*shape(kept), span.size if span else 1)
        return self.arithmetic.reshape(whole, tuple(range(len(inner))), lengths)

    def _aligned(self, node: AlignmentSum) -> A:
        """The sum over alignments, or each class's share in it at each time step."""
        own = tuple(axis for axis in (node.time, node.classes) if axis)
        batch = tuple(axis for axis in node.axes if axis not in own)
        parts = map(_same, (node.x, node.labels, node.steps, node.length))
        same = (*parts, node.blank, node.dtype, batch)
        lattice = self.lattices.setdefault(same, self.lattice(node, batch))
        if not isinstance(node, Occupancy):
            return self.arithmetic.reshape(lattice.total(), (0, 1), shape(batch))
        found = self.arithmetic.reshape(lattice.shares(), (0, 1), shape((*batch, *own)))
        return self.arithmetic.reshape(found, laid((*batch, *own), node.axes)[0], shape(node.axes))

    def lattice(self, node: AlignmentSum, batch: Axes) -> Lattice[A]:
        """The alignments of a visited node, the batch as one dimension."""
        do, count = self.arithmetic, math.prod(shape(batch))
        own = tuple(axis for axis in (node.time, node.classes) if axis)
        x = do.broadcast(self.real(node.x, (*batch, *own)), shape((*batch, *own)))
        flat = do.reshape(x, tuple(range(len(batch) + len(own))), (count, math.prod(shape(own))))
        places = (node.places,) if node.places else ()
        labels, steps, length = (
            np.broadcast_to(self.integers(n, axes), shape(axes)).reshape(count, -1)
            for n, axes in ((node.labels, (*batch, *places)), (node.steps, batch), (node.length, batch))
        )
        time, classes = (1 if axis is None else axis.size for axis in (node.time, node.classes))
        return Lattice(do, flat, labels, steps[:, 0], length[:, 0], node.blank, (count, time, classes), node.dtype)

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
            case Compare(op, a, b, axes) if a is b and is_floating(a) and not isinstance(a, Constant):
                return self._with_itself(op, a, axes)
            case Compare(op, a, b, axes):
                if a is b and is_floating(a):
                    same, alone = self.real(a, axes), self._nothing_of(a, axes)
                    found = self.arithmetic.compare(op, same, same)
                    return np.where(found == -1, self.arithmetic.compare(op, alone, alone), found)
                if (is_floating(a) and not isinstance(a, Constant)) or (is_floating(b) and not isinstance(b, Constant)):
                    dtype = b.dtype if isinstance(a, Constant) or not is_floating(a) else a.dtype
                    found = self.arithmetic.compare(op, self._operand(a, axes, dtype), self._operand(b, axes, dtype))
                    if op == "eq" and isinstance(b, Extremum) and b.x is a:
                        return certain(found, dims_of(axes, b.over))
                    return found
                return COMPARE[op](self._exact(a, axes), self._exact(b, axes)).astype(np.int8)
            case Where(condition, a, b, axes):
                if node.dtype == "bool":
                    return _chosen(*(self.integers(n, axes).astype(np.int8, copy=False) for n in (condition, a, b)))
                return np.where(self.decided(condition, axes) == 1, self._exact(a, axes), self._exact(b, axes))
            case Binary(op, a, b, axes):
                return INTEGER[op](self._exact(a, axes), self._exact(b, axes))
            case Unary("neg", x, axes):
                return -self.decided(x, axes)
            case Unary("abs", x, axes):
                return np.abs(self.decided(x, axes))
            case Unary("square", x, axes):
                return self.decided(x, axes) ** 2
            case Sum(x, over):
                return np.broadcast_to(self.decided(x, x.axes), shape(x.axes)).sum(
                    axis=dims_of(x.axes, over), dtype=np.int64
                )
            case Extremum(op, x, over):
                held = np.broadcast_to(self.decided(x, x.axes), shape(x.axes))
                return held.max(axis=dims_of(x.axes, over)) if op == "max" else held.min(axis=dims_of(x.axes, over))
            case Take(x, index, along, axes):
                source = np.broadcast_to(self.integers(x, (*axes, along)), (*shape(axes), along.size))
                picked = np.broadcast_to(self.integers(index, axes), shape(axes))[..., np.newaxis]
                return np.take_along_axis(source, picked % along.size, -1)[..., 0]
            case OneHot(index, along, axes):
                return (self.integers(index, axes) == np.arange(along.size).reshape(laid((along,), axes)[1])).astype(
                    np.int64
                )
            case Coordinate(along):
                return np.arange(along.size)
            case Reshape(x, old, new, axes):
                spread = tuple(axis for axis in (*axes, *old) if axis in old or axis not in new)
                return np.broadcast_to(self.integers(x, spread), shape(spread)).reshape(shape(axes))
            case Concat(parts, spans, along, axes):
                kept = tuple(axis for axis in axes if axis is not along)
                held = [self.integers(x, (*kept, span) if span else kept) for x, span in zip(parts, spans, strict=True)]
                full = [
                    np.broadcast_to(h, (*shape(kept), s.size) if s else shape(kept))
                    for h, s in zip(held, spans, strict=True)
                ]
                return np.concatenate(
                    [f if s else f[..., np.newaxis] for f, s in zip(full, spans, strict=True)], axis=-1
                )
            case Cast(x, axes):
                return self._truncated(x, axes, node.dtype)
            case Rename(x) | StopGradient(x) | Named(_, x):
                return self.done[x]
            case _:
                raise TypeError(f"{type(node).__name__} with dtype {node.dtype} is not an integer node")

    def _with_itself(self, op: CompareOp, x: Node, axes: Axes) -> Integers:
        """x = x says of x that it is a number, infinities among them; no ball around it has to be a point for that."""
        do = self.arithmetic
        number = do.compare("le", self.real(x, axes), do.number(math.inf, "scalar"))
        match op:
            case "eq" | "le" | "ge":
                return number
            case "ne":
                return np.where(number == -1, number, 1 - number).astype(np.int8)
            case _:
                return np.zeros_like(number)

    def _exact(self, node: Node, axes: Axes) -> Integers:
        match node:
            case Constant(value):
                return np.full((1,) * len(axes), int(value) if value == value // 1 else float(value))
            case _:
                return self.decided(node, axes)

    def _truncated(self, x: Node, axes: Axes, dtype: str) -> Integers:
        if isinstance(x, Constant) and np.isfinite(float(x.value)):
            return np.full((1,) * len(axes), int(x.value != 0) if dtype == "bool" else int(x.value))
        if isinstance(x, Input) and is_floating(x):
            held = np.trunc(np.asarray(self.values[x.tensor], dtype=np.float64)).astype(np.int64)
            order, lengths = laid(x.axes, axes)
            return held.reshape(shape(x.axes)).transpose(order).reshape(lengths)
        if is_floating(x):
            raise TypeError("a real array has no certain integer values")
        held = self.decided(x, axes)
        return (held != 0).astype(np.int8) if dtype == "bool" else held.astype(np.int64)


def _chosen(condition: Integers, yes: Integers, no: Integers) -> Integers:
    """One truth value or the other, and open where the condition is; all of int8."""
    found = yes * condition
    if no.any():
        found = found + no * (1 - condition)
    return np.where(condition < 0, np.int8(-1), found) if (condition < 0).any() else found
