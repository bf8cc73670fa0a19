"""An option that is set is told with what it does, and the numbers told are those of the call."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from explainers.locale import Translator
from explainers.telling.options import options
from explainers.tracing import record

HEAD = "import torch\nimport torch.nn.functional as F\n"
CLASSES = "x = torch.tensor([[2.0, 0.5, -1.0, 0.0], [0.2, 1.7, -0.3, 0.1]])\ny = torch.tensor([0, 1])\n"


def told(source: str) -> str:
    recording = record(HEAD + source)
    assert recording.raised is None and recording.subject is not None
    found = options(recording, recording.producer(recording.subject))
    return " ".join(each.say(Translator()) for each in found)


def test_nothing_is_told_of_options_that_are_left_as_they_are():
    assert told(f"{CLASSES}F.cross_entropy(x, y)") == ""
    assert told(f"{CLASSES}F.cross_entropy(x, y, label_smoothing=0.0, ignore_index=-100)") == ""


@pytest.mark.parametrize("eps", [0.1, 0.25])
def test_smoothed_labels_are_the_ones_that_give_torchs_value(eps: float):
    said = told(f"{CLASSES}F.cross_entropy(x, y, label_smoothing={eps})")
    own, other = 1 - eps + eps / 4, eps / 4
    assert f"= {own:g}" in said
    assert f"other class {other:g}" in said
    x = torch.tensor([[2.0, 0.5, -1.0, 0.0]])
    soft = torch.full((1, 4), other).index_fill(1, torch.tensor([0]), own)
    smoothed = F.cross_entropy(x, torch.tensor([0]), label_smoothing=eps)
    assert F.cross_entropy(x, soft).item() == pytest.approx(smoothed.item(), rel=1e-6)


def test_an_ignored_class_stays_in_the_softmax():
    assert "does not take class 2 out" in told(f"{CLASSES}F.cross_entropy(x, y, ignore_index=2)")
    assert told(f"{CLASSES}F.cross_entropy(x, y, ignore_index=-1)") == ""


@pytest.mark.parametrize("loss", ["cross_entropy", "nll_loss"])
def test_ignored_items_are_counted(loss: str):
    ignoring = CLASSES + "y[1] = -1\n"
    assert "1 of 2 targets are -1" in told(f"{ignoring}F.{loss}(x, y, ignore_index=-1)")
    assert "by the others" not in told(f"{ignoring}F.{loss}(x, y, ignore_index=-1, reduction='none')")


def test_stirlings_formula_is_told_with_torchs_own_error():
    call = "F.poisson_nll_loss(torch.tensor([3.0]), torch.tensor([5.0]), {}full=True, eps=0.0)"
    said = told(call.format("log_input=False, "))
    full = F.poisson_nll_loss(torch.tensor([3.0]), torch.tensor([5.0]), log_input=False, full=True, eps=0.0).item()
    part = F.poisson_nll_loss(torch.tensor([3.0]), torch.tensor([5.0]), log_input=False, eps=0.0).item()
    assert f"{full - part:.4f}" in said
    assert f"{math.log(120):.4f}" in said
    assert "must be positive" in said


def test_a_variance_is_raised_to_eps_and_not_increased_by_it():
    call = "F.gaussian_nll_loss(torch.zeros(2), torch.zeros(2), torch.tensor([4.0, 0.5]), eps=1.0)"
    assert "changes 1 of 2" in told(call)
    raised = F.gaussian_nll_loss(torch.zeros(2), torch.zeros(2), torch.tensor([4.0, 1.0]))
    assert raised.item() == F.gaussian_nll_loss(torch.zeros(2), torch.zeros(2), torch.tensor([4.0, 0.5]), eps=1.0)


def test_beta_zero_is_an_absolute_difference():
    assert "l1_loss" in told("F.smooth_l1_loss(torch.tensor([3.0]), torch.tensor([0.0]), beta=0.0)")
    assert told("F.smooth_l1_loss(torch.tensor([3.0]), torch.tensor([0.0]), beta=0.5)") == ""
