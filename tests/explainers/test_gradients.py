"""The gradient on the page, read entry by entry, is the one that torch computes; indices are left out only where they
are not needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy
import torch
import torch.nn.functional as F

from explainers.derivation import Gradient, agrees
from explainers.graph.balls import precise
from explainers.graph.exact import ExactBalls
from explainers.graph.lowering import lower
from explainers.graph.symbols import NumberLabel
from explainers.notebook import explained
from explainers.telling import Context, tell
from explainers.tracing import record

SETUP = """\
g = torch.Generator().manual_seed(3)
x = torch.randn(3, 3, generator=g, requires_grad=True)
b = torch.randn(3, 3, generator=g)
v = torch.rand(3, generator=g) + 0.1
y = torch.tensor([0, 2, 1])
t = torch.rand(3, 3, generator=g)
"""
VECTOR = (
    "F.cross_entropy(x, y)",
    "F.cross_entropy(x, y, weight=v)",
    "F.cross_entropy(x, y, weight=v, ignore_index=2, label_smoothing=0.1)",
    "F.mse_loss(x, b)",
    "F.binary_cross_entropy_with_logits(x, t)",
    "((x - v) ** 2).mean()",
    "(x * x).sum()",
    "F.nll_loss(x, y)",
)
INDEXED = (
    "F.cross_entropy(x[0], y[1])",
    "(x * x.t()).sum()",
    "(x * b.t()).sum()",
    "((x - x.t()) ** 2).mean()",
    "((x[:, None, :] - x[None, :, :]) ** 2).sum()",
    "(x * v[:, None]).sum()",
    "F.cross_entropy(x, t)",
    "F.cross_entropy(x[None], y[None])",
    "(torch.softmax(x, 0) * b).sum()",
    "(torch.softmax(x, 1) * b).sum()",
    "F.cross_entropy(x.t(), y, reduction='sum')",
)


def gradient_of(program: str) -> Gradient:
    steps = explained(record(SETUP + program)).derivation.steps
    return next(step for step in steps if isinstance(step, Gradient))


def autograd(program: str) -> np.ndarray[Any, Any]:
    scope: dict[str, Any] = {"torch": torch, "F": F}
    exec(SETUP + f"loss = {program}\nloss.backward()", scope)
    return np.asarray(scope["x"].grad.double().numpy())


def at_every_entry(step: Gradient) -> np.ndarray[Any, Any]:
    found = np.zeros(step.entries.shape)
    for place in np.ndindex(*step.entries.shape):
        here = step.meaning.at(dict(zip(step.letters, place, strict=True)))
        found[place] = float(lower(step.entry, here))
    return found


@pytest.mark.parametrize("program", [*VECTOR, *INDEXED])
def test_the_formula_on_the_page_is_torchs_gradient_at_every_entry(program: str) -> None:
    step = gradient_of(program)
    assert (step.layout is None) == (program in INDEXED)
    with precise():
        np.testing.assert_allclose(at_every_entry(step), autograd(program), rtol=2e-5, atol=1e-6)
        assert agrees(step)


@pytest.mark.parametrize("program", [*VECTOR, *INDEXED])
def test_a_wrong_formula_is_found_out(program: str) -> None:
    step = gradient_of(program)
    assert step.formula is not None
    with precise():
        assert agrees(step)
        wrong = sympy.Mul(step.formula, sympy.Rational(10**9 + 1, 10**9), evaluate=False)
        assert agrees(replace(step, formula=wrong)) is False


def test_a_formula_that_is_right_at_the_largest_entry_only_is_found_out() -> None:
    step = gradient_of("F.mse_loss(x, b)")
    with precise():
        largest = step.entries.at(step.places()[0])
        assert agrees(replace(step, again=ExactBalls(np.full((3, 3), largest)))) is False


def test_the_two_directions_of_softmax_do_not_look_alike() -> None:
    first, second = (gradient_of(f"(torch.softmax(x, {dim}) * b).sum()").formula for dim in (0, 1))
    assert first != second


def test_transposed_and_pairwise_programs_are_written_with_indices(told: Callable[[str], str]) -> None:
    assert "x_(j, i) + x_(j, i)" in told("(x * x.t()).sum()")
    assert "= b_(j, i)" in told("(x * b.t()).sum()")
    assert "x_(i, j) − x_(k, j)" in told("((x[:, None, :] - x[None, :, :]) ** 2).sum()")
    assert "∇_z ℓ = (softmax(z) − 1_y)/3" in told("F.cross_entropy(x, y)")


@pytest.fixture
def told() -> Callable[[str], str]:
    return lambda program: tell(explained(record(SETUP + program)), Context()).text


@pytest.mark.parametrize("at", ["1.", "[0., .2, 1.]"])
def test_the_least_variance_of_binary_cross_entropy_is_shown_as_it_is_known(at: str) -> None:
    program = f"p = torch.tensor({at}, requires_grad=True)\nF.binary_cross_entropy(p, torch.full_like(p.detach(), 0.5))"
    step = gradient_of(program)
    assert step.formula is not None
    assert {label.text for label in step.formula.atoms(NumberLabel)} == {"1e-12"}
    assert all(abs(number) < 10 for number in step.formula.atoms(sympy.Integer))
    with precise():
        assert agrees(step)
