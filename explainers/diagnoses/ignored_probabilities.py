"""ignore_index beside a target that names no class."""

from __future__ import annotations

from explainers.diagnoses import fixes
from explainers.diagnoses.class_axes import scores
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import described
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LOGITS = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ignore-index-of-probabilities",
            family="class-targets",
            title=said("ignore_index with probabilities as the target"),
            explanation=said(
                "ignore_index leaves out the items whose class has that index. A target of probabilities names no "
                "single class, so there is nothing that it could be compared with."
            ),
            words=("ignore_index is not supported for floating point target", "ignore_index soft labels"),
            losses=frozenset({"cross_entropy", "linear_cross_entropy"}),
            trigger=_ignored_probabilities,
            positive=_HEAD + _LOGITS + "F.cross_entropy(logits, logits.softmax(1), ignore_index=0, reduction='sum')",
            control=_HEAD + _LOGITS + "F.cross_entropy(logits, torch.tensor([0, 1]), ignore_index=2, reduction='sum')",
            concern="exception",
        ),
    )


def _ignored_probabilities(scene: Scene) -> Suspicion | None:
    target, ignored = scene.given("target"), scene.call.argument("ignore_index")
    refused = isinstance(ignored, int) and (ignored >= 0 or scene.name == "linear_cross_entropy")
    if not refused or not target.floating or target.shape != scores(scene):
        return None
    name = known_as(scene, "target")
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "ignore_index={value} has no meaning for {name}: it is {dtype} of the scores' shape, so probabilities.",
            value=ignored,
            name=name,
            dtype=target.dtype,
        ),
        evidence=(described(name, target),),
        trials=(),
        fix=fixes.fix(
            scene,
            fixes.with_option(scene, scene.call, "ignore_index", None),
            "likely",
            said("Leave ignore_index out; multiply the losses of what is to be left out by 0."),
        ),
        alternatives=(
            fixes.fix(scene, replaced(scene, target=f"{{}}.argmax({min(1, len(target.shape) - 1)})"), "choose",
                      said("Pass the index of each class, not one-hot; .float() gives the same loss.")),
        ),
    )  # fmt: skip
