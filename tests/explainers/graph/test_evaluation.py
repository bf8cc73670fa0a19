"""Taking, one-hot, renaming, branches, casts and integers, in every arithmetic, against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explainers.graph import ops
from explainers.graph.arithmetic import Arithmetic
from explainers.graph.balls import BallArithmetic, precise
from explainers.graph.enclosure import BALLS_UP_TO, EnclosingArithmetic, arithmetic_for, enclose
from explainers.graph.evaluation import UndecidedError, Values, evaluate
from explainers.graph.floats import FloatArithmetic
from explainers.graph.interval_arrays import Interval
from explainers.graph.intervals import IntervalArithmetic
from explainers.graph.nodes import Axis, Input, Node
from explainers.graph.rounding import Rounding

EXACT, NATIVE = Rounding("exact"), Rounding("native")
N, C = Axis("n", 3), Axis("c", 4)
X, ROW = Input("x", (N, C), "float32", 0), Input("r", (C,), "float32", 1)
Y, COUNTS = Input("y", (N,), "int64", 2), Input("k", (C,), "int64", 3)
VALUES: dict[int, Any] = {
    0: np.array([[0.1, -2.5, 3, 0.7], [1, 2, 3, 4], [-1, 0, 0.3, -7]], dtype=np.float32),
    1: np.array([1, 2, 4, 8], dtype=np.float32),
    2: np.array([2, 0, 3]),
    3: np.array([0, 1, 2**24 + 1, -3]),
}
x, row, y, counts = (VALUES[i] for i in range(4))
natively = pytest.mark.parametrize(
    "arithmetic", [BallArithmetic(NATIVE), IntervalArithmetic(NATIVE)], ids=lambda a: type(a).__name__
)
every = pytest.mark.parametrize(
    "arithmetic", [FloatArithmetic(), BallArithmetic(EXACT), IntervalArithmetic(EXACT)], ids=lambda a: type(a).__name__
)


def number(root: Node, arithmetic: Arithmetic[Any], values: Values = VALUES) -> Any:
    with precise():
        found: Any = evaluate(root, values, arithmetic)
        return np.asarray(found.mid if isinstance(found, Interval) else found).astype(float)


@every
@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (ops.take(X, Y, C), x[np.arange(3), y]),
        (ops.take(ROW, Y, C), row[y]),
        (ops.take(ROW, ops.coordinate(N), C), row[:3]),
        (ops.one_hot(Y, C, "float32"), np.eye(4)[y]),
        (ops.mul(ops.one_hot(Y, C, "float32"), X), np.eye(4)[y] * x),
        (ops.where(ops.compare("gt", X, 0.5), X, ROW), np.where(x > 0.5, x, row)),
        (ops.where(ops.compare("eq", Y, 0), ROW, X), np.where((y == 0)[:, None], row, x)),
        (ops.cast(ops.compare("le", X, ROW), "float32"), (x <= row).astype(float)),
        (ops.mul(ops.compare("le", X, ROW), X), (x <= row) * x),
        (ops.cast(Y, "float32"), y),
        (ops.sum(ops.cast(ops.compare("gt", X, 0), "int64"), (N, C)), (x > 0).sum()),
        (ops.sub(ROW, X), (row - x).T),
        (ops.extremum("max", X, (N,)), x.max(0)),
        (ops.extremum("min", X, (N, C)), x.min()),
        (ops.sum(ROW, (N,)), row * 3),
        (ops.compare("ge", Y, 0.5), y >= 0.5),
    ],
)  # fmt: skip
def test_structure_is_numpys(root: Node, expected: Any, arithmetic: Arithmetic[Any]) -> None:
    np.testing.assert_allclose(number(root, arithmetic), np.asarray(expected, dtype=float), rtol=1e-6)


@every
def test_renaming_makes_an_outer_product(arithmetic: Arithmetic[Any]) -> None:
    other = Axis("d", 4)
    outer = ops.mul(ROW, ops.rename(ROW, C, other))
    np.testing.assert_array_equal(number(outer, arithmetic), np.outer(row, row))
    np.testing.assert_array_equal(number(ops.rename(X, C, other), arithmetic), x)


@every
def test_taking_outside_gives_nothing(arithmetic: Arithmetic[Any]) -> None:
    found = number(ops.take(X, Y, C), arithmetic, {**VALUES, 2: np.array([-1, 4, 1])})
    np.testing.assert_array_equal(found, [0.0, 0.0, x[2, 1]])


@natively
def test_integers_round_to_the_dtype_they_meet(arithmetic: EnclosingArithmetic[Any]) -> None:
    """2²⁴ + 1 is no float32: torch makes it 2²⁴ before it subtracts."""
    values = {**VALUES, 1: np.array([1, 2, 2**24, 8], dtype=np.float32)}
    with precise():
        low, high = arithmetic.bounds(evaluate(ops.sub(COUNTS, ROW), values, arithmetic))
    torch_result = counts.astype(np.float32) - values[1]
    assert torch_result[2] == 0
    assert ((low <= torch_result) & (torch_result <= high)).all()


@natively
def test_a_number_is_compared_as_the_dtype_rounds_it(arithmetic: EnclosingArithmetic[Any]) -> None:
    found = evaluate(ops.compare("gt", X, 0.1), VALUES, arithmetic)
    assert found[0].tolist() == [-1, 0, 1, 1], "float32(0.1) > 0.1 is false in torch and true of the exact numbers"


@natively
def test_an_open_comparison_makes_a_set_and_never_a_whole_number(
    arithmetic: EnclosingArithmetic[Any],
) -> None:
    open_ = ops.compare("gt", ops.sub(ops.exp(ops.mul(X, 0.1)), ops.exp(ops.mul(X, 0.1))), 0)
    with precise():
        low, high = arithmetic.bounds(evaluate(ops.mul(ops.cast(open_, "float32"), ROW), VALUES, arithmetic))
        assert ((low <= 0) & (row <= high)).all()
        with pytest.raises(UndecidedError):
            evaluate(ops.sum(open_, (N, C)), VALUES, arithmetic)


def test_the_number_of_elements_chooses_the_arithmetic() -> None:
    assert isinstance(arithmetic_for(BALLS_UP_TO, NATIVE), BallArithmetic)
    assert isinstance(arithmetic_for(BALLS_UP_TO + 1, NATIVE), IntervalArithmetic)


@pytest.mark.parametrize("classes", [4, BALLS_UP_TO])
def test_enclose_holds_a_mean_of_thirds_on_both_sides_of_the_threshold(classes: int) -> None:
    axes = (Axis("n", 3), Axis("c", classes))
    node = Input("x", axes, "float32", 0)
    values = {0: np.full((3, classes), 0.75, dtype=np.float32)}
    ((low, high), (row_low, _)) = enclose((ops.mean(ops.div(node, 3), axes), ops.sum(node, axes[1:])), values, NATIVE)
    assert low < 0.25 < high
    assert high - low < 3 * classes * 2.0**-22
    assert row_low.shape == (3,)
