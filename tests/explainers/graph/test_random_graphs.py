"""Random graphs: enclosures hold what is exactly true and what torch computes, agree, and are not wide."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from explainers.graph import ops
from explainers.graph.arithmetic import Arithmetic, Floats
from explainers.graph.balls import BallArithmetic, precise
from explainers.graph.enclosure import EnclosingArithmetic
from explainers.graph.evaluation import Values, evaluate_all
from explainers.graph.intervals import IntervalArithmetic
from explainers.graph.nodes import Axis, BinaryOp, CompareOp, Input, Node, UnaryOp, is_floating, topological
from explainers.graph.rounding import Rounding

Graph = tuple[tuple[Node, ...], Values]
EXACT, NATIVE, FLOAT64 = Rounding("exact"), Rounding("native"), Rounding("float64")
SPECIAL = [0.0, 1.0, -1.0, 1000.0, -1000.0, 1e-30, 1e-45, 3e38, 88.5, -95.0, float("inf"), float("-inf"), float("nan")]
MODERATE = st.floats(-4, 4, width=32).map(lambda v: v + 0.0)
WILD = st.sampled_from(SPECIAL) | st.floats(width=32).map(lambda v: v + 0.0) | MODERATE
POSITIVE = st.floats(0.5, 2, width=32)
NUMBERS = st.sampled_from([0.1, 2.0, -1.0, 0.5, 0.0, 3.0])
NORMAL = 2.0**-126
"""The least number of float32 with all of its digits: what lies below is rounded to a multiple of the smallest one, and
the enclosure knows to which."""


@st.composite
def graphs(draw: st.DrawFn, numbers: st.SearchStrategy[float]) -> Graph:
    """A graph of a few operations of every kind, and its inputs; all its real nodes, operands first."""
    n, c = (Axis(name, draw(st.integers(2, 4))) for name in ("n", "c"))
    twin = Axis("n'", n.size)
    axes = (n, c, twin)
    inputs = [Input(f"x{i}", draw(st.sampled_from([(), (n,), (n, c), (c, n)])), "float32", i) for i in range(2)]
    index = Input("y", draw(st.sampled_from([(), (n,)])), "int64", 2)
    values: dict[int, Any] = {
        i: np.array(draw(_filled(numbers, x)), dtype=np.float32).reshape(_shape(x)) for i, x in enumerate(inputs)
    }
    values[2] = np.array(draw(_filled(st.integers(-1, 4), index))).reshape(_shape(index))
    nodes: list[Node] = list(inputs)
    for _ in range(draw(st.integers(1, 7))):
        nodes.append(draw(_operation(nodes, index, axes)))
    return tuple(dict.fromkeys(n for root in nodes for n in topological(root) if n.dtype == "float32")), values


def _shape(node: Node) -> tuple[int, ...]:
    return tuple(axis.size for axis in node.axes)


def _filled(numbers: st.SearchStrategy[Any], node: Node) -> st.SearchStrategy[list[Any]]:
    count = int(np.prod(_shape(node)))
    return st.lists(numbers, min_size=count, max_size=count)


@st.composite
def _operation(draw: st.DrawFn, nodes: list[Node], index: Node, axes: tuple[Axis, Axis, Axis]) -> Node:
    n, c, twin = axes
    x, y = (draw(st.sampled_from(nodes)) for _ in range(2))
    other = draw(st.one_of(st.just(y), NUMBERS.map(ops.constant)))
    relation = ops.compare(draw(st.sampled_from(get_args(CompareOp))), x, other)
    over = draw(st.lists(st.sampled_from(x.axes), min_size=1, unique=True)) if x.axes else []
    choices: list[Node] = [
        ops.unary(draw(st.sampled_from(get_args(UnaryOp))), x),
        ops.binary(draw(st.sampled_from(get_args(BinaryOp))), x, other),
        ops.where(relation, x, y),
        ops.mul(ops.cast(relation, "float32"), y),
        ops.sum(x, over),
        ops.mean(x, over),
        ops.extremum(draw(st.sampled_from(["max", "min"])), x, over),
        ops.logsumexp(x, over[0] if over else None),
        ops.softmax(x, over[0] if over else None),
        ops.take(x, index, draw(st.sampled_from([c, twin]))),
        ops.mul(ops.one_hot(index, c, "float32"), x),
        x if twin in x.axes else ops.rename(x, n, twin),
        ops.named("z", ops.stop_gradient(x)),
        ops.reshape(x, x.axes, (twin,)) if ops.count(x.axes) == twin.size and twin not in x.axes else ops.neg(x),
        ops.concat((x, y), (None, None), Axis("k", 2)),
        ops.concat((x, y), (n, None), Axis("k", n.size + 1)) if n in x.axes else ops.neg(x),
    ]
    return draw(st.sampled_from([node for node in choices if is_floating(node)]))


def everything(graph: Graph, arithmetic: EnclosingArithmetic[Any]) -> list[tuple[Floats, Floats]]:
    roots, values = graph
    with precise():
        return [arithmetic.bounds(x) for x in evaluate_all(roots, values, arithmetic)]


def holds(outer: tuple[Floats, Floats], inner: tuple[Floats, Floats]) -> bool:
    """Whether the outer sets contain the inner ones; what is unknown inside is no claim, unknown outside holds all."""
    (low, high), (inner_low, inner_high) = outer, inner
    open_ = np.isneginf(low) & np.isposinf(high) | np.isneginf(inner_low) & np.isposinf(inner_high)
    both_nan = np.isnan(low) & np.isnan(inner_low)
    return bool((open_ | both_nan | (low <= inner_low) & (inner_high <= high)).all())


def tightened(ends: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The bounds less what Arb's radii of 30 bits add to wide balls (unions of branches left open)."""
    with np.errstate(invalid="ignore", over="ignore"):
        room = np.where(np.isfinite(ends[0]) & np.isfinite(ends[1]), (ends[1] - ends[0]) * 2.0**-20, 0.0)
    return ends[0] + room, ends[1] - room


@settings(deadline=None, max_examples=120)
@given(graphs(WILD))
def test_intervals_contain_the_exact_balls(graph: Graph) -> None:
    exact = [tightened(ends) for ends in everything(graph, BallArithmetic(EXACT))]
    for inner, outer in zip(exact, everything(graph, IntervalArithmetic(EXACT)), strict=True):
        assert holds(outer, inner)


@settings(deadline=None, max_examples=60)
@given(graphs(MODERATE), st.sampled_from([NATIVE, FLOAT64]))
def test_roundings_leave_room_for_the_exact_value(graph: Graph, rounding: Rounding) -> None:
    exact = [tightened(ends) for ends in everything(graph, BallArithmetic(EXACT))]
    assume(not any(((np.abs(end) > 0) & (np.abs(end) < NORMAL)).any() for ends in exact for end in ends))
    for arithmetic in (BallArithmetic(rounding), IntervalArithmetic(rounding)):
        found = everything(graph, arithmetic)
        assume(not any((np.isinf(low) & (low == high)).any() for low, high in found))
        for inner, outer in zip(exact, found, strict=True):
            assert holds(outer, inner)


@pytest.mark.parametrize("arithmetic", [BallArithmetic(NATIVE), IntervalArithmetic(NATIVE)])
@settings(deadline=None, max_examples=120)
@given(graph=graphs(WILD))
def test_torch_float32_lies_in_the_native_enclosure(
    graph: Graph, arithmetic: EnclosingArithmetic[Any], torch_float32: Arithmetic[Any]
) -> None:
    computed = evaluate_all(*graph, torch_float32)
    for node, value, outer in zip(graph[0], computed, everything(graph, arithmetic), strict=True):
        number = np.asarray(value, dtype=np.float64)
        assert holds(outer, (number, number)), (node, number, outer)


@st.composite
def smooth_graphs(draw: st.DrawFn) -> Graph:
    """Positive numbers near 1 and operations that enlarge a relative error at most twice."""
    n = Axis("n", draw(st.integers(2, 8)))
    x, y = (Input(name, (n,), "float32", i) for i, name in enumerate("xy"))
    values = {i: np.array(draw(_filled(POSITIVE, x)), dtype=np.float32) for i in range(2)}
    nodes: list[Node] = [x, y]
    for _ in range(draw(st.integers(1, 5))):
        a, b = (draw(st.sampled_from(nodes)) for _ in range(2))
        one = [ops.unary(op, a) for op in ("sqrt", "log1p", "softplus", "sigmoid", "tanh")]
        two = [ops.add(a, b), ops.mul(a, b), ops.div(a, b), ops.maximum(a, b), ops.mean(a, a.axes)]
        nodes.append(draw(st.sampled_from([*one, *two])))
    return tuple(dict.fromkeys(nodes)), values


@settings(deadline=None, max_examples=50)
@given(smooth_graphs())
def test_enclosures_of_well_conditioned_graphs_are_narrow(graph: Graph) -> None:
    for rounding, unit in ((NATIVE, 2.0**-24), (FLOAT64, 2.0**-53), (EXACT, 2.0**-53)):
        for arithmetic in (BallArithmetic(rounding), IntervalArithmetic(rounding)):
            for low, high in everything(graph, arithmetic):
                assert ((high - low) <= 4000 * unit * np.abs(low)).all()
