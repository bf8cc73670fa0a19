"""Programs that stop on another line than their fault stands on: a None that was named, a class that was named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

HEAD = "import torch\nfrom torch import nn\n"
FUNCTION = "def squares(p, t):\n    loss = ((p - t) ** 2).mean()\n{}l = squares(torch.ones(2), torch.zeros(2))\n"
MODULE = (
    "class Own(nn.Module):\n    def forward(self, p, t):\n        loss = ((p - t) ** 2).mean()\n{}"
    "l = Own()(torch.ones(2), torch.zeros(2))\n"
)
CLASS = "criterion = nn.CrossEntropyLoss{}\nloss = criterion(torch.zeros(2, 3), torch.tensor([0, 1]))\n"


@pytest.mark.parametrize(
    ("program", "slug"),
    [
        (FUNCTION.format("") + "l.backward()", "returns-nothing"),
        (MODULE.format("") + "l.backward()", "returns-nothing"),
        (MODULE.format("        return None\n") + "l.backward()", None),
        (CLASS.format(""), "loss-class-called-like-function"),
    ],
)
def test_the_fault_is_found_where_it_stands(program: str, slug: str | None, diagnose: Callable[..., Any]):
    assert [*diagnose(HEAD + program, ()).slugs[:1]] == ([] if slug is None else [slug])


def test_an_instance_that_is_called_is_no_class(diagnose: Callable[..., Any]):
    road = diagnose(HEAD + CLASS.format("()"), ())
    assert "loss-class-called-like-function" not in road.slugs


@pytest.mark.parametrize(("names", "shape", "fixed"), [("n, c", "2, 3, 4", "n, c, *_"), ("n, c, h", "2", "n,")])
def test_a_shape_is_unpacked_into_as_many_names_as_it_has(
    names: str, shape: str, fixed: str, diagnose: Callable[..., Any]
):
    program = f"x = torch.ones({shape})\n{{}} = x.shape\nx.sum() / n"
    found = diagnose(HEAD + program.format(names), ()).diagnoses[0]
    assert found.slug == "unpacked-into-other-count"
    assert found.fix.source == HEAD + program.format(fixed)


def test_the_class_is_called_where_it_is_named(diagnose: Callable[..., Any]):
    found = diagnose(HEAD + CLASS.format(""), ()).diagnoses[0]
    assert found.fix.source == HEAD + CLASS.format("()")


@pytest.mark.parametrize(("label", "slugs"), [(3, ["index-out-of-range"]), (2, [])])
def test_a_class_beyond_the_last_is_told_where_rows_and_classes_index(
    label: int, slugs: list[str], diagnose: Callable[..., Any]
):
    program = f"lp = torch.log_softmax(torch.zeros(2, 3), 1)\ny = torch.tensor([{label}, 1])\n-lp[range(2), y].mean()"
    road = diagnose(HEAD + program, ())
    assert [s for s in road.slugs if s == "index-out-of-range"] == slugs
    if slugs:
        assert dict(road.diagnoses[0].verdict.named) == {"bad": "3", "what": "lp (axis 1)", "last": 2}
