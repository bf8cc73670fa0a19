"""Rewrites of shares: what the alignments say at a time step, and a softmax, sum to one over the classes."""

from __future__ import annotations

from fractions import Fraction

from explainers.graph import ops
from explainers.graph.nodes import (
    Axis,
    Binary,
    Compare,
    Constant,
    Coordinate,
    Input,
    LogSumExp,
    Named,
    Node,
    Occupancy,
    Softmax,
    Sum,
    Unary,
    Where,
)
from explainers.graph.rewriting import Rule


def share_rules() -> tuple[Rule, ...]:
    """Both are for labels that have an alignment, and for finite scores."""
    return (
        Rule("each time step of an alignment says one class", "Σ_c share(t, c) → 1", _sum_of_shares, _sum_example),
        Rule("two shares cancel", "Σ_c (softmax(u) − share)(c) → 0", _cancelled, _cancelled_example),
    )


def _sum_of_shares(node: Node) -> Node | None:
    match node:
        case Sum(Occupancy(classes=classes) as share, over) if classes is not None and classes in over:
            one: Node = ops.cast(ops.constant(1), node.dtype)
            counts = ops.compare("lt", ops.coordinate(share.time), share.steps)
            held = one if _reaches(share) else ops.where(counts, one, 0)
            return ops.sum(held, ops.without(over, (classes,)))
        case _:
            return None


def _cancelled(node: Node) -> Node | None:
    """Behind the last time step there is no share: so either all steps count, or those that do not are left out."""
    match node:
        case Sum(Binary("sub", a, b), (over,)) if (share := _share_beside_softmax(a, b, over)) and _reaches(share):
            return ops.constant(0)
        case Sum(
            Where(Compare("lt", Coordinate(time), steps), Binary("sub", a, b), Constant(Fraction() as zero)), (over,)
        ) if (share := _share_beside_softmax(a, b, over)) and time is share.time and steps is share.steps and not zero:
            return ops.constant(0)
        case _:
            return None


def _share_beside_softmax(a: Node, b: Node, over: Axis) -> Occupancy | None:
    """The one of two that is a share over an axis, if the other is a softmax along it."""
    for share, other in ((a, b), (b, a)):
        if isinstance(share, Occupancy) and share.classes is over and _is_softmax(other, over):
            return share
    return None


def _reaches(share: Occupancy) -> bool:
    """Whether every time step counts."""
    return isinstance(share.steps, Constant) and share.steps.value >= (1 if share.time is None else share.time.size)


def _is_softmax(node: Node, over: Axis) -> bool:
    """A softmax, or e to the power of a log-softmax that has a name."""
    match node:
        case Softmax(_, along):
            return along == (over,)
        case Unary("exp", Named(x=inner)):
            return _is_log_softmax(inner, over)
        case _:
            return False


def _is_log_softmax(node: Node, over: Axis) -> bool:
    match node:
        case Binary("sub", x, LogSumExp(inner, along)):
            return x is inner and along == (over,)
        case _:
            return False


def _sum_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.sum(_share(x, y, c), (c,))


def _cancelled_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.sum(ops.sub(ops.softmax(x, c), _share(x, y, c)), (c,))


def _share(x: Input, y: Input, c: Axis) -> Node:
    """One label, in as many time steps as the first dimension has."""
    (time,) = ops.without(x.axes, (c,))
    label = ops.take(y, ops.constant(0), time)
    spans = ops.constant(time.size), ops.constant(1)
    return ops.occupancy(ops.alignment_sum(x, label, spans, (time, c, None), 0))
