"""Rewriting a graph bottom-up by named rules, with equal structures made one object first.

A rule looks at one node whose operands are already in normal form and returns what it becomes, or None. Every rule is
an identity of real numbers on its stated domain; the generic test runs both sides over balls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from explainers.graph import ops
from explainers.graph.nodes import (
    AlignmentSum,
    Axis,
    Binary,
    Cast,
    Compare,
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
    operands,
    topological,
)


@dataclass(frozen=True)
class Rule:
    """A named identity: `apply` returns the rewritten node or None; `example` builds a graph on which it must fire.

    `arrow` is the identity as people write it.
    """

    name: str
    arrow: str
    apply: Callable[[Node], Node | None]
    example: Callable[[Input, Input, Axis], Node]


class Interner:
    """Makes nodes of equal structure the same object, so that `is` compares formulas."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Node] = {}

    def intern(self, node: Node) -> Node:
        """The one object of this structure; its operands must be interned already."""
        return self._known.setdefault(_key(node), node)


class Rewriter:
    """Normalises graphs with a list of rules; `applied` tells which rules fired, in order."""

    def __init__(self, rules: Sequence[Rule], interner: Interner | None = None) -> None:
        self.rules, self.interner = tuple(rules), interner or Interner()
        self.applied: list[Rule] = []
        self._normal: dict[Node, Node] = {}

    def rewrite(self, root: Node) -> Node:
        """The root in normal form; what a rule makes is itself rewritten at most `_DEPTH` times over."""
        for node in topological(root):
            if node not in self._normal:
                parts = tuple(self._normal[n] for n in operands(node))
                self._normal[node] = self._settled(rebuild(node, parts), _DEPTH)
        return self._normal[root]

    def _fixed(self, node: Node, depth: int) -> Node:
        """An interned node over normal operands, rewritten until no rule changes it."""
        if node in self._normal:
            return self._normal[node]
        for rule in self.rules if depth else ():
            after = rule.apply(node)
            if after is not None and self._interned(after) is not node:
                self.applied.append(rule)
                self._normal[node] = self._settled(after, depth - 1)
                return self._normal[node]
        self._normal[node] = node
        return node

    def _interned(self, node: Node) -> Node:
        """The node over interned operands, unrewritten; what is normal already is taken as it is."""
        if self._normal.get(node) is node:
            return node
        return self.interner.intern(rebuild(node, tuple(self._interned(n) for n in operands(node))))

    def _settled(self, node: Node, depth: int) -> Node:
        """What a rule made, in normal form: the nodes it found are so already, so only new ones are looked at."""
        if node in self._normal:
            return self._normal[node]
        parts = tuple(self._settled(n, depth) for n in operands(node))
        rebuilt = rebuild(node, parts)
        if operands(rebuilt) != parts:  # the op table said it in other words
            return self._settled(rebuilt, depth)
        return self._fixed(self.interner.intern(rebuilt), depth)


_DEPTH = 24


def rebuild(node: Node, parts: tuple[Node, ...]) -> Node:
    """The node over other operands, through the op table (so that exact foldings happen)."""
    if all(a is b for a, b in zip(parts, operands(node), strict=True)):
        return node
    match node:
        case Input() | Constant() | Coordinate():
            return node
        case Unary(op):
            return ops.unary(op, parts[0])
        case Binary(op):
            return ops.binary(op, parts[0], parts[1])
        case Compare(op):
            return ops.compare(op, parts[0], parts[1])
        case Where():
            return ops.where(parts[0], parts[1], parts[2])
        case Sum(_, over):
            return ops.sum(parts[0], over)
        case LogSumExp(_, over):
            if len(over) == 1:
                return ops.logsumexp(parts[0], over[0])
            return replace(node, x=parts[0], axes=ops.without(parts[0].axes, over))
        case Reshape(_, old, new):
            return ops.reshape(parts[0], old, new)
        case Concat(_, spans, along):
            return ops.concat(parts, spans, along)
        case Softmax() | Extremum() | StopGradient() | Named() | OneHot() | Rename() | Cast():
            return _over_one(node, parts[0])
        case AlignmentSum(_, _, _, _, time, classes, places, blank):
            x, labels, steps, length = parts
            total = ops.alignment_sum(x, labels, (steps, length), (time, classes, places), blank)
            return ops.occupancy(total) if isinstance(node, Occupancy) else total
        case Take(_, _, along):
            return ops.take(parts[0], parts[1], along)
        case WithGradient():
            pairs = tuple(zip(parts[1::2], parts[2::2], strict=True))
            return ops.with_gradient(parts[0], pairs)


def _over_one(node: Softmax | Extremum | StopGradient | Named | OneHot | Rename | Cast, x: Node) -> Node:
    match node:
        case Softmax(_, over):
            return ops.softmax(x, over[0]) if len(over) == 1 else replace(node, x=x, axes=x.axes)
        case Extremum(op, _, over):
            return ops.extremum(op, x, over)
        case StopGradient():
            return ops.stop_gradient(x)
        case Named(name):
            return ops.named(name, x)
        case OneHot(_, along, _, dtype):
            return ops.one_hot(x, along, dtype)
        case Rename(_, old, new):
            return ops.rename(x, old, new)
        case Cast(_, _, dtype):
            return ops.cast(x, dtype)


def _key(node: Node) -> tuple[Any, ...]:
    """Type, parameters and the identities of operands. Axes order is a matter of layout, not of meaning, and so
    is which float program adds up a log Σ exp."""
    if isinstance(node, Input):
        return (Input, node.tensor, tuple(id(axis) for axis in node.axes))
    parts = {id(n) for n in operands(node)}
    rest = tuple(
        _plain(getattr(node, field.name))
        for field in fields(node)
        if field.name not in ("axes", "fused") and id(getattr(node, field.name)) not in parts
    )
    return (type(node), *(id(n) for n in operands(node)), *rest)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_plain(v) for v in value)
    return id(value) if isinstance(value, (Axis, *_NODES)) else value


_NODES = (
    Input, Constant, Unary, Binary, Compare, Where, Sum, LogSumExp, Softmax, Extremum, AlignmentSum, Take, OneHot,
    Rename, Reshape, Concat, Coordinate, Cast, StopGradient, WithGradient, Named,
)  # fmt: skip
