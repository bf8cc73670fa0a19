"""Formulas of the losses as they are written: short names of constants, what stands twice named once."""

from __future__ import annotations

import re

import pytest

from explainers.losses.registry import Loss, registry
from explainers.notebook import explained
from explainers.telling import Context, tell
from explainers.tracing import record

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
COSINE = "F.cosine_embedding_loss(torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[2.0, 1.0], [1.0, 1.0]]), {})"


def formulas(source: str) -> str:
    told = tell(explained(record(HEAD + source)), Context())
    return "\n".join(paragraph.text for paragraph in told.paragraphs if paragraph.kind == "formulas")


@pytest.mark.parametrize("loss", list(registry().losses.values()), ids=lambda loss: loss.name)
def test_no_constant_is_written_with_all_digits_of_a_float(loss: Loss):
    text = formulas(loss.example)
    assert text and not re.search(r"\d{9,}", text.replace(".", ""))


def test_a_constant_has_one_name_in_value_and_gradient():
    text = formulas(COSINE.format("torch.tensor([1, 1])"))
    assert set(re.findall(r"(?<!× )10⁻\S*?(?=[)\s])", text)) == {"10⁻¹²"}


def test_what_stands_twice_in_a_definition_is_named_once():
    definition, named, *_ = formulas(COSINE.format("torch.tensor([1, -1])")).splitlines()
    assert "v_(i, j)²" not in definition and named.count("v_(i, j)²") == 1
    assert definition.count("√x_i") == 2 and named.startswith("x_i = ")


@pytest.mark.parametrize(("beta", "slope"), [(1.0, "σ(x)"), (2.0, "σ(2 x)"), (0.5, "σ(x/2)")])
def test_the_gradient_of_softplus_is_a_sigmoid(beta: float, slope: str):
    assert f"∇_x ℓ = {slope} ≈" in formulas(f"F.softplus(torch.tensor([2.0, -1.0]), beta={beta})")
