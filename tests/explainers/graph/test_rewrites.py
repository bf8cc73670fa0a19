"""Every rewrite of the registries: it fires on its example, changes no number, and comes to an end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explainers.graph import ops
from explainers.graph.balls import BallArithmetic, precise
from explainers.graph.evaluation import Values, evaluate
from explainers.graph.familiar import familiar_rules
from explainers.graph.nodes import Axis, Input, Node
from explainers.graph.renaming import renaming_rules
from explainers.graph.rewrites import rules
from explainers.graph.rewriting import Rewriter, Rule
from explainers.graph.rounding import Rounding

EXACT = BallArithmetic(Rounding("exact"))
TABLES = (rules(), familiar_rules(), renaming_rules())
ALL = (*TABLES[0], *TABLES[1], *TABLES[2])
every_rule = pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
NUMBERS = st.floats(-6, 6, width=32).map(lambda v: v + 0.0)


def example(rule: Rule, n_size: int = 3, c_size: int = 4) -> tuple[Node, tuple[Axis, Axis], tuple[Input, Input]]:
    n, c = Axis("n", n_size), Axis("c", c_size)
    x, y = Input("x", (n, c), "float32", 0), Input("y", (n,), "int64", 1)
    return rule.example(x, y, c), (n, c), (x, y)


@st.composite
def inputs(draw: st.DrawFn) -> tuple[int, int, Values]:
    """Lengths of both axes, real numbers over them and indices in range."""
    n, c = draw(st.integers(2, 3)), draw(st.integers(2, 4))
    y: Any = draw(arrays(np.int64, (n,), elements=st.integers(0, c - 1)))
    return n, c, {0: draw(arrays(np.float32, (n, c), elements=NUMBERS)), 1: y}


def same(before: Node, after: Node, values: Values) -> bool:
    """Whether both sides vary along the same axes, or are constant along more, and enclose a common number each."""
    if not set(after.axes) <= set(before.axes):
        return False
    with precise():
        left, right = (np.asarray(evaluate(node, values, EXACT), dtype=object) for node in (before, after))
    order = [after.axes.index(axis) for axis in before.axes if axis in after.axes]
    spread = right.transpose(order).reshape([axis.size if axis in after.axes else 1 for axis in before.axes])
    pairs = zip(left.ravel(), np.broadcast_to(spread, left.shape).ravel(), strict=True)
    return all(a.overlaps(b) and max(a.rad(), b.rad()) < 1e-30 for a, b in pairs)


def test_names_are_given_once() -> None:
    assert len({rule.name for rule in ALL}) == len(ALL) >= 25


@every_rule
def test_a_rule_fires_on_its_example(rule: Rule) -> None:
    graph, _, _ = example(rule)
    alone = Rewriter((rule,))
    after = alone.rewrite(graph)
    assert rule in alone.applied
    assert after is not Rewriter((), alone.interner).rewrite(graph)
    whole = Rewriter(next(table for table in TABLES if rule.name in {r.name for r in table}))
    whole.rewrite(graph)
    assert rule.name in {r.name for r in whole.applied}, "no earlier rule takes its place"


@every_rule
@settings(deadline=None, max_examples=40)
@given(given_=inputs())
def test_both_sides_are_the_same_numbers(rule: Rule, given_: tuple[int, int, Values]) -> None:
    n, c, values = given_
    graph, _, _ = example(rule, n, c)
    assert same(graph, Rewriter((rule,)).rewrite(graph), values)
    assert same(graph, Rewriter(rules()).rewrite(graph), values)


@every_rule
def test_rewriting_again_changes_nothing(rule: Rule) -> None:
    graph, _, _ = example(rule)
    for table in (rules(), familiar_rules(), (rule,)):
        rewriter = Rewriter(table)
        once = rewriter.rewrite(graph)
        count = len(rewriter.applied)
        assert rewriter.rewrite(once) is once
        assert len(rewriter.applied) == count
        fresh = Rewriter(table, rewriter.interner)
        assert fresh.rewrite(once) is once
        assert not fresh.applied


@st.composite
def formulas(draw: st.DrawFn) -> tuple[Node, Values]:
    """Graphs of what the rewrites are about: exponentials, logarithms, sums, one-hots, sigmoids, polynomials."""
    n, c, values = draw(inputs())
    axes = (Axis("n", n), Axis("c", c))
    x, y = Input("x", axes, "float32", 0), Input("y", axes[:1], "int64", 1)
    nodes: list[Node] = [x]
    for _ in range(draw(st.integers(1, 6))):
        nodes.append(draw(_grown(nodes, y, axes[1])))
    return nodes[-1], values


@st.composite
def _grown(draw: st.DrawFn, nodes: list[Node], y: Input, c: Axis) -> Node:
    u, v = (draw(st.sampled_from(nodes)) for _ in range(2))
    small = ops.unary("tanh", u)  # so that nothing grows out of sight
    k = draw(st.sampled_from([1, 2, 3, -1, 0.5]))
    choices: list[Node] = [
        ops.exp(small),
        ops.log(ops.exp(small)),
        ops.add(u, v),
        ops.sub(u, v),
        ops.mul(u, ops.unary("tanh", v)),
        ops.mul(k, u),
        ops.sub(k, u),
        ops.div(u, ops.exp(small)),
        ops.neg(u),
        ops.square(small),
        ops.mul(small, small),
        ops.binary("pow", small, 2),
        ops.sigmoid(u),
        ops.log(ops.sigmoid(small)),
        ops.log(ops.sub(1, ops.sigmoid(small))),
        ops.log1p(ops.exp(small)),
        ops.div(1, ops.add(1, ops.exp(ops.neg(small)))),
        ops.mul(ops.one_hot(y, c, "float32"), u),
        ops.extremum("max", u, tuple(axis for axis in (c,) if axis in u.axes)),
    ]
    if c in u.axes:
        choices += [
            ops.softmax(u, c),
            ops.log_softmax(u, c),
            ops.log(ops.sum(ops.exp(small), (c,))),
            ops.div(ops.exp(small), ops.sum(ops.exp(small), (c,))),
            ops.sum(u, (c,)),
            ops.take(u, y, c),
            ops.sum(ops.mul(ops.one_hot(y, c, "float32"), u), (c,)),
            ops.sub(u, ops.extremum("max", u, (c,))),
            ops.sum(ops.mul(v, u), (c,)),
        ]
    return draw(st.sampled_from(choices))


@settings(deadline=None, max_examples=400)
@given(formulas())
def test_the_normal_form_of_a_formula_is_the_same_numbers_and_final(graph: tuple[Node, Values]) -> None:
    root, values = graph
    rewriter = Rewriter(rules())
    normal = rewriter.rewrite(root)
    assert same(root, normal, values), rewriter.applied
    again = Rewriter(rules(), rewriter.interner)
    assert again.rewrite(normal) is normal, again.applied


@settings(deadline=None, max_examples=150)
@given(formulas())
def test_the_familiar_form_of_a_formula_is_the_same_numbers(graph: tuple[Node, Values]) -> None:
    root, values = graph
    normal = Rewriter(rules()).rewrite(root)
    assert same(normal, Rewriter(familiar_rules()).rewrite(normal), values)


def test_a_renamed_axis_is_no_other_formula() -> None:
    n, c, other = Axis("n", 3), Axis("c", 4), Axis("d", 4)
    x, y = Input("x", (n, c), "float32", 0), Input("y", (n,), "int64", 1)
    assert ops.rename(ops.one_hot(y, other, "float32"), other, c).axes == (n, c)
    rewriter = Rewriter(rules())
    by_hand = ops.sum(ops.mul(ops.one_hot(y, other, "float32"), ops.rename(x, c, other)), (other,))
    assert rewriter.rewrite(by_hand) is rewriter.rewrite(ops.take(x, y, c))
