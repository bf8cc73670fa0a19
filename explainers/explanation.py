"""From a Recording to an Explanation: what to run again, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from explainers.claims import Claim
from explainers.counterfactuals import plan as planned
from explainers.derivation import Derivation, Refused
from explainers.diagnoses import conclusions, engine
from explainers.diagnoses.diagnosis import Diagnosis
from explainers.diagnoses.floors import Floor
from explainers.diagnoses.registry import rules
from explainers.equality import Equal
from explainers.frontier import DontKnow
from explainers.further import Other, nested, others
from explainers.graph.balls import precise
from explainers.graph.exact import Exact
from explainers.kinks import Kink, kink
from explainers.losses.registry import Loss, Registry, registry
from explainers.messages import Message
from explainers.others import reruns, starts
from explainers.own_gradients import OwnGradient, own_gradients, unclaimed
from explainers.proof import Proof, prove, unproven
from explainers.reading import Derived, Reading, derive, read
from explainers.recording import Call, Raised, Recording, Tensor
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
OTHER_SEEDS = (1, 2, 3, 4)

if TYPE_CHECKING:
    from explainers.telling import Told


@dataclass(frozen=True, repr=False)
class Explanation:
    """Everything that is known about one value; sentences are in no language yet.

    `loss` is the library loss that was called, `equals` the one that a hand-written formula is. `gradients` holds the
    exact gradient of the subject with respect to each real input, by tensor id, shaped like the input's axes, and
    `autograd` what torch gave for it.
    `like` says under which arguments, or by which factor, a library loss is the formula. `spread` are the values under
    other seeds of a program that draws random numbers without one. `own_gradients` are those that the program got
    from a backward of its own, or through hooks, in place of the formula's derivative. `backward_error` is what torch's
    backward raises where its forward does not.
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
    autograd: Mapping[int, Tensor] = field(default_factory=dict[int, Tensor])
    own_gradients: tuple[OwnGradient, ...] = ()
    backward_error: Raised | None = None

    @cached_property
    def value(self) -> Any:
        """torch's value: a float, nested tuples of them, or None where the program has none."""
        return None if self.subject is None or self.subject.data is None else nested(self.subject)

    @property
    def gradient(self) -> dict[str, Any]:
        """The gradient with respect to each real input under the name that the program gives it, as nested lists of
        the input's shape: torch's own numbers, as `value` is; the exact ones where torch was not asked, and none where
        torch's backward raises."""
        ours = () if self.backward_error is not None else self.gradients
        theirs = self.autograd if self.backward_error is not None or not isinstance(self.reading, Reading) else ()
        return {named(self.recording, self.call, id): self._slope(id).tolist() for id in (*ours, *theirs)}

    def _slope(self, id: int) -> npt.NDArray[np.float64]:
        found = self.autograd.get(id)
        numbers = self.gradients[id].middles() if found is None else found.array().astype(np.float64)
        return numbers.reshape(self.recording.tensors[id].shape)

    @cached_property
    def kink(self) -> Kink | None:
        """The entry of an input that lies where the slope of the loss jumps, None where none does."""
        return kink(self.reading, self.autograd) if isinstance(self.reading, Reading) else None

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
    inputs = tuple(x.tensor for x in found.forms.as_run) if isinstance(found, Reading) else _given(recording, losses)
    pages = (SourceRerun(TWIN, found.twin.source),) if isinstance(found, Reading) and found.twin else ()
    wanted = planned(recording, claims, losses, inputs).reruns
    frontier = found.forms.composition if isinstance(found, Reading) else None
    begin = () if frontier is None or recording.subject is None else starts(recording, frontier, recording.subject)
    further = reruns(recording, losses)
    every = (*(_from_frontier(rerun, begin) for rerun in wanted), *further, *_seeds(recording))
    return Plan((*pages, *(_of_subject(rerun, recording) for rerun in every)))


def _of_subject(rerun: Rerun, recording: Recording) -> Rerun:
    """The rerun, of the recording's subject where it names no other value; an edited program knows it by the turn in
    which it is shown."""
    if isinstance(rerun, GraphRerun):
        return rerun if rerun.subject is not None else msgspec.structs.replace(rerun, subject=recording.subject)
    turns = [k for k, each in enumerate(recording.shown) if each.tensor == recording.subject]
    if rerun.shown is not None or rerun.noted or recording.losses or not turns:
        return rerun
    return msgspec.structs.replace(rerun, shown=turns[-1])


def _given(recording: Recording, losses: Registry) -> tuple[int, ...]:
    """The real tensors that a library loss was given: where it is not derived, torch's own gradient is all there is."""
    call = None if recording.subject is None else recording.producer(recording.subject)
    if call is None or losses.of(call.function) is None:
        return ()
    return tuple(id for id in dict.fromkeys(call.inputs()) if recording.tensors[id].floating)


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
    slopes = by_label[VALUE].gradients if VALUE in by_label else {}
    investigation = engine.investigate(recording, claims, losses, known, gradients, slopes)
    found = reading or read(recording)
    follows = (derived or derive(recording, claims, found)) if isinstance(found, Reading) else None
    with precise():
        if isinstance(found, Reading) and follows is not None and subject is not None:
            steps = follows.steps
            own = own_gradients(recording, found.forms, follows.enclosures.gradients, follows.gradients)
            proof = unclaimed(prove(found.forms, follows.enclosures, steps, by_label, subject), own)
        else:
            own = ()
            steps = Derivation((Refused(found),) if isinstance(found, DontKnow) else (), {}, None)
            proof = unproven(*((found.reason,) if isinstance(found, DontKnow) else ()))
    exact = proof.exact if subject is not None and subject.elements == 1 and proof.off_by_rounding else None
    diagnoses = conclusions.conclude(investigation, results, follows.floors if follows else (), exact)
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
        others(recording, losses, found, by_label, partial(_said_of, recording, claims, diagnoses)),
        _spread(by_label),
        like,
        tuple(f"{slug}: {type(error).__name__}" for slug, error in investigation.broken),
        slopes,
        own,
        by_label[VALUE].raised if VALUE in by_label and by_label[VALUE].value is not None else None,
    )


MOST_SAID_OF = 2
"""Diagnoses of a further value that are told."""


def _said_of(
    recording: Recording, claims: tuple[Claim, ...], diagnoses: tuple[Diagnosis, ...], id: int
) -> tuple[Message, ...]:
    """What the first diagnoses of a further value say that the subject does not have, each with its reason."""
    told = {each.slug for each in diagnoses}
    fired = engine.suspected_of(recording, id, claims, registry(), rules())
    new = [(found.verdict, rule.explanation) for rule, found in fired if rule.slug not in told][:MOST_SAID_OF]
    return tuple(sentence for each in new for sentence in each)


def named(recording: Recording, call: Call | None, id: int) -> str:
    """The user's name for a tensor; for an unnamed one the argument it was passed as, or the code that made it."""
    if (name := recording.tensors[id].name) is not None:
        return name
    argument = next((a.name for a in call.arguments if call.ref(a.name) == id), None) if call else None
    made = recording.producer(id)
    return argument or (" ".join(made.span.text.split()) if made is not None and made.span is not None else "input")
