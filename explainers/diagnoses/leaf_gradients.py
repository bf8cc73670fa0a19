"""Gradients that are asked of a tensor which does not keep its own."""

from __future__ import annotations

import ast

from explainers.diagnoses import fixes
from explainers.diagnoses.cuts import fills, requires_grad
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import gradient_rerun
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="grad-of-computed-tensor",
            family="silent-gradients",
            title=said("Only leaves keep their gradient"),
            explanation=said(
                "backward() writes .grad into leaves alone: tensors that were made with requires_grad=True and not "
                "computed from others. A tensor that is scaled, moved with .to() or reshaped afterwards is computed, "
                "so its .grad stays None, and an optimizer can't step it."
            ),
            words=(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed",
                "grad is None non-leaf",
                "can't optimize a non-leaf Tensor",
                "retain_grad",
            ),
            losses=frozenset(),
            trigger=_computed,
            positive=_HEAD + "w = torch.tensor([1.0, 2.0], requires_grad=True) * 0.1\nloss = (w**2).sum()\n"
            "loss.backward()\nprint(w.grad)\nloss",
            control=_HEAD + "w = torch.tensor([0.1, 0.2], requires_grad=True)\nloss = (w**2).sum()\n"
            "loss.backward()\nprint(w.grad)\nloss",
            concern="gradient",
        ),
    )


def _computed(scene: Scene) -> Suspicion | None:
    """A tensor with history whose gradient is read after a backward pass and is not there."""
    backward = next((c.index for c in scene.recording.calls if short(c) == "backward"), len(scene.recording.calls))
    needed = {id for call in scene.needed() for id in call.outputs}
    for call in scene.recording.calls:
        id = call.ref("input")
        maker = scene.makers.get(id) if id is not None else None
        read = short(call) == "grad" and call.span is not None and call.span.text.endswith(".grad")
        if not read or call.index < backward or call.outputs or id is None or maker is None or id not in needed:
            continue
        if requires_grad(scene, id) and not fills(maker) and any(requires_grad(scene, i) for i in maker.inputs()):
            return _told(scene, id, maker)
    return None


def _told(scene: Scene, id: int, maker: Call) -> Suspicion:
    name = scene.recording.tensors[id].name or said("the tensor")
    return Suspicion(
        at=maker.index,
        verdict=said("{value}: {name}.grad is None, since {name} is computed ({function} in line {line}), no leaf.",
                     value=stated(scene), name=name, function=short(maker), line=line_of(maker)),
        evidence=(said("backward() went through {name} and kept no gradient there.", name=name),),
        trials=(
            Trial(said("the gradient of {name} {what}", name=name, what=said("if it is kept")),
                  gradient_rerun(id), "gradient"),
        ),
        fix=fixes.fix(scene, _retained(scene, scene.recording.tensors[id].name), "likely",
                      said("Call retain_grad() on it before backward(), or make it a leaf: requires_grad_() at the "
                           "end of what computes it.")),
    )  # fmt: skip


def _retained(scene: Scene, name: str | None) -> str | None:
    """The program with `name.retain_grad()` in front of the line that goes backward."""
    source = Source(scene.recording.source)
    backward = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr == "backward"
    ]
    if not backward or name is None or not name.isidentifier():
        return None
    start, _ = source.piece(backward[0])
    indent = " " * backward[0].col_offset
    gap = f"\n{indent}" if not source.shares_line(backward[0]) else "; "
    return source.replaced((start, start), f"{name}.retain_grad(){gap}")
