"""One place of a program that is called several times, as in a loop: what is changed there changes every call of it."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from explainers.diagnoses.diagnosis import Suspicion, Trial
from explainers.diagnoses.edits import gradient_rerun, graph_rerun
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import modules_around
from explainers.recording import Argument, Call, Value, refs
from explainers.reruns import (
    DropCall,
    Edit,
    GraphRerun,
    ReplaceTensor,
    SetArgument,
    SwapFunction,
    WrapArgument,
    WrapOutput,
)


def alike(scene: Scene, call: Call) -> list[Call]:
    """The calls on the way to the subject that the same place of the program made, this one first."""
    if call.span is None or len(modules_around(call)) > 1:  # layers of one container are not told apart
        return [call]
    others = (each for each in scene.needed() if each is not call and each.span is not None)
    return [call, *(each for each in others if _place(each) == _place(call))]


def over_all_calls(scene: Scene, suspicion: Suspicion) -> Suspicion:
    """The suspicion with those trials that edit one call of a place that makes several edited at all of them."""
    return replace(suspicion, trials=tuple(_everywhere(scene, trial) for trial in suspicion.trials))


def _everywhere(scene: Scene, trial: Trial) -> Trial:
    rerun = trial.rerun
    if not isinstance(rerun, GraphRerun):
        return trial
    indices = {edit.call for edit in rerun.edits if not isinstance(edit, ReplaceTensor)}
    own = [call for call in scene.recording.calls if call.index in indices]
    further = [(call, other) for call in own for other in alike(scene, call)[1:]]
    if not further or any(other.index in indices or not _fits(scene, call, other) for call, other in further):
        return trial
    moved = [_moved(edit, *pair) for pair in further for edit in rerun.edits if _is_at(edit, pair[0])]
    edits = (*rerun.edits, *(edit for edit in moved if edit is not None))
    if None in moved:
        return trial
    again = (
        gradient_rerun(rerun.gradients[0], *edits) if rerun.gradients else graph_rerun(*edits, float64=rerun.float64)
    )
    return replace(trial, rerun=again)


def _place(call: Call) -> tuple[object, ...]:
    return call.function, call.scope, call.span


def _fits(scene: Scene, call: Call, other: Call) -> bool:
    """Whether two calls have operands of the same shapes, so that an edit of one is one of the other."""
    shapes = [[scene.recording.tensors[id].shape for id in each.inputs()] for each in (call, other)]
    return shapes[0] == shapes[1]


def _is_at(edit: Edit, call: Call) -> bool:
    return not isinstance(edit, ReplaceTensor) and edit.call == call.index


def _moved(edit: Edit, call: Call, other: Call) -> Edit | None:
    """The edit at another call of the same place; None where it names a tensor that is not the call's own."""
    match edit:
        case DropCall():
            return DropCall(other.index)
        case SetArgument(name=name, value=value):
            given = _given(value, call, other)
            return None if given is None and value is not None else SetArgument(other.index, name, given)
        case SwapFunction(arguments=arguments) | WrapArgument(arguments=arguments) | WrapOutput(arguments=arguments):
            given = [_given(a.value, call, other) for a in arguments]
            if any(new is None and a.value is not None for a, new in zip(arguments, given, strict=True)):
                return None
            kept = tuple(Argument(a.name, new) for a, new in zip(arguments, given, strict=True))
            return msgspec.structs.replace(edit, call=other.index, arguments=kept)
        case ReplaceTensor():
            return None


def _given(value: Value, call: Call, other: Call) -> Value:
    """A value in an edit of one call as it is in that of the other, which has its own tensors; None where unknown."""
    if not refs(value):
        return value
    return next((other.argument(a.name) for a in call.arguments if a.value == value), None)
