"""What every registered diagnosis must do; a new one is tested by being registered."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from explainers.claims import Claim
from explainers.diagnoses.diagnosis import Diagnosis, Rule
from explainers.diagnoses.registry import rules
from explainers.diagnoses.wording import number
from explainers.locale import Translator

Diagnose = Callable[..., Any]  # the fixture

EACH = pytest.mark.parametrize("rule", list(rules()), ids=lambda rule: rule.slug)
EXPECTABLE = [
    # rules whose correction somebody can have expected: their own claims are judged below, nothing can be expected of
    # a program that stops
    rule
    for rule in rules()
    if not (rule.harmless or rule.undecidable or rule.positive_claims or rule.concern == "exception")
]
EDITED = [rule for rule in rules() if not rule.unedited and not rule.harmless]
# Slugs that may fire on another rule's positive without being dominated by it, because both are true of it.
ALSO_TRUE: dict[str, frozenset[str]] = {}
# Slugs that may fire on a rule's control, because they are true of it.
ALSO_TRUE_OF_CONTROL: dict[str, frozenset[str]] = {
    "latent-divergence-as-it-should-be": frozenset({"latent-divergence-sign"}),
    "divergence-averaged-over-the-code": frozenset({"latent-divergence-as-it-should-be"}),
    "latent-divergence-sign": frozenset({"latent-divergence-as-it-should-be"}),
    "latent-variance-explodes": frozenset({"latent-divergence-as-it-should-be"}),
    "pos-weight-inverted": frozenset({"pos-weight-scales-loss"}),
    "pos-weight-per-output": frozenset({"pos-weight-scales-loss"}),
    "ce-padding-counted": frozenset({"ce-ignored-left-out"}),
    "ce-all-targets-ignored": frozenset({"ce-ignored-left-out"}),
    "ignored-row-all-infinite": frozenset({"ce-ignored-left-out"}),
    "alpha-the-same-for-both": frozenset({"focal-factor-lowers"}),
    "focal-on-reduced-loss": frozenset({"focal-factor-lowers"}),
    "focal-factor-of-scores": frozenset({"focal-factor-lowers"}),
    "tensor-minus-itself": frozenset({"surrogate-of-ratio-one"}),
    "focal-gamma-multiplied": frozenset({"focal-factor-lowers"}),
    "integer-prediction": frozenset({"regression-target-dtype"}),
}
CURES = ("correction", "gradient", "fix", "equivalent")


def corrections(diagnosis: Diagnosis) -> list[float]:
    """What the corrections give; a program that stopped is corrected by its fix."""
    roles = ("correction", "fix") if diagnosis.concern == "exception" else ("correction",)
    return [c.value for c in diagnosis.counterfactuals if c.role in roles and c.value is not None]


def differs(value: float | None, road: Any) -> bool:
    """Whether a number is another one than the program's; any number is where the program has none."""
    if not math.isfinite(road.value) or value is None:
        return True
    return not math.isclose(value, road.value, rel_tol=1e-5, abs_tol=1e-5)


@EACH
def test_fires_first_on_its_positive(rule: Rule, diagnose: Diagnose):
    road = diagnose(rule.positive, rule.positive_claims)
    assert (road.recording.raised is not None) == (rule.concern == "exception")
    assert road.slugs[0] == rule.slug


@EACH
def test_stays_silent_on_its_control_and_says_that_it_looked(rule: Rule, diagnose: Diagnose):
    road = diagnose(rule.control, rule.control_claims)
    assert road.recording.raised is None
    assert set(road.slugs) <= ALSO_TRUE_OF_CONTROL.get(rule.slug, frozenset())
    assert rule.slug in road.investigation.clear or rule.concern == "exception"  # those are tried where one is raised


@EACH
def test_nothing_unexpected_fires_beside_it(rule: Rule, diagnose: Diagnose):
    others = set(diagnose(rule.positive, rule.positive_claims).slugs) - {rule.slug}
    assert others <= rule.dominates | ALSO_TRUE.get(rule.slug, frozenset())


@EACH
def test_all_its_trials_run_and_a_correction_changes_the_value(rule: Rule, diagnose: Diagnose):
    road = diagnose(rule.positive, rule.positive_claims)
    (diagnosis,) = [d for d in road.diagnoses if d.slug == rule.slug]
    every = next(case for case in road.investigation.cases if case.rule.slug == rule.slug).trials
    planned = [trial for trial in every if trial.role not in ("comparison", "check")]
    alternatives = sum(trial.role == "fix" for trial in planned[:-1])
    assert len(diagnosis.counterfactuals) == len(planned) - alternatives > 0
    assert all(c.ran for c in diagnosis.counterfactuals), [c.raised or c.not_run for c in diagnosis.counterfactuals]
    assert all(math.isfinite(x) for c in diagnosis.counterfactuals if c.role in CURES for x in c.values)
    assert rule.harmless or any(differs(c.value, road) for c in diagnosis.counterfactuals if c.role != "equivalent")
    assert all(not differs(c.value, road) for c in diagnosis.counterfactuals if c.role == "equivalent")
    corrected = [c.values for c in diagnosis.counterfactuals if c.role == "correction"]
    fixed = [c.values for c in diagnosis.counterfactuals if c.role == "fix" and corrected]
    assert all(any(f == pytest.approx(c, rel=1e-3, abs=1e-6) for c in corrected) for f in fixed)


@pytest.mark.parametrize("rule", EXPECTABLE, ids=lambda rule: rule.slug)
def test_it_is_shown_only_to_those_who_expected_what_the_correction_returns(rule: Rule, diagnose: Diagnose):
    plain, value = diagnose(rule.positive).diagnoses[0], diagnose(rule.positive).value
    returned = next((c for c in corrections(plain) if differs(c, diagnose(rule.positive))), None)
    assert plain.confidence == "consistent"
    if returned is None:  # it illustrates only: not even who expects the value of an illustration is shown anything
        others = [c.value for c in plain.counterfactuals if c.role == "illustration" and c.value is not None]
        told = [diagnose(rule.positive, (Claim("expected", value),)) for value in others if math.isfinite(value)]
        assert "shown" not in [d.confidence for road in told for d in road.diagnoses if d.slug == rule.slug]
        return
    expecting = Claim("expected", round(returned, 4), 5e-5)
    elsewhere = Claim("expected", 2 * value - returned + math.copysign(1, value - returned))
    assert "shown" in [d.confidence for d in diagnose(rule.positive, (expecting,)).diagnoses if d.slug == rule.slug]
    if math.isfinite(value):
        (far,) = [d for d in diagnose(rule.positive, (elsewhere,)).diagnoses if d.slug == rule.slug]
        assert far.confidence == "possible"


@EACH
def test_its_positive_claims_are_answered(rule: Rule, diagnose: Diagnose):
    proves = any(claim.kind == "expected" for claim in rule.positive_claims) and not rule.harmless
    diagnosis = diagnose(rule.positive, rule.positive_claims).diagnoses[0]
    runs = rule.concern == "exception" and any(c.ran for c in diagnosis.counterfactuals)
    wanted = "possible" if rule.undecidable else "shown" if proves or runs else "consistent"
    assert diagnosis.confidence == wanted or (rule.harmless and diagnosis.confidence == "shown")


@EACH
def test_it_has_a_fix_unless_nothing_is_wrong(rule: Rule, diagnose: Diagnose):
    assert rule.harmless or diagnose(rule.positive, rule.positive_claims).diagnoses[0].fix is not None


@pytest.mark.parametrize("rule", EDITED, ids=lambda rule: rule.slug)
def test_its_fix_is_a_change_of_the_askers_lines_that_cures(rule: Rule, diagnose: Diagnose):
    diagnosis = diagnose(rule.positive, rule.positive_claims).diagnoses[0]
    removed = [line[2:] for line in diagnosis.fix.diff if line.startswith("- ")]
    assert set(removed) <= set(rule.positive.splitlines())
    cured = diagnose(diagnosis.fix.source, rule.positive_claims)
    assert cured.recording.raised is None
    assert rule.undecidable or rule.slug not in cured.slugs
    assert not corrections(diagnosis) or any(math.isclose(cured.value, v, abs_tol=1e-6) for v in corrections(diagnosis))


@EACH
def test_its_fix_is_an_edit_or_says_in_the_registry_why_it_is_none(rule: Rule, diagnose: Diagnose):
    (found,) = [d for d in diagnose(rule.positive, rule.positive_claims).diagnoses if d.slug == rule.slug]
    noted = found.fix is not None and not found.fix.source
    assert bool(rule.unedited) == noted


@EACH
def test_its_floors_are_not_above_the_value_and_close_to_optimal(rule: Rule, diagnose: Diagnose):
    road = diagnose(rule.positive, rule.positive_claims)
    if not road.diagnoses[0].floors:
        pytest.skip("no least value is asked for")
    for floor in road.diagnoses[0].floors:
        assert not floor.value > road.value + 1e-6
        assert floor.gap <= 1e-8


@EACH
def test_its_sentences_name_the_value_and_the_lines(rule: Rule, diagnose: Diagnose):
    road = diagnose(rule.positive, rule.positive_claims)
    verdict = road.diagnoses[0].verdict.say(Translator())
    assert len(verdict) <= 140
    about_gradients = rule.family == "expected-gradients"  # whose numbers are what is asked about
    assert math.isnan(road.value) or about_gradients or number(road.value) in verdict
    assert road.diagnoses[0].place is not None
    assert road.diagnoses[0].evidence


@EACH
def test_its_example_is_its_positive_under_words_that_people_use(rule: Rule):
    example, *variants = [each for each in rules().examples() if each.slug == rule.slug]
    assert (example.source, example.claims, example.title) == (rule.positive, rule.positive_claims, rule.title)
    assert example.words
    assert tuple(each.source for each in variants) == rule.variants


@pytest.mark.parametrize(
    ("rule", "variant"), [(r, v) for r in rules() for v in r.variants], ids=lambda each: getattr(each, "slug", "")
)
def test_it_fires_first_on_its_variants(rule: Rule, variant: str, diagnose: Diagnose):
    assert diagnose(variant).slugs[0] == rule.slug
