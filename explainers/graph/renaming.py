"""Rewrites that leave axes renamed at the leaves alone, so that one array under two names of an axis is one graph.

They serve the comparison of formulas: what is shown keeps the names where the program gave them.
"""

from __future__ import annotations

from explainers.graph import ops
from explainers.graph.nodes import (
    Axis,
    Binary,
    Cast,
    Coordinate,
    Input,
    LogSumExp,
    Node,
    Rename,
    Softmax,
    Sum,
    Take,
    Unary,
    operands,
)
from explainers.graph.rewriting import Rule, rebuild


def renaming_rules() -> tuple[Rule, ...]:
    """An axis renamed behind an operation is one renamed before it; each element in its own place is the array."""
    return (
        Rule("axis renamed at the leaves", "f(x)[b for a] → f(x[b for a])", _inside, _inside_example),
        Rule("axes renamed one after the other", "x[b for a][c for b] → x[c for a]", _chained, _chained_example),
        Rule("each element in its place", "x[b] → x", _in_place, _in_place_example),
    )


def _inside(node: Node) -> Node | None:
    match node:
        case Rename(Unary() | Binary() | Sum() | LogSumExp() | Softmax() | Cast() | Take() as x, old, new):
            return _renamed(x, old, new)
        case _:
            return None


def _renamed(x: Node, old: Axis, new: Axis) -> Node | None:
    """The same operation on operands whose axis is renamed; None where one has the new axis already, or loses it."""
    parts = operands(x)
    if any(new in part.axes for part in parts) or (isinstance(x, Take) and x.along is old):
        return None
    inner = tuple(ops.rename(part, old, new) for part in parts)
    if isinstance(x, Softmax) and old in x.over:
        return ops.softmax(inner[0], new) if len(x.over) == 1 else None
    return rebuild(x, inner)


def _inside_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.rename(ops.exp(x), c, Axis("h", c.size))


def _chained(node: Node) -> Node | None:
    """One rename for two of the same axis; two of one array in the order of its axes."""
    match node:
        case Rename(Rename(x, first, between), old, new) if between is old:
            return ops.rename(x, first, new)
        case Rename(Rename(x, first, then), old, new) if old in x.axes and new not in x.axes:
            return _ordered(x, (first, then), (old, new))
        case _:
            return None


def _ordered(x: Node, inner: tuple[Axis, Axis], outer: tuple[Axis, Axis]) -> Node | None:
    if x.axes.index(inner[0]) < x.axes.index(outer[0]):
        return None
    return ops.rename(ops.rename(x, *outer), *inner)


def _chained_example(x: Input, y: Input, c: Axis) -> Node:
    between = Axis("h", c.size)
    return Rename(ops.rename(x, c, between), between, c, x.axes, x.dtype)


def _in_place(node: Node) -> Node | None:
    match node:
        case Take(x, Coordinate(across), along) if across.size == along.size and across not in x.axes:
            return ops.rename(x, along, across)
        case _:
            return None


def _in_place_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.take(x, ops.coordinate(Axis("h", c.size)), c)
