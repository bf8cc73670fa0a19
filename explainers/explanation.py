"""From a Recording to an Explanation: what to run again, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from explainers.claims import Claim
from explainers.composition import DontKnow, compose
from explainers.counterfactuals import plan as planned
from explainers.derivation import Derivation, Refused
from explainers.derive import Forms, derivation, forms, page_twin
from explainers.diagnoses import engine
from explainers.diagnoses.diagnosis import Diagnosis
from explainers.diagnoses.floors import Floor, FloorQuestion, floor
from explainers.diagnoses.regions import Everywhere
from explainers.diagnoses.registry import rules
from explainers.diagnoses.scene import scenes
from explainers.equality import library_loss
from explainers.graph.balls import precise
from explainers.graph.evaluation import Values
from explainers.graph.exact import Exact, along, exact
from explainers.graph.twin import Twin
from explainers.losses.registry import Loss, Registry, registry
from explainers.messages import said
from explainers.proof import Enclosures, Proof, differentiable, enclosures, prove, unproven
from explainers.recording import Call, Recording, Tensor
from explainers.reruns import (
    BACKWARD,
    FLOAT64,
    TWIN,
    VALUE,
    GraphRerun,
    Plan,
    ReplaceTensor,
    Rerun,
    RerunResult,
    SourceRerun,
)

if TYPE_CHECKING:
    from explainers.telling import Told


@dataclass(frozen=True)
class Reading:
    """The subject as a formula, with the numbers it was met with."""

    forms: Forms
    values: Values
    twin: Twin | None


@dataclass(frozen=True)
class Derived:
    """What follows from a reading alone, so that it can be worked out while the reruns run."""

    equals: Loss | None
    steps: Derivation
    enclosures: Enclosures
    gradients: Mapping[int, Exact]
    floors: tuple[Floor, ...]


@dataclass(frozen=True)
class Other:
    """A further value that the program shows."""

    expression: str
    loss: str | None
    value: Any


@dataclass(frozen=True, repr=False)
class Explanation:
    """Everything that is known about one value; sentences are in no language yet.

    `loss` is the library loss that was called, `equals` the one that a hand-written formula is. `gradients` holds the
    exact gradient of the subject with respect to each real input, by tensor id, shaped like the input's axes.
    """

    recording: Recording
    claims: tuple[Claim, ...]
    subject: Tensor | None
    call: Call | None
    loss: Loss | None
    equals: Loss | None
    reading: Reading | DontKnow | None
    derivation: Derivation
    proof: Proof
    gradients: Mapping[int, Exact] = field(default_factory=dict[int, Exact])
    floors: tuple[Floor, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    clear: tuple[str, ...] = ()
    others: tuple[Other, ...] = ()

    @property
    def value(self) -> Any:
        """torch's value: a float, nested tuples of them, or None where the program has none."""
        return None if self.subject is None or self.subject.data is None else nested(self.subject)

    @property
    def gradient(self) -> dict[str, Any]:
        """The gradient with respect to each real input under the name that the program gives it, as nested lists of
        the input's shape."""
        tensors = self.recording.tensors
        return {
            named(self.recording, self.call, id): found.middles().reshape(tensors[id].shape).tolist()
            for id, found in self.gradients.items()
        }

    @property
    def verdict(self) -> str:
        """One English sentence; `telling.tell` says it in other languages."""
        return self._told().verdict

    def __repr__(self) -> str:
        """The verdict; the whole is `str`."""
        return f"<Explanation: {self.verdict}>"

    def __str__(self) -> str:
        """The whole answer as English text."""
        return self._told().text

    def _repr_png_(self) -> bytes:
        """The card, for a notebook."""
        from explainers.cards.render import Renderer

        return Renderer().draw(self._told().card)

    def _told(self) -> Told:
        from explainers.telling import Context, tell

        return tell(self, Context())


def plan(recording: Recording, claims: tuple[Claim, ...], reading: Reading | DontKnow | None = None) -> Plan:
    """The reruns that the proof and the diagnoses of a recording want."""
    losses = registry()
    found = reading or read(recording)
    inputs = tuple(x.tensor for x in found.forms.as_run) if isinstance(found, Reading) else ()
    pages = (SourceRerun(TWIN, found.twin.source),) if isinstance(found, Reading) and found.twin else ()
    wanted = planned(recording, claims, losses, inputs).reruns
    starts = _starts(recording, found) if isinstance(found, Reading) else ()
    return Plan((*pages, *(_from_frontier(rerun, starts) for rerun in wanted)))


def _starts(recording: Recording, found: Reading) -> tuple[ReplaceTensor, ...]:
    """The frontier's recorded numbers, where a call of the program made them."""
    composition = found.forms.composition
    reached = {id for call in composition.calls for id in call.inputs()} | {recording.subject}
    made = (id for id in composition.inputs if id in reached and recording.producer(id) is not None)
    return tuple(ReplaceTensor(recording.tensors[id]) for id in made)


def _from_frontier(rerun: Rerun, starts: tuple[ReplaceTensor, ...]) -> Rerun:
    """The proof's reruns start where the formula starts, so that both speak of the same numbers."""
    if isinstance(rerun, GraphRerun) and rerun.label in (VALUE, FLOAT64):
        return msgspec.structs.replace(rerun, edits=(*rerun.edits, *starts))
    return rerun


def conclude(
    recording: Recording,
    claims: tuple[Claim, ...],
    results: tuple[RerunResult, ...],
    reading: Reading | DontKnow | None = None,
    derived: Derived | None = None,
) -> Explanation:
    """The Explanation of a recording, given what its reruns came to."""
    losses, by_label = registry(), {result.label: result for result in results}
    subject = None if recording.subject is None else recording.tensors[recording.subject]
    call = None if subject is None else recording.producer(subject.id)
    loss = losses.of(call.function) if call else None
    backward = by_label.get(BACKWARD)
    gradients = backward.gradients if backward is not None and backward.value is not None else {}
    known = rules()
    investigation = engine.investigate(recording, claims, losses, known, gradients)
    diagnoses = engine.conclude(investigation, results)
    found = reading or read(recording)
    follows = (derived or derive(recording, claims, found)) if isinstance(found, Reading) else None
    with precise():
        if isinstance(found, Reading) and follows is not None and subject is not None:
            steps = follows.steps
            proof = prove(found.forms, follows.enclosures, steps, by_label, subject)
        else:
            steps = Derivation((Refused(found),) if isinstance(found, DontKnow) else (), {}, None)
            proof = unproven(*((found.reason,) if isinstance(found, DontKnow) else ()))
    return Explanation(
        recording,
        claims,
        subject,
        call,
        loss,
        follows.equals if follows else None,
        found,
        steps,
        proof,
        follows.gradients if follows else {},
        follows.floors if follows else (),
        diagnoses,
        tuple(slug for slug in investigation.clear if known[slug].concern == "value"),
        _others(recording, losses),
    )


def derive(recording: Recording, claims: tuple[Claim, ...], found: Reading) -> Derived:
    """The steps, the enclosures and the floor of a formula; `conclude` derives for itself where it is not given it."""
    losses, call = registry(), None if recording.subject is None else recording.producer(recording.subject)
    composed = _is_composed(found, call, losses.of(call.function) if call else None)
    with precise():
        equals = library_loss(found.forms, found.values, losses) if composed else None
        steps = derivation(found.forms, found.values, equals.loss.name if equals else None)
        balls, gradients = enclosures(found.forms, found.values), _gradients(found)
    floors = () if composed else _floors(recording, claims, losses)
    return Derived(equals.loss if equals else None, steps, balls, gradients, floors)


def read(recording: Recording) -> Reading | DontKnow | None:
    """The subject's formula, what stands in its way, or None where there is no subject.

    `plan` and `conclude` read for themselves where they are not given it.
    """
    losses = registry()
    if recording.subject is None or recording.raised is not None:
        return None
    found = compose(recording, recording.subject, losses)
    if isinstance(found, DontKnow):
        return found
    if not found.calls:
        producer = recording.producer(recording.subject)
        name = producer.function if producer else "the shown value"
        return DontKnow(name, producer.span if producer else None, said("it is not in the table of operations"))
    values = found.values(recording)
    with precise():
        real = differentiable(found, losses)
        normal = forms(found, values, real, _shown(recording, real))
        return Reading(normal, values, page_twin(normal, values, _heading(recording)))


def _heading(recording: Recording) -> str:
    """One line that says what the page's script computes."""
    producer = recording.producer(recording.subject) if recording.subject is not None else None
    text = producer.span.text if producer and producer.span else producer.function if producer else "the loss"
    return " ".join(text.split())[:80]


def _shown(recording: Recording, real: tuple[int, ...]) -> set[int]:
    """The inputs whose gradient is worth a formula: those that the program asks gradients of, else the first one."""
    asked = {id for id in real if recording.tensors[id].requires_grad}
    return asked or set(real[:1])


def _gradients(found: Reading) -> dict[int, Exact]:
    wrt = tuple(found.forms.as_run)
    nodes = tuple(found.forms.as_run[x] for x in wrt)
    return {
        x.tensor: along(values, node.axes, x.axes)
        for x, node, values in zip(wrt, nodes, exact(nodes, found.values), strict=True)
    }


def _is_composed(found: Reading, call: Call | None, loss: Loss | None) -> bool:
    """Whether the formula is more than one library call on the frontier."""
    return call is None or loss is None or any(id not in found.forms.composition.inputs for id in call.inputs())


def _floors(recording: Recording, claims: tuple[Claim, ...], losses: Registry) -> tuple[Floor, ...]:
    """The least value of the loss over every finite input, where it can be found."""
    if recording.raised is not None or recording.subject is None:
        return ()
    question = FloorQuestion("input", Everywhere(), said("for any finite input"))
    found = (floor(scene, question) for scene in scenes(recording, claims, losses)[-1:])
    return tuple(f for f in found if f is not None)


def _others(recording: Recording, losses: Registry) -> tuple[Other, ...]:
    return tuple(_other(recording, losses, id) for id in recording.others if recording.tensors[id].data is not None)


def _other(recording: Recording, losses: Registry, id: int) -> Other:
    call = recording.producer(id)
    loss = losses.of(call.function) if call else None
    text = call.span.text if call and call.span else recording.tensors[id].name or ""
    return Other(text, loss.name if loss else None, nested(recording.tensors[id]))


def nested(tensor: Tensor) -> Any:
    """The tensor's numbers as a float or nested tuples."""
    values = np.asarray(tensor.array())
    return _tuples((values.astype(np.float64) if tensor.floating else values).tolist())


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def named(recording: Recording, call: Call | None, id: int) -> str:
    """The user's name for a tensor; for an unnamed one the argument it was passed as."""
    if (name := recording.tensors[id].name) is not None:
        return name
    argument = next((a.name for a in call.arguments if call.ref(a.name) == id), None) if call else None
    return argument or f"t{id}"
