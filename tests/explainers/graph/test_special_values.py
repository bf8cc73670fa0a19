"""What is not finite, or exactly representable, comes out as IEEE 754 and torch have it; the rest stays open."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan
from typing import Any, Literal, cast

import numpy as np
import pytest

from explainers.graph.balls import BallArithmetic, precise
from explainers.graph.enclosure import EnclosingArithmetic
from explainers.graph.intervals import IntervalArithmetic
from explainers.graph.nodes import BinaryOp, CompareOp, UnaryOp
from explainers.graph.rounding import Rounding

Mode = Literal["exact", "native", "float64"]
OPEN = (-inf, inf)
NATIVELY = [BallArithmetic(Rounding("native")), IntervalArithmetic(Rounding("native"))]
natively = pytest.mark.parametrize("do", NATIVELY, ids=lambda a: type(a).__name__)


def one(arithmetic: EnclosingArithmetic[Any], x: Any) -> tuple[float, float]:
    low, high = arithmetic.bounds(x)
    return low.item(), high.item()


def leaf(arithmetic: EnclosingArithmetic[Any], *values: float) -> Any:
    return arithmetic.leaf(np.array(values))


@natively
@pytest.mark.parametrize(
    ("op", "x", "expected"),
    [
        ("exp", -inf, 0.0), ("exp", inf, inf), ("exp", 89.0, inf), ("log", 0.0, -inf), ("log", -1.0, nan),
        ("log", inf, inf), ("log", 1.0, 0.0), ("log1p", -1.0, -inf), ("log1p", -2.0, nan), ("expm1", 0.0, 0.0),
        ("sqrt", -1.0, nan), ("sqrt", 0.0, 0.0), ("sqrt", inf, inf), ("square", 2e19, inf), ("square", -3.0, 9.0),
        ("abs", -inf, inf), ("sign", nan, 0.0), ("relu", nan, nan), ("relu", -inf, 0.0), ("tanh", 0.0, 0.0),
        ("sigmoid", -inf, 0.0), ("softplus", inf, inf), ("softplus", -inf, 0.0), ("logsigmoid", -inf, -inf),
    ],
)  # fmt: skip
def test_functions(do: EnclosingArithmetic[Any], op: UnaryOp, x: float, expected: float) -> None:
    with precise():
        found = one(do, do.unary(op, leaf(do, x), "float32"))
    np.testing.assert_equal(found, (expected, expected))


@natively
@pytest.mark.parametrize(
    ("op", "a", "b", "expected"),
    [
        ("sub", inf, inf, nan), ("add", 3e38, 3e38, inf), ("sub", -3e38, 3e38, -inf), ("sub", 1.0, 1.0, 0.0),
        ("sub", 1.0, 0.25, 0.75), ("mul", 0.0, inf, nan), ("mul", 0.0, 5.0, 0.0), ("mul", 1e20, -1e20, -inf),
        ("div", 0.0, 0.0, nan), ("div", 1.0, 0.0, inf), ("div", -1.0, 0.0, -inf), ("div", 2.0, inf, 0.0),
        ("div", inf, inf, nan), ("div", 3.0, 4.0, 0.75), ("pow", 0.0, -1.0, inf), ("pow", -8.0, 0.5, nan),
        ("maximum", nan, 1.0, nan), ("minimum", inf, nan, nan),
        ("clamp_min", -inf, -100.0, -100.0), ("clamp_max", inf, 3.0, 3.0), ("add", nan, 1.0, nan),
    ],
)  # fmt: skip
def test_functions_of_two(do: EnclosingArithmetic[Any], op: BinaryOp, a: float, b: float, expected: float) -> None:
    with precise():
        found = one(do, do.binary(op, leaf(do, a), leaf(do, b), "float32"))
    np.testing.assert_equal(found, (expected, expected))


@natively
@pytest.mark.parametrize(("a", "b"), [(nan, 0.0), (1.0, nan), (-1.0, inf), (inf, 0.0)])
def test_powers_that_are_1_whatever_the_other_is(do: EnclosingArithmetic[Any], a: float, b: float) -> None:
    with precise():
        low, high = one(do, do.binary("pow", leaf(do, a), leaf(do, b), "float32"))
    assert 1 - 2.0**-20 < low <= 1 <= high < 1 + 2.0**-20


@natively
@pytest.mark.parametrize(
    ("terms", "total", "logarithm"),
    [
        ((1.0, 2.0, 4.0), 7.0, None), ((inf, 1.0), inf, inf), ((inf, -inf), nan, inf), ((nan, 1.0), nan, nan),
        ((-inf, -inf), -inf, -inf), ((3e38, 3e38), inf, None), ((0.0, 0.0), 0.0, None), ((nan, inf), nan, nan),
    ],
)  # fmt: skip
def test_sums_and_logsumexp(
    do: EnclosingArithmetic[Any], terms: tuple[float, ...], total: float, logarithm: float | None
) -> None:
    with precise():
        np.testing.assert_equal(one(do, do.sum(leaf(do, *terms), (0,), "float32")), (total, total))
        if logarithm is not None:
            found = one(do, do.logsumexp(leaf(do, *terms), (0,), "float32"))
            np.testing.assert_equal(found, (logarithm, logarithm))


@natively
def test_a_sum_whose_order_decides_over_overflow_is_left_open(do: EnclosingArithmetic[Any]) -> None:
    with precise():
        assert one(do, do.sum(leaf(do, 3e38, 3e38, -3e38, -3e38), (0,), "float32")) == OPEN


@natively
def test_what_may_or_may_not_be_a_number_is_left_open(do: EnclosingArithmetic[Any]) -> None:
    with precise():
        across = do.where(np.array([-1]), leaf(do, -1.0), leaf(do, 1.0))
        assert one(do, do.unary("log", across, "float32")) == OPEN
        assert one(do, do.unary("sqrt", across, "float32")) == OPEN
        assert one(do, do.binary("div", leaf(do, 1.0), across, "float32")) == OPEN
        assert one(do, do.binary("div", across, leaf(do, 0.0), "float32")) == OPEN
        assert one(do, do.binary("mul", leaf(do, inf), across, "float32")) == OPEN
        assert one(do, do.where(np.array([-1]), leaf(do, nan), leaf(do, 1.0))) == OPEN
        assert one(do, do.unary("tanh", do.unary("log", across, "float32"), "float32")) == OPEN


@natively
@pytest.mark.parametrize(
    ("b", "expected"), [(0.5, OPEN), (-0.5, OPEN), (2.0, (inf, inf)), (3.0, (-inf, -inf)), (-1.0, (0, 0))]
)
def test_powers_of_minus_infinity(do: EnclosingArithmetic[Any], b: float, expected: tuple[float, float]) -> None:
    """torch.pow(−inf, 0.5) is a square root, nan, or C's pow, inf: as the exponent is a number or a tensor."""
    with precise():
        assert one(do, do.binary("pow", leaf(do, -inf), leaf(do, b), "float32")) == expected


@natively
def test_an_infinity_stays_certain_beside_a_set(do: EnclosingArithmetic[Any]) -> None:
    with precise():
        beside = do.where(np.array([-1]), leaf(do, 1.0), leaf(do, 2.0))
        for op, expected in (("add", inf), ("mul", -inf), ("sub", inf)):
            infinite = leaf(do, -inf if op == "mul" else inf)
            assert one(do, do.binary(cast(BinaryOp, op), infinite, beside, "float32")) == (expected, expected)
        assert one(do, do.binary("div", beside, leaf(do, inf), "float32")) == (0, 0)


@natively
def test_comparisons_with_what_is_open_are_open(do: EnclosingArithmetic[Any]) -> None:
    with precise():
        unknown = do.unary("log", do.where(np.array([-1]), leaf(do, -1.0), leaf(do, 1.0)), "float32")
        operators: tuple[CompareOp, ...] = ("eq", "ne", "lt", "le", "gt", "ge")
        for op in operators:
            assert do.compare(op, unknown, leaf(do, inf)).item() == -1
            assert do.compare(op, unknown, leaf(do, nan)).item() == (op == "ne")


@pytest.mark.parametrize("kind", [BallArithmetic, IntervalArithmetic])
@pytest.mark.parametrize(("mode", "low"), [("exact", -inf), ("float64", inf)])
def test_past_float64_a_number_is_infinite_only_for_a_format(
    kind: type[BallArithmetic] | type[IntervalArithmetic], mode: Mode, low: float
) -> None:
    do: EnclosingArithmetic[Any] = kind(Rounding(mode))
    with precise():
        for x in (do.unary("exp", leaf(do, 1000.0), "float32"), do.sum(leaf(do, 1e308, 1e308), (0,), "float32")):
            found = one(do, x)
            assert found[1] == inf
            assert found[0] == low or (mode == "exact" and found[0] < inf)


@natively
def test_a_number_is_rounded_once_unless_the_dtype_holds_it(do: EnclosingArithmetic[Any]) -> None:
    with precise():
        assert one(do, do.number(Fraction(3, 4), "float32")) == (0.75, 0.75)
        low, high = one(do, do.number(Fraction(1, 10), "float32"))
    assert low <= np.float32(0.1) <= high
    assert low <= 0.1 <= high
    assert 0 < high - low < 2.0**-25
