"""Functions that are constant almost everywhere: the loss runs, and nothing behind them gets a slope."""

from __future__ import annotations

import ast

from explainers.diagnoses import fixes
from explainers.diagnoses.backward_steps import gradient_trial
from explainers.diagnoses.cuts import requires_grad
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.edits import dropped
from explainers.diagnoses.operands import atom
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source, operand
from explainers.diagnoses.wording import stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_FLAT = frozenset({"round", "floor", "ceil", "trunc", "sign", "sgn", "heaviside", "fix"})
_DATA = "w = torch.tensor([0.3, 1.7], requires_grad=True)\ny = torch.tensor([1.0, 1.0])\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="step-has-no-slope",
            family="silent-gradients",
            title=said("A step function has the slope 0"),
            explanation=said(
                "round, floor, ceil and sign are constant between their steps: a small change of the input changes "
                "nothing, so the gradient behind them is 0 everywhere and no error tells of it. What has to be learnt "
                "goes around the step: the loss of the value before it, or a straight-through estimator, which rounds "
                "forward and passes the gradient on as if it had not."
            ),
            words=(
                "round has zero gradient",
                "gradient is zero after torch.round",
                "straight-through estimator",
                "sign function gradient zero",
                "thresholded prediction does not learn",
            ),
            losses=frozenset(),
            trigger=_flat,
            positive=f"{_HEAD}{_DATA}loss = F.mse_loss(torch.round(w), y)\nloss.backward()",
            control=f"{_HEAD}{_DATA}loss = F.mse_loss(w + (torch.round(w) - w).detach(), y)\nloss.backward()",
            concern="gradient",
        ),
    )


def _flat(scene: Scene) -> Suspicion | None:
    needed = scene.needed()
    call = next((c for c in needed if short(c) in _FLAT and _has_history(scene, c)), None)
    if call is None or _passes_beside(scene, call):
        return None
    return Suspicion(
        at=call.index,
        verdict=said("{value} has no slope: {function} in line {line} is constant between its steps, so its gradient "
                     "is 0.", value=stated(scene), function=short(call), line=line_of(call)),
        evidence=(said("Everything before {function} gets the gradient 0.", function=short(call)),),
        trials=gradient_trial(scene, call, said("without {function}", function=short(call)), dropped(call)),
        fix=fixes.fix(scene, _straight_through(scene, call), "choose",
                      said("Let the gradient pass the step (straight-through estimator), or leave the step out of the "
                           "loss.")),
    )  # fmt: skip


def _has_history(scene: Scene, call: Call) -> bool:
    return any(requires_grad(scene, id) for id in call.inputs())


def _passes_beside(scene: Scene, call: Call) -> bool:
    """Whether the loss depends on the operand by another way than through the step."""
    of = call.inputs()[0]
    others = [c for c in scene.needed() if c.index != call.index and of in c.inputs()]
    return bool(others)


def _straight_through(scene: Scene, call: Call) -> str | None:
    """`round(x)` as `x + (round(x) - x).detach()`."""
    source = Source(scene.recording.source)
    node, x = source.call_at(call.span), operand(source, call)
    if not isinstance(node, ast.Call) or not isinstance(x, ast.Name | ast.Attribute):
        return None
    text = atom(source, x)
    return source.replaced(source.piece(node), f"({text} + ({source.written(node)} - {text}).detach())")
