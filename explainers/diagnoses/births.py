"""The first number of a program that is not finite: the call, the index and what it was made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explainers.diagnoses.inside import inside
from explainers.diagnoses.operands import known_as
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.turning import is_spoiled, numbers, turns
from explainers.diagnoses.wording import number
from explainers.messages import Message, said
from explainers.recording import Call, Items, Value

LONGEST_CODE = 50


@dataclass(frozen=True)
class Birth:
    """A call that made nan or inf: where in its result, what it made, and its operands there by the asker's names.

    `given` has an operand's number at that place where the operand is as large as the result or broadcasts to it.
    """

    call: Call
    index: tuple[int, ...]
    made: float
    given: tuple[tuple[str, float], ...]
    scene: Scene

    @property
    def name(self) -> str:
        """The short name of the function."""
        return short(self.call)

    @property
    def numbers(self) -> tuple[float, ...]:
        """The operands' numbers alone."""
        return tuple(value for _, value in self.given)


def birth(scene: Scene) -> Birth | None:
    """What the scene's call made that is not finite; None where it made nothing of the kind."""
    if not turns(scene.recording, scene.call):
        return None
    made = (*scene.call.outputs, *(new for _, new in scene.call.mutated))
    held = next((a for id in made if (a := _held(scene, id)) is not None and not np.isfinite(a).all()), None)
    if held is None:
        return None
    born = np.isnan(held) if np.isnan(held).any() else ~np.isfinite(held)
    index = tuple(int(k) for k in np.argwhere(born)[0]) if held.ndim else ()
    return Birth(scene.call, index, float(held[index]), tuple(_given(scene, held.shape, index)), scene)


def _held(scene: Scene, id: int) -> Floats | None:
    return numbers(scene.recording.tensors.get(id))


def _given(scene: Scene, shape: tuple[int, ...], index: tuple[int, ...]) -> list[tuple[str, float]]:
    """The numbers that went into one entry, argument by argument."""
    found: list[tuple[str, float]] = []
    for argument in scene.call.arguments:
        value = _entry(scene, argument.value, scene.recorded(argument.name), shape, index)
        if value is not None:
            found.append((known_as(scene, argument.name), value))
    return found


def _is_number(text: str) -> bool:
    """Whether an operand was written as a number, which says what it is."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _entry(
    scene: Scene, value: Value, held: Floats | None, shape: tuple[int, ...], index: tuple[int, ...]
) -> float | None:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return float(value)
    if held is None or isinstance(value, Items):
        return None
    try:
        return float(np.broadcast_to(held, shape)[index])
    except ValueError:
        return None


def told(found: Birth) -> Message:
    """Where the first number that is not finite arose."""
    code = " ".join(found.call.span.text.split()) if found.call.span else found.name
    names = {"code": code if len(code) <= LONGEST_CODE else found.name, "made": number(found.made)}
    place = f"[{', '.join(map(str, found.index))}]" if found.index else ""
    if found.call.span is None and not place:
        return said("The first number that is not finite is {made}, made by {code}.", **names)
    if found.call.span is None:
        return said("The first number that is not finite is {made}, made by {code} at {place}.", place=place, **names)
    line = found.call.span.line
    if not place:
        return said("The first number that is not finite is {made}, made by {code} in line {line}.", line=line, **names)
    return said(
        "The first number that is not finite is {made} at {place}, made by {code} in line {line}.",
        place=place,
        line=line,
        **names,
    )


def operands_told(found: Birth) -> tuple[Message, ...]:
    """The numbers it was made of; of a loss that torch computes in one call, the step inside it."""
    if within := inside(found.scene):
        return within
    named = [(name, value) for name, value in found.given if not _is_number(name)]
    if not named:
        return ()
    values = ", ".join(f"{name} = {number(value)}" for name, value in named)
    return (said("There {values}.", values=values),)


def chain(scene: Scene) -> tuple[Message, ...]:
    """How it got from there to the subject: the next call that changes its kind, where there is one."""
    later = [c for c in scene.needed() if c.index > scene.call.index and c.span is not None and _makes_nan(scene, c)]
    if not later or later[0].span is None:
        return ()
    return (said("In line {line} {function} makes nan of it.", line=later[0].span.line, function=short(later[0])),)


def _makes_nan(scene: Scene, call: Call) -> bool:
    """Whether a call turns inf into nan."""
    before = [a for id in call.inputs() if (a := _held(scene, id)) is not None]
    after = [a for id in call.outputs if (a := _held(scene, id)) is not None]
    was = any(np.isnan(a).any() for a in before)
    return not was and any(np.isnan(a).any() for a in after) and any(np.isinf(a).any() for a in before)


def nan_call(scene: Scene) -> Call | None:
    """The call behind the birth of an inf that made nan of it."""
    return next((c for c in scene.needed() if c.index > scene.call.index and _makes_nan(scene, c)), None)


def spoiled_inputs(scene: Scene) -> tuple[str, ...]:
    """Arguments of the scene's call that hold nan or inf."""
    return tuple(
        a.name
        for a in scene.call.arguments
        if (id := scene.call.ref(a.name)) is not None and is_spoiled(scene.recording.tensors.get(id))
    )
