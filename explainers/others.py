"""Further values that a program shows: each with a certificate of its own, and where it parts from the subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from explainers.composition import Composition, compose
from explainers.derive import derivation
from explainers.differentiable import differentiable
from explainers.enclosures import enclosures
from explainers.forms import Forms, forms, splitted
from explainers.frontier import DontKnow
from explainers.graph.evaluation import Values, evaluate
from explainers.graph.floats import FloatArithmetic
from explainers.losses.registry import Registry
from explainers.messages import Message, said
from explainers.proof import Proof, prove, unproven
from explainers.recording import Recording
from explainers.reruns import FLOAT64, VALUE, GraphRerun, ReplaceTensor, RerunResult

MOST = 3
MOST_ELEMENTS = 1000
CLOSE = 1e-6
_ROUNDED = 1e-5
"""Relative difference of two numbers of torch from which on their printed digits differ."""


@dataclass(frozen=True)
class Formula:
    """The formula of one value at its numbers."""

    forms: Forms
    values: Values


def formulas(recording: Recording, registry: Registry) -> dict[int, Formula | DontKnow]:
    """The formulas of the first few further values, by tensor id."""
    small = [id for id in recording.others if recording.tensors[id].elements <= MOST_ELEMENTS]
    return {id: formula(recording, id, registry) for id in small[:MOST]} if recording.raised is None else {}


def formula(recording: Recording, id: int, registry: Registry) -> Formula | DontKnow:
    """The formula of one tensor, no gradient of it shown."""
    found = compose(recording, id, registry)
    if isinstance(found, DontKnow):
        return found
    if not found.calls:
        return DontKnow("a value", None, said("it is not in the table of operations"))
    values = found.values(recording)
    return Formula(forms(found, values, differentiable(recording, found, registry), ()), values)


def starts(recording: Recording, composition: Composition, subject: int) -> tuple[ReplaceTensor, ...]:
    """To start from the frontier's numbers as recorded, where a call of the program made them."""
    reached = {id for call in composition.calls for id in call.inputs()} | {subject}
    made = (id for id in composition.inputs if id in reached and recording.producer(id) is not None)
    return tuple(ReplaceTensor(msgspec.structs.replace(recording.tensors[id], data=None)) for id in made)


def reruns(recording: Recording, registry: Registry) -> Iterator[GraphRerun]:
    """What torch is asked again for the certificates of further values."""
    for id, found in formulas(recording, registry).items():
        if isinstance(found, Formula):
            wanted = tuple(x.tensor for x in found.forms.as_run)
            edits = starts(recording, found.forms.composition, id)
            yield GraphRerun(f"{VALUE} {id}", edits, gradients=wanted, subject=id)
            yield GraphRerun(f"{FLOAT64} {id}", edits, float64=True, gradients=wanted, subject=id)


def proof(recording: Recording, id: int, found: Formula | DontKnow | None, results: Mapping[str, RerunResult]) -> Proof:
    """The certificate of one further value."""
    if not isinstance(found, Formula):
        return unproven(*((found.reason,) if found is not None else ()))
    own = {label: results[f"{label} {id}"] for label in (VALUE, FLOAT64) if f"{label} {id}" in results}
    steps = derivation(found.forms, found.values, None)
    return prove(found.forms, enclosures(found.forms, found.values), steps, own, recording.tensors[id])


def relation(mine: Formula, theirs: Formula, held: tuple[float | None, float | None] = (None, None)) -> Message | None:
    """How another value comes to differ: by rounding alone, by how the same elements are put together, or by the first
    element that is another.

    `held` is what torch gave for the two.
    """
    ours, other = _value(mine), _value(theirs)
    if ours is None or other is None:
        return None
    if ours.shape or other.shape:
        return _reduced(ours, other)
    if _close(ours, other):
        return _rounded(*held) or said("It is the same value.")
    left, right = _elements(mine), _elements(theirs)
    if left.size == right.size > 1 and left.shape == right.shape:
        apart = np.argwhere(~np.isclose(left, right, rtol=CLOSE, atol=CLOSE, equal_nan=True))
        if apart.size:
            place = tuple(int(k) for k in apart[0])
            return said(
                "The two part at element {place}: {mine} against {theirs}.",
                place=", ".join(map(str, place)),
                mine=f"{left[place]:.6g}",
                theirs=f"{right[place]:.6g}",
            )
        if (size := _axis_between(mine, float(other) / float(ours) if ours else 0.0)) is not None:
            return said(
                "Both are made of the same {count} elements; this one comes to {ratio} times as much: one adds up "
                "along an axis of length {size}, the other averages over it (sum or mean over that dimension).",
                count=left.size,
                ratio=f"{float(other) / float(ours):.6g}",
                size=size,
            )
        return said(
            "Both are made of the same {count} elements; this one comes to {ratio} times as much.",
            count=left.size,
            ratio=f"{float(other) / float(ours):.6g}" if ours else "?",
        )
    return None


def _reduced(ours: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> Message | None:
    """That one value is the mean, or the sum, of the several numbers that the other holds."""
    single, several = (ours, other) if not ours.shape else (other, ours)
    if single.shape or several.size < 2:
        return None
    named = {"mean": several.mean(), "sum": several.sum()}
    found = next((name for name, value in named.items() if _close(single, value)), None)
    if found is None:
        return None
    return said(
        "The single number is the {reduction} of the {count} elements of the other, so both give the same here.",
        reduction=found,
        count=several.size,
    )


def _rounded(ours: float | None, other: float | None) -> Message | None:
    """What torch's rounding makes of one formula written in two ways; None where it leaves them alike."""
    if ours is None or other is None or np.isclose(ours, other, rtol=_ROUNDED, atol=0.0, equal_nan=True):
        return None
    return said(
        "Both are the same formula, and exactly computed the same value; torch's {ours} and {other} differ by rounding "
        "alone.",
        ours=f"{ours:.6g}",
        other=f"{other:.6g}",
    )


def _axis_between(found: Formula, times: float) -> int | None:
    """The length of an axis that one value is the other times, or divided by; None where there is none."""
    sizes = {axis.size for x in found.forms.composition.inputs.values() for axis in x.axes if axis.size > 1}
    return next((n for n in sorted(sizes) if _close(times, n) or _close(times * n, 1.0)), None)


def ratio(ours: float, other: float, counts: set[int]) -> Message | None:
    """What a number that was computed outside torch is to the subject: the same, or so many times as much."""
    if not np.isfinite([ours, other]).all() or not ours:
        return None
    if _close(ours, other):
        return said("It is the same value.")
    for count in sorted(counts):
        if _close(other, ours * count) or _close(other * count, ours):
            times = str(count) if _close(other, ours * count) else f"1/{count}"
            return said(
                "It is {times} times the loss: {count} elements are added up or averaged.", times=times, count=count
            )
    return said("It differs from the loss by {difference}.", difference=f"{other - ours:.6g}")


def _close(a: Any, b: Any) -> bool:
    return bool(np.isclose(a, b, rtol=CLOSE, atol=1e-12, equal_nan=True))


def _value(found: Formula) -> Any:
    return np.asarray(evaluate(found.forms.root, found.values, FloatArithmetic()))


def _elements(found: Formula) -> np.ndarray[Any, Any]:
    """What is added up, in the order of its axes by name and length."""
    item = splitted(found.forms.root).item
    held = np.asarray(evaluate(item, found.values, FloatArithmetic()))
    order = sorted(range(len(item.axes)), key=lambda k: (item.axes[k].name, item.axes[k].size))
    return held.transpose(order)
