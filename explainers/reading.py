"""A recording's subject as a formula, and what follows from that formula before anything is run again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from explainers.claims import Claim
from explainers.composition import compose, why_given
from explainers.derivation import Derivation
from explainers.derive import derivation
from explainers.diagnoses.floors import Floor, FloorQuestion, floor
from explainers.diagnoses.regions import Box, Everywhere
from explainers.diagnoses.scene import Scene, scenes
from explainers.differentiable import differentiable
from explainers.enclosures import Enclosures, enclosures
from explainers.equality import Equal, library_loss
from explainers.forms import Forms, forms
from explainers.frontier import DontKnow
from explainers.graph.balls import precise
from explainers.graph.evaluation import Values, evaluate
from explainers.graph.exact import Exact, Known, ready
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import Node
from explainers.graph.rewriting import Rewriter
from explainers.graph.twin import Twin
from explainers.losses.registry import Loss, Registry, registry
from explainers.messages import said
from explainers.page_twin import page_twin
from explainers.recording import Call, Recording


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


def read(recording: Recording) -> Reading | DontKnow | None:
    """The subject's formula, what stands in its way, or None where there is no subject.

    `explanation.plan` and `conclude` read for themselves where they are not given it.
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
        reason = why_given(found, producer) if producer else None
        lacking = said("it is not in the table of operations")
        return DontKnow(name, producer.span if producer else None, reason or lacking)
    values = found.values(recording)
    with precise():
        real = differentiable(recording, found, losses)
        wrt = leading(recording, real)
        if len(found.calls) == 1 and losses.of(found.calls[0].function) is not None:
            wrt += tuple(id for id in real if id not in wrt)
        normal = forms(found, values, real, wrt)
        shown = recording.tensor(recording.subject)
        if shown.data is not None and np.isnan(shown.array()).any() and not _is_nan(normal, values):
            normal = forms(found, values, real, wrt, Rewriter(()))
        return Reading(normal, values, page_twin(normal, values, _heading(recording)))


def _is_nan(normal: Forms, values: Values) -> bool:
    """Whether the normal form is nan, too, where the program's value is: it says 0 of 0 · nan. The same of its
    gradients."""

    def held(node: Node) -> bool:
        return bool(np.isnan(evaluate(node, values, FloatArithmetic())).any())

    return held(normal.root) and all(held(node) or not held(normal.as_run[x]) for x, node in normal.gradients.items())


def _heading(recording: Recording) -> str:
    """One line that says what the page's script computes."""
    producer = recording.producer(recording.subject) if recording.subject is not None else None
    text = producer.span.text if producer and producer.span else producer.function if producer else "the loss"
    return " ".join(text.split())[:80]


def leading(recording: Recording, real: tuple[int, ...]) -> tuple[int, ...]:
    """The inputs whose gradient is worth a formula in any program: those that it asks gradients of; else the first one
    that may be a prediction, as labels, masks and what is only compared are not."""
    asked = tuple(id for id in real if recording.tensors[id].requires_grad)
    return asked or tuple(islice((id for id in real if not _is_constant(recording, id)), 1))


def _is_constant(recording: Recording, id: int) -> bool:
    """Whether an input is one that nobody trains: a target by its name or its numbers, or only ever compared."""
    held = recording.tensors[id]
    if _TARGET.fullmatch(held.name or "") is not None:
        return True
    users = [call for call in recording.calls if id in call.inputs()]
    if any(registry().of(call.function) is not None and call.inputs()[0] == id for call in users):
        return False
    if users and all(call.function.rpartition(".")[2].strip("_") in _COMPARING for call in users):
        return True
    return held.data is not None and held.elements > 1 and _holds_signs_alone(held.array())


def _holds_signs_alone(numbers: npt.NDArray[Any]) -> bool:
    """Whether every number is -1, 0 or 1; a few from the front tell most others from those."""
    few = numbers.ravel()[:_FEW]
    return all(bool(np.isin(held, (-1, 0, 1)).all()) for held in (few, numbers))


_FEW = 64
_COMPARING = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
_TARGET = re.compile(r"y|t|gt|(?:\w*_)?(?:y_?true|true|truth|targets?|labels?|mask|weights?|teacher)(?:_\w*)?", re.I)


def _gradients(found: Reading, known: Known) -> dict[int, Exact]:
    return {x.tensor: known.entries(node, x.axes) for x, node in found.forms.as_run.items()}


def _is_composed(found: Reading, call: Call | None, loss: Loss | None) -> bool:
    """Whether the formula is more than one library call on the frontier."""
    return call is None or loss is None or any(id not in found.forms.composition.inputs for id in call.inputs())


def is_given(found: Reading, call: Call | None, loss: Loss | None) -> bool:
    """Whether the argument over which a least value would be the least is handed in, and not computed before."""
    over = loss.convex_in[:1] if loss is not None else ()
    return call is not None and any(call.ref(name) in found.forms.composition.inputs for name in over)


def _floors(recording: Recording, claims: tuple[Claim, ...], losses: Registry) -> tuple[Floor, ...]:
    """The least value of the loss over every input that it takes, where it can be found."""
    if recording.raised is not None or recording.subject is None:
        return ()
    found = (_floor(scene, losses.of(scene.call.function)) for scene in scenes(recording, claims, losses)[-1:])
    return tuple(f for f in found if f is not None)


def _floor(scene: Scene, loss: Loss | None) -> Floor | None:
    """The least value over the first argument in which the loss is convex; None for one that is convex in none."""
    if loss is None or not loss.convex_in:
        return None
    if loss.of_probabilities:
        return floor(scene, FloorQuestion(loss.convex_in[0], Box(0.0, 1.0), said("for inputs within [0, 1]")))
    if loss.rate_without is not None and scene.call.argument(loss.rate_without) is False:
        return _of_rates(scene, loss.convex_in[0])
    return floor(scene, FloorQuestion(loss.convex_in[0], Everywhere(), loss.varied or said("with finite inputs")))


def _of_rates(scene: Scene, argument: str) -> Floor | None:
    """The least value over rates: beyond the largest target the loss only rises."""
    target = scene.recorded("target")
    if target is None or not np.isfinite(target).all():
        return None
    region = Box(0.0, 1.0 + float(target.max(initial=0.0)))
    return floor(scene, FloorQuestion(argument, region, said("for rates from 0 on")))


def derive(recording: Recording, claims: tuple[Claim, ...], found: Reading) -> Derived:
    """The steps, the enclosures and the floor of a formula; `explanation.conclude` derives for itself where
    it is not given it.
    """
    losses, call = registry(), None if recording.subject is None else recording.producer(recording.subject)
    called = losses.of(call.function) if call else None
    composed = _is_composed(found, call, called)
    with precise():
        equals = library_loss(found.forms, found.values, losses) if composed else None
        equals = None if equals is not None and equals.loss is called else equals  # of what the program computes first
        same = equals is not None and equals.factor == 1
        numbers = ready(found.values)
        known = Known(numbers)
        known.together(found.forms.composition.root, *found.forms.as_run.values())
        steps = derivation(found.forms, found.values, equals.loss.name if equals and same else None, known)
        balls, gradients = enclosures(found.forms, numbers, known), _gradients(found, known)
    given = is_given(found, call, losses.of(call.function) if call else None)
    floors = _floors(recording, claims, losses) if not composed or given else ()
    return Derived(equals, steps, balls, gradients, floors)


def underivable(recording: Recording) -> DontKnow:
    """What stands in for a reading where we failed to read or to derive the subject."""
    producer = None if recording.subject is None else recording.producer(recording.subject)
    reason = said("we failed to derive it, which is our fault")
    return DontKnow(producer.function if producer else "", producer.span if producer else None, reason)
