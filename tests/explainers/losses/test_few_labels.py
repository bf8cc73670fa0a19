"""multilabel_margin_loss looks at the labels that a target lists, not at every place that it has for one."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from explainers import explain
from explainers.composition import Composition, compose
from explainers.graph import ops
from explainers.graph.nodes import topological
from explainers.losses.registry import registry
from explainers.tracing import record

SOURCE = """
import torch
x = torch.randn(2, 400, generator=torch.Generator().manual_seed(0))
y = torch.full((2, 400), -1)
y[:, :3] = torch.tensor([[1, 5, 7], [2, 2, -1]])
torch.nn.functional.multilabel_margin_loss(x, y)
"""


def test_no_array_holds_a_number_for_each_pair_of_classes() -> None:
    recording = record(SOURCE)
    assert recording.subject is not None
    found = compose(recording, recording.subject, registry())
    assert isinstance(found, Composition)
    assert max(ops.count(node.axes) for node in topological(found.root)) == 2 * 400 * 3


@pytest.mark.parametrize("listed", [[], [3], [5, 5], [0, 39]])
def test_few_labels_of_many_places_are_certified_with_value_and_gradient(listed: list[int]) -> None:
    x = torch.linspace(-1, 1, 80, dtype=torch.float64).reshape(2, 40)
    target = torch.full((2, 40), -1)
    target[0, : len(listed)] = torch.tensor(listed, dtype=torch.long)
    value = F.multilabel_margin_loss(x, target)
    found = explain("multilabel_margin_loss", x, target)
    assert found.proof.certified
    assert found.value == pytest.approx(value.item(), rel=1e-12)
    assert {check.name for check in found.proof.checks if check.passed} >= {"value", "gradient", "float64"}
