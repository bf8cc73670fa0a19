"""Mutations over the registry: each misconception put into its correct program, in other ways of writing that program.

A rule's control is a correct program and its positive the same with the misconception applied. Both are rewritten in
ways that its author did not think of: the misconception must be found there too, and the correct one left alone.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable
from typing import Any

import pytest

from explainers.diagnoses.diagnosis import Rule
from explainers.diagnoses.registry import rules
from tests.explainers.diagnoses.rewriting import WAYS, Way

Diagnose = Callable[..., Any]  # the fixture

HIDDEN = {
    # Which model the loss uses, and which name holds it, is read off the variables of the program, which a function
    # does not leave behind.
    ("optimizer-of-other-parameters", "in_a_function"),
    ("result-thrown-away", "in_a_function"),
}
MOST_CHANGED = 0.5
"""Share of a program's tokens that a misconception may change: else the two are no program with and without it."""

DEALT = [(rule, way) for k, rule in enumerate(rules()) for way in WAYS[k % 2 :: 2]]
"""Half of the ways for each rule in turn: all of them take minutes."""
each_way = pytest.mark.parametrize(("rule", "way"), DEALT, ids=lambda x: x.slug if isinstance(x, Rule) else x.__name__)


@each_way
def test_the_misconception_is_found_in_other_ways_of_writing(rule: Rule, way: Way, diagnose: Diagnose):
    found = diagnose(way(rule.positive), rule.positive_claims).slugs
    assert (rule.slug in found) != ((rule.slug, way.__name__) in HIDDEN)


@each_way
def test_the_correct_program_is_left_alone_in_other_ways_of_writing(rule: Rule, way: Way, diagnose: Diagnose):
    assert rule.slug not in diagnose(way(rule.control), rule.control_claims).slugs


@pytest.mark.parametrize("rule", list(rules()), ids=lambda rule: rule.slug)
def test_the_misconception_is_an_edit_of_the_correct_program(rule: Rule):
    control, positive = (_pieces(source) for source in (rule.control, rule.positive))
    same = difflib.SequenceMatcher(None, control, positive, autojunk=False).ratio()
    assert rule.positive != rule.control or rule.positive_claims != rule.control_claims
    assert same >= 1 - MOST_CHANGED


def _pieces(source: str) -> list[str]:
    """The nodes of a program, each in a word or two."""
    return [f"{type(n).__name__} {getattr(n, 'id', '') or getattr(n, 'attr', '')}" for n in ast.walk(ast.parse(source))]
