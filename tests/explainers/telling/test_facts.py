"""Facts that are told whatever is the matter: what real targets of cross_entropy are, between what cosines lie."""

from __future__ import annotations

from explainers.notebook import explained
from explainers.telling import Context, tell
from explainers.tracing import record

HEAD = "import torch\nimport torch.nn.functional as F\nx = torch.tensor([[1.2, 0.3], [0.1, 0.9]])\n"


def told(source: str) -> str:
    return tell(explained(record(HEAD + source)), Context()).text


def test_real_targets_are_probabilities_that_older_versions_refused():
    assert "class probabilities" in told("F.cross_entropy(x, torch.tensor([[0.0, 1.0], [1.0, 0.0]]))")
    assert "class probabilities" not in told("F.cross_entropy(x, torch.tensor([0, 1]))")


def test_a_loss_of_cosines_has_its_bounds_told():
    opposite = told("loss = 1 - F.cosine_similarity(x, -x).mean()\nloss")
    assert "between 0 and 2" in opposite
    assert "between 0 and 2" not in told("loss = 1 - (x * x).mean()\nloss")
