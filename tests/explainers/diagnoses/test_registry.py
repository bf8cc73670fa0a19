from __future__ import annotations

from dataclasses import replace

import pytest

from explainers.diagnoses.diagnosis import registered
from explainers.diagnoses.registry import rules


def test_a_slug_cannot_be_registered_twice():
    first = next(iter(rules()))
    with pytest.raises(ValueError, match=f"{first.slug} is registered twice"):
        registered((first, replace(first, control="")))


def test_only_registered_slugs_can_be_dominated():
    first = next(iter(rules()))
    with pytest.raises(ValueError, match="dominates no-such-slug"):
        registered((replace(first, dominates=frozenset({"no-such-slug"})),))


def test_rules_are_found_by_slug():
    table = rules()
    assert [table[rule.slug] for rule in table] == list(table)


def test_no_rule_dominates_one_that_dominates_it():
    table = rules()
    assert not [(a.slug, b) for a in table for b in a.dominates if a.slug in table[b].dominates]
