"""Two numbers that an asker compares are one value where only float32's rounding lies between them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.last_digits import rounding
from bot.reading.question import Claim, Kind, Question


def _asked(*values: float, radius: float = 0.0) -> Question:
    claims = tuple(Claim("printed", each, radius, repr(each), None) for each in values)
    return Question("", "en", (), None, claims, (), (), Kind.NUMBER)


@given(st.floats(1e-30, 1e30), st.integers(1, 12), st.sampled_from((-1, 1)))
def test_steps_of_float32_are_counted(value: float, steps: int, sign: int) -> None:
    one = np.float32(value)
    other = one
    for _ in range(steps):
        other = np.nextafter(other, np.float32(np.inf))
    found = rounding(_asked(sign * float(one), sign * float(other)))
    assert found is not None
    # a step doubles at a power of 2, so that the steps below it are half steps above
    assert steps / 2 - 1 <= int(str(found.named["count"])) <= steps


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(_asked(5.0813), id="one number"),
        pytest.param(_asked(5.0813, 5.0814), id="far apart"),
        pytest.param(_asked(5.081363, 5.081363 + 1e-7, radius=5e-7), id="the digits leave it open"),
        pytest.param(_asked(5.0813622, 5.0813632, 5.0813641), id="losses of several steps"),
        pytest.param(_asked(5.0813622, float("nan")), id="not a number"),
    ],
)
def test_other_numbers_are_none_of_its_business(question: Question) -> None:
    assert rounding(question) is None
