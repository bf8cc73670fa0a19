"""The further values that a program shows beside its subject, each with its own certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from explainers.divisors import divisor
from explainers.frontier import DontKnow
from explainers.graph.balls import precise
from explainers.losses.registry import Registry
from explainers.messages import Message
from explainers.others import Formula, formulas, proof, ratio, relation
from explainers.proof import Proof, unproven
from explainers.reading import Reading
from explainers.recording import Call, Recording, Tensor, scalar
from explainers.reruns import RerunResult

MOST_TOLD = 12
_ELSEWHERE = ("np.", "numpy", "math.", "sklearn", "scipy")


@dataclass(frozen=True)
class Other:
    """A further value that the program shows."""

    expression: str
    loss: str | None
    value: Any
    proof: Proof = field(default_factory=unproven)
    relation: Message | None = None
    verdicts: tuple[Message, ...] = ()
    """What the diagnoses say of it, and why it happens."""

    read: tuple[Message, ...] = ()
    """How it reads its input and what it divides by, where it is another loss than the subject."""


def others(
    recording: Recording,
    losses: Registry,
    found: Reading | DontKnow | None,
    results: Mapping[str, RerunResult],
    said_of: Callable[[int], tuple[Message, ...]],
) -> tuple[Other, ...]:
    """The values beside the subject; `said_of` is what the diagnoses say of a tensor."""
    known = formulas(recording, losses)
    subject = Formula(found.forms, found.values) if isinstance(found, Reading) else None
    with precise():
        made = [
            replace(_other(recording, losses, id, known.get(id), subject, results), verdicts=said_of(id))
            for id in _told(recording)
        ]
    return (*_read_once(made), *_computed_elsewhere(recording, subject))


def _read_once(made: list[Other]) -> Iterator[Other]:
    """The values, each loss's reading told at the first of them."""
    for at, other in enumerate(made):
        before = {line.text for each in made[:at] for line in each.read if each.loss == other.loss}
        yield replace(other, read=tuple(line for line in other.read if line.text not in before))


def _told(recording: Recording) -> list[int]:
    """The further values that are told: of a training loop, whose course is told, none of its other rounds."""
    held = [id for id in recording.others if recording.tensors[id].data is not None]
    if len(recording.losses) > 1:
        held = [id for id in held if not _again(recording, recording.producer(id))]
        last = {call.span: id for id in held if (call := recording.producer(id)) is not None and call.span is not None}
        held = [id for id in held if (call := recording.producer(id)) is None or last.get(call.span, id) == id]
    return held[:MOST_TOLD]


def _number(recording: Recording, id: int | None) -> float | None:
    """The number that torch gave, None where it is no single one or was not kept."""
    held = recording.known(id)
    return None if held is None else scalar(held)


def _other(
    recording: Recording,
    losses: Registry,
    id: int,
    found: Formula | DontKnow | None,
    subject: Formula | None,
    results: Mapping[str, RerunResult],
) -> Other:
    call = recording.producer(id)
    loss = losses.of(call.function) if call else None
    text = call.span.text if call and call.span else recording.tensors[id].name or ""
    compared = None
    finite = all(_finite(recording, each) for each in (id, recording.subject))
    if finite and subject is not None and isinstance(found, Formula) and not _again(recording, call):
        compared = relation(subject, found, (_number(recording, recording.subject), _number(recording, id)))
    certificate = proof(recording, id, found, results)
    made = None if recording.subject is None else recording.producer(recording.subject)
    mine = losses.of(made.function) if made else None
    another = loss if mine is None or loss is None or loss.name != mine.name else None
    read = () if another is None or mine is None else (another.reading, *divisor(recording, call, another.name))
    return Other(text, loss.name if loss else None, nested(recording.tensors[id]), certificate, compared, read=read)


def _finite(recording: Recording, id: int | None) -> bool:
    """Whether torch's own numbers of a tensor can be compared: what overflowed is not so many times as much."""
    tensor = None if id is None else recording.tensors[id]
    return tensor is not None and bool(np.isfinite(tensor.array().astype(np.float64)).all())


def _again(recording: Recording, call: Call | None) -> bool:
    """Whether the same line made the subject, in another round of a loop."""
    made = None if recording.subject is None else recording.producer(recording.subject)
    return call is not None and made is not None and call.span == made.span


def _computed_elsewhere(recording: Recording, subject: Formula | None) -> Iterator[Other]:
    """Numbers that the program shows and torch did not compute, such as numpy's."""
    if recording.subject is None or recording.tensors[recording.subject].elements != 1:
        return
    ours = nested(recording.tensors[recording.subject])
    sizes = {axis.size for x in (subject.forms.composition.inputs.values() if subject else ()) for axis in x.axes}
    lines = recording.source.splitlines()
    for shown in recording.shown:
        if shown.tensor is None and shown.number is not None and "." in shown.text:
            text = lines[shown.line - 1].strip() if shown.line and shown.line <= len(lines) else shown.text
            value = float(np.ravel(ours)[0])
            if any(word in text for word in _ELSEWHERE):
                yield Other(text, None, shown.number, relation=ratio(value, shown.number, sizes))


def nested(tensor: Tensor) -> Any:
    """The tensor's numbers as a float or nested tuples."""
    values = np.asarray(tensor.array())
    return _tuples((values.astype(np.float64) if tensor.floating else values).tolist())


def _tuples(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return tuple(map(_tuples, value)) if value and isinstance(value[0], list) else tuple(value)
