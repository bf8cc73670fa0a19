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


VARIANCE = "m, y = torch.tensor([0.0, 1.0]), torch.tensor([0.5, 2.0])\ns = torch.tensor([2.0, 3.0])\n"
DISTRIBUTIONS = (
    "p = torch.tensor([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]])\nq = torch.tensor([[0.2, 0.3, 0.5], [0.1, 0.6, 0.3]])\n"
)
LABELS = "z = torch.tensor([0.5, -1.5, 2.0])\ny = torch.tensor([1.0, -1.0, 1.0])\n"
SIGNED = "x = torch.tensor([1.5, 0.5])\nw = torch.tensor([0.5, 2.0])\n"
WEIGHTED = "w = torch.tensor([1.0, 5.0, 2.0])\n"
FRAMES = "z = torch.arange(24.0).reshape(6, 1, 4).sin()\nL = (torch.tensor([[1, 2]]), (6,), (2,))\n"
RARE = "z = torch.tensor([0.5, -1.0, -2.0, -0.5])\ny = torch.tensor([1.0, 0.0, 0.0, 0.0])\n"
MANY = "y = torch.tensor([[1.0, 1.0, 0.0]])\nz = torch.tensor([[2.0, 1.0, -3.0]])\n"

CURED_BY_A_RUN = [
    # slug, correct program, misconceived program: a correction gives back the correct value
    ("ce-after-sigmoid", DATA + "nn.CrossEntropyLoss()(z, y)", DATA + "nn.CrossEntropyLoss()(nn.Sigmoid()(z), y)"),
    ("ce-after-sigmoid", VOLUME + "F.cross_entropy(z, y)", VOLUME + "F.cross_entropy(F.sigmoid(z), y)"),
    ("ce-after-relu", DATA + "F.cross_entropy(z, y)", DATA + "F.cross_entropy(F.relu(z), y)"),
    ("ce-after-relu", DATA + "F.cross_entropy(z, y)", DATA + "F.cross_entropy(z.clamp(min=0), y)"),
    ("ce-after-relu", DATA + "F.cross_entropy(z, y)", DATA + "F.cross_entropy(nn.ReLU()(z), y)"),
    (
        "bcewl-probabilities-as-logits",
        BITS + "F.binary_cross_entropy(y.clone(), y)",
        BITS + "F.binary_cross_entropy_with_logits(y.clone(), y)",
    ),
    (
        "bce-clamped-at-100",
        BITS + "F.binary_cross_entropy_with_logits(30 * z, 1 - y)",
        BITS + "nn.BCELoss()(torch.sigmoid(30 * z), 1 - y)",
    ),
    (
        "bce-after-softmax-onehot",
        "y = torch.tensor([0, 2])\nz = torch.tensor([[1.0, 0.2, 0.1], [0.3, 1.5, 0.9]])\nF.cross_entropy(z, y)",
        "y = F.one_hot(torch.tensor([0, 2]), 3).float()\nz = torch.tensor([[1.0, 0.2, 0.1], [0.3, 1.5, 0.9]])\n"
        "nn.BCELoss()(nn.Softmax(dim=1)(z), y)",
    ),
    (
        "bce-after-softmax-multilabel",
        MANY + "F.binary_cross_entropy(z.sigmoid(), y)",
        MANY + "F.binary_cross_entropy(z.softmax(-1), y)",
    ),
    (
        "bcewl-target-outside-01",
        LABELS + "F.binary_cross_entropy_with_logits(z, (y > 0).float())",
        LABELS + "nn.BCEWithLogitsLoss()(z, y)",
    ),
    (
        "pos-weight-inverted",
        RARE + "F.binary_cross_entropy_with_logits(z, y, pos_weight=torch.tensor(3.0))",
        RARE + "nn.BCEWithLogitsLoss(pos_weight=torch.tensor(1 / 3))(z, y)",
    ),
    (
        "kl-input-not-log",
        DISTRIBUTIONS + "F.kl_div(p.log(), q, reduction='batchmean')",
        DISTRIBUTIONS + "nn.KLDivLoss(reduction='batchmean')(p, q)",
    ),
    (
        "kl-log-target-flag",
        DISTRIBUTIONS + "F.kl_div(p.log(), q, reduction='sum')",
        DISTRIBUTIONS + "F.kl_div(p.log(), q.log(), reduction='sum')",
    ),
    (
        "kl-reduction-mean",
        DISTRIBUTIONS + "F.kl_div(p.log(), q, reduction='batchmean')",
        DISTRIBUTIONS + "nn.KLDivLoss()(p.log(), q)",
    ),
    (
        "gaussian-nll-std-as-var",
        VARIANCE + "F.gaussian_nll_loss(m, y, s.square())",
        VARIANCE + "std = s\nF.gaussian_nll_loss(m, y, torch.sqrt(std.square()))",
    ),
    (
        "poisson-log-input",
        "r, n = torch.tensor([4.0, 9.0, 6.5]), torch.tensor([4.0, 8.0, 7.0])\n"
        "F.poisson_nll_loss(r, n, log_input=False)",
        "r, n = torch.tensor([4.0, 9.0, 6.5]), torch.tensor([4.0, 8.0, 7.0])\nnn.PoissonNLLLoss()(r, n)",
    ),
    (
        "ctc-needs-log-probs",
        FRAMES + "F.ctc_loss(z.log_softmax(-1), *L)",
        FRAMES + "nn.CTCLoss()(z, *L)",
    ),
    (
        "ce-padding-counted",
        DATA + "y[1] = 2\nF.cross_entropy(z, y, ignore_index=2)",
        "pad_idx = 2\n" + DATA + "y[1] = pad_idx\nF.cross_entropy(z, y)",
    ),
    (
        "ce-soft-target-not-normalised",
        DATA + "F.cross_entropy(z, torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]))",
        DATA + "F.cross_entropy(z, torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]))",
    ),
    (
        "ce-label-smoothing-floor",
        DATA + "F.cross_entropy(z, y)",
        DATA + "nn.CrossEntropyLoss(label_smoothing=0.2)(z, y)",
    ),
    (
        "ce-weighted-mean-denominator",
        DATA + WEIGHTED + "F.cross_entropy(z, y, weight=w, reduction='none').mean()",
        DATA + WEIGHTED + "nn.CrossEntropyLoss(weight=w)(z, y)",
    ),
    (
        "ce-weight-mean-cancels",
        DATA + WEIGHTED + "F.cross_entropy(z[1:], y[1:], weight=w, reduction='sum')",
        DATA + WEIGHTED + "F.cross_entropy(z[1:], y[1:], weight=w)",
    ),
    ("pm1-target-given-01", LABELS + "F.soft_margin_loss(z, y)", LABELS + "F.soft_margin_loss(z, (y > 0).float())"),
    (
        "pm1-target-given-01",
        SIGNED + "F.hinge_embedding_loss(x, torch.tensor([1.0, -1.0]))",
        SIGNED + "nn.HingeEmbeddingLoss()(x, torch.tensor([1.0, 0.0]))",
    ),
    (
        "multilabelmargin-not-indices",
        "z = torch.tensor([[0.1, 0.2, 0.4, 0.8]])\nF.multilabel_margin_loss(z, torch.tensor([[0, 2, -1, -1]]))",
        "z = torch.tensor([[0.1, 0.2, 0.4, 0.8]])\nnn.MultiLabelMarginLoss()(z, torch.tensor([[1, 0, 1, 0]]))",
    ),
    (
        "multilabelmargin-padded-with-zero",
        "z = torch.tensor([[0.1, 0.2, 0.4, 0.8]])\nF.multilabel_margin_loss(z, torch.tensor([[2, -1, -1, -1]]))",
        "z = torch.tensor([[0.1, 0.2, 0.4, 0.8]])\nF.multilabel_margin_loss(z, torch.tensor([[2, 0, 0, 0]]))",
    ),
    ("softmax-wrong-dim", DATA + "F.nll_loss(z.softmax(1).log(), y)", DATA + "F.nll_loss(z.softmax(0).log(), y)"),
    (
        "softmax-over-single-logit",
        "z, y = torch.tensor([[3.0], [-2.0]]), torch.tensor([[1.0], [0.0]])\nF.binary_cross_entropy(z.sigmoid(), y)",
        "z, y = torch.tensor([[3.0], [-2.0]]), torch.tensor([[1.0], [0.0]])\nF.binary_cross_entropy(z.softmax(1), y)",
    ),
    (
        "softmax-over-single-logit",
        "z, y = torch.tensor([[3.0], [-2.0]]), torch.zeros(2, 1)\nF.binary_cross_entropy_with_logits(z, y)",
        "z, y = torch.tensor([[3.0], [-2.0]]), torch.tensor([0, 0])\nF.cross_entropy(z, y)",
    ),
    (
        "focal-on-reduced-loss",
        DATA + "c = F.cross_entropy(z, y, reduction='none')\n((1 - torch.exp(-c)) ** 2 * c).mean()",
        DATA + "c = nn.CrossEntropyLoss()(z, y)\n((1 - torch.exp(-c)) ** 2 * c).mean()",
    ),
    (
        "mean-of-batch-means",
        "x = torch.tensor([1.0, 2.0, 3.0])\nF.mse_loss(x, torch.zeros(3))",
        "x = torch.tensor([1.0, 2.0, 3.0])\n"
        "a, b = F.mse_loss(x[:2], torch.zeros(2)), F.mse_loss(x[2:], torch.zeros(1))\n"
        "torch.stack([a, b]).mean()",
    ),
    (
        "regression-broadcast",
        COLUMN + "((p[:, None] - y) ** 2).mean()",
        COLUMN + "((p - y) ** 2).mean()",
    ),
    ("regression-broadcast", COLUMN + "(p[:, None] - y).abs().sum()", COLUMN + "(p - y).abs().sum()"),
    (
        "dice-on-logits",
        BITS + "p = z.sigmoid()\n1 - 2 * (p * y).sum() / (p.sum() + y.sum())",
        BITS + "1 - 2 * (z * y).sum() / (z.sum() + y.sum())",
    ),
    (
        "dice-mask-not-01",
        BITS + "p = z.sigmoid()\n1 - 2 * torch.sum(p * y) / (torch.sum(p) + torch.sum(y))",
        BITS + "p = z.sigmoid()\nm = 255 * y\n1 - 2 * torch.sum(p * m) / (torch.sum(p) + torch.sum(m))",
    ),
    (
        "soft-margin-overflow",
        SIGNED + "F.softplus(200 * x).mean()",
        SIGNED + "F.soft_margin_loss(200 * x, -torch.ones(2))",
    ),
]


@pytest.mark.parametrize(("slug", "correct", "mistaken"), CURED_BY_A_RUN)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")  # what the mistake is about
def test_the_mistake_is_found_and_a_run_gives_back_the_correct_value(
    slug: str, correct: str, mistaken: str, diagnose: Diagnose
):
    healthy, ill = diagnose(HEAD + correct), diagnose(HEAD + mistaken)
    assert slug not in healthy.slugs
    assert ill.recording.raised is None
    assert ill.slugs[0] == slug
    returned = [c.value for c in ill.diagnoses[0].counterfactuals if c.role == "correction" and c.value is not None]
    assert any(value == pytest.approx(healthy.value, abs=1e-5) for value in returned)
