"""Every rule on its own example with other numbers: what fires has a run that differs, or says that none does."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explainers.diagnoses.diagnosis import Diagnosis, Rule
from explainers.diagnoses.registry import rules

Diagnose = Callable[..., Any]  # the fixture

FEW = settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
factors = st.lists(st.floats(0.5, 1.5).map(lambda x: round(x, 3)), min_size=1, max_size=12)


class Disturbed(ast.NodeTransformer):
    """The program with every number inside the lists of a tensor multiplied by the next factor."""

    def __init__(self, by: list[float]) -> None:
        self.by, self.at, self.inside = by, 0, 0

    def visit_List(self, node: ast.List) -> ast.AST:
        self.inside += 1
        self.generic_visit(node)
        self.inside -= 1
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not self.inside or not isinstance(node.value, float) or node.value in (0.0, 1.0, -1.0):
            return node  # what is a label or a mask stays one
        self.at += 1
        return ast.Constant(node.value * self.by[self.at % len(self.by)])


def tells_the_truth(diagnosis: Diagnosis, value: float) -> bool:
    """Whether the sentence that corrections change nothing is said exactly where they change no finite number and
    prove nothing, as of another number that the program shows."""
    corrections = [c for c in diagnosis.counterfactuals if c.role == "correction"]
    values = [c.value for c in corrections if c.value is not None]
    said_so = any("cannot tell" in message.text for message in diagnosis.evidence)
    same = (
        math.isfinite(value)
        and bool(values)
        and not any(c.agrees for c in corrections)
        and all(math.isclose(v, value, rel_tol=1e-6, abs_tol=1e-6) for v in values)
    )
    return said_so == same


@pytest.mark.parametrize("rule", list(rules()), ids=lambda rule: rule.slug)
@given(by=factors)
@FEW
def test_whatever_the_numbers_a_diagnosis_has_a_run_that_differs_or_says_so(
    rule: Rule, by: list[float], diagnose: Diagnose
):
    road = diagnose(ast.unparse(Disturbed(by).visit(ast.parse(rule.positive))), rule.positive_claims)
    said_better = {slug for found in road.diagnoses for slug in rules()[found.slug].dominates}
    for diagnosis in road.diagnoses:
        assert tells_the_truth(diagnosis, road.value), diagnosis.slug
        if not rules()[diagnosis.slug].harmless and diagnosis.slug not in said_better:
            assert diagnosis.counterfactuals, diagnosis.slug
        agreed = any(c.agrees for c in diagnosis.counterfactuals)  # with another number that the program shows
        assert diagnosis.confidence != "shown" or diagnosis.concern == "exception" or rule.positive_claims or agreed
