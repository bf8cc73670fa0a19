"""Every loss says its least value, or why none is given; and what is said of the least value is so in torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from explainers.cards.card import Curve
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.locale import Translator
from explainers.losses.registry import Loss, registry
from explainers.notebook import explained
from explainers.replay import replay
from explainers.telling import Context, tell
from explainers.tracing import record

HEAD = "import torch\nimport torch.nn.functional as F\n"
ENTRIES = list(registry().losses.values())
LOSSES = [loss for loss in ENTRIES if loss.is_loss]


def said_of(source: str) -> str:
    told = tell(explained(record(HEAD + source)), Context())
    return "\n".join(p.text for p in told.paragraphs if p.kind == "floors")


@pytest.mark.parametrize("loss", ENTRIES, ids=lambda loss: loss.name)
def test_the_least_value_is_said_or_why_there_is_none(loss: Loss):
    text = said_of(loss.example)
    reason = loss.no_floor.say(Translator()).replace("−", "-") if loss.no_floor else ""
    assert text
    least = [floor for floor in explained(record(HEAD + loss.example)).floors if math.isfinite(floor.value)]
    assert (text.partition("\n")[0] == reason) == (not least)


@pytest.mark.parametrize(("targets", "least"), [([1.0, 0.0], 0.0), ([0.7, 0.2], None)])
def test_the_least_binary_cross_entropy_is_the_entropy_of_the_targets(targets: list[float], least: float | None):
    y = torch.tensor(targets, dtype=torch.float64)
    found = explained(record(HEAD + f"F.binary_cross_entropy(torch.tensor([0.8, 0.3]), torch.tensor({targets}))"))
    (floor,) = found.floors
    entropy = float(F.binary_cross_entropy(y, y))
    assert floor.attained and floor.value == pytest.approx(entropy if least is None else least, abs=1e-6)


SETTINGS = [
    "F.l1_loss(torch.tensor([1.0, 2.0, 0.5]), torch.tensor([0.3, -1.7, 2.9]))",
    "F.l1_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.3, -1.7]), weight=torch.tensor([1.0, 3.0]), reduction='sum')",
    "F.huber_loss(torch.ones(2, 3), torch.arange(6.0).reshape(2, 3), reduction='none')",
    "F.poisson_nll_loss(torch.tensor([0.5, 1.0, 2.0]), torch.tensor([0.0, 2.0, 3.0]))",
    "F.poisson_nll_loss(torch.tensor([0.5, 1.0]), torch.tensor([0.0, 2.0]), log_input=False)",
    "F.poisson_nll_loss(torch.tensor([0.5, 1.0]), torch.tensor([4.0, 2.0]), full=True, reduction='none')",
    "F.cross_entropy(torch.eye(3), torch.tensor([0, 2, 1]), label_smoothing=0.2, reduction='none')",
    "F.cross_entropy(torch.eye(3), torch.tensor([0, 2, 1]))",
    "F.cross_entropy(torch.eye(3), torch.tensor([0, 2, 1]), weight=torch.tensor([1.0, 2.0, 0.5]), reduction='none')",
    "F.binary_cross_entropy(torch.tensor([0.8, 0.3]), torch.tensor([0.7, 0.2]), reduction='none')",
    "F.binary_cross_entropy_with_logits(torch.tensor([0.8, 0.3]), torch.tensor([1.0, 0.25]))",
    "F.multi_margin_loss(torch.eye(3), torch.tensor([0, 2, 1]), reduction='none')",
    "F.margin_ranking_loss(torch.ones(3), torch.zeros(3), torch.tensor([1.0, -1.0, 1.0]), margin=0.5)",
    "F.gaussian_nll_loss(torch.ones(3), torch.zeros(3), torch.tensor([1.0, 0.5, 2.0]), reduction='none')",
    "F.l1_loss(torch.tensor([1.0]), torch.tensor([0.3]), weight=torch.tensor([0.5]), reduction='sum')",
    "F.cross_entropy(torch.tensor([[(7 * i + 3 * j) % 11 / 3 for j in range(30)] for i in range(200)]), "
    "torch.tensor([i % 30 for i in range(200)]), label_smoothing=0.2, "
    "weight=torch.tensor([j + 1.0 for j in range(30)]))",
    "F.mse_loss(torch.arange(70_000.0) % 7, torch.arange(70_000.0) % 13)",
    *(loss.example for loss in LOSSES),
]


@pytest.mark.parametrize("source", SETTINGS)
def test_torch_gives_the_least_value_where_it_is_said_to_be_reached(source: str):
    found = explained(record(HEAD + "import torch.nn as nn\n" + source))
    assert said_of(source), "neither a least value nor why there is none"
    for floor in found.floors:
        if not math.isfinite(floor.value):
            continue
        assert floor.point and found.call is not None and found.recording.subject is not None
        id = found.call.ref(floor.argument)
        assert id is not None
        there, nearer = (
            replay(found.recording, graph_rerun(replaced(found.recording.tensors[id], x))).value
            for end in (30.0, 8.0)
            for x in (np.nan_to_num(np.array(floor.point), posinf=end, neginf=-end).reshape(floor.shape),)
        )
        assert there is not None and nearer is not None
        assert there.array().astype(np.float64).sum() == pytest.approx(floor.value, abs=2e-5)
        assert floor.attained == bool(np.isfinite(floor.point).all())
        assert floor.attained or nearer.array().astype(np.float64).sum() > floor.value + 1e-6


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("y = torch.tensor([0.3, -1.7, 2.9])\nF.l1_loss(torch.ones(3), y)", "It is reached where input is y."),
        (SETTINGS[3], "It falls on towards input = [-∞, 0.6931, 1.0986], for example."),
        (SETTINGS[7], "It falls on towards input[0] = [0, -∞, -∞], for example."),
        ("F.cross_entropy(torch.eye(2), torch.tensor([0, 1]), label_smoothing=0.5)", "input[0] = [1.0986, 0]"),
    ],
)
def test_it_is_said_where_it_is_reached(source: str, where: str):
    assert where in said_of(source)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("F.cross_entropy(2 * torch.eye(2), torch.tensor([1, 0]))", "input is computed here"),
        ("z = torch.ones(2, 3).exp()\nF.mse_loss(z, torch.zeros(2, 3))", "z is computed here"),
        ("x = torch.ones(3)\nF.mse_loss(x, x)", "x is another argument as well"),
        ("F.l1_loss(torch.ones(2), torch.tensor([1.0, float('nan')]))", "the value here is no finite number"),
        ("F.cross_entropy(torch.eye(2), torch.tensor([-100, -100]))", "the value here is no finite number"),
    ],
)
def test_where_none_is_given_it_is_said_why(source: str, why: str):
    text = said_of(source)
    assert why in text and not explained(record(HEAD + source)).floors


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
