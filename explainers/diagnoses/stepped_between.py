"""A loss that is computed again after the optimizer's step, with other weights."""

from __future__ import annotations

import ast

from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import source_rerun
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source, last_name
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call, scalar

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "x, y = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0, 6.0])\n"
    "w = torch.tensor(0.5, requires_grad=True)\nopt = torch.optim.SGD([w], lr=0.05)\n"
    "loss = F.mse_loss(w * x, y)\nloss.backward()\n"
)
_SHOWN = "print(loss)\nprint(F.mse_loss(w * x, y))"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="computed-after-the-step",
            family="training",
            title=said("The second value is of the weights after the step"),
            explanation=said(
                "A training loop shows the loss of the weights before the update; computed again afterwards, with the "
                "updated weights, the same formula gives another, mostly smaller, number. So do fit() and a prediction "
                "after it, and the average that is shown of an epoch, which runs over all the weights in between "
                "(dropout and batch norm differ besides). To compare, compute both before the step."
            ),
            words=(
                "loss of fit differs from the loss computed after training",
                "model.fit loss and model.predict mse differ",
                "same formula another loss after optimizer.step",
                "loss recomputed after the update is smaller",
                "evaluate right after one epoch gives another loss than training",
            ),
            losses=frozenset(),
            trigger=_after,
            positive=_HEAD + "opt.step()\n" + _SHOWN,
            control=_HEAD + _SHOWN,
            about=frozenset({"mse_loss"}),
            harmless=True,
        ),
    )


def _after(scene: Scene) -> Suspicion | None:
    """Two shown values of one function, between which a step changed what they are computed from."""
    recording, subject = scene.recording, scene.recording.subject
    mine, value = scene.maker(subject), scene.value
    steps = [call for call in recording.calls if call.mutated and not call.grad_enabled]
    if mine is None or value is None or not steps:
        return None
    for id in recording.others:
        other, number_of = scene.maker(id), scalar(recording.tensors[id]) if id in recording.tensors else None
        if other is None or number_of is None or short(other) != short(mine) or number_of == value:
            continue
        first, last = sorted((mine, other), key=lambda call: call.index)
        changed = _without_steps(scene, first, last)
        if any(first.index < step.index < last.index for step in steps) and changed is not None:
            return _suspicion(scene, last, number_of, changed)
    return None


def _suspicion(scene: Scene, last: Call, other: float, changed: str) -> Suspicion:
    return Suspicion(
        at=last.index,
        verdict=said(
            "{value} and {other} are one formula: the step between them changed the weights.",
            value=stated(scene),
            other=number(other),
        ),
        evidence=(said("The value of line {line} is computed with the updated weights.", line=line_of(last)),),
        trials=(Trial(said("without the step between them"), source_rerun(changed), "illustration"),),
    )


def _without_steps(scene: Scene, first: Call, last: Call) -> str | None:
    """The program without the lines between two calls that are a step of an optimizer; None where there are none."""
    source = Source(scene.recording.source)
    between = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Expr) and line_of(first) <= node.lineno <= line_of(last) and _is_step(node.value)
    ]
    if not between or source.shares_line(between[0]):
        return None
    return source.without_lines(between[0])


def _is_step(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and last_name(node.func) == "step"
