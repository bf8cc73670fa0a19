"""A loss without a history that is told to require a gradient, so that backward() runs and reaches nothing."""

from __future__ import annotations

import ast
from dataclasses import replace

from explainers.dependencies import ancestors
from explainers.diagnoses import fixes
from explainers.diagnoses.cuts import cut_before
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import source_rerun
from explainers.diagnoses.operands import written
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source, functional, last_name, operand
from explainers.diagnoses.wording import stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\nw = torch.tensor([[2.0, 0.5], [0.3, 0.1]], requires_grad=True)\n"
)
_DATA = "x = torch.tensor([[1.0, 0.2], [0.1, 1.0]])\ny = torch.tensor([0, 1])\nscores = x @ w\n"
_CUT = "loss = ((scores.argmax(1).float() - y) ** 2).mean()\nloss.requires_grad = True\nloss.backward()\nprint(loss)"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="history-switched-on",
            family="training",
            title=said("requires_grad = True on a loss that has no history"),
            explanation=said(
                "Something before the loss cut its history off (argmax, a comparison, detach, item, numpy). Switching "
                "requires_grad on afterwards does not bring it back: it starts a new one at the loss, so backward() "
                "runs and no weight gets a gradient. Compute the loss from the scores themselves."
            ),
            words=("loss.requires_grad = True", "element 0 of tensors does not require grad fixed by requires_grad"),
            losses=frozenset(),
            trigger=_switched,
            positive=_HEAD + _DATA + _CUT,
            control=_HEAD + _DATA + "loss = F.cross_entropy(scores, y)\nloss.backward()\nprint(loss)",
            dominates=frozenset({"loss-made-anew", "gradient-cut-silently", "along-another-axis"}),
        ),
    )


def _switched(scene: Scene) -> Suspicion | None:
    source, subject = Source(scene.recording.source), scene.recording.subject
    switch = next((n for n in ast.walk(source.tree) if _switches(source, n)), None)
    cut = None if switch is None or subject is None else cut_before(scene, subject)
    if not isinstance(switch, ast.stmt) or cut is None or subject is None:
        return None
    changed = _on_scores(scene, source, switch, cut)
    if changed is None:
        return None
    return Suspicion(
        at=cut.index,
        verdict=said("{value}: {function} in line {line} cuts the gradient off, and requires_grad = True in line "
                     "{other} only hides it.", value=stated(scene), function=short(cut), line=line_of(cut),
                     other=switch.lineno),
        evidence=(
            said("No weight is behind the loss any more."),
            said("A loss that is computed from the weights has a grad_fn, the graph behind it: it never needs "
                 "requires_grad set by hand."),
        ),
        trials=(Trial(said("with cross_entropy of the scores"), source_rerun(changed), "illustration"),),
        fix=fixes.fix(scene, changed, "choose",
                      said("Compute the loss on the scores themselves: F.cross_entropy(scores, labels) for classes.")),
    )  # fmt: skip


def _switches(source: Source, node: ast.AST) -> bool:
    """Whether a statement switches requires_grad on of what backward() is called on."""
    match node:
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=name), attr="requires_grad")], value=value):
            on = isinstance(value, ast.Constant) and value.value is True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="requires_grad_"))):
            on = True
        case _:
            return False
    called = (c.func for c in source.calls() if last_name(c.func) == "backward")
    starts = (f.value for f in called if isinstance(f, ast.Attribute))
    return on and any(isinstance(start, ast.Name) and start.id == name for start in starts)


def _on_scores(scene: Scene, source: Source, switch: ast.stmt, cut: Call) -> str | None:
    """The loss written as the cross entropy of what the step was taken of, without the switch."""
    scores, subject = operand(source, cut), scene.recording.subject
    target = _target(scene, cut)
    made = scene.makers.get(subject) if subject is not None else None
    line = line_of(made) if made is not None else 0
    assigned = next((n for n in ast.walk(source.tree) if isinstance(n, ast.Assign) and n.lineno == line), None)
    if short(cut) != "argmax" or scores is None or target is None or assigned is None or source.shares_line(switch):
        return None
    text = f"{functional(source)}.cross_entropy({source.written(scores)}, {target})"
    without = Source(source.without_lines(switch))
    return without.replaced(source.piece(assigned.value), text) if assigned.lineno < switch.lineno else None


def _target(scene: Scene, cut: Call) -> str | None:
    """What the result of the step is compared with, as it is written."""
    for call in scene.needed():
        ids = [(a.name, id) for a in call.arguments if (id := call.ref(a.name)) is not None]
        if call.index <= cut.index or len(ids) < 2:
            continue
        apart = [name for name, id in ids if not ancestors(scene.recording.calls, [id])[1].intersection({cut.index})]
        node = written(replace(scene, call=call), apart[0]) if len(apart) == 1 else None
        if isinstance(node, ast.Name):
            return node.id
    return None
