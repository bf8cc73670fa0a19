"""Gradients that are lost without an error: units that are off, values that are clipped, history that was cut."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.backward_errors import with_history
from explainers.diagnoses.backward_steps import gradient_trial, line_of
from explainers.diagnoses.cuts import DETACHING, READS, read_into, requires_grad
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.edits import dropped
from explainers.diagnoses.operands import atom
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.source_edits import Source, functional, modules_around, operand
from explainers.diagnoses.turning import numbers
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call
from explainers.reruns import SwapFunction

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_WEIGHT = "w = torch.tensor([1.0, 2.0], requires_grad=True)\ny = torch.tensor([0.5, 1.0])\n"
_ALIVE = _HEAD + "w = torch.tensor([1.0, -2.0], requires_grad=True)\nloss = (torch.relu(w) - 1.5).pow(2).mean()\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="dead-relu",
            family="silent-gradients",
            title=said("Every unit of a relu is off"),
            explanation=said(
                "relu gives 0 for everything negative, and its slope there is 0. Where all its inputs are negative "
                "nothing before it learns, and so it stays that way (a dead relu)."
            ),
            words=("dead relu", "relu gradient zero", "weights do not change relu", "loss does not decrease relu"),
            losses=frozenset(),
            trigger=_dead,
            positive=_HEAD + "w = torch.tensor([-1.0, -2.0], requires_grad=True)\n"
            "loss = (torch.relu(w) - 1.5).pow(2).mean()\nloss.backward()",
            control=_ALIVE + "loss.backward()",
            concern="gradient",
        ),
        Rule(
            slug="clamp-cuts-gradient",
            family="silent-gradients",
            title=said("Every value was clipped"),
            explanation=said(
                "What lies outside of the limits of clamp is set to the limit, whatever it was: a small change "
                "changes nothing, so its gradient is 0."
            ),
            words=("clamp gradient zero", "clip gradient 0", "clamped prediction does not learn"),
            losses=frozenset(),
            trigger=_clipped,
            positive=_HEAD + "w = torch.tensor([3.0, 4.0], requires_grad=True)\n"
            "loss = (w.clamp(0, 1) - 0.5).pow(2).mean()\nloss.backward()",
            control=_HEAD + "w = torch.tensor([0.3, 4.0], requires_grad=True)\n"
            "loss = (w.clamp(0, 1) - 0.5).pow(2).mean()\nloss.backward()",
            concern="gradient",
        ),
        Rule(
            slug="gradient-cut-silently",
            family="silent-gradients",
            title=said("A tensor that asks for a gradient gets none"),
            explanation=said(
                "backward() runs, because something else has history. But every way from the loss to this tensor "
                "passes a call that gives numbers without history (detach, .data, .item(), numpy, torch.tensor), so "
                "its .grad stays None."
            ),
            uncertainty=said("Where the cut is meant (a target, a teacher, a stop-gradient), nothing is wrong."),
            words=(
                "grad is None",
                "parameter gets no gradient",
                "detach by mistake",
                "item() in loss",
                ".grad stays None",
            ),
            losses=frozenset(),
            trigger=_cut,
            positive=_HEAD + _WEIGHT + "b = torch.tensor(0.5, requires_grad=True)\n"
            "loss = F.mse_loss((w * 2).detach() + b, y)\nloss.backward()",
            control=_HEAD + _WEIGHT + "b = torch.tensor(0.5, requires_grad=True)\n"
            "loss = F.mse_loss((w * 2) + b, y)\nloss.backward()",
            concern="gradient",
        ),
    )


def _history(scene: Scene, *names: str) -> list[tuple[Call, Floats]]:
    """The calls of these functions on the way to the subject whose operand has history, with the operand."""
    found: list[tuple[Call, Floats]] = []
    for call in scene.needed():
        id = call.ref("input")
        held = None if id is None else numbers(scene.recording.tensors.get(id))
        if short(call) in names and id is not None and requires_grad(scene, id) and held is not None and held.size:
            found.append((call, held))
    return found


def _dead(scene: Scene) -> Suspicion | None:
    found = next(((c, x) for c, x in _history(scene, "relu", "relu6") if (x <= 0).all()), None)
    if found is None:
        return None
    call, x = found
    return Suspicion(
        at=call.index,
        verdict=said("{value}: the relu in line {line} is 0 throughout, and so is the gradient before it.",
                     value=stated(scene), line=line_of(call)),
        evidence=(
            said("All {count} of its inputs are negative or 0; the largest is {top}.",
                 count=x.size, top=number(float(x.max()))),
        ),
        trials=gradient_trial(scene, call, said("without the relu"), dropped(call)),
        fix=fixes.fix(scene, _leaky(scene, call), "choose",
                      said("Start from other weights or a smaller learning rate, or use leaky_relu.")),
    )  # fmt: skip


def _leaky(scene: Scene, call: Call) -> str | None:
    """leaky_relu in the place of the relu, written out or built as a module."""
    source = Source(scene.recording.source)
    node, x = source.call_at(call.span), operand(source, call)
    if node is None or x is None or modules_around(call):
        return fixes.renamed(scene, call, ("relu", "leaky_relu"), ("ReLU", "LeakyReLU"))
    return source.replaced(source.piece(node), f"{functional(source)}.leaky_relu({source.written(x)})")


def _clipped(scene: Scene) -> Suspicion | None:
    for call, x in _history(scene, "clamp", "hardtanh"):
        low, high = _limits(call)
        if not ((x < low) | (x > high)).all() or _passes_by(scene, call):
            continue
        return Suspicion(
            at=call.index,
            verdict=said("{value}: the clamp in line {line} clips every value, so nothing before it gets a gradient.",
                         value=stated(scene), line=line_of(call)),
            evidence=(
                said("Its {count} inputs lie between {least} and {most}, its limits are {low} and {high}.",
                     count=x.size, least=number(float(x.min())), most=number(float(x.max())),
                     low=number(low), high=number(high)),
            ),
            trials=gradient_trial(scene, call, said("without the clamp"), dropped(call)),
            fix=fixes.fix(scene, _unclipped(scene, call), "choose",
                          said("Clip what is shown, not what is learnt from; or use a smooth limit such as sigmoid.")),
        )  # fmt: skip
    return None


def _passes_by(scene: Scene, call: Call) -> bool:
    """Whether what is clipped gets a gradient after all, by a way around the clamp."""
    id = call.ref("input")
    held = scene.gradients.get(id) if scene.gradients is not None and id is not None else None
    found = None if held is None else numbers(held)
    return found is not None and bool(np.any(found))


def _unclipped(scene: Scene, call: Call) -> str | None:
    source = Source(scene.recording.source)
    node, x = source.call_at(call.span), operand(source, call)
    return source.replaced(source.piece(node), atom(source, x)) if node is not None and x is not None else None


def _limits(call: Call) -> tuple[float, float]:
    names = ("min_val", "max_val") if short(call) == "hardtanh" else ("min", "max")
    low, high = (call.argument(name) for name in names)
    return (
        float(low) if isinstance(low, int | float) else -np.inf,
        float(high) if isinstance(high, int | float) else np.inf,
    )


def _cut(scene: Scene) -> Suspicion | None:
    """A tensor that asks for its gradient, to which every way is cut."""
    subject = scene.recording.subject
    if subject is None or not requires_grad(scene, subject):
        return None
    reached = _with_history(scene, subject)
    for call in scene.needed():
        cut = short(call) in DETACHING or short(call) in READS
        lost = next((id for id in call.inputs() if requires_grad(scene, id) and id not in reached), None)
        if not cut or lost is None or any(requires_grad(scene, id) for id in call.outputs):
            continue
        leaf = _leaf(scene, lost)
        if leaf is None or leaf in reached:
            continue
        return _lost(scene, call, leaf)
    return _made_anew(scene, reached)


def _made_anew(scene: Scene, reached: set[int]) -> Suspicion | None:
    """Numbers that were read out of a tensor with history, and a new tensor made of them that asks for a gradient."""
    call = read_into(scene, reached)
    if call is not None and _went_backward(scene, call.inputs()[0]):  # a loss is read to be shown
        return None
    leaf = None if call is None or not requires_grad(scene, call.inputs()[0]) else _leaf(scene, call.inputs()[0])
    return None if call is None or leaf is None or leaf in reached else _lost(scene, call, leaf)


def _went_backward(scene: Scene, id: int) -> bool:
    return any(short(call) == "backward" and id in call.inputs() for call in scene.recording.calls)


def _lost(scene: Scene, call: Call, leaf: int) -> Suspicion:
    name = scene.recording.tensors[leaf].name or said("what it was computed from")
    return Suspicion(
        at=call.index,
        verdict=said("{value}: {name} gets no gradient, {function} in line {line} cuts it off.",
                     value=stated(scene), name=name, function=short(call), line=line_of(call)),
        evidence=(said("{name} requires a gradient, but no way with history leads to it.", name=name),),
        trials=()
        if short(call) in READS
        else gradient_trial(scene, call, said("without {function}", function=short(call)), *_kept(call)),
        fix=fixes.fix(scene, with_history(scene, call), "choose",
                      said("Keep the history: compute the loss from the tensor itself.")),
    )  # fmt: skip


def _kept(call: Call) -> tuple[SwapFunction, ...]:
    """The cutting call replaced by one that keeps the history."""
    return (SwapFunction(call.index, "torch.clone", tuple(a for a in call.arguments if a.name == "input")),)


def _with_history(scene: Scene, subject: int) -> set[int]:
    """The tensors that the backward pass from the subject reaches."""
    waiting, found = [subject], set[int]()
    while waiting:
        id = waiting.pop()
        if id in found or not requires_grad(scene, id):
            continue
        found.add(id)
        call = scene.makers.get(id)
        if call is not None and call.grad_enabled:
            waiting.extend(call.inputs())
            waiting.extend(old for old, new in call.mutated if new == id)
    return found


def _leaf(scene: Scene, id: int) -> int | None:
    """The first tensor before another one, along tensors with history, that no call computed."""
    waiting = [id]
    while waiting:
        at = waiting.pop()
        call = scene.makers.get(at)
        before = [i for i in call.inputs() if requires_grad(scene, i)] if call is not None else []
        if not before:
            return at
        waiting.extend(before)
    return None
