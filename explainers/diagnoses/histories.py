"""Losses that are added up over a loop with their history, so that no graph is ever freed."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import source_rerun
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LOOP = (
    "w = torch.tensor([1.0], requires_grad=True)\nopt = torch.optim.SGD([w], lr=0.1)\ntotal = 0.0\n"
    "for x, y in ((1.0, 2.0), (2.0, 3.0), (3.0, 5.0)):\n    loss = F.mse_loss(w * x, torch.tensor([y]))\n"
    "    opt.zero_grad()\n    loss.backward()\n    opt.step()\n    total += {}\ntotal / 3"
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="loss-added-up-with-history",
            family="training",
            title=said("The running sum keeps the graph of every loss"),
            explanation=said(
                "A loss tensor carries its history: the graph, with the activations that backward needs. A sum of them "
                "carries all of them, so memory grows with every batch until it runs out. The value is right; "
                "loss.item() (or loss.detach()) adds the number alone."
            ),
            words=(
                "memory grows every iteration total_loss += loss",
                "running loss out of memory",
                "RAM climbs training loop loss sum",
                "CUDA out of memory after some epochs accumulate loss",
                "total += loss instead of loss.item()",
            ),
            losses=frozenset(),
            trigger=_kept,
            positive=_HEAD + _LOOP.format("loss"),
            control=_HEAD + _LOOP.format("1.0").replace("total / 3", "loss"),
            about=frozenset({"running_loss"}),
            handwritten=True,
            harmless=True,
        ),
    )


@dataclass(frozen=True)
class _Sum:
    """Where a loss, by its name, is added to a running sum, inside a loop that goes backward from it."""

    added: ast.Name
    line: int


def _sum(source: Source) -> _Sum | None:
    for loop in (node for node in ast.walk(source.tree) if isinstance(node, ast.For | ast.While)):
        names = {name for node in ast.walk(loop) if (name := _backward_of(node)) is not None}
        for node in ast.walk(loop):
            match node:
                case ast.AugAssign(op=ast.Add(), value=ast.Name(id=name) as added) if name in names:
                    return _Sum(added, node.lineno)
                case _:
                    pass
    return None


def _backward_of(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="backward")):
            return name
        case _:
            return None


def _kept(scene: Scene) -> Suspicion | None:
    source = Source(scene.recording.source)
    found = _sum(source)
    subject = scene.recording.known(scene.recording.subject)
    if found is None or subject is None or not subject.requires_grad or not scene.whole:
        return None
    changed = source.replaced(source.piece(found.added), f"{found.added.id}.item()")
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is right, but line {line} keeps the graph of every loss: memory grows with each round.",
            value=stated(scene),
            line=found.line,
        ),
        evidence=(said("The sum asks for a gradient: its history holds all rounds."),),
        trials=(Trial(said("with .item()"), source_rerun(changed), "equivalent"),),
        fix=fixes.fix(scene, changed, "safe", said("Add the number alone.")),
    )
