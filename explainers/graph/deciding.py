"""Branches decided by the recorded numbers: a clamp that nowhere acts is none, a `where` with one side is that side.

Likewise u / u is 1 where u is nowhere 0 or infinite.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from explainers.graph import ops
from explainers.graph.evaluation import Values, evaluate_all
from explainers.graph.floats import FloatArithmetic
from explainers.graph.interval_arrays import Interval, bounds
from explainers.graph.intervals import IntervalArithmetic
from explainers.graph.nodes import (
    Binary,
    Compare,
    Input,
    Node,
    Unary,
    Where,
    WithGradient,
    is_floating,
    operands,
    topological,
)
from explainers.graph.rewriting import rebuild
from explainers.graph.rounding import Rounding

Held = npt.NDArray[Any]
RELATIONS = ("eq", "ne", "lt", "le", "gt", "ge")
NEAR = 1e-9
"""A difference of so much, relative to the largest input, may be float64's rounding alone."""


def decided(root: Node, values: Values) -> Node:
    """The root with each branch that goes the same way for every element replaced by the side it takes.

    A tie or a nan leaves the branch as it is, and so does a difference whose sign is not certain.
    """
    asked = {node: choice for node in topological(root) if (choice := _deciding(node)) is not None}
    if not asked:
        return root
    held = dict(zip(asked, evaluate_all(tuple(asked.values()), values, FloatArithmetic()), strict=True))
    unsure = _unsure([node for node in asked if _is_uniform(node, held[node])], asked, values)
    done: dict[Node, Node] = {}
    for node in topological(root):
        parts = tuple(done[n] for n in operands(node))
        side = _side(node, parts, held[node]) if node in held and node not in unsure else None
        if isinstance(node, WithGradient) and parts[0].axes != node.value.axes:  # its backward is one for each element
            parts = (rebuild(node.value, tuple(done[n] for n in operands(node.value))), *parts[1:])
        done[node] = rebuild(node, parts) if side is None else side
    return done[root]


def branches(root: Node) -> int:
    """How many branches on real numbers there are."""
    return sum(_is_branch(node) for node in topological(root))


def _is_branch(node: Node) -> bool:
    match node:
        case Where(condition):
            return any(True for _ in meets(condition, RELATIONS))
        case Binary("div"):
            return False
        case _:
            return _deciding(node) is not None


def meets(condition: Node, relations: Container[str]) -> Iterator[Node]:
    """What is 0 where the sides of a condition with one of these relations meet, or of several that have to hold."""
    match condition:
        case Compare(op, a, b) if op in relations and (is_floating(a) or is_floating(b)):
            yield ops.sub(a, b)
        case Where() if not is_floating(condition):
            yield from (met for part in operands(condition) for met in meets(part, relations))
        case _:
            pass


def _unsure(uniform: list[Node], asked: Mapping[Node, Node], values: Values) -> set[Node]:
    """The branches whose decision float64's own rounding may have made."""
    near = {node: _gaps(asked[node]) for node in uniform}
    gaps = list(dict.fromkeys(gap for found in near.values() for gap in found))
    if not gaps:
        return set()
    room = max(room_of(gap, values) for gap in gaps)
    numbers = dict(zip(gaps, evaluate_all(tuple(gaps), values, FloatArithmetic()), strict=True))
    close = [node for node in uniform if any((np.abs(numbers[gap]) <= room).any() for gap in near[node])]
    if not close:
        return set()
    certain = evaluate_all(tuple(asked[n] for n in close), values, IntervalArithmetic(Rounding("exact")))
    return {n for n, found in zip(close, certain, strict=True) if not _is_certain(found)}


def room_of(gap: Node, values: Values) -> float:
    """Up to what a difference may be float64's rounding alone."""
    inputs = (x for x in topological(gap) if _is_input(x))
    return NEAR * max(map(_largest, (1.0, *(values[x.tensor] for x in inputs))))


def _gaps(choice: Node) -> list[Node]:
    return [choice] if is_floating(choice) else list(meets(choice, RELATIONS))


def _is_certain(found: Interval | Held) -> bool:
    """Whether a condition is open nowhere, or the ends of a difference have one sign."""
    if not isinstance(found, Interval):
        return bool((found != -1).all())
    low, high = bounds(found)
    return bool((low > 0).all() or (high < 0).all())


def _is_uniform(node: Node, held: Held) -> bool:
    return bool(_sign(held)) or (isinstance(node, Where) and held.size > 0 and bool((held == 0).all()))


def _is_input(node: Node) -> TypeGuard[Input]:
    return isinstance(node, Input) and is_floating(node)


def _largest(values: Held | float) -> float:
    held = np.abs(np.asarray(values, dtype=np.float64))
    return float(held[np.isfinite(held)].max(initial=0.0))


def _deciding(node: Node) -> Node | None:
    """What decides a branch: the condition, or the difference of the sides, whose sign tells."""
    match node:
        case Where(condition):
            return condition
        case Binary("maximum" | "minimum" | "clamp_min" | "clamp_max", a, b) if is_floating(node):
            return ops.sub(a, b)
        case Unary("relu" | "abs", x) if is_floating(x):
            return x
        case Binary("div", a, b) if a is b and is_floating(a):
            return a
        case _:
            return None


def _side(node: Node, parts: tuple[Node, ...], held: Held) -> Node | None:
    match node:
        case Where():
            return (
                parts[1] if held.size and (held == 1).all() else parts[2] if held.size and (held == 0).all() else None
            )
        case Binary("div"):
            return ops.constant(1) if _sign(held) and np.isfinite(held).all() else None
        case Binary(op) if sign := _sign(held):
            return parts[0] if (sign > 0) == (op in ("maximum", "clamp_min")) else parts[1]
        case Unary(op) if sign := _sign(held):
            return parts[0] if sign > 0 else ops.neg(parts[0]) if op == "abs" else ops.mul(0, parts[0])
        case _:
            return None


def _sign(held: Held) -> int:
    """1 or −1 where all elements agree, else 0."""
    return 1 if held.size and (held > 0).all() else -1 if held.size and (held < 0).all() else 0
