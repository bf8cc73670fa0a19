"""One item without a batch axis, and a target that has one."""

from __future__ import annotations

from dataclasses import replace

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.operands import known_as
from explainers.diagnoses.scene import Scene, short, upstream
from explainers.diagnoses.wording import shape, stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_ALONE = "logits = torch.tensor([2.0, 0.5, -1.0], requires_grad=True)\n"


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
        Rule(
            slug="ce-batch-axis-refused-backward",
            family="class-targets",
            title=said("The target has a batch axis, the input has none: backward() refuses that"),
            explanation=said(
                "An input of shape (C,) is one item without a batch, and its target is a single index of shape (). "
                "The loss of a target of shape (1,) is computed nevertheless, and only its backward pass checks the "
                "shapes. Give both a batch axis, or neither."
            ),
            words=("size mismatch (got input: [4], target: [1]) in backward", "loss.backward size mismatch target"),
            losses=frozenset({"backward"}),
            trigger=_refused_backward,
            positive=_HEAD + _ALONE + "F.cross_entropy(logits, torch.tensor([0])).backward()",
            control=_HEAD + _ALONE + "F.cross_entropy(logits, torch.tensor(0)).backward()",
            concern="exception",
        ),
    )


def _refused_backward(scene: Scene) -> Suspicion | None:
    start = scene.call.ref("input")
    losses = [c for c in upstream(start, scene.makers) if short(c) in ("cross_entropy", "nll_loss")]
    loss = next((replace(scene, call=c) for c in losses if _is_alone(replace(scene, call=c))), None)
    if loss is None:
        return None
    input, target = loss.given("input"), loss.given("target")
    names = {"input": known_as(loss, "input"), "target": known_as(loss, "target")}
    return Suspicion(
        at=loss.call.index,
        verdict=said("{input} has shape {scores}, one item without a batch axis, and {target} has shape {labels}.",
                     scores=shape(input.shape), labels=shape(target.shape), **names),
        evidence=(
            said("{count} classes, one label: the loss is computed, but backward() compares the shapes.",
                 count=input.elements),
        ),
        trials=(),
        fix=fixes.fix(loss, fixes.followed(loss, "input", "unsqueeze(0)"), "safe",
                      said("Give the input a batch axis, too.")),
    )  # fmt: skip


def _is_alone(scene: Scene) -> bool:
    input, target = scene.given("input"), scene.given("target")
    return len(input.shape) == 1 and target.shape == (1,) and input.elements > 1


def _target_alone(scene: Scene) -> Suspicion | None:
    input, target = scene.given("input"), scene.given("target")
    if not _is_alone(scene):
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
