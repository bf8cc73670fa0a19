"""A gradient that is printed: the program is about the loss it is of, and the guilty step is named."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from explainers.claims import Claim
from explainers.tracing import record

Diagnose = Callable[..., Any]  # the fixture
TRAP = (
    "a = torch.tensor(100.0, requires_grad=True)\nb = torch.where(a <= 0, torch.exp(a), 1 + a)\n"
    "b.backward()\nprint(b)\nprint(a.grad)"
)


def test_a_printed_gradient_that_is_claimed_is_not_what_the_program_is_about() -> None:
    found = record(TRAP, claims=((101.0, 0.0), (math.nan, 0.0)))
    assert found.subject is not None
    assert found.tensor(found.subject).array().item() == 101.0


def test_a_gradient_that_is_the_only_thing_computed_is(diagnose: Diagnose) -> None:
    found = record("a = torch.tensor(2.0, requires_grad=True)\ng, = torch.autograd.grad(a * a, a)\nprint(g)")
    assert found.subject is not None
    assert found.tensor(found.subject).array().item() == 4.0


def test_exp_that_overflowed_in_the_branch_not_taken_is_blamed_and_not_the_sum(diagnose: Diagnose) -> None:
    road = diagnose(TRAP, (Claim("printed", "nan", 0.0, "tensor(nan)"),))
    assert road.slugs[0] == "where-gradient-trap"
    assert [c.value for c in road.diagnoses[0].counterfactuals if c.role == "gradient"] == [1.0]


@pytest.mark.parametrize("fill", ["float('nan')", "float('inf')"])
@pytest.mark.parametrize("loss", ["F.mse_loss(x, y, reduction='none')", "(x - y) ** 2", "(x - y).square()"])
def test_a_mask_behind_the_loss_is_found_and_in_front_of_it_is_left_alone(fill: str, loss: str, diagnose: Diagnose):
    data = f"x = torch.zeros(3, requires_grad=True)\ny = torch.tensor([0.5, {fill}, 1.0])\nkeep = torch.isfinite(y)\n"
    late = diagnose(f"{data}each = {loss}\neach[keep].sum().backward()")
    assert late.slugs[0] == "masked-after-the-loss"
    early = diagnose(f"{data}x, y = x[keep], y[keep]\neach = {loss}\neach.sum().backward()")
    assert early.slugs == []


def test_a_product_of_an_infinite_logarithm_is_not_blamed_for_it(diagnose: Diagnose):
    p = "p = torch.tensor([0.0, 0.4, 0.6], requires_grad=True)\n"
    road = diagnose(f"{p}torch.where(p > 0, -p * torch.log(p), torch.zeros_like(p)).sum().backward()")
    assert road.slugs[0] == "where-gradient-trap"
    assert road.diagnoses[0].fix is not None
    assert "torch.log(torch.where(p > 0, p, 1.0))" in road.diagnoses[0].fix.source
