"""An expression that computes a new loss and keeps it nowhere."""

from __future__ import annotations

import ast

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import source_rerun
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\nw = torch.tensor([1.0, 2.0], requires_grad=True)\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="result-thrown-away",
            family="training",
            title=said("A sum is computed and thrown away"),
            explanation=said(
                "`loss + penalty` makes a new tensor and leaves the loss as it is. Without an assignment nothing keeps "
                "it: write loss = loss + penalty, or loss += penalty."
            ),
            words=("regularisation term is not added to the loss", "loss + penalty has no effect"),
            losses=frozenset(),
            trigger=_thrown,
            positive=_HEAD + "loss = F.mse_loss(w, torch.zeros(2))\nloss + 0.1 * w.abs().sum()\nprint(loss)",
            control=_HEAD + "loss = F.mse_loss(w, torch.zeros(2))\nloss = loss + 0.1 * w.abs().sum()\nprint(loss)",
        ),
    )


def _thrown(scene: Scene) -> Suspicion | None:
    source = Source(scene.recording.source)
    named = {name for name, id in scene.recording.names.items() if id == scene.recording.subject}
    last = source.tree.body[-1] if source.tree.body else None
    for node in ast.walk(source.tree):
        match node:
            case ast.Expr(value=ast.BinOp(left=ast.Name(id=name))) if name in named and node is not last:
                pass
            case _:
                continue
        start, _ = source.piece(node)
        changed = source.replaced((start, start), f"{name} = ")
        text = " ".join(source.written(node.value).split())[:60]
        return Suspicion(
            at=scene.call.index,
            verdict=said("{value} is {name} as it was: line {line} computes {code} and keeps it nowhere.",
                         value=stated(scene), name=name, line=node.lineno, code=text),
            evidence=(said("Nothing after line {line} can see it.", line=node.lineno),),
            trials=(Trial(said("with the result kept"), source_rerun(changed)),),
            fix=fixes.fix(scene, changed, "likely", said("Assign the result.")),
        )  # fmt: skip
    return None
