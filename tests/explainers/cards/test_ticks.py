import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from explainers.cards.ticks import axis

finite = st.floats(-1e12, 1e12, allow_subnormal=False).filter(lambda value: value == 0 or abs(value) > 1e-12)


@given(st.lists(finite, min_size=1), st.integers(2, 6), st.booleans())
@example([501.0, 400000000902.0], 2, False)
def test_ticks_lie_on_the_axis_evenly_and_say_where(values: list[float], about: int, widen: bool) -> None:
    drawn = axis(values, about, widen)
    width = drawn.high - drawn.low
    assert width > 0
    assert drawn.low <= min(values) + 1e-9 * width
    assert drawn.high >= max(values) - 1e-9 * width
    assert 1 <= len(drawn.ticks) <= about + 3
    for place, _ in drawn.ticks:
        assert drawn.low - 1e-6 * width <= place <= drawn.high + 1e-6 * width
    gaps = [after[0] - before[0] for before, after in pairwise(drawn.ticks)]
    assert all(math.isclose(gap, gaps[0], rel_tol=1e-6) for gap in gaps)


@given(st.floats(-100, 100), st.floats(0.01, 100))
def test_labels_read_back_as_their_places(low: float, width: float) -> None:
    for place, text in axis((low, low + width), 5, True).ticks:
        assert float(text.replace("−", "-")) == pytest.approx(place, abs=width * 1e-6)


@pytest.mark.parametrize("values", [(), (math.nan,), (math.inf, -math.inf), (1e308, -1e308), (5.0, 5.0), (0.0,)])
def test_odd_data_still_give_an_axis(values: tuple[float, ...]) -> None:
    drawn = axis(values, 3, True)
    assert math.isfinite(drawn.low)
    assert drawn.low < drawn.high
    assert drawn.ticks


def test_a_loss_curve_starts_at_zero() -> None:
    assert [text for _, text in axis((0.004, 3.7), 3, True).ticks] == ["0", "2", "4"]
