"""Buckets: what is taken comes back with time, and no more than that; strangers are forgotten."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.fairness import Accounts, Allowance, Bucket


@given(taken=st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50)), max_size=20))
def test_over_any_time_no_more_is_there_than_the_burst_and_what_came_back(taken: list[tuple[float, float]]) -> None:
    now, total = 0.0, 0.0
    bucket = Bucket(Allowance(10, 0.5), lambda: now)
    for pause, units in taken:
        now += pause
        if bucket.wait(units) == 0:
            bucket.take(units)
            total += units
    assert total <= 10 + 0.5 * now + 1e-6


@given(units=st.floats(0, 100))
def test_who_waits_as_long_as_told_finds_what_they_wanted(units: float) -> None:
    now = 0.0
    bucket = Bucket(Allowance(100, 0.5), lambda: now)
    bucket.take(130)
    now = bucket.wait(units)
    assert bucket.wait(units) == pytest.approx(0, abs=1e-6)


def test_accounts_that_are_full_again_are_forgotten() -> None:
    now = 0.0
    accounts = Accounts(Allowance(1, 1), lambda: now)
    accounts.of("owes much").take(1e6)
    for n in range(5000):
        now += 2
        accounts.of(str(n)).take(1)
    assert len(vars(accounts)["_buckets"]) <= 1025
    assert accounts.of("owes much").used > 1e5
