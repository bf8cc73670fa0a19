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
