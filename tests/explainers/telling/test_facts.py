"""Facts that are told whatever is the matter: what real targets of cross_entropy are, between what cosines lie."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

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


def test_a_mean_divides_the_gradient_by_what_is_told():
    source = "x.requires_grad_()\nloss = F.cross_entropy(x, torch.tensor([0, 1]))\nloss.backward()\nprint({})\nx.grad"
    assert "(softmax(x) - y)/2" in told(source.format("loss"))
    assert "divides the gradient" not in told(
        source.format("loss").replace("loss.backward()\n", "").replace("x.grad", "x")
    )
    x = torch.tensor([[1.2, 0.3], [0.1, 0.9]], requires_grad=True)
    F.cross_entropy(x, torch.tensor([0, 1])).backward()
    assert x.grad is not None
    assert torch.allclose(2 * x.grad, x.softmax(1) - torch.eye(2))


def test_a_loss_above_chance_is_worse_than_a_guess():
    worse = told("F.cross_entropy(torch.tensor([[4.0, 0.0, 0.0]]), torch.tensor([1]))")
    assert f"ln 3 = {math.log(3):.4f}" in worse
    assert "worse than guessing" not in told("F.cross_entropy(x, torch.tensor([0, 1]))")
    assert "at least 1" in told("torch.exp(F.cross_entropy(x, torch.tensor([0, 1])))")


@pytest.mark.parametrize("call", ["F.logsigmoid(v)", "torch.log_softmax(v, 0)", "torch.logsumexp(v, 0)"])
def test_the_plain_formula_is_told_where_it_overflows(call: str):
    assert "stable form" in told(f"v = torch.tensor([-300.0, 300.0])\n{call}")
    assert "stable form" not in told(f"v = torch.tensor([-3.0, 3.0])\n{call}")


def test_a_cosine_beyond_1_is_told_by_its_ulp():
    a = torch.arange(84.0).unsqueeze(0)
    assert F.cosine_similarity(a, a).item() > 1
    assert "past it by 1 ulp, 1.19e-07" in told("a = torch.arange(84.0).unsqueeze(0)\nF.cosine_similarity(a, a)")


CONSTANT = [
    ("F.soft_margin_loss(v, torch.tensor([1.0, -1.0]))", "target"),
    ("F.binary_cross_entropy(v, torch.tensor([1.0, 0.0]), torch.ones(2))", "weight"),
    ("F.cross_entropy(x, torch.tensor([0, 1]), torch.tensor([1.0, 2.0]))", "weight"),
    ("F.cross_entropy(x, torch.eye(2), torch.tensor([1.0, 2.0]))", ""),
    ("F.binary_cross_entropy_with_logits(v, torch.tensor([1.0, 0.0]))", ""),
]


@pytest.mark.parametrize(("call", "without"), CONSTANT)
def test_an_argument_without_a_gradient_is_named(call: str, without: str):
    explanation = explained(record(f"{HEAD}v = torch.tensor([0.25, 0.5])\n{call}"))
    answer = tell(explanation, Context()).text
    assert ("torch has no gradient for" in answer) == bool(without)
    if without:
        assert f"torch has no gradient for {without}." in answer and explanation.call is not None
        assert explanation.call.ref(without) not in explanation.autograd


@pytest.mark.parametrize("target", [1.0, 0.75])
def test_a_gradient_of_0_throughout_is_named(target: float):
    p = torch.tensor([1.0, 0.0], requires_grad=True)
    F.binary_cross_entropy(p, torch.tensor([target, 0.0])).backward()
    assert p.grad is not None
    answer = told(f"F.binary_cross_entropy(torch.tensor([1.0, 0.0]), torch.tensor([{target}, 0.0]))")
    assert ("torch's gradient of input is 0 in every entry" in answer) == (not p.grad.any())
