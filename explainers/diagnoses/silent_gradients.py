"""Gradients that are lost without an error: units that are off, and values that are clipped."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.backward_steps import gradient_trial
from explainers.diagnoses.cuts import requires_grad
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.edits import dropped
from explainers.diagnoses.margins_met import is_outermost
from explainers.diagnoses.operands import atom
from explainers.diagnoses.repeated_calls import alike
from explainers.diagnoses.scene import Floats, Scene, line_of, short
from explainers.diagnoses.source_edits import Source, functional, modules_around, operand
from explainers.diagnoses.turning import numbers
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
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


def _together(scene: Scene, held: list[tuple[Call, Floats]]) -> list[tuple[Call, Floats]]:
    """The calls with the operands of all calls that the same place of the program made: a loop may make many."""
    operands = {call.index: x.reshape(-1) for call, x in held}
    places = [(call, [operands[c.index] for c in alike(scene, call) if c.index in operands]) for call, _ in held]
    return [(call, np.concatenate(parts)) for call, parts in places]


def _dead(scene: Scene) -> Suspicion | None:
    held = _history(scene, "relu", "relu6")
    found = next(((c, x) for c, x in _together(scene, held) if (x <= 0).all()), None)
    if found is None or is_outermost(scene, found[0]):
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
    """Every value is clipped at one place at least; the run goes without the clamps of all such places."""
    found = [(call, x) for call, x in _together(scene, _history(scene, "clamp", "hardtanh")) if _cuts(scene, call, x)]
    if not found or is_outermost(scene, found[0][0]):
        return None
    call, x = found[0]
    low, high = _limits(call)
    without = said("without the clamp") if len(found) == 1 else said("without the {count} clamps", count=len(found))
    return Suspicion(
        at=call.index,
        verdict=said("{value}: the clamp in line {line} clips every value, so nothing before it gets a gradient.",
                     value=stated(scene), line=line_of(call)),
        evidence=(
            said("Its {count} inputs lie between {least} and {most}, its limits are {low} and {high}.",
                 count=x.size, least=number(float(x.min())), most=number(float(x.max())),
                 low=number(low), high=number(high)),
        ),
        trials=gradient_trial(scene, call, without, *(dropped(c) for c, _ in found)),
        fix=fixes.fix(scene, _unclipped(scene, call) if len(found) == 1 else None, "choose",
                      said("Clip what is shown, not what is learnt from; or use a smooth limit such as sigmoid.")),
    )  # fmt: skip


def _cuts(scene: Scene, call: Call, x: Floats) -> bool:
    low, high = _limits(call)
    return bool(((x < low) | (x > high)).all()) and not any(_passes_by(scene, each) for each in alike(scene, call))


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
