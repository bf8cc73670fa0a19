"""From scenes to suspicions: what every rule says of a recording before anything is run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

import msgspec
import numpy as np

from explainers.claims import Claim
from explainers.diagnoses.diagnosis import (
    Fix,
    Role,
    Rule,
    Rules,
    Suspicion,
    Trial,
)
from explainers.diagnoses.edits import gradient_of_source, graph_rerun, replaced, source_rerun
from explainers.diagnoses.expectations import goals
from explainers.diagnoses.judging import (
    Case,
    is_general,
)
from explainers.diagnoses.repeated_calls import over_all_calls
from explainers.diagnoses.scene import Scene, Unrecorded, scenes, short
from explainers.losses.registry import Registry
from explainers.messages import said
from explainers.recording import Recording, Tensor
from explainers.reruns import GraphRerun

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


def _triggered(rule: Rule, scene: Scene) -> Outcome:
    try:
        with np.errstate(all="ignore"):
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
