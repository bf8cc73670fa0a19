"""Every loss says its least value, or why none is given; and what is said of the least value is so in torch."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from explainers.cards.card import Curve
from explainers.locale import Translator
from explainers.losses.registry import Loss, registry
from explainers.notebook import explained
from explainers.telling import Context, tell
from explainers.tracing import record

HEAD = "import torch\nimport torch.nn.functional as F\n"
LOSSES = [loss for loss in registry().losses.values() if loss.is_loss]


def said_of(source: str) -> str:
    told = tell(explained(record(HEAD + source)), Context())
    return "\n".join(p.text for p in told.paragraphs if p.kind == "floors")


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_the_least_value_is_said_or_why_there_is_none(loss: Loss):
    text = said_of(loss.example)
    reason = loss.no_floor.say(Translator()).replace("−", "-") if loss.no_floor else ""
    assert text
    least = [floor for floor in explained(record(HEAD + loss.example)).floors if math.isfinite(floor.value)]
    assert (text == reason) == (not least)


@pytest.mark.parametrize(("targets", "least"), [([1.0, 0.0], 0.0), ([0.7, 0.2], None)])
def test_the_least_binary_cross_entropy_is_the_entropy_of_the_targets(targets: list[float], least: float | None):
    y = torch.tensor(targets, dtype=torch.float64)
    found = explained(record(HEAD + f"F.binary_cross_entropy(torch.tensor([0.8, 0.3]), torch.tensor({targets}))"))
    (floor,) = found.floors
    entropy = float(F.binary_cross_entropy(y, y))
    assert floor.attained and floor.value == pytest.approx(entropy if least is None else least, abs=1e-6)


def test_losses_that_are_never_below_0_are_not_and_get_there():
    torch.manual_seed(0)
    label = torch.tensor([1.0, -1.0, 1.0, -1.0])
    for _ in range(50):
        a, b, c = torch.randn(3, 4, 5, dtype=torch.float64)
        p, q = torch.softmax(a, 1), torch.softmax(b, 1)
        steps = torch.log_softmax(torch.randn(6, 2, 4, dtype=torch.float64), 2)
        assert F.triplet_margin_loss(a, b, c) >= 0
        assert F.cosine_embedding_loss(a, b, label, margin=0.2) >= -1e-12
        assert F.kl_div(p.log(), q, reduction="batchmean") >= 0
        assert F.nll_loss(p.log(), torch.tensor([0, 1, 2, 3])) >= 0
        assert F.ctc_loss(steps, torch.tensor([[1, 2], [3, 1]]), torch.tensor([6, 6]), torch.tensor([2, 2])) >= 0
        assert F.triplet_margin_loss(a, a, a + 9) == 0
        assert F.kl_div(p.log(), p, reduction="batchmean") == pytest.approx(0, abs=1e-12)
        assert F.cosine_embedding_loss(a, label[:, None] * a, label) == pytest.approx(0, abs=1e-6)
    sure = torch.tensor([[[-math.inf, 0.0]]])
    assert F.ctc_loss(sure, torch.tensor([[1]]), torch.tensor([1]), torch.tensor([1])) == 0


def test_where_linear_losses_have_no_floor_they_fall_without_end():
    x, y = torch.full((1, 2), 1e6), torch.tensor([0])
    assert F.nll_loss(x, y) < -1e5 and F.kl_div(x, torch.ones(1, 2), reduction="sum") < -1e5


def test_the_curve_of_a_loss_of_probabilities_stays_between_0_and_1():
    source = "F.binary_cross_entropy(torch.tensor([0.8, 0.3]), torch.tensor([1.0, 0.0]))"
    (curve,) = [p for p in tell(explained(record(HEAD + source)), Context()).card.panels if isinstance(p, Curve)]
    assert all(0 < x < 1 for x, _ in curve.points)
    x, y = curve.points[10]
    assert y == pytest.approx(float(F.binary_cross_entropy(torch.tensor([0.8, x]), torch.tensor([1.0, 0.0]))), rel=1e-5)
