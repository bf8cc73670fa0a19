"""What the trials of a suspicion prove: counterfactuals compared with what the asker expected."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses.diagnosis import Confidence, Counterfactual, Finding, Rule, Suspicion, Trial
from explainers.diagnoses.expectations import elements, goals, meets, own_goals
from explainers.diagnoses.scene import Scene
from explainers.recording import Tensor, scalar
from explainers.reruns import GraphRerun, RerunResult, SourceRerun

_CLOSE = 1e-6


@dataclass(frozen=True)
class Case:
    """A rule that fired at a scene, with all trials it asks for: its own, its fix, and those that part rivals."""

    rule: Rule
    scene: Scene
    suspicion: Suspicion
    trials: tuple[Trial, ...]


def counterfactuals(case: Case, results: Mapping[str, RerunResult]) -> tuple[Counterfactual, ...]:
    """What came of those trials that have a result, by label."""
    stated, own = goals(case.scene), own_goals(case.scene)
    tried = (trial for trial in case.trials if trial.role not in ("comparison", "check"))
    ran = [(trial, results[trial.rerun.label]) for trial in tried if trial.rerun.label in results]
    return tuple(
        _gradient(trial, result, case.scene.gradients or {})
        if trial.role == "gradient" and result.value is not None
        else _counterfactual(trial, result, stated if trial.proves else (*stated, *own))
        for trial, result in ran
    )


def compared(case: Case, results: Mapping[str, RerunResult]) -> Finding | None:
    """What the comparison of a case found in what the program's expressions gave; None where it was not run."""
    for trial in case.trials:
        result = results.get(trial.rerun.label)
        if trial.reads is not None and result is not None and result.notes is not None:
            return trial.reads(result.notes)
    return None


def returns_expectation(tried: tuple[Counterfactual, ...]) -> bool:
    """Whether a correction gave the number that the asker expected, of the loss or of a gradient."""
    return any(c.agrees for c in tried if c.role == "correction" or (c.role == "gradient" and c.expected))


def moves_gradient(tried: tuple[Counterfactual, ...]) -> bool:
    """Whether a gradient that was asked for is another one than that of the program as it is."""
    return any(c.agrees for c in tried if c.role == "gradient")


def confidence(case: Case, tried: tuple[Counterfactual, ...], contested: bool) -> Confidence:
    """Shown only where a correction that was run returned what was expected, uncontested by another rule's.

    Consistent where nothing was expected but by an example of ours, or where the correction moves the value towards
    what was; Possible where several readings return it, or the run tells nothing. Of a program that stopped it is
    shown by a fix with which it runs on to a value.
    """
    if case.rule.concern == "exception":
        return "shown" if any(c.ran for c in tried) else "consistent"
    if returns_expectation(tried):
        return "possible" if contested else "consistent" if any(c.ours for c in case.scene.claims) else "shown"
    if case.rule.harmless:
        return "consistent"
    if case.rule.undecidable or makes_no_difference(case.scene, tried):
        return "possible"
    corrected = [c for c in tried if c.role == "correction"]
    nothing_expected = not goals(case.scene)
    return "consistent" if nothing_expected or any(_moves_nearer(case.scene, c) for c in corrected) else "possible"


def makes_no_difference(scene: Scene, tried: tuple[Counterfactual, ...]) -> bool:
    """Whether corrections ran and all returned the value as it is."""
    value, ran = scene.value, [c.value for c in tried if c.role == "correction" and c.value is not None]
    return value is not None and bool(ran) and all(_is_close(value, v) for v in ran)


def is_beside_the_point(scene: Scene, tried: tuple[Counterfactual, ...]) -> bool:
    """Whether the number that was asked about is not the call's, and nothing that was done to the call changed it.

    A correction alone may leave it as it is by chance. So it is with what is said of a value that is not finite, and
    leaves it so.
    """
    value = scene.value
    if value is not None and not math.isfinite(value) and scene.concern == "value":
        ran = [c for c in tried if c.ran]
        return bool(ran) and not any(c.finite or c.agrees for c in ran)
    if value is None or scene.returned is None or _is_close(value, scene.returned):
        return False
    others = [c.value for c in tried if c.role not in ("correction", "fix") and c.value is not None]
    return makes_no_difference(scene, tried) and bool(others) and all(_is_close(value, other) for other in others)


def _is_close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=_CLOSE, abs_tol=_CLOSE)


def _counterfactual(trial: Trial, result: RerunResult, unmet: tuple[Claim, ...]) -> Counterfactual:
    if result.value is None or result.value.data is None:
        raised = result.raised.message if result.raised else None
        reason = None if raised is not None else result.not_run or ""
        return Counterfactual(trial.what, trial.role, None, False, raised=raised, not_run=reason)
    shows_how_it_shrinks = trial.role == "illustration"  # towards 0, so that it meets a claim of 0 sooner or later
    sought = [claim for claim in unmet if not (shows_how_it_shrinks and claim.value == 0)]
    met = [claim for claim in sought if meets(claim, result.value)]
    agrees = bool(met) or _proves(trial, result)
    hoped_for = any(claim.kind == "expected" and not claim.ours for claim in met)
    value = scalar(result.value)
    return Counterfactual(trial.what, trial.role, value, agrees, elements(result.value), expected=hoped_for)


def is_proven(trial: Trial, results: Mapping[str, RerunResult]) -> bool:
    """Whether a trial was run and its value is what proves it."""
    result = results.get(trial.rerun.label)
    return result is not None and _proves(trial, result)


def _proves(trial: Trial, result: RerunResult) -> bool:
    value = None if result.value is None else scalar(result.value)
    return trial.proves is not None and value is not None and trial.proves(value)


def _gradient(trial: Trial, result: RerunResult, before: Mapping[int, Tensor]) -> Counterfactual:
    """The gradient of the tensor that was asked for, which agrees with the suspicion where the program as it is gives
    another one; it proves nothing about a number that was expected of the loss."""
    wanted = trial.rerun.gradients[:1] if isinstance(trial.rerun, GraphRerun) else (trial.of,)
    if result.raised is not None:
        return Counterfactual(trial.what, trial.role, None, False, raised=result.raised.message)
    found = next((result.gradients[id] for id in wanted if id in result.gradients), None)
    found = result.value if isinstance(trial.rerun, SourceRerun) else found
    if found is None or found.data is None:
        return Counterfactual(trial.what, trial.role, None, False, not_run="the loss does not depend on it")
    if trial.wanted is not None:
        met = meets(trial.wanted, found) or any(map(trial.wanted.agrees, elements(found)))
        return Counterfactual(trial.what, trial.role, scalar(found), met, elements(found), expected=met)
    as_it_is = next((before[id] for id in wanted if id is not None and id in before), None)
    alike = as_it_is is not None and as_it_is.shape == found.shape
    moved = (
        as_it_is is not None and alike and not np.allclose(as_it_is.array(), found.array(), 1e-4, 1e-7, equal_nan=True)
    )
    return Counterfactual(trial.what, trial.role, scalar(found), moved, elements(found))


def _moves_nearer(scene: Scene, counterfactual: Counterfactual) -> bool:
    before, after = scene.value, counterfactual.value
    wanted = [c.value for c in goals(scene) if isinstance(c.value, float | int)]
    if before is None or after is None or not math.isfinite(after):
        return False
    return any(not math.isfinite(before) or abs(after - goal) < abs(before - goal) for goal in wanted)


def is_general(case: Case, cases: tuple[Case, ...]) -> bool:
    """Whether a more special rule fired at the same scene, or blames the same call."""
    return more_special(case, cases) > 0


def more_special(case: Case, cases: tuple[Case, ...]) -> int:
    """How many rules that fired say better what this one says."""
    return sum(
        case.rule.slug in other.rule.dominates
        and (other.scene is case.scene or other.suspicion.at == case.suspicion.at)
        for other in cases
    )
