"""Misconceptions put into correct programs, in the ways people write them: each is found, and the fix cures it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Diagnose = Callable[..., Any]  # the fixture

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
DATA = "z = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ny = torch.tensor([0, 1])\n"
VOLUME = "z = torch.arange(24.0).reshape(2, 3, 4).sin() * 3\ny = torch.arange(8).reshape(2, 4) % 3\n"
BITS = "z = torch.tensor([4.0, -4.0, 3.5])\ny = torch.tensor([1.0, 0.0, 1.0])\n"
COLUMN = "p = torch.tensor([1.0, 2.0, 4.0])\ny = torch.tensor([[1.0], [2.5], [4.0]])\n"

MUTANTS = [
    # slug, correct program, misconceived program
    ("ce-double-softmax", DATA + "F.cross_entropy(z, y)", DATA + "F.cross_entropy(z.softmax(1), y)"),
    ("ce-double-softmax", DATA + "F.cross_entropy(z, y)", DATA + "z = F.softmax(z, dim=-1)\nF.cross_entropy(z, y)"),
    (
        "ce-double-softmax",
        DATA + "model = nn.Sequential(nn.Identity())\nnn.CrossEntropyLoss()(model(z), y)",
        DATA + "model = nn.Sequential(nn.Identity(), nn.Softmax(dim=1))\nnn.CrossEntropyLoss()(model(z), y)",
    ),
    (
        "ce-double-softmax",
        DATA + "act = nn.Identity()\np = act(z * 2)\nF.cross_entropy(p, y)",
        DATA + "act = nn.Softmax(1)\np = act(z * 2)\nF.cross_entropy(p.view(2, 3).contiguous(), y)",
    ),
    ("ce-double-softmax", VOLUME + "F.cross_entropy(z, y)", VOLUME + "F.cross_entropy(torch.softmax(z, 1), y)"),
    (
        "ce-double-softmax",
        DATA + "def forward(x):\n    return x\nF.cross_entropy(forward(z), y, reduction='sum')",
        DATA + "def forward(x):\n    return torch.softmax(x, 1)\nF.cross_entropy(forward(z), y, reduction='sum')",
    ),
    (
        "ce-probabilities-as-logits",
        DATA + "nn.CrossEntropyLoss()(z, y)",
        DATA + "p = z.exp() / z.exp().sum(1, keepdim=True)\nnn.CrossEntropyLoss()(p, y)",
    ),
    (
        "ce-probabilities-as-logits",
        "F.nll_loss(torch.tensor([0.0, 0.0, 1.0]).clamp_min(1e-12).log(), torch.tensor(2), reduction='sum')",
        "F.cross_entropy(torch.tensor([0.0, 0.0, 1.0]), torch.tensor(2), reduction='sum')",
    ),
    ("nll-on-raw-logits", DATA + "nn.NLLLoss()(z.log_softmax(1), y)", DATA + "nn.NLLLoss()(z, y)"),
    ("nll-on-raw-logits", VOLUME + "F.nll_loss(z.log_softmax(1), y)", VOLUME + "F.nll_loss(z, y)"),
    (
        "nll-on-probabilities",
        DATA + "m = nn.Sequential(nn.LogSoftmax(dim=1))\nnn.NLLLoss()(m(z), y)",
        DATA + "m = nn.Sequential(nn.Softmax(dim=1))\nnn.NLLLoss()(m(z), y)",
    ),
    (
        "nll-on-probabilities",
        DATA + "F.nll_loss(z.log_softmax(1), y)",
        DATA + "p = z.exp() / z.exp().sum(1, keepdim=True)\nF.nll_loss(p, y)",
    ),
    (
        "bcewl-double-sigmoid",
        BITS + "F.binary_cross_entropy_with_logits(z, y)",
        BITS + "F.binary_cross_entropy_with_logits(z.sigmoid(), y)",
    ),
    (
        "bcewl-double-sigmoid",
        BITS + "F.binary_cross_entropy_with_logits(z, y)",
        BITS + "F.binary_cross_entropy_with_logits(z.softmax(0), y)",
    ),
    (
        "bcewl-double-sigmoid",
        BITS + "net = nn.Sequential(nn.Identity())\nnn.BCEWithLogitsLoss()(net(z), y)",
        BITS + "net = nn.Sequential(nn.Sigmoid(), nn.Identity())\nnn.BCEWithLogitsLoss()(net(z), y)",
    ),
    ("regression-broadcast", COLUMN + "F.mse_loss(p[:, None], y)", COLUMN + "F.mse_loss(p, y)"),
    ("regression-broadcast", COLUMN + "F.l1_loss(p, y.squeeze(-1))", COLUMN + "nn.L1Loss()(y, p)"),
]


@pytest.mark.parametrize(("slug", "correct", "mistaken"), MUTANTS)
def test_the_mistake_is_found_and_the_fix_gives_back_the_correct_value(
    slug: str, correct: str, mistaken: str, diagnose: Diagnose
):
    healthy, ill = diagnose(HEAD + correct), diagnose(HEAD + mistaken)
    assert healthy.slugs == []
    assert ill.recording.raised is None
    assert ill.slugs[0] == slug
    fix = ill.diagnoses[0].fix
    assert fix is not None and fix.diff
    cured = diagnose(fix.source)
    assert slug not in cured.slugs
    assert cured.value == pytest.approx(healthy.value, abs=1e-6)


@pytest.mark.parametrize(
    "allowed",
    [
        DATA + "F.nll_loss(torch.log(torch.softmax(z, 1)), y)",
        DATA + "w = torch.softmax(z, 1)\nF.cross_entropy((w * z) @ torch.eye(3) * 3, y)",
        BITS + "F.binary_cross_entropy(z.sigmoid(), y)",
        BITS + "F.mse_loss(z, y.mean())",
        "F.mse_loss(torch.zeros(2, 3), torch.ones(3))",
        "F.mse_loss(torch.zeros(2, 1, 3), torch.ones(2, 1, 3))",
        "F.cross_entropy(torch.tensor([[0.9, 0.4, 0.1]]), torch.tensor([0]))",
        "F.cross_entropy(torch.tensor([[1.0, -1.0, 1.0]]), torch.tensor([0]))",
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")  # torch also warns about the broadcasts that are meant
def test_legitimate_uses_are_left_alone(allowed: str, diagnose: Diagnose):
    road = diagnose(HEAD + allowed)
    assert road.recording.raised is None
    assert road.slugs == []
