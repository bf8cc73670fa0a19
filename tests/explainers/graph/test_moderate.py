"""The kernels for moderate numbers, over several blocks: sound, as tight as the general way, and exact where it is."""

from __future__ import annotations

from typing import Any, cast, get_args

import numpy as np
import pytest

from explainers.graph import moderate, moderate_choices, moderate_functions, moderate_reductions
from explainers.graph.balls import BallArithmetic, precise
from explainers.graph.interval_arrays import Interval, exactly
from explainers.graph.interval_blocks import BLOCK, laid_out, selected
from explainers.graph.intervals import IntervalArithmetic
from explainers.graph.nodes import BinaryOp, CompareOp, UnaryOp
from explainers.graph.rounding import Rounding

MODES = [Rounding("exact"), Rounding("native"), Rounding("float64")]
WITH_KERNELS: list[UnaryOp] = [
    *("exp", "log", "log1p", "sqrt", "square", "abs", "sign", "sigmoid", "logsigmoid", "softplus", "relu", "tanh"),
]
SHAPE = (2 * BLOCK // 5, 10)
in_every_mode = pytest.mark.parametrize("rounding", MODES, ids=lambda r: r.mode)
for_float32_and_float64 = pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])


def numbers(seed: int, shape: tuple[int, ...] = SHAPE) -> Any:
    """Some whole, some 0, some short, some long, some tiny."""
    rng = np.random.default_rng(seed)
    values = np.choose(
        rng.integers(0, 5, shape),
        [
            np.rint(3 * rng.standard_normal(shape)),
            rng.standard_normal(shape).astype(np.float32),
            rng.standard_normal(shape),
            rng.standard_normal(shape) * 1e-30,
            np.zeros(shape),
        ],
    )
    return values


def interval(seed: int, *, exact: bool) -> Interval:
    """Numbers, half of them with a radius unless all are exact."""
    values = laid_out(numbers(seed))
    if exact:
        return exactly(values)
    rng = np.random.default_rng(seed + 100)
    rad = np.abs(values) * rng.choice([0.0, 1e-12, 1e-6, 0.2], values.shape)
    return Interval(values, rad, exactly(values).size * 1.25)


@pytest.fixture
def general(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs an operation of an arithmetic with the kernels off."""

    def run(operation: Any) -> Any:
        with monkeypatch.context() as patch:
            for module in (moderate, moderate_choices, moderate_functions, moderate_reductions):
                patch.setattr(module, "are_moderate", lambda *arrays: False)
            return operation()

    return run


def held(x: Interval, place: tuple[int, ...], number: Any, arithmetic: BallArithmetic) -> bool:
    """Whether a set holds an exact ball, outward to a float64."""
    low, high = arithmetic.bounds(np.asarray(number, dtype=object).reshape(1))
    if not np.isfinite(x.mid[place] + x.rad[place]):
        return True
    room = 2.0**-52 * abs(x.mid[place])
    return bool(x.mid[place] - x.rad[place] - room <= high[0] and low[0] <= x.mid[place] + x.rad[place] + room)


def compare_with(found: Interval, other: Interval) -> None:
    """As tight as the general way, and exact in the same places."""
    settled = np.isfinite(other.mid) & np.isfinite(other.rad)
    assert ((found.rad == 0) == (other.rad == 0))[settled].all()
    np.testing.assert_array_less(found.rad[settled], 3 * other.rad[settled] + 1e-290)


@in_every_mode
@for_float32_and_float64
@pytest.mark.parametrize("op", ["add", "sub", "mul", "div", "maximum", "minimum"])
@pytest.mark.parametrize("exact", [(True, True), (True, False), (False, True), (False, False)])
def test_of_two_arrays(op: BinaryOp, exact: tuple[bool, bool], dtype: str, rounding: Rounding, general: Any) -> None:
    do, a, b = IntervalArithmetic(rounding), interval(1, exact=exact[0]), interval(2, exact=exact[1])
    b = Interval(b.mid + np.sign(b.mid) + (b.mid == 0), b.rad, b.size + 1) if op == "div" else b
    found = do.binary(op, a, b, dtype)
    compare_with(found, general(lambda: do.binary(op, a, b, dtype)))
    balls, rng = BallArithmetic(Rounding("exact")), np.random.default_rng(3)
    with precise():
        for _ in range(20):
            place = (int(rng.integers(SHAPE[0])), int(rng.integers(SHAPE[1])))
            for side in (-1, 1):
                x, y = (balls.leaf(np.array([i.mid[place] + side * i.rad[place] * (1 - 2**-10)])) for i in (a, b))
                assert held(found, place, balls.binary(op, x, y, dtype)[0], balls)


@in_every_mode
@for_float32_and_float64
@pytest.mark.parametrize("op", WITH_KERNELS)
@pytest.mark.parametrize("exact", [True, False])
def test_of_one_array(op: UnaryOp, exact: bool, dtype: str, rounding: Rounding, general: Any) -> None:
    do, a = IntervalArithmetic(rounding), interval(4, exact=exact)
    a = Interval(np.abs(a.mid), a.rad, a.size) if op in ("log", "log1p", "sqrt") else a
    found, other = do.unary(op, a, dtype), general(lambda: do.unary(op, a, dtype))
    settled = np.isfinite(other.mid) & np.isfinite(other.rad)
    assert ((found.rad == 0) == (other.rad == 0))[settled].all()
    balls, rng = BallArithmetic(Rounding("exact")), np.random.default_rng(5)
    with precise():
        for _ in range(20):
            place = (int(rng.integers(SHAPE[0])), int(rng.integers(SHAPE[1])))
            for side in (-1, 1):
                x = balls.leaf(np.array([a.mid[place] + side * a.rad[place] * (1 - 2**-10)]))
                assert held(found, place, balls.unary(op, x, dtype)[0], balls)


@in_every_mode
@pytest.mark.parametrize("op", get_args(CompareOp))
@pytest.mark.parametrize("exact", [True, False])
def test_comparisons(op: CompareOp, exact: bool, rounding: Rounding, general: Any) -> None:
    do, a, b = IntervalArithmetic(rounding), interval(1, exact=exact), interval(2, exact=exact)
    found, other = do.compare(op, a, b), general(lambda: do.compare(op, a, b))
    assert (found != other).mean() < 1e-4
    assert ((found == other) | (found == -1) | (other == -1)).all()


@in_every_mode
@pytest.mark.parametrize("dims", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("way", ["sum", "logsumexp", "max", "min"])
def test_rows(way: str, exact: bool, dims: tuple[int, ...], rounding: Rounding, general: Any) -> None:
    do, a = IntervalArithmetic(rounding), interval(6, exact=exact)

    def reduced() -> Interval:
        if way in ("max", "min"):
            return do.extremum(way, a, dims)
        return cast(Interval, getattr(do, way)(a, dims, "float32"))

    found, other = reduced(), general(reduced)
    assert found.mid.shape == other.mid.shape
    assert (np.abs(found.mid - other.mid) <= found.rad + other.rad).all()
    compare_with(found, other)


def test_a_selection_takes_every_bit() -> None:
    a, b = np.array([np.nan, np.inf, -0.0, 1.0]), np.array([1.0, 2.0, 3.0, -np.inf])
    for mask in ([True] * 4, [False] * 4, [True, False, True, False]):
        where = np.array(mask)
        assert selected(where, a, b).tobytes() == np.where(where, a, b).tobytes()


def test_a_long_dimension_lies_innermost_in_memory() -> None:
    values = np.arange(10.0 * BLOCK, dtype=np.float32).reshape(BLOCK, 10)
    assert laid_out(values).strides[0] == 8
    assert (laid_out(values) == values).all()


@in_every_mode
@pytest.mark.parametrize("exact", [(True, True), (True, False), (False, False)])
@pytest.mark.parametrize("dims", [(1,), (2,), (0,), (0, 2)])
def test_sums_of_products(dims: tuple[int, ...], exact: tuple[bool, bool], rounding: Rounding, general: Any) -> None:
    do, shapes = IntervalArithmetic(rounding), ((40, 7, 1), (40, 1, 5)) if dims == (0,) else ((40, 1, 5), (1, 7, 5))
    if dims == (1,):
        shapes = ((40, 7, 1), (1, 7, 5))
    if dims == (0, 2):
        shapes = ((40, 7, 5), (40, 1, 5))
    a, b = (
        do.reshape(exactly(x), (0, 1, 2), x.shape) if bare else Interval(x, np.abs(x) * 1e-7, 9.0)
        for x, bare in zip((numbers(7, shapes[0]), numbers(8, shapes[1])), exact, strict=True)
    )
    found = do.dot(a, b, dims, "float32")
    whole = np.broadcast_shapes(a.mid.shape, b.mid.shape)
    other = do.sum(do.broadcast(do.binary("mul", a, b, "float32"), whole), dims, "float32")
    assert found.mid.shape == other.mid.shape
    assert (np.abs(found.mid - other.mid) <= found.rad + other.rad).all()
    wide = other.rad > 1e-37
    np.testing.assert_array_less(found.rad[wide], 3 * other.rad[wide])
    np.testing.assert_array_less(other.rad, 4 * found.rad + 1e-37)


def test_whole_numbers_multiply_and_add_up_exactly() -> None:
    a, b = (
        exactly(np.random.default_rng(k).integers(-9, 9, shape).astype(np.float64))
        for k, shape in ((1, (30, 1)), (2, (30, 4)))
    )
    found = IntervalArithmetic(Rounding("native")).dot(a, b, (0,), "float32")
    assert (found.mid == (a.mid * b.mid).sum(axis=0)).all()
    assert not found.rad.any()
