"""Over random inputs: a trigger means that a counterfactual differs from the value, or the diagnosis says why not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explainers.claims import Claim
from explainers.diagnoses.registry import rules

Diagnose = Callable[..., Any]  # the fixture

RANDOM = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# the fixture only hands out a pure function, so sharing it between examples is safe
scores = st.floats(-6, 6).map(lambda x: round(x, 3))


@st.composite
def classified(draw: st.DrawFn) -> str:
    n, c = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    z = draw(st.lists(st.lists(scores, min_size=c, max_size=c), min_size=n, max_size=n))
    y = draw(st.lists(st.integers(0, c - 1), min_size=n, max_size=n))
    reduction = draw(st.sampled_from(["mean", "sum"]))
    return f"z = torch.tensor({z})\ny = torch.tensor({y})\nR = {reduction!r}\n"


@st.composite
def one_hot_rows(draw: st.DrawFn) -> str:
    n, c = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    hot = draw(st.lists(st.integers(0, c - 1), min_size=n, max_size=n))
    y = draw(st.lists(st.integers(0, c - 1), min_size=n, max_size=n))
    return f"z = F.one_hot(torch.tensor({hot}), {c}).float()\ny = torch.tensor({y})\nR = 'mean'\n"


def mistakes(road: Any) -> list[str]:
    """What is wrong with the program, without what is true of it and harmless, and what is only general."""
    table = rules()
    general = {slug for found in road.slugs for slug in table[found].dominates}
    return [slug for slug in road.slugs if not table[slug].harmless and slug not in general]


def explained(road: Any) -> bool:
    """Whether some correction differs from the value, or the evidence says that it does not."""
    for diagnosis in (d for d in road.diagnoses if d.slug in mistakes(road)):
        values = [c.value for c in diagnosis.counterfactuals if c.role == "correction" and c.value is not None]
        differs = any(not math.isclose(v, road.value, rel_tol=1e-6, abs_tol=1e-6) for v in values)
        said_so = any("cannot tell" in message.text for message in diagnosis.evidence)
        if not values or differs == said_so:
            return False
    return True


@pytest.mark.parametrize(
    ("slug", "loss"),
    [
        ("ce-double-softmax", "F.cross_entropy(z.softmax(1), y, reduction=R)"),
        ("ce-probabilities-as-logits", "F.cross_entropy(z.exp() / z.exp().sum(1, keepdim=True), y, reduction=R)"),
        ("nll-on-probabilities", "F.nll_loss(z.softmax(1), y, reduction=R)"),
    ],
)
@given(data=classified())
@RANDOM
def test_mistakes_over_classes_are_always_found(slug: str, loss: str, data: str, diagnose: Diagnose):
    road = diagnose(data + loss)
    assert mistakes(road) == [slug]
    assert explained(road)


@given(data=classified())
@RANDOM
def test_correct_losses_over_classes_never_fire(data: str, diagnose: Diagnose):
    for loss in ("F.nll_loss(z.log_softmax(1), y, reduction=R)", "F.cross_entropy(z - 7, y, reduction=R)"):
        assert mistakes(diagnose(data + loss)) == []


@given(data=classified())
@RANDOM
def test_raw_scores_differ_from_their_normalised_form_by_their_logsumexp(data: str, diagnose: Diagnose):
    road = diagnose(data + "F.nll_loss(z + 8, y, reduction=R)")
    assert mistakes(road) == ["nll-on-raw-logits"]
    assert explained(road)


@given(data=one_hot_rows())
@RANDOM
def test_one_hot_scores_are_read_as_probabilities_even_where_that_is_infinite(data: str, diagnose: Diagnose):
    road = diagnose(data + "nn.CrossEntropyLoss(reduction=R)(z, y)")
    assert mistakes(road) == ["ce-probabilities-as-logits"]
    diagnosis = road.diagnoses[0]
    (value,) = [c.value for c in diagnosis.counterfactuals if c.role == "correction"]
    wrong = any("−log p is infinite" in message.text for message in diagnosis.evidence)
    assert value == (math.inf if wrong else 0.0)
    floor = diagnosis.floor
    assert floor is not None and floor.value <= road.value + 1e-6


@given(
    z=st.lists(scores, min_size=2, max_size=5),
    y=st.lists(st.sampled_from([0.0, 1.0]), min_size=5, max_size=5),
)
@RANDOM
def test_double_sigmoids_are_always_found(z: list[float], y: list[float], diagnose: Diagnose):
    data = f"z, y = torch.tensor({z}), torch.tensor({y[: len(z)]})\n"
    road = diagnose(data + "F.binary_cross_entropy_with_logits(torch.sigmoid(z), y)")
    assert mistakes(road) == ["bcewl-double-sigmoid"]
    assert explained(road)
    assert mistakes(diagnose(data + "F.binary_cross_entropy_with_logits(8 * z - 9.5, y)")) == []


@given(p=st.lists(scores, min_size=2, max_size=5), y=st.lists(scores, min_size=5, max_size=5))
@RANDOM
def test_broadcast_regressions_are_always_found_and_their_floor_is_the_variance(
    p: list[float], y: list[float], diagnose: Diagnose
):
    data = f"p, y = torch.tensor({p}), torch.tensor({y[: len(p)]})\n"
    road = diagnose(data + "F.mse_loss(p, y[:, None])")
    assert mistakes(road) == ["regression-broadcast"]
    assert explained(road)
    mean = sum(y[: len(p)]) / len(p)
    variance = sum((v - mean) ** 2 for v in y[: len(p)]) / len(p)
    assert road.diagnoses[0].floor.value == pytest.approx(variance, rel=1e-5, abs=1e-5)


@given(data=classified(), far=st.floats(30, 90))
@RANDOM
def test_nothing_is_shown_to_someone_who_expected_another_number(data: str, far: float, diagnose: Diagnose):
    road = diagnose(data + "F.nll_loss(z.softmax(1), y, reduction=R)", (Claim("expected", -far),))
    assert "shown" not in [d.confidence for d in road.diagnoses]
