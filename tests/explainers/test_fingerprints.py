"""Closed forms found for a number: each is what its program returns, and says what that program is diagnosed with."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.diagnoses.engine import investigate
from explainers.diagnoses.registry import rules
from explainers.fingerprints import Fingerprint, fingerprints
from explainers.losses.registry import registry
from explainers.tracing import record

OTHER_PROGRAMS = {"keras-clipped-probabilities", "bce-older-epsilon"}  # their numbers are not what torch returns

classes = st.integers(2, 40)


def returned(found: Fingerprint) -> tuple[float, set[str]]:
    """The value of a fingerprint's program and the slugs that fire on it."""
    recording = record(found.source)
    assert recording.raised is None and recording.subject is not None
    fired = {case.rule.slug for case in investigate(recording, (), registry(), rules()).cases}
    return float(recording.tensor(recording.subject).array().reshape(()).item()), fired


def checked(value: float, radius: float, losses: tuple[str, ...], form: str) -> None:
    found = fingerprints(value, radius, losses)
    assert form in [one.form for one in found]
    for one in found:
        held, fired = returned(one)
        assert abs(held - value) <= radius + 1e-5 * abs(value)
        assert one.slug in fired | OTHER_PROGRAMS
        assert one.slug in {rule.slug for rule in rules()}


@given(c=classes)
@settings(max_examples=10, deadline=None)
def test_a_one_hot_row_is_known_by_its_number_of_classes(c: int):
    checked(round(math.log1p((c - 1) / math.e), 4), 5e-5, ("cross_entropy",), f"ln(1 + {c - 1}/e)")


@given(c=classes)
@settings(max_examples=6, deadline=None)
def test_so_are_chance_and_a_wrong_one_hot_row(c: int):
    checked(round(math.log(c), 4), 5e-5, ("cross_entropy",), f"ln {c}")
    checked(round(math.log(math.e + c - 1), 4), 5e-5, ("cross_entropy",), f"ln(e + {c - 1})")


@given(n=st.integers(2, 60), scale=st.sampled_from([1.0, 0.1 / 0.07]))
@settings(max_examples=6, deadline=None)
def test_a_contrastive_loss_is_known_by_its_pairs_where_it_is_named(n: int, scale: float):
    value = round(scale * math.log(2 * n - 1), 4)
    form = f"ln(2·{n} − 1)" + ("" if scale == 1.0 else " · 0.1/0.07")
    checked(value, 5e-5, ("info_nce",), form)
    assert form not in [one.form for one in fingerprints(value, 5e-5)]


@pytest.mark.parametrize(
    ("value", "radius", "losses", "form"),
    [
        (100.0, 0.0, (), "-max(log 0, -100)"),
        (50.0, 0.0, ("binary_cross_entropy",), "1/2 · 100"),
        (-1.0, 0.0, ("nll_loss",), "−1"),
        (1.0, 0.0, ("triplet_margin_loss",), "0 − 0 + 1"),
        (0.2911, 5e-5, (), "H(0.9333, 2 × 0.03333)"),
        (0.5665, 5e-5, (), "(ln(1 + 1/e) + 2·ln 2)/3"),
        (0.3133, 5e-5, ("binary_cross_entropy_with_logits",), "ln(1 + 1/e)"),
        (16.118, 5e-4, (), "−ln 1e-07"),
        (8.0590, 5e-5, (), "−1/2 · ln 1e-07"),
        (27.631, 5e-4, (), "−ln 1e-12"),
        (2.3575, 5e-5, (), "ln(1 + 26/e)"),
    ],
)
def test_numbers_that_people_ask_about(value: float, radius: float, losses: tuple[str, ...], form: str):
    checked(value, radius, losses, form)


@pytest.mark.parametrize(
    ("value", "radius", "losses"),
    [(0.4321, 5e-5, ()), (3.14159, 5e-6, ()), (0.5514, 5e-5, ("mse_loss",)), (6.9, 5e-2, ()), (1.0, 0.0, ())],
)
def test_other_numbers_give_nothing_away(value: float, radius: float, losses: tuple[str, ...]):
    assert fingerprints(value, radius, losses) == ()


@pytest.mark.parametrize("losses", [("cross_entropy",), ("binary_cross_entropy",), ()])
def test_few_numbers_of_four_digits_lie_beside_a_form_by_chance(losses: tuple[str, ...]):
    numbers = [0.3 + 6.7 * (k * 0.6180339887 % 1) for k in range(400)]  # spread evenly, and none of them meant
    met = [number for number in numbers if fingerprints(round(number, 4), 5e-5, losses)]
    assert len(met) <= 0.1 * len(numbers), met


def test_of_a_stated_number_of_classes_no_other_is_meant():
    value = round(math.log1p(3 / math.e), 4)
    assert fingerprints(value, 5e-5, ("cross_entropy",), 3) == ()
    assert fingerprints(value, 5e-5, ("cross_entropy",), 4)[0].form == "ln(1 + 3/e)"


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
def test_even_odds_are_shown_with_the_loss_that_is_named(loss: str):
    checked(0.6931, 5e-5, (loss,), "ln 2")
    assert [f"F.{loss}(" in one.source for one in fingerprints(0.6931, 5e-5, (loss,))] == [True]


def test_forms_that_lie_close_together_need_more_digits_unless_the_classes_are_known():
    assert not fingerprints(0.776, 5e-4, ("cross_entropy",))
    assert not fingerprints(0.1985, 5e-5, ("cross_entropy",))
    smoothed = -0.95 * math.log(0.95) - 0.05 * math.log(0.05)
    assert fingerprints(round(smoothed, 4), 5e-5, ("cross_entropy",), 2)


def test_a_question_is_settled_by_the_arguments_that_it_asks_for():
    (found,) = fingerprints(0.5, 5e-5, ("triplet_margin_loss",))
    assert found.settled_by == ("margin",)
