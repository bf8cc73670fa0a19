"""Loops over a batch, collapsed to one row: rounds that do the same with x[0], x[1], x[2], … are one formula over x.

Rounds are found where a program brings them together again: stacked side by side, or added up one after the other.
They are the same formula if they differ only in the places that they take their elements from, or in a number that a
loop counts with or changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction

from explainers.graph import ops
from explainers.graph.nodes import (
    Axis,
    Binary,
    Cast,
    Concat,
    Constant,
    Input,
    Node,
    OneHot,
    Sum,
    Table,
    Take,
    is_floating,
    operands,
    topological,
)
from explainers.graph.rewriting import rebuild
from explainers.operations.tables import numbers, table

LEAST_ROUNDS = 2
LEAST_OF_SOME = 3  # rounds that take some elements and not all, one by one
MOST_TRIED = 4
_NEUTRAL = {"mul": 1, "div": 1, "pow": 1, "add": 0, "sub": 0}


@dataclass(frozen=True)
class Label:
    """What a program calls a quantity, and the code that makes it."""

    name: str
    code: str


@dataclass(frozen=True)
class Collapsed:
    """A graph without loops, and what its quantities are called."""

    root: Node
    names: Mapping[Node, Label]


def collapsed(root: Node, names: Mapping[Node, Label]) -> Collapsed:
    """The graph with each loop as one round, wherever that is the same formula."""
    done: dict[Node, Node] = {}
    kept: dict[Node, Label] = {}
    inner = {node.a for node in topological(root) if _is_sum(node) and isinstance(node, Binary)}
    added = set[Node]()
    for node in topological(root):
        made = rebuild(node, tuple(done[part] for part in operands(node)))
        done[node] = _collapse(made, _rounds(made, node in inner), kept)
        if done[node] is not made and isinstance(done[node], Sum):
            added.add(done[node])
        if node in names:
            kept.setdefault(done[node], names[node])
    held = set(topological(done[root])) - (added & {_divided(done[root])})
    return Collapsed(done[root], {node: name for node, name in kept.items() if node in held})


def _divided(root: Node) -> Node:
    """What the root is but for a division: a running sum there is that of the losses of the items."""
    match root:
        case Binary("div", total, Constant()):
            return total
        case Cast(x):
            return _divided(x)
        case _:
            return root


def _collapse(node: Node, candidates: Sequence[tuple[Node | None, tuple[Node, ...]]], kept: dict[Node, Label]) -> Node:
    """The node with its rounds as one, where they are the same formula."""
    for head, rounds in candidates:
        made = _together(node, rounds, dict(kept), kept)
        if made is not None:
            return made if head is None else ops.add(head, made)
    return node


def _is_sum(node: Node) -> bool:
    return isinstance(node, Binary) and node.op in ("add", "sub")


def _rounds(node: Node, added_further: bool) -> list[tuple[Node | None, tuple[Node, ...]]]:
    """What may be the rounds of a loop, the longest first, and what they are added to; of a sum that goes on, only
    the whole is looked at."""
    match node:
        case Concat(parts, spans) if not any(spans) and len(parts) >= LEAST_ROUNDS:
            return [(None, parts)]
        case Binary("add" | "sub") if not added_further and is_floating(node):
            return _cuts(node)
        case _:
            return []


def _cuts(node: Node) -> list[tuple[Node | None, tuple[Node, ...]]]:
    """A sum t₀ + t₁ + … as rounds from near its start on: what is before them is the first round or is none. What is
    subtracted is a round with a minus sign."""
    terms, sums = list[Node](), list[Node]()
    while isinstance(node, Binary) and node.op in ("add", "sub"):
        terms.append(node.b if node.op == "add" else ops.neg(node.b))
        sums.append(node.a)
        node = node.a
    terms.reverse()
    sums.reverse()
    found: list[tuple[Node | None, tuple[Node, ...]]] = []
    for k in range(min(len(terms), MOST_TRIED)):
        rest = tuple(terms[k:])
        found.append((None, (sums[k], *rest)))
        if len(rest) >= LEAST_ROUNDS:
            found.append((sums[k], rest))
    return found


def _together(
    node: Node, rounds: tuple[Node, ...], called: Mapping[Node, Label], kept: dict[Node, Label]
) -> Node | None:
    axis = _axis(rounds)
    union = _Union(axis, called)
    one = union.of(rounds)
    if one is None or axis not in one.axes or (union.sparse and len(rounds) < LEAST_OF_SOME):
        return None
    kept |= union.names
    if isinstance(node, Concat):
        return ops.cast(ops.rename(one, axis, node.along), node.dtype)
    return ops.sum(one, (axis,))


def _axis(rounds: Sequence[Node]) -> Axis:
    """The axis along which the rounds go: that of the array whose places they take one by one, else a new one."""
    for node in topological(rounds[0]):
        match node:
            case Take(Input(axes=axes), Constant(), along) if along.size == len(rounds) and along in axes:
                if not any(along in n.axes for part in rounds for n in topological(part) if not isinstance(n, Input)):
                    return along
            case _:
                pass
    return Axis("a", len(rounds))


@dataclass
class _Union:
    """Nodes of several rounds as one node along an axis; None where they are not the same formula.

    `sparse` says that they take some of an array's elements and not all of them in order.
    """

    axis: Axis
    called: Mapping[Node, Label]
    names: dict[Node, Label] = field(default_factory=dict[Node, Label])
    sparse: bool = False
    known: dict[tuple[Node, ...], Node | None] = field(default_factory=dict[tuple[Node, ...], "Node | None"])

    def of(self, rounds: tuple[Node, ...]) -> Node | None:
        if all(node is rounds[0] for node in rounds):
            return rounds[0]
        if rounds not in self.known:
            self.known[rounds] = self._made(rounds)
            found, held = self.known[rounds], {self.called.get(node) for node in rounds}
            if found is not None and len(held) == 1 and (name := held.pop()) is not None:
                self.names.setdefault(found, name)
        return self.known[rounds]

    def _made(self, rounds: tuple[Node, ...]) -> Node | None:
        rounds = _alike(rounds)
        first = rounds[0]
        if all(isinstance(node, Constant) for node in rounds):
            return self._numbers([node for node in rounds if isinstance(node, Constant)])
        if not all(type(node) is type(first) and _settings(node) == _settings(first) for node in rounds):
            return None
        if isinstance(first, Take) and all(isinstance(n, Take) and isinstance(n.index, Constant) for n in rounds):
            return self._taken(rounds)
        parts = [self.of(tuple(column)) for column in zip(*map(operands, rounds), strict=True)]
        made = tuple(part for part in parts if part is not None)
        if not parts or len(made) < len(parts):
            return None
        return rebuild(first, tuple(_rounded(part, first) for part in made))

    def _numbers(self, rounds: Sequence[Constant]) -> Node | None:
        """Python's numbers of the rounds, one behind the other; a single one where they are the same."""
        if all(_settings(node) == _settings(rounds[0]) for node in rounds):
            return rounds[0]
        if not all(isinstance(node.value, Fraction) and not node.axes and node.dtype == "scalar" for node in rounds):
            return None
        self.sparse = True
        return numbers("w", [float(node.value) for node in rounds], self.axis)

    def _taken(self, rounds: Sequence[Node]) -> Node | None:
        """x at one place after the other."""
        takes = [node for node in rounds if isinstance(node, Take)]
        x = self.of(tuple(node.x for node in takes))
        along = takes[0].along
        places = [int(node.index.value) for node in takes if isinstance(node.index, Constant)]
        if x is None or along not in x.axes:
            return None
        if places == list(range(along.size)) and (along is self.axis or self.axis not in x.axes):
            return ops.rename(x, along, self.axis)
        self.sparse = True
        step = places[1] - places[0]
        regular = places == list(range(places[0], places[0] + step * len(places), step)) if step else False
        k = ops.coordinate(self.axis)
        index = ops.add(ops.mul(step, k), places[0]) if regular else table("m", places, self.axis).node
        return ops.take(x, index, along)


def _rounded(part: Node, first: Node) -> Node:
    """Numbers of Python as the array that they meet rounds them, or whole where they say which place is 1."""
    if not isinstance(part, Table) or not is_floating(part):
        return part
    match first:
        case Binary():
            return ops.cast(part, first.dtype)
        case OneHot():
            return ops.cast(part, "int64")
        case _:
            return part


def _alike(rounds: Sequence[Node]) -> tuple[Node, ...]:
    """The rounds, where some lack the factor 1 or the term 0 that the others have: nothing is written down of those."""
    pattern = next(
        (n for n in rounds if isinstance(n, Binary) and n.op in _NEUTRAL and isinstance(n.b, Constant)), None
    )
    if not isinstance(pattern, Binary) or not isinstance(pattern.b, Constant):
        return tuple(rounds)
    if sum(_has_number(n, pattern.op) for n in rounds) < len(rounds) - 1:
        return tuple(rounds)
    neutral = Constant(Fraction(_NEUTRAL[pattern.op]))
    return tuple(n if _has_number(n, pattern.op) else Binary(pattern.op, n, neutral, n.axes, n.dtype) for n in rounds)


def _has_number(node: Node, op: str) -> bool:
    return isinstance(node, Binary) and node.op == op and isinstance(node.b, Constant)


def _settings(node: Node) -> tuple[object, ...]:
    """What a node is beside its operands: axes by identity, numbers by value."""
    parts = {id(part) for part in operands(node)}
    held = ((f.name, getattr(node, f.name)) for f in fields(node) if f.name not in ("axes", "parts", "partials"))
    return tuple((name, value) for name, value in held if id(value) not in parts)
