"""A printed line computes to its printed result, and = stands between exact numbers only."""

from __future__ import annotations

import re

import pytest

from explainers.cards.document import document
from explainers.cards.render import Renderer
from explainers.losses.registry import registry
from explainers.notebook import explained
from explainers.reference import example
from explainers.telling import Context, tell
from explainers.tracing import record

BIG = """\
g = torch.Generator().manual_seed(5)
a = torch.randn(1000, 1000, generator=g)
(a * a).mean()"""


def told(source: str) -> str:
    return tell(explained(record(source)), Context()).text


def test_rounded_parts_are_put_together_by_an_approximate_sign() -> None:
    text = told("z = torch.tensor([[1., 2.], [3., 5.]], requires_grad=True)\nF.cross_entropy(z, torch.tensor([0, 1]))")
    assert "ℓ = (ℓ₀ + ℓ₁)/2 ≈ (1.3133 + 0.1269)/2 ≈ 0.7201" in text


def test_exact_parts_keep_the_sign_of_equality() -> None:
    text = told("x = torch.tensor([1., 2., 4.], requires_grad=True)\nF.mse_loss(x, torch.tensor([1., 5., 1000.]))")
    assert "ℓ = (ℓ₀ + ℓ₁ + ℓ₂)/3 = (0 + 9 + 992016)/3 = 330675" in text


def test_a_line_over_a_million_elements_computes_to_its_result() -> None:
    found = re.search(r"≈ \(([\d.]+) \+ ([\d.]+)\)/([\d.]+) ≈ ([\d.]+)", told(BIG))
    assert found is not None
    part, rest, count, result = map(float, found.groups())
    assert count == 1_000_000 and (part + rest) / count == pytest.approx(result, abs=6e-5)


def test_an_entry_known_to_be_nothing_but_rounding_is_zero() -> None:
    text = told("x = torch.tensor([1., 2.], requires_grad=True)\n(torch.softmax(x, 0)).sum()")
    gradient = next(line for line in text.splitlines() if "∇" in line)
    assert "10⁻" not in gradient and "0" in gradient


def test_a_long_library_call_is_defined_over_its_scores_in_a_formula_that_fits_a_card() -> None:
    card = tell(example(registry()["AdaptiveLogSoftmaxWithLoss"]), Context()).card
    renderer = Renderer()
    first, scores, *_ = document(card, renderer.coverage, renderer.words("en"), full=False)["steps"]
    assert "Definition" in str(first["title"]) and "log sum" in first["formula"][0]["math"]
    assert "sum" in scores["formula"][0]["math"]
