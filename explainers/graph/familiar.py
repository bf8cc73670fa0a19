"""Rewrites that go the other way: from the normal form to the one people learn the loss by."""

from __future__ import annotations

from fractions import Fraction

from explainers.graph import ops
from explainers.graph.nodes import Axis, Binary, Constant, Input, LogSumExp, Node, Take, Unary
from explainers.graph.rewriting import Rule


def familiar_rules() -> tuple[Rule, ...]:
    """The rewrites of the definition: probabilities under a logarithm."""
    return (
        Rule("negative log-likelihood", "lse u − u[y] → −log softmax(u)[y]", _likelihood, _likelihood_example),
        Rule("log-softmax", "u − lse u → log softmax(u)", _log_softmax, lambda x, y, c: ops.log_softmax(x, c)),
        Rule(
            "binary cross-entropy",
            "(1 − t)x − log σ(x) → −t log σ(x) − (1 − t) log(1 − σ(x))",
            _binary,
            _binary_example,
        ),
    )


def _likelihood(node: Node) -> Node | None:
    match node:
        case Binary("sub", LogSumExp(u, (over,)), Take(v, index, along)) if u is v and along is over:
            return ops.neg(ops.log(ops.take(ops.softmax(u, over), index, over)))
        case _:
            return None


def _likelihood_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.sub(ops.logsumexp(x, c), ops.take(x, y, c))


def _log_softmax(node: Node) -> Node | None:
    match node:
        case Binary("sub", u, LogSumExp(v, (over,))) if u is v:
            return ops.log(ops.softmax(u, over))
        case _:
            return None


def _binary(node: Node) -> Node | None:
    match node:
        case Binary(
            "sub", Binary("mul", Binary("sub", Constant(Fraction() as one), t) as rest, x), Unary("logsigmoid", z)
        ) if one == 1 and x is z:
            p = ops.sigmoid(x)
            return ops.sub(ops.neg(ops.mul(t, ops.log(p))), ops.mul(rest, ops.log(ops.sub(1, p))))
        case _:
            return None


def _binary_example(x: Input, y: Input, c: Axis) -> Node:
    t = ops.softmax(x, c)
    return ops.sub(ops.mul(ops.sub(1, t), x), ops.logsigmoid(x))
