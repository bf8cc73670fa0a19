"""Branches decided by the recorded numbers: a clamp that nowhere acts is none, a `where` with one side is that side."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from explainers.graph import ops
from explainers.graph.evaluation import Values, evaluate_all
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import Binary, Node, Unary, Where, WithGradient, is_floating, operands, topological
from explainers.graph.rewriting import rebuild

Held = npt.NDArray[Any]


def decided(root: Node, values: Values) -> Node:
    """The root with each branch that goes the same way for every element replaced by the side it takes.

    A tie or a nan leaves the branch as it is.
    """
    asked = {node: choice for node in topological(root) if (choice := _deciding(node)) is not None}
    if not asked:
        return root
    held = dict(zip(asked, evaluate_all(tuple(asked.values()), values, FloatArithmetic()), strict=True))
    done: dict[Node, Node] = {}
    for node in topological(root):
        parts = tuple(done[n] for n in operands(node))
        side = _side(node, parts, held[node]) if node in held else None
        if isinstance(node, WithGradient) and parts[0].axes != node.value.axes:  # its backward is one for each element
            parts = (rebuild(node.value, tuple(done[n] for n in operands(node.value))), *parts[1:])
        done[node] = rebuild(node, parts) if side is None else side
    return done[root]


def _deciding(node: Node) -> Node | None:
    """What decides a branch: the condition, or the difference of the sides, whose sign tells."""
    match node:
        case Where(condition):
            return condition
        case Binary("maximum" | "minimum" | "clamp_min" | "clamp_max", a, b) if is_floating(node):
            return ops.sub(a, b)
        case Unary("relu" | "abs", x) if is_floating(x):
            return x
        case _:
            return None


def _side(node: Node, parts: tuple[Node, ...], held: Held) -> Node | None:
    match node:
        case Where():
            return (
                parts[1] if held.size and (held == 1).all() else parts[2] if held.size and (held == 0).all() else None
            )
        case Binary(op) if sign := _sign(held):
            return parts[0] if (sign > 0) == (op in ("maximum", "clamp_min")) else parts[1]
        case Unary(op) if sign := _sign(held):
            return parts[0] if sign > 0 else ops.neg(parts[0]) if op == "abs" else ops.mul(0, parts[0])
        case _:
            return None


def _sign(held: Held) -> int:
    """1 or −1 where all elements agree, else 0."""
    return 1 if held.size and (held > 0).all() else -1 if held.size and (held < 0).all() else 0
