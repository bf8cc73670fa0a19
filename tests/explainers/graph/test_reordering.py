"""A product lies in its enclosure in whatever order torch multiplies its factors, also next to underflow."""

from __future__ import annotations

from functools import reduce
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.enclosures import contains
from explainers.graph import ops
from explainers.graph.arithmetic import Floats
from explainers.graph.balls import BallArithmetic, precise
from explainers.graph.enclosure import EnclosingArithmetic, enclose
from explainers.graph.evaluation import evaluate_all
from explainers.graph.intervals import IntervalArithmetic
from explainers.graph.nodes import Axis, Input, Node, topological
from explainers.graph.reordering import Reordering
from explainers.graph.rounding import Rounding

NATIVE = Rounding("native")
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
TINY = {"float16": (2.0**-24, 2.0**-14), "bfloat16": (2.0**-133, 2.0**-126), "float32": (2.0**-149, 2.0**-126)}


@st.composite
def factors(draw: st.DrawFn) -> tuple[str, list[torch.Tensor]]:
    """Three arrays and more, of usual numbers whose products stay finite and of some near the smallest of the dtype."""
    dtype = draw(st.sampled_from(sorted(DTYPES)))
    least, normal = TINY[dtype]
    usual = st.floats(-9, 9, width=32) | st.sampled_from([1.0, -1.0, 0.0, 1 / 3])
    numbers = usual | st.floats(0, 1).map(lambda part: least + part * 20 * normal)
    rows = st.lists(numbers, min_size=2, max_size=2)
    return dtype, [torch.tensor(draw(rows)).to(DTYPES[dtype]) for _ in range(draw(st.integers(3, 5)))]


@pytest.mark.parametrize("arithmetic", [BallArithmetic(NATIVE), IntervalArithmetic(NATIVE)], ids=["balls", "arrays"])
def test_any_order_of_multiplying_is_enclosed(arithmetic: EnclosingArithmetic[Any]) -> None:
    @settings(deadline=None, max_examples=400)
    @given(factors(), st.randoms(use_true_random=False))
    def holds(drawn: tuple[str, list[torch.Tensor]], random: Random) -> None:
        dtype, held = drawn
        root, values = product(dtype, held)
        changed = Reordering.of(topological(root), arithmetic, NATIVE)
        with precise():
            (found,) = evaluate_all((root,), values, arithmetic, changed)
            bounds = arithmetic.bounds(found)
        assert contains(bounds, multiplied(held, random).double().numpy()) is not False

    holds()


@pytest.mark.parametrize("size", [2, 1000], ids=["balls", "arrays"])
def test_a_factor_that_underflows_first_is_enclosed(size: int) -> None:
    held = [torch.full((size,), v, dtype=torch.float16) for v in (30.0, 1.1921e-07, 1 / 3)]
    root, values = product("float16", held)
    bounds = enclose((root,), values, NATIVE)[0]
    assert contains(bounds, (held[1] * held[2] * held[0]).double().numpy())


@pytest.mark.parametrize("size", [2, 1000], ids=["balls", "arrays"])
def test_numbers_that_no_product_brings_below_the_normal_ones_get_no_room(size: int) -> None:
    held = [torch.full((size,), v, dtype=torch.float16) for v in (30.0, 0.25, 0.5)]
    root, values = product("float16", held)
    low, high = enclose((root,), values, NATIVE)[0]
    assert (low == 3.75).all() and (high == 3.75).all()


def product(dtype: str, held: list[torch.Tensor]) -> tuple[Node, dict[int, Floats]]:
    """The factors multiplied from the left."""
    axis = Axis("i", held[0].numel())
    inputs: list[Node] = [Input(f"x{k}", (axis,), dtype, k) for k in range(len(held))]
    return reduce(ops.mul, inputs), {k: x.double().numpy() for k, x in enumerate(held)}


def multiplied(held: list[torch.Tensor], random: Random) -> torch.Tensor:
    """The factors multiplied by torch two at a time, in an order that is drawn."""
    left = list(held)
    while len(left) > 1:
        a, b = (left.pop(random.randrange(len(left))) for _ in range(2))
        left.append(a * b)
    return left[0]
