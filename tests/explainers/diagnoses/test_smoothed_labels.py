"""What is said of smoothed labels holds of soft targets, of class weights, and of losses that cannot fall at all."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from explainers import explain

SCORES = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7]])
SOFT = torch.tensor([[0.2, 0.3, 0.5], [0.1, 0.2, 0.7]])
EMPTY = torch.zeros(0, dtype=torch.long)
RULE = "ce-label-smoothing-floor"


def slugs(*args: torch.Tensor, **options: Any) -> list[str]:
    return [diagnosis.slug for diagnosis in explain("cross_entropy", *args, **options).diagnoses]


@pytest.mark.parametrize("eps", [0.1, 0.4, 1.0])
def test_the_least_value_of_soft_targets_is_the_entropy_of_them_smoothed(eps: float) -> None:
    smoothed = SOFT * (1 - eps) + eps / 3
    floor = F.cross_entropy(smoothed.log(), smoothed).item()
    found = explain("cross_entropy", SCORES, SOFT, label_smoothing=eps)
    assert found.verdict.endswith(f"the least value is {floor:.4f}.")
    assert f"entropy of {floor:.4f}" in str(found)
    assert "to the right one" not in str(found) and "its share" not in str(found)


def test_no_entropy_is_told_where_class_weights_make_another_least_value() -> None:
    weight = torch.tensor([1.0, 5.0, 0.1])
    found = explain("cross_entropy", SCORES, torch.tensor([0, 1]), label_smoothing=0.1, weight=weight)
    assert found.diagnoses[0].slug == RULE
    assert "0.2911" not in str(found) and f"{found.floors[0].value:.4f}" in str(found)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, torch.tensor([0.5])])
@pytest.mark.parametrize("sizes", [(), (2, 2)])
def test_an_empty_batch_is_certified_and_not_told_to_fall(
    reduction: str, weight: torch.Tensor | None, sizes: tuple[int, ...]
) -> None:
    scores, target = torch.zeros(0, 1, *sizes), torch.zeros(0, *sizes, dtype=torch.long)
    options: dict[str, Any] = {"label_smoothing": 1, "reduction": reduction, "weight": weight}
    found = explain("cross_entropy", scores, target, **options)
    assert found.proof.certified and "cannot fall" not in str(found)


def test_a_number_that_is_0_or_not_finite_is_not_told_to_fall() -> None:
    y = torch.tensor([0, 1])
    assert RULE in slugs(SCORES, y, label_smoothing=0.1)
    assert RULE not in slugs(SCORES, y, label_smoothing=0.1, weight=torch.zeros(3))
    assert RULE not in slugs(SCORES, y, label_smoothing=0.1, weight=torch.zeros(3), reduction="sum")
    assert RULE not in slugs(torch.full((2, 3), -torch.inf).index_fill(1, y[:1], 0.0), y, label_smoothing=0.1)
    assert RULE not in slugs(torch.zeros(0, 3), EMPTY, label_smoothing=0.1, reduction="sum")
