"""What every registered diagnosis must do; a new one is tested by being registered."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from explainers.claims import Claim
from explainers.diagnoses.diagnosis import Diagnosis, Rule
from explainers.diagnoses.registry import rules

Diagnose = Callable[..., Any]  # the fixture

EACH = pytest.mark.parametrize("rule", list(rules()), ids=lambda rule: rule.slug)
# Slugs that may fire on another rule's positive without being dominated by it, because both are true of it.
ALSO_TRUE: dict[str, frozenset[str]] = {}


def corrections(diagnosis: Diagnosis) -> list[float]:
    return [c.value for c in diagnosis.counterfactuals if c.role == "correction" and c.value is not None]


@EACH
def test_fires_first_on_its_positive(rule: Rule, diagnose: Diagnose):
    road = diagnose(rule.positive, rule.positive_claims)
    assert road.recording.raised is None
    assert road.slugs[0] == rule.slug


@EACH
def test_stays_silent_on_its_control_and_says_that_it_looked(rule: Rule, diagnose: Diagnose):
    road = diagnose(rule.control)
    assert road.recording.raised is None
    assert road.slugs == []
    assert rule.slug in road.investigation.clear


@EACH
def test_nothing_unexpected_fires_beside_it(rule: Rule, diagnose: Diagnose):
    others = set(diagnose(rule.positive, rule.positive_claims).slugs) - {rule.slug}
    assert others <= rule.dominates | ALSO_TRUE.get(rule.slug, frozenset())


@EACH
def test_all_its_trials_run_and_a_correction_changes_the_value(rule: Rule, diagnose: Diagnose):
    road = diagnose(rule.positive, rule.positive_claims)
    (diagnosis,) = [d for d in road.diagnoses if d.slug == rule.slug]
    planned = next(case for case in road.investigation.cases if case.rule.slug == rule.slug).trials
    assert len(diagnosis.counterfactuals) == len(planned)
    assert all(c.raised is None and c.not_run is None for c in diagnosis.counterfactuals)
    assert all(c.value is not None and math.isfinite(c.value) for c in diagnosis.counterfactuals)
    assert any(abs(value - road.value) > 1e-3 for value in corrections(diagnosis))


@EACH
def test_it_is_shown_only_to_those_who_expected_what_the_correction_returns(rule: Rule, diagnose: Diagnose):
    plain = diagnose(rule.positive).diagnoses[0]
    returned, value = corrections(plain)[0], diagnose(rule.positive).value
    expecting = Claim("expected", round(returned, 4), 5e-5)
    elsewhere = Claim("expected", 2 * value - returned + math.copysign(1, value - returned))
    assert plain.confidence == "consistent"
    assert diagnose(rule.positive, (expecting,)).diagnoses[0].confidence == "shown"
    assert diagnose(rule.positive, (elsewhere,)).diagnoses[0].confidence == "possible"


@EACH
def test_its_positive_claims_are_answered(rule: Rule, diagnose: Diagnose):
    wanted = "shown" if any(claim.kind == "expected" for claim in rule.positive_claims) else "consistent"
    assert diagnose(rule.positive, rule.positive_claims).diagnoses[0].confidence == wanted


@EACH
def test_its_fix_is_a_change_of_the_askers_lines_that_cures(rule: Rule, diagnose: Diagnose):
    diagnosis = diagnose(rule.positive, rule.positive_claims).diagnoses[0]
    assert diagnosis.fix is not None
    removed = [line[2:] for line in diagnosis.fix.diff if line.startswith("- ")]
    assert removed and set(removed) <= set(rule.positive.splitlines())
    cured = diagnose(diagnosis.fix.source)
    assert rule.slug not in cured.slugs
    assert any(math.isclose(cured.value, value, abs_tol=1e-6) for value in corrections(diagnosis))


@EACH
def test_its_floor_is_not_above_the_value_and_is_close_to_optimal(rule: Rule, diagnose: Diagnose):
    road = diagnose(rule.positive, rule.positive_claims)
    floor = road.diagnoses[0].floor
    assert floor is not None
    assert floor.value <= road.value + 1e-6
    assert floor.gap <= 1e-8


@EACH
def test_its_sentences_name_the_value_and_the_lines(rule: Rule, diagnose: Diagnose):
    from explainers.locale import Translator

    road = diagnose(rule.positive, rule.positive_claims)
    verdict = road.diagnoses[0].verdict.say(Translator())
    assert f"{road.value:.4g}" in verdict and len(verdict) <= 140
    assert road.diagnoses[0].place is not None
    assert road.diagnoses[0].evidence
