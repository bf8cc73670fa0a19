"""From a Recording to an Explanation: what to run again, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from explainers.diagnoses.scene import Scene, scenes
from explainers.equality import Equal, library_loss
from explainers.graph.balls import precise
from explainers.graph.evaluation import Values
from explainers.graph.exact import Exact, along, exact
from explainers.graph.twin import Twin
from explainers.losses.registry import Loss, Registry, registry
from explainers.messages import Message, said
from explainers.others import Formula, formulas, proof, ratio, relation, reruns, starts
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

SEED = "seed"
OTHER_SEEDS = (1, 2)
_ELSEWHERE = ("np.", "numpy", "math.", "sklearn", "scipy")

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

    equals: Equal | None
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
    proof: Proof = field(default_factory=unproven)
    relation: Message | None = None


@dataclass(frozen=True, repr=False)
class Explanation:
    """Everything that is known about one value; sentences are in no language yet.

    `loss` is the library loss that was called, `equals` the one that a hand-written formula is. `gradients` holds the
    exact gradient of the subject with respect to each real input, by tensor id, shaped like the input's axes.
    `like` says under which arguments, or by which factor, a library loss is the formula. `spread` are the values under
    other seeds of a program that draws random numbers without one.
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
    spread: tuple[float, ...] = ()
    like: Equal | None = None
    broken: tuple[str, ...] = ()

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
    frontier = found.forms.composition if isinstance(found, Reading) else None
    begin = () if frontier is None or recording.subject is None else starts(recording, frontier, recording.subject)
    further = reruns(recording, losses)
    return Plan((*pages, *(_from_frontier(rerun, begin) for rerun in wanted), *further, *_seeds(recording)))


def _seeds(recording: Recording) -> tuple[SourceRerun, ...]:
    """The program under other seeds, where it sets none itself."""
    unseeded = recording.random and recording.raised is None and recording.subject is not None
    return tuple(SourceRerun(f"{SEED} {k}", recording.source, k) for k in OTHER_SEEDS) if unseeded else ()


def _spread(results: Mapping[str, RerunResult]) -> tuple[float, ...]:
    """The single values that the other seeds gave."""
    held = (results[label].value for k in OTHER_SEEDS if (label := f"{SEED} {k}") in results)
    return tuple(
        float(v.array().reshape(-1)[0]) for v in held if v is not None and v.data is not None and v.elements == 1
    )


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
    like = follows.equals if follows else None
    return Explanation(
        recording,
        claims,
        subject,
        call,
        loss,
        like.loss if like is not None and like.factor == 1 else None,
        found,
        steps,
        proof,
        follows.gradients if follows else {},
        follows.floors if follows else (),
        diagnoses,
        tuple(slug for slug in investigation.clear if known[slug].concern == "value"),
        _others(recording, losses, found, by_label),
        _spread(by_label),
        like,
        tuple(f"{slug}: {type(error).__name__}" for slug, error in investigation.broken),
    )


def underivable(recording: Recording) -> DontKnow:
    """What stands in for a reading where we failed to read or to derive the subject."""
    producer = None if recording.subject is None else recording.producer(recording.subject)
    reason = said("we failed to derive it, which is our fault")
    return DontKnow(producer.function if producer else "", producer.span if producer else None, reason)


def derive(recording: Recording, claims: tuple[Claim, ...], found: Reading) -> Derived:
    """The steps, the enclosures and the floor of a formula; `conclude` derives for itself where it is not given it."""
    losses, call = registry(), None if recording.subject is None else recording.producer(recording.subject)
    composed = _is_composed(found, call, losses.of(call.function) if call else None)
    with precise():
        equals = library_loss(found.forms, found.values, losses) if composed else None
        same = equals is not None and equals.factor == 1
        steps = derivation(found.forms, found.values, equals.loss.name if equals and same else None)
        balls, gradients = enclosures(found.forms, found.values), _gradients(found)
    floors = () if composed else _floors(recording, claims, losses)
    return Derived(equals, steps, balls, gradients, floors)


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
    found = (_floor(scene, losses.of(scene.call.function)) for scene in scenes(recording, claims, losses)[-1:])
    return tuple(f for f in found if f is not None)


def _floor(scene: Scene, loss: Loss | None) -> Floor | None:
    """The least value over the first argument in which the loss is convex; None for one that is convex in none."""
    if loss is None or not loss.convex_in:
        return None
    return floor(scene, FloorQuestion(loss.convex_in[0], Everywhere(), said("for any finite input")))


def _others(
    recording: Recording, losses: Registry, found: Reading | DontKnow | None, results: Mapping[str, RerunResult]
) -> tuple[Other, ...]:
    known = formulas(recording, losses)
    subject = Formula(found.forms, found.values) if isinstance(found, Reading) else None
    with precise():
        made = [
            _other(recording, losses, id, known.get(id), subject, results)
            for id in recording.others
            if recording.tensors[id].data is not None
        ]
    return (*made, *_computed_elsewhere(recording, subject))


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
    if subject is not None and isinstance(found, Formula) and not _again(recording, call):
        compared = relation(subject, found)
    certificate = proof(recording, id, found, results)
    return Other(text, loss.name if loss else None, nested(recording.tensors[id]), certificate, compared)


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
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def named(recording: Recording, call: Call | None, id: int) -> str:
    """The user's name for a tensor; for an unnamed one the argument it was passed as."""
    if (name := recording.tensors[id].name) is not None:
        return name
    argument = next((a.name for a in call.arguments if call.ref(a.name) == id), None) if call else None
    return argument or f"t{id}"
