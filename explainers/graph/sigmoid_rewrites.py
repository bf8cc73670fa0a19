"""Rewrites around the logistic function: sigmoid, log-sigmoid and softplus from exponentials and logarithms."""

from __future__ import annotations

from fractions import Fraction

from explainers.graph import ops
from explainers.graph.nodes import Axis, Binary, Constant, Input, Node, Unary
from explainers.graph.rewriting import Rule


def sigmoid_rules() -> tuple[Rule, ...]:
    """The rewrites of binary losses."""
    return (
        Rule("sigmoid from exponentials", "1 / (1 + e^−u) → σ(u)", _sigmoid, _sigmoid_example),
        Rule("reflected sigmoid", "σ(−u) → 1 − σ(u)", _reflected, lambda x, y, c: ops.sigmoid(ops.neg(x))),
        Rule("log of sigmoid", "log σ(u) → logsigmoid(u)", _log_sigmoid, lambda x, y, c: ops.log(ops.sigmoid(x))),
        Rule("log of one minus sigmoid", "log(1 − σ(u)) → logsigmoid(−u)", _log_reflected, _log_reflected_example),
        Rule("softplus", "log(1 + e^u) → softplus(u)", _softplus, lambda x, y, c: ops.log1p(ops.exp(x))),
        Rule("log1p of a negative", "log1p(−u) → log(1 − u)", _log1p_negative, _log1p_negative_example),
    )


def _sigmoid(node: Node) -> Node | None:
    match node:
        case Binary("div", Constant(Fraction() as k), Binary("add", Unary("exp", x), Constant(Fraction() as one))) if (
            one == 1
        ):
            return _scaled_sigmoid(k, x)
        case Binary("div", Constant(Fraction() as k), Binary("add", Constant(Fraction() as one), Unary("exp", x))) if (
            one == 1
        ):
            return _scaled_sigmoid(k, x)
        case _:
            return None


def _scaled_sigmoid(k: Fraction, x: Node) -> Node:
    return ops.mul(k, ops.sigmoid(ops.neg(x)))


def _sigmoid_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.div(1, ops.add(1, ops.exp(ops.neg(x))))


def _reflected(node: Node) -> Node | None:
    match node:
        case Unary("sigmoid", Unary("neg", x)):
            return ops.sub(1, ops.sigmoid(x))
        case _:
            return None


def _log_sigmoid(node: Node) -> Node | None:
    match node:
        case Unary("log", Unary("sigmoid", x)):
            return ops.logsigmoid(x)
        case _:
            return None


def _log_reflected(node: Node) -> Node | None:
    match node:
        case Unary("log", Binary("sub", Constant(Fraction() as one), Unary("sigmoid", x))) if one == 1:
            return ops.logsigmoid(ops.neg(x))
        case _:
            return None


def _log_reflected_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.log(ops.sub(1, ops.sigmoid(x)))


def _softplus(node: Node) -> Node | None:
    match node:
        case Unary("log1p", Unary("exp", x)):
            return ops.unary("softplus", x)
        case Unary("log", Binary("add", Constant(Fraction() as one), Unary("exp", x))) if one == 1:
            return ops.unary("softplus", x)
        case Unary("log", Binary("add", Unary("exp", x), Constant(Fraction() as one))) if one == 1:
            return ops.unary("softplus", x)
        case _:
            return None


def _log1p_negative(node: Node) -> Node | None:
    match node:
        case Unary("log1p", Unary("neg", x)):
            return ops.log(ops.sub(1, x))
        case _:
            return None


def _log1p_negative_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.log1p(ops.neg(ops.sigmoid(x)))
