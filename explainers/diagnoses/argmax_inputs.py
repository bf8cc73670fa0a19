"""Predicted classes passed where a loss wants the scores that they were chosen by."""

from __future__ import annotations

from explainers.diagnoses import fixes
from explainers.diagnoses.class_axes import OF_INDICES
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import shape
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\nx = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="predicted-classes-as-scores",
            family="class-targets",
            title=said("Predicted classes are passed as scores"),
            explanation=said(
                "argmax gives the index of the largest score. A loss compares the scores themselves with the target, "
                "and has a gradient only by them; argmax is for counting hits."
            ),
            words=("argmax before the loss", "predicted classes into cross entropy", "argmax cross_entropy"),
            losses=OF_INDICES | {"multi_margin_loss"},
            trigger=_chosen,
            positive=_HEAD + "F.cross_entropy(x.argmax(1), torch.tensor([0, 1]))",
            control=_HEAD + "F.cross_entropy(x, torch.tensor([0, 1]))",
            concern="exception",
            dominates=frozenset({"integer-prediction", "ce-target-int-one-hot", "arguments-do-not-fit"}),
        ),
    )


def _chosen(scene: Scene) -> Suspicion | None:
    given, maker = scene.given("input"), scene.nearest("input")
    if given.floating or maker is None or short(maker) != "argmax":
        return None
    name = known_as(scene, "input")
    before = scene.recording.tensors.get(next(iter(maker.inputs()), -1))
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} is what argmax chose, {dtype} of shape {shape}; {function} wants the scores themselves.",
                     name=name, dtype=given.dtype, shape=shape(given.shape), function=scene.name),
        evidence=() if before is None else (
            said("argmax was given {dtype} of shape {shape}.", dtype=before.dtype, shape=shape(before.shape)),
        ),
        trials=(),
        fix=fixes.fix(scene, fixes.without(scene, maker, "input"), "likely", said("Pass the scores.")),
    )  # fmt: skip
