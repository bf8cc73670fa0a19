from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from explainers.diagnoses.source_edits import Source, argument, diff

Diagnose = Callable[..., Any]  # the fixture

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
DATA = "z = torch.tensor([[2.0, 0.5, -1.0]])\ny = torch.tensor([0])\n"


def changed(diagnose: Diagnose, source: str) -> tuple[str, ...]:
    return diagnose(HEAD + DATA + source).diagnoses[0].fix.diff


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("F.cross_entropy(torch.softmax(z, 1), y)", ("+ F.cross_entropy(z, y)",)),
        ("F.cross_entropy(z.softmax(1), y)", ("+ F.cross_entropy(z, y)",)),
        ("F.cross_entropy((z * 2).softmax(1), y)", ("+ F.cross_entropy((z * 2), y)",)),
        ("ü = '損失'; p = (z + 1).softmax(1)\nF.cross_entropy(p, y)", ("+ ü = '損失'; p = (z + 1)",)),
        ("z = z.softmax(1)\nF.cross_entropy(z, y)", ()),
        ("p = F.softmax(input=z, dim=1)\nF.cross_entropy(p, y)", ("+ F.cross_entropy(z, y)",)),
        (
            "m = nn.Sequential(nn.Softmax(1), nn.Identity())\nF.cross_entropy(m(z), y)",
            ("+ m = nn.Sequential(nn.Identity())",),
        ),
        (
            "def f(x):\n    return torch.softmax(x, 1)\np = f(z)\nF.cross_entropy(p, y)",
            ("+     return x",),
        ),
        ("F.nll_loss(z, y)", ("+ F.cross_entropy(z, y)",)),
        ("c = nn.NLLLoss()\nc(z, y)", ("+ c = nn.CrossEntropyLoss()",)),
        ("F.nll_loss(z.softmax(1), y)", ("+ F.nll_loss(z.log_softmax(1), y)",)),
        (
            "p = torch.eye(3)[:1]\nF.cross_entropy(p, y, reduction='sum')",
            ("+ F.nll_loss(p.clamp_min(1e-12).log(), y, reduction='sum')",),
        ),
        (
            "F.cross_entropy(\n    torch.eye(3)[:1],\n    target=y,\n)",
            ("+ F.nll_loss(torch.eye(3)[:1].clamp_min(1e-12).log(), y)",),
        ),
    ],
)
def test_only_the_askers_own_lines_change(source: str, expected: tuple[str, ...], diagnose: Diagnose):
    lines = changed(diagnose, source)
    assert tuple(line for line in lines if line.startswith("+")) == expected
    assert [line for line in lines if line.startswith("-")]


@pytest.mark.parametrize(
    "hidden",
    [
        "from torch.nn.functional import nll_loss\nnll_loss(z, y)",
        "c = [nn.NLLLoss(), nn.NLLLoss()]\nc[0](z, y)",
        "m = nn.Sequential(nn.Softmax(1), nn.Softmax(1))\nF.cross_entropy(m(z), y)",
        "args = (torch.eye(3)[:1], y)\nF.cross_entropy(*args)",
        "F.cross_entropy(torch.eye(3)[:1], y, weight=torch.ones(3))",
    ],
)
def test_where_no_line_can_be_rewritten_with_certainty_only_the_note_is_given(hidden: str, diagnose: Diagnose):
    fix = diagnose(HEAD + DATA + hidden).diagnoses[0].fix
    assert (fix.diff, fix.source) == ((), "")
    assert fix.note.text


def test_the_functional_module_is_called_as_the_asker_reaches_it(diagnose: Diagnose):
    asked = "p = torch.tensor([[1.0, 0.0]])\nl = torch.nn.CrossEntropyLoss()\nl(p, torch.tensor([0]))"
    assert diagnose(asked).diagnoses[0].fix.diff[-1].startswith("+ torch.nn.functional.nll_loss(p")
    asked = asked.replace("torch.nn.", "nn.")
    assert diagnose(asked).diagnoses[0].fix.diff[-1].startswith("+ nn.functional.nll_loss(p")


def test_text_that_is_no_python_has_no_calls():
    source = Source("loss = (")
    assert list(source.calls()) == []


def test_arguments_behind_a_star_are_unknown():
    (call,) = Source("f(*a, 1)").calls()
    assert argument(call, 1, "target") is None


def test_a_diff_shows_changed_lines_only():
    assert diff("a\nb\nc", "a\nB\nc") == ("- b", "+ B")
