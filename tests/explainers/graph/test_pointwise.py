"""A graph at some places has the elements of the whole one, whatever stands on the way."""

from __future__ import annotations

import numpy as np
import pytest

from explainers.graph import ops
from explainers.graph.evaluation import Values, evaluate
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import Axis, Coordinate, Input, Node
from explainers.graph.pointwise import at_places

N, C, M = Axis("n", 6), Axis("c", 4), Axis("m", 24)
X, W, Y = Input("x", (N, C), "float32", 0), Input("w", (C,), "float32", 1), Input("y", (N,), "int64", 2)
VALUES: Values = {
    0: np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32),
    1: np.array([0.5, 1.0, 2.0, 3.0], dtype=np.float32),
    2: np.array([0, 3, 1, 2, 2, 0]),
    3: np.random.default_rng(3).standard_normal((6, 4, 6)).astype(np.float32),
}
P = ops.softmax(X, C)
WEIGHTS = ops.take(W, Y, C)
D, K = Axis("d", 4), Axis("k", 6)
CUBE = Input("z", (N, C, K), "float32", 3)


@pytest.mark.parametrize(
    "root",
    [
        ops.exp(ops.add(X, W)),
        ops.sub(P, ops.one_hot(Y, C, "float32")),
        ops.div(ops.mul(WEIGHTS, ops.sub(P, ops.one_hot(Y, C, "float32"))), ops.sum(WEIGHTS, (N,))),
        ops.take(ops.log_softmax(X, C), Y, C),
        ops.sub(X, ops.extremum("max", X, (C,))),
        ops.where(ops.compare("gt", X, 0), X, ops.square(X)),
        ops.cast(ops.add(ops.mul(ops.cast(Coordinate(C, (C,)), "float32"), 2), X), "float32"),
        ops.mul(ops.rename(X, C, D), ops.sum(ops.mul(X, ops.rename(X, N, K)), (C,))),
        ops.reshape(ops.exp(X), (N, C), (M,)),
        ops.sum(ops.mul(ops.softmax(CUBE, C), CUBE), (N, C)),
        ops.sum(ops.square(ops.sum(ops.exp(CUBE), (C,))), (N,)),
        ops.sum(ops.mul(ops.logsumexp(CUBE, C), ops.extremum("max", CUBE, (C,))), (N,)),
        ops.add(ops.extremum("max", ops.softmax(CUBE, N), (N,)), ops.logsumexp(ops.exp(CUBE), N)),
        ops.sum(ops.mul(ops.rename(X, N, K), ops.stop_gradient(ops.named("q", ops.rename(X, N, K)))), (K,)),
    ],
)
def test_elements_at_places_are_those_of_the_whole(root: Node) -> None:
    whole = np.asarray(evaluate(root, VALUES, FloatArithmetic()))
    rng = np.random.default_rng(1)
    for count in (1, 2, 7):
        places = [tuple(int(rng.integers(size)) for size in whole.shape) for _ in range(count)]
        cut = at_places(root, places, VALUES)
        assert cut is not None
        found = np.asarray(evaluate(*cut, FloatArithmetic()))
        assert found.shape == (max(count, 2),)
        np.testing.assert_allclose(found[:count], [whole[place] for place in places], rtol=1e-12)


def test_what_a_place_of_several_arrays_one_behind_the_other_is_stays_open() -> None:
    root = ops.concat((W, W), (C, Axis("e", 4)), Axis("f", 8))
    assert at_places(root, [(3,) * len(root.axes)], VALUES) is None
