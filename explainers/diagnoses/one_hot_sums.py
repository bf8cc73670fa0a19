"""Cross entropy with a class index, and the sum −Σ y log p over one-hot labels: one number."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses.class_rows import class_dim
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import of_call
from explainers.messages import said
from explainers.recording import scalar

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "logits = torch.tensor([[2.0, 1.0, 0.1]])\ntarget = torch.tensor([0])\ny = F.one_hot(target, 3)\n"
)
_OWN = "print(-(y * torch.log_softmax({}, dim=1)).sum(dim=1).mean())\nprint(F.cross_entropy(logits, target))"
_CLOSE = 1e-5


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="index-picks-one-term",
            family="class-labels",
            title=said("A class index picks the one term that one-hot labels leave"),
            explanation=said(
                "−Σ y log q with one-hot labels y has a single term that is not 0: the right class, where y is 1. "
                "cross_entropy is given its index instead of the row of 0s and 1s and takes that term, "
                "−log softmax(x)[class] = −x[class] + log Σ exp(x_j). So both formulas are the same; with soft labels "
                "(class probabilities) pass y itself."
            ),
            words=(
                "cross entropy formula with class index or sum of y log p",
                "loss(x, class) = -log(exp(x[class]) / sum exp(x)) and -Y log(Y_hat), where is Y",
                "are the two formulas of cross entropy the same",
                "one-hot label or class index in cross entropy formula",
            ),
            losses=frozenset({"cross_entropy"}),
            trigger=_same_number,
            positive=_HEAD + _OWN.format("logits"),
            control=_HEAD + _OWN.format("2 * logits"),
            harmless=True,
        ),
    )


def _same_number(scene: Scene) -> Suspicion | None:
    """The program makes its target one-hot, and shows the same value once more."""
    target, value = scene.call.ref("target"), scene.value
    x = scene.given("input")
    if target is None or value is None or scene.given("target").floating or not x.shape:
        return None
    one_hot = [c for c in scene.recording.calls if short(c) == "one_hot" and target in c.inputs()]
    tensors = scene.recording.tensors
    again = [n for id in scene.recording.others if id in tensors and (n := scalar(tensors[id])) is not None]
    if not one_hot or not any(np.isclose(n, value, rtol=_CLOSE, atol=_CLOSE) for n in again) or len(x.shape) > 2:
        return None
    row = (
        wrapped(scene.call, "target", "torch.nn.functional.one_hot", num_classes=x.shape[class_dim(scene)]),
        wrapped(scene.call, "target", "torch.Tensor.float"),
    )
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} is both: with one-hot labels only the term of the right class is left.",
                     value=of_call(scene)),
        evidence=(said("The program makes the target one-hot, and shows the same value of that."),),
        trials=(Trial(said("with the one-hot row itself as the target"), graph_rerun(*row), "equivalent"),),
    )  # fmt: skip
