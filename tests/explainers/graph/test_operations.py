"""Every operation of the table, in every arithmetic, against torch and against points of wide sets."""

from __future__ import annotations

from typing import Any, cast, get_args

import numpy as np
import pytest

from explainers.graph.arithmetic import Arithmetic, Floats
from explainers.graph.balls import BallArithmetic, precise
from explainers.graph.enclosure import EnclosingArithmetic
from explainers.graph.floats import FloatArithmetic
from explainers.graph.intervals import IntervalArithmetic
from explainers.graph.nodes import BinaryOp, CompareOp, UnaryOp
from explainers.graph.rounding import Rounding

EXACT, NATIVE = Rounding("exact"), Rounding("native")
ENCLOSING = [kind(rounding) for kind in (BallArithmetic, IntervalArithmetic) for rounding in (EXACT, NATIVE)]
NATIVELY = [BallArithmetic(NATIVE), IntervalArithmetic(NATIVE)]
NUMBERS = np.array(
    [0.0, 1.0, -1.0, 0.5, -0.25, 1e-3, -1e-3, 2.0, -3.0, 7.5, -7.5, 30.0, -30.0, 1000.0, -1000.0, 1e-40, 3e38, -3e38],
    dtype=np.float32,
)
SPECIAL = np.concatenate([NUMBERS, np.array([np.inf, -np.inf, np.nan], dtype=np.float32)])
LEFT, RIGHT = (part.ravel() for part in np.meshgrid(SPECIAL, SPECIAL))
STARTS = np.array([-40.0, -2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 1.0, 2.0, 60.0, 0.0, -0.75])
WIDTHS = np.array([1.0, 1.5, 2.5, 1.0, 0.5, 1e-3, 1e-9, 3.0, 0.25, 5.0, 1e-30, 0.5])
LOST = 2.0**-150
named = pytest.mark.parametrize("arithmetic", ENCLOSING, ids=lambda a: f"{type(a).__name__}-{a.rounding.mode}")


def contains(ends: tuple[Floats, Floats], value: Any) -> bool:
    """Whether each set holds its value; unknown holds all, certainly-nan holds nan alone."""
    (low, high), number = ends, np.asarray(value, dtype=np.float64)
    anything = np.isneginf(low) & np.isposinf(high)
    return bool((anything | np.isnan(low) & np.isnan(number) | (low <= number) & (number <= high)).all())


def within(outer: tuple[Floats, Floats], inner: tuple[Floats, Floats]) -> bool:
    """Whether each set holds a number that the outward bounds of a ball stand for, where they stand for one, up to half
    of float32's smallest number, which a correct rounding takes off."""
    low, high = inner
    with np.errstate(over="ignore"):
        number = np.where(np.isinf(high) & np.isfinite(low), high, np.nextafter(low, high))
    told = ~(np.isneginf(low) & np.isposinf(high))
    return contains((outer[0][told] - LOST, outer[1][told] + LOST), number[told])


def wide(arithmetic: EnclosingArithmetic[Any], starts: Floats, widths: Floats) -> Any:
    """The sets from start to start + width: what a branch left open between both ends is."""
    ends = (arithmetic.leaf(starts), arithmetic.leaf(starts + widths))
    return arithmetic.where(np.full(starts.shape, -1), *ends)


@named
@pytest.mark.parametrize("op", get_args(UnaryOp))
def test_a_unary_function_of_a_set_holds_the_function_of_its_points(
    op: UnaryOp, arithmetic: EnclosingArithmetic[Any]
) -> None:
    exact = BallArithmetic(EXACT)
    with precise():
        result = arithmetic.bounds(arithmetic.unary(op, wide(arithmetic, STARTS, WIDTHS), "float32"))
        for part in np.linspace(0, 1, 9):
            points = exact.leaf(STARTS + part * WIDTHS)
            assert within(result, exact.bounds(exact.unary(op, points, "float32")))
    assert np.isfinite(result[1]).sum() >= 5


def test_a_product_next_to_0_is_the_number_that_float32_has_there() -> None:
    do, small = BallArithmetic(NATIVE), np.float32(2.0**-75) * np.linspace(0.01, 3, 200, dtype=np.float32)
    with precise():
        low, high = do.bounds(do.binary("mul", do.leaf(small), do.leaf(small), "float32"))
    products = (small * small).astype(np.float64)
    assert contains((low, high), products)
    assert (high - low <= 1e-12 * products).mean() > 0.9  # elsewhere it is halfway between two numbers


@named
@pytest.mark.parametrize("op", get_args(BinaryOp))
def test_a_binary_function_of_sets_holds_the_function_of_their_points(
    op: BinaryOp, arithmetic: EnclosingArithmetic[Any]
) -> None:
    exact, shifted = BallArithmetic(EXACT), STARTS[:, np.newaxis]
    with precise():
        a, b = wide(arithmetic, STARTS, WIDTHS), wide(arithmetic, shifted, WIDTHS[:, np.newaxis])
        result = arithmetic.bounds(arithmetic.binary(op, a, b, "float32"))
        for part in np.linspace(0, 1, 5):
            for other in np.linspace(0, 1, 5):
                x, y = exact.leaf(STARTS + part * WIDTHS), exact.leaf(shifted + other * WIDTHS[:, np.newaxis])
                assert within(result, exact.bounds(exact.binary(op, x, y, "float32")))
    assert np.isfinite(result[1]).sum() >= 20


@named
@pytest.mark.parametrize("exponent", [2.0, 3.0, 4.0, -1.0, -2.0, 0.0, 0.5])
def test_a_power_of_a_set_holds_the_powers_of_its_points(exponent: float, arithmetic: EnclosingArithmetic[Any]) -> None:
    exact = BallArithmetic(EXACT)
    with precise():
        base = wide(arithmetic, STARTS, WIDTHS)
        result = arithmetic.bounds(arithmetic.binary("pow", base, arithmetic.leaf(np.array([exponent])), "float32"))
        for part in np.linspace(0, 1, 9):
            points = exact.leaf(STARTS + part * WIDTHS)
            assert within(
                result, exact.bounds(exact.binary("pow", points, exact.leaf(np.array([exponent])), "float32"))
            )
    assert np.isfinite(result[1]).sum() >= 5


@named
@pytest.mark.parametrize("reduction", ["sum", "logsumexp", "max", "min"])
def test_a_reduction_of_sets_holds_the_reductions_of_their_points(
    reduction: str, arithmetic: EnclosingArithmetic[Any]
) -> None:
    def reduced(do: EnclosingArithmetic[Any], x: Any) -> tuple[Floats, Floats]:
        match reduction:
            case "sum":
                return do.bounds(do.sum(x, (0,), "float32"))
            case "logsumexp":
                return do.bounds(do.logsumexp(x, (0,), "float32"))
            case _:
                return do.bounds(do.extremum(reduction, x, (0,)))

    exact = BallArithmetic(EXACT)
    with precise():
        result = reduced(arithmetic, wide(arithmetic, STARTS, WIDTHS))
        for part in np.linspace(0, 1, 9):
            assert within(result, reduced(exact, exact.leaf(STARTS + part * WIDTHS)))
    assert result[1] - result[0] < 1.01 * WIDTHS.sum()


@pytest.mark.parametrize("op", get_args(BinaryOp))
def test_an_interval_of_two_points_holds_their_exact_result(op: BinaryOp) -> None:
    """Also where float64 cannot: 3e38 + 1e-40 and 1 / 3 are no float64."""
    exact, intervals = BallArithmetic(EXACT), IntervalArithmetic(EXACT)
    with precise():
        low, high = exact.bounds(exact.binary(op, exact.leaf(LEFT), exact.leaf(RIGHT), "float32"))
        found = intervals.bounds(intervals.binary(op, intervals.leaf(LEFT), intervals.leaf(RIGHT), "float32"))
    inexact = np.isfinite(low) & (low != high)
    assert within(found, (low, high))
    assert (found[0][inexact] < found[1][inexact]).all()


@named
@pytest.mark.parametrize("op", get_args(CompareOp))
def test_a_decided_comparison_of_sets_holds_for_all_their_points(
    op: CompareOp, arithmetic: EnclosingArithmetic[Any]
) -> None:
    floats, shifted = FloatArithmetic(), STARTS[:, np.newaxis]
    found = arithmetic.compare(op, wide(arithmetic, STARTS, WIDTHS), wide(arithmetic, shifted, WIDTHS[:, np.newaxis]))
    for part in np.linspace(0, 1, 5):
        for other in np.linspace(0, 1, 5):
            true = floats.compare(op, STARTS + part * WIDTHS, shifted + other * WIDTHS[:, np.newaxis])
            assert ((found == -1) | (found == true)).all()
    assert set(np.unique(found)) >= ({-1, 1} if op == "ne" else {-1, 0})


@pytest.mark.parametrize("arithmetic", NATIVELY, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("op", get_args(UnaryOp))
def test_a_unary_function_holds_what_torch_returns(
    op: UnaryOp, arithmetic: EnclosingArithmetic[Any], torch_float32: Arithmetic[Any]
) -> None:
    with precise():
        result = arithmetic.bounds(arithmetic.unary(op, arithmetic.leaf(SPECIAL), "float32"))
    assert contains(result, torch_float32.unary(op, torch_float32.leaf(SPECIAL), "float32"))


@pytest.mark.parametrize("arithmetic", NATIVELY, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("op", get_args(UnaryOp))
def test_a_unary_function_holds_what_torchs_vector_code_returns(
    op: UnaryOp, arithmetic: EnclosingArithmetic[Any], torch_float32: Arithmetic[Any]
) -> None:
    """Long arrays take torch's vector library, whose √ is off by up to 0.75 ulp on some machines."""
    random = np.random.default_rng(0)
    many = (random.normal(size=2000) * np.exp2(random.integers(-20, 60, 2000))).astype(np.float32)
    with precise():
        result = arithmetic.bounds(arithmetic.unary(op, arithmetic.leaf(many), "float32"))
    assert contains(result, torch_float32.unary(op, torch_float32.leaf(many), "float32"))


@pytest.mark.parametrize("arithmetic", NATIVELY, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("op", get_args(BinaryOp))
def test_a_binary_function_holds_what_torch_returns(
    op: BinaryOp, arithmetic: EnclosingArithmetic[Any], torch_float32: Arithmetic[Any]
) -> None:
    with precise():
        result = arithmetic.bounds(arithmetic.binary(op, arithmetic.leaf(LEFT), arithmetic.leaf(RIGHT), "float32"))
    assert contains(result, torch_float32.binary(op, torch_float32.leaf(LEFT), torch_float32.leaf(RIGHT), "float32"))


@pytest.mark.parametrize("arithmetic", [*ENCLOSING, FloatArithmetic()], ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("op", get_args(CompareOp))
def test_comparisons_of_numbers_are_torchs(
    op: CompareOp, arithmetic: Arithmetic[Any], torch_float32: Arithmetic[Any]
) -> None:
    found = arithmetic.compare(op, arithmetic.leaf(LEFT), arithmetic.leaf(RIGHT))
    assert (found == torch_float32.compare(op, torch_float32.leaf(LEFT), torch_float32.leaf(RIGHT))).all()


@pytest.mark.parametrize("op", [*get_args(UnaryOp), *get_args(BinaryOp)])
def test_floats_are_torchs_float64(op: str, torch_float64: Arithmetic[Any]) -> None:
    floats = FloatArithmetic()
    if op in get_args(UnaryOp):
        name = cast(UnaryOp, op)
        found, true = (
            floats.unary(name, floats.leaf(SPECIAL), ""),
            torch_float64.unary(name, torch_float64.leaf(SPECIAL), ""),
        )
    else:
        name = cast(BinaryOp, op)
        found = floats.binary(name, floats.leaf(LEFT), floats.leaf(RIGHT), "")
        true = torch_float64.binary(name, torch_float64.leaf(LEFT), torch_float64.leaf(RIGHT), "")
    np.testing.assert_allclose(found, np.asarray(true), rtol=1e-8, atol=1e-300)
