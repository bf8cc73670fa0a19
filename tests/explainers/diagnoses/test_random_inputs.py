"""Every rule on its own example with other numbers: it fires, and what fires has a run that differs or says that none
does."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from explainers.diagnoses.diagnosis import Diagnosis, Rule
from explainers.diagnoses.registry import rules

Diagnose = Callable[..., Any]  # the fixture

SPREADS = (0.02, 0.5, 0.5)
"""How far the numbers of each disturbed program may be from those of the example, relative to them."""

OF_ITS_NUMBERS = {
    "log-softmax-of-probabilities": "its rows are probabilities, which add up to 1",
    "kl-log-target-flag": "its rows are probabilities, which add up to 1",
    "kl-input-not-normalised": "its target is probabilities, which add up to 1",
    "eps-in-logarithm": "its probabilities are so near 1 that the epsilon is more than is lacking",
    "dice-mask-not-01": "its mask is that of an image, with 255 for true",
    "self-similarity-in-denominator": "its vectors have length 1",
    "float32-residue": "the residue of rounding is another one for other numbers, or none",
    "sqrt-zero-gradient": "the difference whose root is taken has to be 0",
}
"""Rules that are about the very numbers of their example."""


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


def disturbed(rule: Rule) -> list[str]:
    """The rule's example with other numbers; as it is where it has none to change."""
    draw = Random(rule.slug)
    found: list[str] = []
    for spread in SPREADS:
        change = Disturbed([round(draw.uniform(1 - spread, 1 + spread), 3) for _ in range(12)])
        found.append(ast.unparse(change.visit(ast.parse(rule.positive))))
        if not change.at:
            break
    return found


@pytest.mark.parametrize("rule", list(rules()), ids=lambda rule: rule.slug)
def test_whatever_the_numbers_a_diagnosis_has_a_run_that_differs_or_says_so(rule: Rule, diagnose: Diagnose):
    fired = False
    for source in disturbed(rule):
        road = diagnose(source, rule.positive_claims)
        fired = fired or any(diagnosis.slug == rule.slug for diagnosis in road.diagnoses)
        said_better = {slug for found in road.diagnoses for slug in rules()[found.slug].dominates}
        for diagnosis in road.diagnoses:
            assert tells_the_truth(diagnosis, road.value), diagnosis.slug
            if not rules()[diagnosis.slug].harmless and diagnosis.slug not in said_better:
                assert diagnosis.counterfactuals, diagnosis.slug
            agreed = any(c.agrees for c in diagnosis.counterfactuals)  # with another number that the program shows
            assert diagnosis.confidence != "shown" or diagnosis.concern == "exception" or rule.positive_claims or agreed
    about_a_claim = bool(rule.positive_claims)  # which says the number of the example, and no other
    assert fired or about_a_claim or rule.slug in OF_ITS_NUMBERS
