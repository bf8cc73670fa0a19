"""From what was run to diagnoses, in the order in which they should be said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from explainers.diagnoses.diagnosis import (
    Confidence,
    Counterfactual,
    Diagnosis,
    Finding,
    Fix,
    Rule,
    Suspicion,
)
from explainers.diagnoses.edits import source_rerun
from explainers.diagnoses.engine import Investigation
from explainers.diagnoses.failed_fixes import without_failed_fixes
from explainers.diagnoses.floors import Floor, answered
from explainers.diagnoses.judging import (
    Case,
    compared,
    confidence,
    counterfactuals,
    is_beside_the_point,
    is_general,
    is_proven,
    makes_no_difference,
    more_special,
    moves_gradient,
    returns_expectation,
)
from explainers.diagnoses.turning import is_spoiled
from explainers.messages import said
from explainers.recording import Span
from explainers.reruns import RerunResult

_CONCERNS = ("exception", "non-finite", "value", "gradient")

_CONFIDENCES = ("shown", "consistent", "possible")


def conclude(
    investigation: Investigation,
    results: Iterable[RerunResult],
    floors: tuple[Floor, ...] = (),
    exact: float | None = None,
) -> tuple[Diagnosis, ...]:
    """The diagnoses, best first; `floors` are the least values that were searched for already, `exact` is what
    the formula gives without any rounding where torch's number is lost to it.

    Exceptions before values, non-finite before finite, proven before others, special before general, earlier calls
    before later ones.
    """
    by_label = {result.label: result for result in results}
    cases = [without_failed_fixes(case, by_label, exact) for case in investigation.cases]
    every = [(case, counterfactuals(case, by_label), compared(case, by_label)) for case in cases]
    tried = [
        (case, _told(case, came, found), found)
        for case, came, found in every
        if not is_beside_the_point(case.scene, came)
        and (returns_expectation(came) or moves_gradient(came) or found is not None or not case.suspicion.only_proven)
    ]
    agreeing = [case for case, came, _ in tried if returns_expectation(came)]
    judged = [
        replace(
            _diagnosis(case, came, confidence(case, came, _contested(case, agreeing)), by_label, found, floors),
            general=is_general(case, investigation.cases),
        )
        for case, came, found in tried
    ]
    ranks = [_rank(case, investigation.cases, d.confidence) for (case, *_), d in zip(tried, judged, strict=True)]
    return tuple(judged[k] for k in sorted(range(len(judged)), key=ranks.__getitem__))


def _contested(case: Case, agreeing: Sequence[Case]) -> bool:
    """Whether another rule, neither more special nor more general, also returns what was expected.

    What is only said where it is proven contests nothing: it is the same difference, seen from the other side.
    """
    return any(
        not other.suspicion.only_proven
        and other.rule.slug not in {case.rule.slug} | case.rule.dominates
        and case.rule.slug not in other.rule.dominates
        for other in agreeing
    )


def _diagnosis(
    case: Case,
    tried: tuple[Counterfactual, ...],
    sure: Confidence,
    results: Mapping[str, RerunResult],
    found: Finding | None,
    floors: tuple[Floor, ...],
) -> Diagnosis:
    rule, suspicion = case.rule, case.suspicion
    spoiled = is_spoiled(case.scene.recording.known(case.scene.recording.subject))
    fix = _fix_that_runs(suspicion, results)
    proven = next((t.then for t in case.trials if t.then is not None and is_proven(t, results)), None)
    agreed = proven is None or found is None or (found.line or 0) <= (proven.line or 0)
    shown = proven if found is None or not agreed else replace(found, fix=None if proven is None else proven.fix)
    beside = () if found is None else (*found.evidence, *(() if agreed else (found.verdict,)))
    same = said("Corrected, the value is the same here, so the number alone cannot tell the two apart.")
    differs = returns_expectation(tried) or not makes_no_difference(case.scene, tried)
    unchanged = () if shown is not None or spoiled or differs else (same,)
    return Diagnosis(
        slug=rule.slug,
        title=rule.title,
        confidence=sure,
        verdict=suspicion.verdict if shown is None else shown.verdict,
        evidence=(*suspicion.evidence, *beside, *unchanged),
        explanation=rule.explanation,
        counterfactuals=_that_help(rule, _with_one_fix(tried)),
        fix=fix if shown is None or shown.keeps else shown.fix,
        floors=tuple(f for q in suspicion.floors if (f := answered(case.scene, q, floors)) is not None),
        uncertainty=rule.uncertainty,
        place=_place(case),
        concern=rule.concern,
        compared=() if found is None else (found.verdict, *found.evidence),
    )


def _told(case: Case, tried: tuple[Counterfactual, ...], found: Finding | None) -> tuple[Counterfactual, ...]:
    """The trials that are told: all, or of a case that is said if a number proves it only the one that does."""
    keeps = found is not None and found.keeps
    by_number = case.suspicion.only_proven and not moves_gradient(tried) and not keeps
    agreeing = tuple(c for c in tried if c.agrees)[:1]
    return (*agreeing, *(c for c in tried if c.role == "fix" and c not in agreeing)) if by_number else tried


def _that_help(rule: Rule, tried: tuple[Counterfactual, ...]) -> tuple[Counterfactual, ...]:
    """Of what is to be finite again: without the fix that is not, and where it is, without all else that is not."""
    if rule.concern != "non-finite":
        return tried
    helped = any(c.role == "fix" and c.finite for c in tried)
    dropped = ("fix", "correction") if helped else ("fix",)
    return tuple(c for c in tried if c.role not in dropped or not c.ran or c.finite)


def _with_one_fix(tried: tuple[Counterfactual, ...]) -> tuple[Counterfactual, ...]:
    """The counterfactuals, of the fixes only the one that is given: the first that ran, finite ones before others."""
    fixes = [c for c in tried if c.role == "fix"]
    ran = [c for c in fixes if c.ran]
    given = next((c for c in ran if c.finite), next(iter([*ran, *fixes]), None))
    return tuple(c for c in tried if c.role != "fix" or c is given)


def _fix_that_runs(suspicion: Suspicion, results: Mapping[str, RerunResult]) -> Fix | None:
    """The first fix whose run gave a value; the first where none was run."""
    fixes = [fix for fix in (suspicion.fix, *suspicion.alternatives) if fix is not None]
    ran = ((f, results.get(source_rerun(f.source).label)) for f in fixes if f.source)
    return next((f for f, result in ran if result is not None and result.value is not None), suspicion.fix)


def _place(case: Case) -> Span | None:
    raised = case.scene.recording.raised
    blamed = (call.span for call in case.scene.recording.calls if call.index == case.suspicion.at)
    return next(blamed, raised.span if raised is not None else None)


def _rank(case: Case, cases: tuple[Case, ...], sure: Confidence) -> tuple[int, bool, int, int, int]:
    general = more_special(case, cases)
    return _CONCERNS.index(case.rule.concern), sure != "shown", general, case.suspicion.at, _CONFIDENCES.index(sure)
