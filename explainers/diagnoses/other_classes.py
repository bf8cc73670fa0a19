"""The scores of the other classes: where they count in cross entropy, and where people expect them to."""

from __future__ import annotations

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, set_to, swapped, wrapped
from explainers.diagnoses.expectations import is_subject, sought
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.wording import number, stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LOGITS = "logits = torch.tensor([[2.0, 1.0, 0.5]])\n"
_EXPECTED = (Claim("expected", 0.8784, 5e-5, "0.8784"),)
_BINARY = "torch.nn.functional.binary_cross_entropy"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ce-other-classes-in-denominator",
            unedited="cross_entropy is right as it is; the other formula is another loss.",
            family="class-labels",
            title=said("The other classes count in the denominator of softmax, not as terms of their own"),
            explanation=said(
                "Cross entropy with one right class is −log p of that class: the terms of the others are multiplied "
                "with the label 0. Their scores still count, in the denominator of softmax: all probabilities add up "
                "to 1, so that p of the right class grows only as the others shrink, and every score gets a gradient. "
                "Adding −log(1 − p) of every other class is binary cross entropy, a loss for independent labels, which "
                "belongs to a sigmoid per class."
            ),
            words=(
                "why does cross entropy ignore the other classes",
                "cross entropy ignores the other output nodes",
                "loss only for the true class and not for every output",
                "do the other logits matter in CrossEntropyLoss",
                "sum over all classes of y log p plus (1-y) log(1-p)",
            ),
            losses=frozenset({"cross_entropy"}),
            trigger=_per_class,
            positive=_HEAD + _LOGITS + "F.cross_entropy(logits, torch.tensor([0]))",
            positive_claims=_EXPECTED,
            control=_HEAD + _LOGITS + "F.cross_entropy(logits, torch.tensor([0]))",
        ),
    )


def _per_class(scene: Scene) -> Suspicion | None:
    """Only where somebody states what binary cross entropy of the probabilities gives, summed over the classes."""
    x, y = scene.given("input"), scene.given("target")
    plain = scene.call.ref("weight") is None and not scene.option("label_smoothing", 0.0)
    if len(x.shape) != 2 or y.floating or not plain or scene.reduction != "mean" or not is_subject(scene):
        return None
    rows, labels = scene.array("input"), scene.array("target").astype(np.int64)
    count = rows.shape[1]
    if not ((labels >= 0) & (labels < count)).all() or not len(rows):
        return None
    others = _beside(rows, labels)
    value = scene.value
    if value is None or not sought(scene, value + others):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is −log p of the right class alone; the other {count} would add {others} as terms of their own.",
            value=stated(scene),
            count=count - 1,
            others=number(others),
        ),
        evidence=(
            said(
                "With −log(1 − p) of every other class it is binary cross entropy, {sum}: {value} + {others}.",
                sum=number(value + others),
                value=number(value),
                others=number(others),
            ),
        ),
        trials=(_binary(scene, count, len(rows)),),
        fix=fixes.fix(scene, None, "choose", said("Keep it for one right class; for independent labels use a sigmoid "
                                                 "per class, binary_cross_entropy_with_logits.")),
    )  # fmt: skip


def _beside(rows: Floats, labels: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> float:
    """The mean over items of −log(1 − p) of all classes but the right one, in float64."""
    shares = np.exp(rows - np.logaddexp.reduce(rows, axis=1, keepdims=True))
    terms = -np.log1p(-np.minimum(shares, 1 - 1e-16))
    terms[np.arange(len(labels)), labels] = 0.0
    return float(terms.sum(axis=1).mean())


def _binary(scene: Scene, classes: int, items: int) -> Trial:
    call = scene.call
    return Trial(
        said("binary cross entropy of the probabilities, summed over the classes"),
        graph_rerun(
            swapped(call, _BINARY, "input", "target"),
            wrapped(call, "input", "torch.softmax", dim=1),
            wrapped(call, "target", "torch.nn.functional.one_hot", num_classes=classes),
            wrapped(call, "target", "torch.Tensor.float"),
            set_to(call, "reduction", "sum"),
            followed_by(call, "torch.div", other=float(items)),
        ),
    )
