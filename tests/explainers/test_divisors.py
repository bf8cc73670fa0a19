"""The divisor that is named is the one that torch uses: the sum of the terms divided by it is torch's own value."""

from __future__ import annotations

import re

import pytest
import torch

from explainers.digits import shown
from explainers.divisors import ELEMENTWISE, divisor
from explainers.locale import Translator
from explainers.tracing import record

HEAD = "import torch\nimport torch.nn.functional as F\n"
PAIR = "p = torch.tensor([[0.9, 0.2, 0.4], [0.8, 0.3, 0.1]])\ny = torch.tensor([[1.0, 0.0, 1.0], [1.0, 0.0, 0.0]])\n"


def told(source: str, name: str) -> str:
    recording = record(HEAD + source)
    assert recording.raised is None
    call = next(call for call in recording.calls if call.function.endswith(f".{name}"))
    return " ".join(each.say(Translator()) for each in divisor(recording, call, name))


def value(source: str) -> float:
    scope: dict[str, object] = {}
    exec(f"{HEAD}{source}".replace("\nF.", "\nresult = F."), scope)
    result = scope["result"]
    assert isinstance(result, torch.Tensor)
    return result.item()


@pytest.mark.parametrize("name", sorted(ELEMENTWISE - {"kl_div", "gaussian_nll_loss"}))
def test_a_mean_is_the_sum_over_the_number_that_is_named(name: str):
    count = re.search(r"all (\d+) elements", told(f"{PAIR}F.{name}(p, y)", name))
    assert count is not None
    total = value(f"{PAIR}F.{name}(p, y, reduction='sum')")
    assert value(f"{PAIR}F.{name}(p, y)") == pytest.approx(total / int(count[1]), rel=1e-5)


def test_elements_are_those_of_the_broadcast_shape():
    assert "number of elements, 3" in told("F.mse_loss(torch.zeros(3), torch.zeros(()))", "mse_loss")


def test_a_sum_names_the_mean_and_what_comes_from_each_row():
    said = told(f"{PAIR}F.binary_cross_entropy(p, y, reduction='sum')", "binary_cross_entropy")
    mean = value(f"{PAIR}F.binary_cross_entropy(p, y)")
    assert f"{mean:.4f}" in said
    assert f"{3 * mean:.3f}" in said


def test_legacy_flags_are_read():
    assert "adds up 6" in told(f"{PAIR}F.mse_loss(p, y, size_average=False)", "mse_loss")
    assert "keeps 6 losses" in told(f"{PAIR}F.mse_loss(p, y, reduce=False)", "mse_loss")


def test_losses_that_are_kept_are_told_with_what_a_mean_makes_of_them():
    said = told(f"{PAIR}F.mse_loss(p, y, reduction='none')", "mse_loss")
    assert shown(value(f"{PAIR}F.mse_loss(p, y)")) in said
    assert shown(value(f"{PAIR}F.mse_loss(p, y, reduction='sum')")) in said


def test_rows_of_a_divergence():
    said = told(f"{PAIR}F.kl_div(p.log(), p, reduction='batchmean')", "kl_div")
    assert "2 rows, not by all 6" in said


def test_an_elements_weight_is_no_divisor_but_a_classs_is():
    binary = f"{PAIR}F.binary_cross_entropy(p, y, weight=torch.tensor([3.0, 1.0, 1.0]))"
    assert "no sum of the weights" in told(binary, "binary_cross_entropy")
    classes = "F.cross_entropy(torch.zeros(3, 2), torch.tensor([1, 0, 0]), weight=torch.tensor([1.0, 3.0]))"
    assert "sum of the weights of the targets, 5" in told(classes, "cross_entropy")
    assert "weight" not in told("F.cross_entropy(torch.zeros(3, 2), torch.tensor([1, 0, 0]))", "cross_entropy")


def test_a_single_element_is_divided_by_nothing():
    assert told("F.mse_loss(torch.zeros(1), torch.zeros(1))", "mse_loss") == ""
