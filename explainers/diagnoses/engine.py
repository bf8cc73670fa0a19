"""From scenes to suspicions, and from what was run to diagnoses in the order in which they should be said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

import msgspec

from explainers.claims import Claim
from explainers.diagnoses.diagnosis import (
    Confidence,
    Counterfactual,
    Diagnosis,
    Finding,
    Fix,
    Role,
    Rule,
    Rules,
    Suspicion,
    Trial,
)
from explainers.diagnoses.edits import gradient_of_source, graph_rerun, replaced, source_rerun
from explainers.diagnoses.expectations import goals
from explainers.diagnoses.failed_fixes import without_failed_fixes
from explainers.diagnoses.floors import Floor, answered
from explainers.diagnoses.judging import (
    Case,
    compared,
    confidence,
    counterfactuals,
    is_beside_the_point,
    is_proven,
    makes_no_difference,
    moves_gradient,
    returns_expectation,
)
from explainers.diagnoses.repeated_calls import over_all_calls
from explainers.diagnoses.scene import Scene, Unrecorded, scenes, short
from explainers.diagnoses.turning import is_spoiled
from explainers.losses.registry import Registry
from explainers.messages import said
from explainers.recording import Recording, Span, Tensor
from explainers.reruns import GraphRerun, RerunResult

_CONCERNS = ("exception", "non-finite", "value", "gradient")
_CONFIDENCES = ("shown", "consistent", "possible")
Fired = tuple[Rule, Suspicion]
Outcome = Suspicion | Exception | None


@dataclass(frozen=True)
class Investigation:
    """What all rules say about a recording before anything is run.

    `clear` are the slugs that apply to its losses and did not fire; `undecided` those that lacked recorded values.
    `broken` are triggers of ours that failed on this program, with what they raised: none may be, and none of them
    costs the answer.
    """

    cases: tuple[Case, ...]
    clear: tuple[str, ...]
    undecided: tuple[str, ...]
    broken: tuple[tuple[str, Exception], ...] = ()


def investigate(
    recording: Recording,
    claims: tuple[Claim, ...],
    registry: Registry,
    rules: Rules,
    gradients: Mapping[int, Tensor] | None = None,
    slopes: Mapping[int, Tensor] | None = None,
) -> Investigation:
    """Every rule at every scene of a recording; `gradients` are those of its backward pass, `slopes` those of the
    formula's inputs, once they were run again."""
    tried = [(scene, _tried(scene, rules)) for scene in scenes(recording, claims, registry, gradients, slopes)]
    fired = {rule.slug for _, outcomes in tried for rule, found in outcomes if isinstance(found, Suspicion)}
    lacking = {rule.slug for _, outcomes in tried for rule, found in outcomes if isinstance(found, Exception)} - fired
    applied = dict.fromkeys(rule.slug for _, outcomes in tried for rule, _ in outcomes)
    return Investigation(
        cases=tuple(case for scene, outcomes in tried for case in _cases(scene, _fired(outcomes))),
        clear=tuple(slug for slug in applied if slug not in fired | lacking),
        undecided=tuple(slug for slug in applied if slug in lacking),
        broken=tuple((rule.slug, found) for _, outcomes in tried for rule, found in outcomes if _is_broken(found)),
    )


def suspected_of(
    recording: Recording, value: int, claims: tuple[Claim, ...], registry: Registry, rules: Rules
) -> tuple[Fired, ...]:
    """The rules that fire on a further value of a recording, without those that another one says better.

    Nothing is run for them, so that they are possible at most, what only a run could prove is left out, and of its
    gradients nothing is known.
    """
    found = msgspec.structs.replace(recording, subject=value, others=())
    fired = investigate(found, claims, registry, rules, {}, {}).cases
    cases = tuple(case for case in fired if not case.suspicion.only_proven)
    return tuple((case.rule, case.suspicion) for case in cases if not is_general(case, cases))


def suspect(scene: Scene, rules: Rules) -> tuple[Fired, ...]:
    """The rules whose trigger holds at a scene."""
    return _fired(_tried(scene, rules))


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


def _triggered(rule: Rule, scene: Scene) -> Outcome:
    try:
        return rule.trigger(scene)
    except Exception as error:
        return error


def _is_broken(found: Outcome) -> TypeGuard[Exception]:
    return isinstance(found, Exception) and not isinstance(found, Unrecorded)


def _tried(scene: Scene, rules: Rules) -> list[tuple[Rule, Outcome]]:
    """What came of every rule that is about the scene's call."""
    return [(rule, _triggered(rule, scene)) for rule in rules if rule.applies(scene)]


def _fired(tried: Sequence[tuple[Rule, Outcome]]) -> tuple[Fired, ...]:
    return tuple((rule, found) for rule, found in tried if isinstance(found, Suspicion))


def _cases(scene: Scene, fired: Sequence[Fired]) -> list[Case]:
    """The fired rules; where several readings compete, each correction is also tried on a second input."""
    dominated = {slug for rule, _ in fired for slug in rule.dominates}
    readings = [
        rule for rule, s in fired if rule.slug not in dominated and any(t.role == "correction" for t in s.trials)
    ]
    rivals = len(readings) > 1 and bool(goals(scene))
    everywhere = [(rule, over_all_calls(scene, s)) for rule, s in fired]
    return [
        Case(rule, scene, s, (*s.trials, *(_on_halves(scene, s) if rivals else ()), *_fixed_run(scene, s)))
        for rule, s in everywhere
    ]


def _fixed_run(scene: Scene, suspicion: Suspicion) -> tuple[Trial, ...]:
    """The program with each fix run as a whole; where chance or several shown values would make its number that of
    another question, only for whether it runs. A program that stopped has none that it could be confused with."""
    fixes = [fix for fix in (suspicion.fix, *suspicion.alternatives) if fix is not None and fix.source]
    gradients = _fixed_gradients(scene, suspicion, fixes[:1])
    role: Role = "check" if scene.concern != "exception" and _is_another_question(scene) else "fix"
    return (*gradients, *(Trial(said("the program with the fix"), source_rerun(fix.source), role) for fix in fixes))


def _is_another_question(scene: Scene) -> bool:
    """Whether the value of an edited program need not be that of the subject, by chance or as one of several shown."""
    recording = scene.recording
    last = recording.losses[-1:] == (scene.value,)
    known = last if recording.losses else any(each.tensor == recording.subject for each in recording.shown)
    return recording.random or bool(recording.others and not known)


def _fixed_gradients(scene: Scene, suspicion: Suspicion, fixes: Sequence[Fix]) -> tuple[Trial, ...]:
    """Of what only the gradient shows: the gradient that the program with the fix leaves in the tensor asked about."""
    wanted = next(
        (t.rerun.gradients[:1] for t in suspicion.trials if t.role == "gradient" and isinstance(t.rerun, GraphRerun)),
        (),
    )
    names = [name for name, id in scene.recording.names.items() if id in wanted]
    if not names or scene.recording.random or not any(short(call) == "backward" for call in scene.recording.calls):
        return ()
    text = said("the gradient of {name} {what}", name=names[0], what=said("in the program with the fix"))
    return tuple(Trial(text, gradient_of_source(fix.source, names[0]), "fix") for fix in fixes)


def _on_halves(scene: Scene, suspicion: Suspicion) -> tuple[Trial, ...]:
    """The corrections with all input values halved: readings that agree by accident then part."""
    origin = scene.origin("input")
    tensor = scene.recording.tensors.get(origin) if origin is not None else None
    if tensor is None or tensor.data is None or not tensor.floating:
        return ()
    halved = replaced(tensor, tensor.array().astype("float64") / 2)
    return tuple(
        Trial(said("{what}, all inputs halved", what=t.what), graph_rerun(*t.rerun.edits, halved), "second-input")
        for t in suspicion.trials
        if t.role == "correction" and isinstance(t.rerun, GraphRerun)
    )


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


def is_general(case: Case, cases: tuple[Case, ...]) -> bool:
    """Whether a more special rule fired at the same scene, or blames the same call."""
    return _more_special(case, cases) > 0


def _more_special(case: Case, cases: tuple[Case, ...]) -> int:
    """How many rules that fired say better what this one says."""
    return sum(
        case.rule.slug in other.rule.dominates
        and (other.scene is case.scene or other.suspicion.at == case.suspicion.at)
        for other in cases
    )


def _rank(case: Case, cases: tuple[Case, ...], sure: Confidence) -> tuple[int, bool, int, int, int]:
    general = _more_special(case, cases)
    return _CONCERNS.index(case.rule.concern), sure != "shown", general, case.suspicion.at, _CONFIDENCES.index(sure)
