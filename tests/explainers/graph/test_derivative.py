"""Gradients of random graphs against torch's autograd of the same graph, kinks and ties included."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explainers.graph import ops
from explainers.graph.arithmetic import Arithmetic
from explainers.graph.derivative import gradient
from explainers.graph.evaluation import Values, evaluate
from explainers.graph.floats import FloatArithmetic
from explainers.graph.layouts import shape
from explainers.graph.nodes import Axis, Input, LogSumExp, Node, OneHot, Softmax, UnaryOp, topological
from explainers.graph.rewrites import rules
from explainers.graph.rewriting import Rewriter

N, C, D = Axis("n", 2), Axis("c", 3), Axis("d", 3)
X, ROW = Input("x", (N, C), "float64", 0), Input("r", (C,), "float64", 1)
COLUMN, Y = Input("k", (N,), "float64", 2), Input("y", (N,), "int64", 3)
REALS = (X, ROW, COLUMN)
TIES = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0])
NUMBERS = TIES | st.floats(-3, 3).map(lambda v: round(v, 3) + 0.0)
WITH_POLES = ("log", "log1p", "sqrt", "asin", "acos", "lgamma", "digamma", "trigamma", "tetragamma", "erfinv")
SMOOTH: tuple[UnaryOp, ...] = tuple(op for op in get_args(UnaryOp) if op not in WITH_POLES)


class Leaves:
    """torch's arithmetic with the leaves that gradients are asked of."""

    def __init__(self, inner: Arithmetic[torch.Tensor]) -> None:
        self.inner, self.made = inner, list[torch.Tensor]()

    def leaf(self, values: Any) -> torch.Tensor:
        self.made.append(self.inner.leaf(values).requires_grad_())
        return self.made[-1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def torchs(root: Node, values: Values, arithmetic: Arithmetic[Any]) -> dict[Input, Any]:
    """torch's gradients of the sum of a root."""
    leaves: Any = Leaves(arithmetic)
    value = evaluate(root, values, leaves)
    order = [node for node in topological(root) if isinstance(node, Input) and node.dtype == "float64"]
    own = [t for t, node in zip(leaves.made, _leafs(root), strict=True) if node in order]
    if not value.requires_grad:
        return {x: np.zeros(shape(x.axes)) for x in order}
    found = torch.autograd.grad(value.sum(), own, allow_unused=True, materialize_grads=True)
    return {x: slope.numpy() for x, slope in zip(order, found, strict=True)}


def _leafs(root: Node) -> list[Node]:
    """The nodes that the evaluation hands in as exact numbers, in order."""
    return [n for n in topological(root) if n.dtype == "float64" and isinstance(n, Input | OneHot)]


def ours(root: Node, values: Values, x: Input) -> Any:
    """Our gradient, spread to the input's axes."""
    slope = gradient(root, (x,))[x]
    held = np.asarray(evaluate(slope, values, FloatArithmetic()))
    turned = held.transpose([slope.axes.index(axis) for axis in x.axes if axis in slope.axes])
    lengths = [axis.size if axis in slope.axes else 1 for axis in x.axes]
    return np.broadcast_to(turned.reshape(lengths), shape(x.axes))


def agree(root: Node, values: Values, arithmetic: Arithmetic[Any]) -> None:
    for x, expected in torchs(root, values, arithmetic).items():
        assert set(gradient(root, (x,))[x].axes) <= set(x.axes)
        np.testing.assert_allclose(ours(root, values, x), expected, rtol=1e-9, atol=1e-9)


@st.composite
def numbers(draw: st.DrawFn) -> Values:
    held: dict[int, Any] = {x.tensor: draw(arrays(np.float64, shape(x.axes), elements=NUMBERS)) for x in REALS}
    return {**held, 3: draw(arrays(np.int64, (2,), elements=st.integers(0, 2)))}


@st.composite
def graphs(draw: st.DrawFn) -> Node:
    """A graph of a few operations of every kind."""
    nodes: list[Node] = list(REALS)
    for _ in range(draw(st.integers(1, 6))):
        nodes.append(draw(_grown(nodes)))
    return nodes[-1]


@st.composite
def _grown(draw: st.DrawFn, nodes: list[Node]) -> Node:
    u, v = (draw(st.sampled_from(nodes)) for _ in range(2))
    over = draw(st.lists(st.sampled_from(u.axes), min_size=1, unique=True)) if u.axes else []
    other = draw(st.just(v) | st.sampled_from([0.5, 1.0, 0.0]).map(ops.constant))
    choices: list[Node] = [
        ops.unary(draw(st.sampled_from(SMOOTH)), ops.unary("tanh", u)),
        *(ops.unary(op, ops.add(ops.square(u), 0.5)) for op in ("log", "log1p", "sqrt")),
        ops.binary(draw(st.sampled_from(["add", "sub", "mul"])), u, other),
        ops.binary(draw(st.sampled_from(["maximum", "minimum", "clamp_min", "clamp_max"])), u, other),
        ops.div(u, ops.add(ops.square(v), 1)),
        ops.binary("pow", ops.add(ops.square(u), 1), ops.unary("tanh", v)),
        ops.binary("pow", u, draw(st.sampled_from([2, 3]))),
        ops.where(ops.compare(draw(st.sampled_from(["gt", "eq", "le"])), u, other), u, v),
        ops.mul(ops.cast(ops.compare("gt", u, other), "float64"), v),
        ops.sum(u, over),
        ops.mean(u, over),
        ops.extremum(draw(st.sampled_from(["max", "min"])), u, over),
        ops.logsumexp(u, over[0] if over else None),
        ops.softmax(u, over[0] if over else None),
        ops.named("q", u),
    ]
    if C in u.axes:
        choices.append(ops.take(u, Y, C))
        choices.append(ops.mul(ops.one_hot(Y, C, "float64"), u))
        choices += [] if D in u.axes else [ops.mul(u, ops.rename(u, C, D)), ops.rename(u, C, D)]
    return draw(st.sampled_from(choices))


@settings(deadline=None, max_examples=300)
@given(root=graphs(), values=numbers())
def test_a_gradient_is_autograds(root: Node, values: Values, torch_float64: Arithmetic[Any]) -> None:
    bound = np.abs(np.asarray(evaluate(root, values, FloatArithmetic())))
    assume((bound < 1e6).all())
    agree(root, values, torch_float64)


@settings(deadline=None, max_examples=200)
@given(root=graphs(), values=numbers())
def test_the_gradient_of_the_normal_form_is_the_gradient(root: Node, values: Values) -> None:
    rewriter = Rewriter(rules())
    normal = rewriter.rewrite(root)
    assume((np.abs(np.asarray(evaluate(root, values, FloatArithmetic()))) < 1e6).all())
    kinks = {"abs", "sign", "relu", "maximum", "minimum", "clamp_min", "clamp_max"}
    assume(not any(getattr(node, "op", None) in kinks | {"max", "min"} for node in topological(root)))
    for x in REALS:
        again = rewriter.rewrite(x)
        assert isinstance(again, Input)
        everything = ops.sum(normal, root.axes)  # what cancels may leave fewer axes
        np.testing.assert_allclose(ours(everything, values, again), ours(root, values, x), rtol=1e-7, atol=1e-7)


HALF = {0: np.array([[1.0, 1.0, 0.0], [2.0, 0.0, 2.0]]), 1: np.array([1.0, 1.0, 1.0]), 2: np.array([0.0, 1.0])}


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (ops.extremum("max", X, (C,)), [[0.5, 0.5, 0], [0.5, 0, 0.5]]),
        (ops.extremum("min", X, (N, C)), [[0, 0, 0.5], [0, 0.5, 0]]),
        (ops.maximum(X, ROW), [[0.5, 0.5, 0], [1, 0, 1]]),
        (ops.binary("minimum", X, ROW), [[0.5, 0.5, 1], [0, 1, 0]]),
        (ops.clamp_min(X, 1), [[1, 1, 0], [1, 0, 1]]),
        (ops.binary("clamp_max", X, ops.constant(1)), [[1, 1, 1], [0, 1, 0]]),
        (ops.unary("relu", X), [[1, 1, 0], [1, 0, 1]]),
        (ops.unary("abs", ops.sub(X, 1)), [[0, 0, -1], [1, -1, 1]]),
        (ops.where(ops.compare("gt", X, 0), X, ops.div(1, X)), [[1, 1, -np.inf], [1, -np.inf, 1]]),
        (ops.take(X, Y, C), [[0, 0, 1], [1, 0, 0]]),
        (ops.stop_gradient(X), [[0, 0, 0], [0, 0, 0]]),
        (ops.mul(ops.stop_gradient(X), X), HALF[0]),
        (ops.with_gradient(ops.square(X), ((X, ops.constant(7)),)), np.full((2, 3), 7)),
    ],
)  # fmt: skip
def test_kinks_ties_and_stops_are_torchs(root: Node, expected: Any) -> None:
    np.testing.assert_array_equal(ours(root, {**HALF, 3: np.array([2, 0])}, X), np.asarray(expected, dtype=float))


def test_a_taken_nan_stays_where_it_was_taken() -> None:
    root = ops.div(ops.sum(ops.take(X, Y, C), (N,)), 0)
    found = ours(ops.mul(ops.div(0, 0.0), root), {**HALF, 3: np.array([2, 0])}, X)
    np.testing.assert_array_equal(np.isnan(found), [[False, False, True], [True, False, False]])


def test_a_gradient_has_the_dtype_of_its_input() -> None:
    single = Input("s", (C,), "float32", 5)
    slopes = gradient(ops.mean(ops.mul(single, ROW), (C,)), (single, ROW))
    assert {x.symbol: slope.dtype for x, slope in slopes.items()} == {"s": "float32", "r": "float64"}
    assert gradient(ops.mean(single, (C,)), (single,))[single].dtype == "float32"
    assert gradient(ROW, (single,))[single].dtype == "float32", "what the root does not depend on has a zero"


def test_log_softmax_and_softmax_keep_to_their_axis() -> None:
    for node in (ops.logsumexp(X, C), ops.softmax(X, C)):
        assert isinstance(node, LogSumExp | Softmax) and node.over == (C,)
        assert gradient(node, (X,))[X].axes == (N, C)
