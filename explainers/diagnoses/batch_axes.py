"""One item without a batch axis, and a target that has one."""

from __future__ import annotations

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.operands import known_as
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import shape, stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ce-batch-axis-of-target-alone",
            family="class-targets",
            title=said("The target has a batch axis, the input has none"),
            explanation=said(
                "An input of shape (C,) is one item without a batch, and its target is a single index of shape (). "
                "squeeze() without an axis takes the batch axis away where the batch holds one item: name the axis "
                "that is meant, or put it back with unsqueeze(0)."
            ),
            words=(
                "size mismatch (got input: [4], target: [1])",
                "last batch of one item squeeze",
                "cross entropy batch size 1 squeeze error",
            ),
            losses=frozenset({"cross_entropy", "nll_loss"}),
            trigger=_target_alone,
            positive=_HEAD + "logits = torch.tensor([2.0, 0.5, -1.0])\nF.cross_entropy(logits, torch.tensor([0]))",
            control=_HEAD + "logits = torch.tensor([2.0, 0.5, -1.0])\nF.cross_entropy(logits, torch.tensor(0))",
            harmless=True,
        ),
    )


def _target_alone(scene: Scene) -> Suspicion | None:
    input, target = scene.given("input"), scene.given("target")
    if len(input.shape) != 1 or target.shape != (1,) or input.elements < 2:
        return None
    names = {"input": known_as(scene, "input"), "target": known_as(scene, "target")}
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: {target} has a batch axis and {input} has none; backward() refuses that with RuntimeError.",
            value=stated(scene),
            **names,
        ),
        evidence=(
            said(
                "{input} has shape {scores} and {target} has shape {labels}; older versions of torch refuse the loss "
                "itself.",
                scores=shape(input.shape),
                labels=shape(target.shape),
                **names,
            ),
        ),
        trials=(
            Trial(
                said("with the input as a batch of one"),
                graph_rerun(wrapped(scene.call, "input", "torch.unsqueeze", dim=0)),
                "equivalent",
            ),
        ),
        fix=fixes.fix(
            scene,
            fixes.followed(scene, "input", "unsqueeze(0)"),
            "safe",
            said("Give the input a batch axis, too."),
        ),
    )
