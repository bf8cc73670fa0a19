"""Exceptions of plain Python, as they stop programs around a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.explainers.diagnoses.failing_programs import HEAD

RECURSIONS = {
    "def l(x): return l(x)\nprint(l(torch.ones(1)))": (5, "makes the call"),
    "def f(x, n):\n    if n == 0:\n        return x\n    return f(x, n + 1)\nprint(f(torch.ones(1), 1))": (
        8,
        "not met",
    ),
    "class N(nn.Module):\n    def forward(self, x):\n        return self.forward(x)\nprint(N()(torch.ones(1)))": (
        7,
        "makes the call",
    ),
}
DIVISIONS = {
    "losses = []\nprint(sum(losses) / len(losses))": "losses",
    "total, n = 1.5, 0\nfor x in []:\n    n += 1\nprint(total / n)": "n",
}


@pytest.mark.parametrize("source", RECURSIONS)
def test_a_function_that_calls_itself_for_ever_is_named_with_the_line(source: str, diagnose: Callable[..., Any]):
    line, evidence = RECURSIONS[source]
    found = diagnose(HEAD + source).diagnoses[0]
    assert found.slug == "endless-recursion"
    assert found.place is not None and found.place.line == line
    assert evidence in found.evidence[0].text


@pytest.mark.parametrize("source", DIVISIONS)
def test_the_count_that_is_0_is_named_and_the_fix_runs(source: str, diagnose: Callable[..., Any]):
    found = diagnose(HEAD + source).diagnoses[0]
    assert found.slug == "mean-of-no-items"
    assert DIVISIONS[source] in str(found.verdict.named["count"])
    assert found.fix is not None and "max(" in found.fix.source
    assert diagnose(found.fix.source).recording.raised is None


@pytest.mark.parametrize(("items", "count"), [("[1.0, 2.0]", 2), ("[]", 0), ("(1.0,)", 1)])
def test_the_length_of_what_is_too_short_is_said(items: str, count: int, diagnose: Callable[..., Any]):
    found = diagnose(f"{HEAD}losses = {items}\nprint(torch.tensor(losses[2]))").diagnoses[0]
    assert found.slug == "list-index-out-of-range"
    assert found.verdict.named["count"] == count


def test_the_tensor_that_an_object_holds_is_passed_instead(diagnose: Callable[..., Any]):
    source = "class Out: pass\no = Out()\no.scores = torch.zeros(2, 3)\nprint(F.cross_entropy(o, torch.tensor([0, 1])))"
    found = diagnose(HEAD + source).diagnoses[0]
    assert found.slug == "attribute-of-an-output" and found.confidence == "shown"
    assert [c.value for c in found.counterfactuals] == [pytest.approx(1.0986, rel=1e-4)]
