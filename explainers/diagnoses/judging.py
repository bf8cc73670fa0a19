"""What the trials of a suspicion prove: counterfactuals compared with what the asker expected."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from explainers.claims import Claim, expected
from explainers.diagnoses.diagnosis import Confidence, Counterfactual, Rule, Suspicion, Trial
from explainers.diagnoses.scene import Scene, scalar
from explainers.recording import Tensor
from explainers.reruns import RerunResult

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
    unmet = unmet_expectations(case.scene)
    ran = [(trial, results[trial.rerun.label]) for trial in case.trials if trial.rerun.label in results]
    return tuple(_counterfactual(trial, result, unmet) for trial, result in ran)


def returns_expectation(tried: tuple[Counterfactual, ...]) -> bool:
    """Whether a correction gave the number that the asker expected."""
    return any(c.agrees for c in tried if c.role == "correction")


def confidence(case: Case, tried: tuple[Counterfactual, ...], contested: bool) -> Confidence:
    """Shown only where a correction that was run returned what was expected, uncontested by another rule's.

    Consistent where nothing was expected, or where the correction moves the value towards what was; Possible where
    several readings return it, or the run tells nothing.
    """
    if returns_expectation(tried):
        return "possible" if contested else "shown"
    if makes_no_difference(case.scene, tried):
        return "possible"
    corrected = [c for c in tried if c.role == "correction"]
    nothing_expected = not unmet_expectations(case.scene)
    return "consistent" if nothing_expected or any(_moves_nearer(case.scene, c) for c in corrected) else "possible"


def makes_no_difference(scene: Scene, tried: tuple[Counterfactual, ...]) -> bool:
    """Whether corrections ran and all returned the value as it is."""
    value, ran = scene.value, [c.value for c in tried if c.role == "correction" and c.value is not None]
    return value is not None and bool(ran) and all(math.isclose(value, v, rel_tol=_CLOSE, abs_tol=_CLOSE) for v in ran)


def unmet_expectations(scene: Scene) -> tuple[Claim, ...]:
    """The expectations that the program as it is does not meet; the others could prove nothing."""
    subject = scene.recording.subject
    held = None if subject is None else scene.recording.tensor(subject)
    return tuple(c for c in expected(scene.claims) if held is None or held.data is None or not meets(c, held))


def meets(claim: Claim, value: Tensor) -> bool:
    """Whether a value is the claimed one, element by element where the claim is a nested tuple."""
    match claim.value:
        case tuple() as nested:
            stated, found = _flat(nested), _elements(value)
            if len(stated) != len(found):
                return False
            single = [msgspec.structs.replace(claim, value=one) for one in stated]
            return all(one.agrees(other) for one, other in zip(single, found, strict=True))
        case _:
            number = scalar(value)
            return number is not None and claim.agrees(number)


def _counterfactual(trial: Trial, result: RerunResult, unmet: tuple[Claim, ...]) -> Counterfactual:
    if result.value is None or result.value.data is None:
        raised = result.raised.message if result.raised else None
        reason = None if raised is not None else result.not_run or ""
        return Counterfactual(trial.what, trial.role, None, False, raised=raised, not_run=reason)
    agrees = any(meets(claim, result.value) for claim in unmet)
    return Counterfactual(trial.what, trial.role, scalar(result.value), agrees, _elements(result.value))


def _moves_nearer(scene: Scene, counterfactual: Counterfactual) -> bool:
    before, after = scene.value, counterfactual.value
    goals = [c.value for c in unmet_expectations(scene) if isinstance(c.value, float | int)]
    if before is None or after is None or not math.isfinite(after):
        return False
    return any(not math.isfinite(before) or abs(after - goal) < abs(before - goal) for goal in goals)


def _flat(nested: tuple[object, ...]) -> list[float | str]:
    """The numbers and words of a nested tuple; anything else in it would be no claim."""
    flat: list[float | str] = []
    for part in nested:
        match part:
            case tuple():
                flat += _flat(part)
            case float() | int() | str():
                flat.append(part)
            case _:
                raise TypeError(f"a claim cannot hold a {type(part).__name__}")
    return flat


def _elements(value: Tensor) -> tuple[float, ...]:
    return tuple(float(x) + 0.0 for x in value.array().astype("float64").reshape(-1))
