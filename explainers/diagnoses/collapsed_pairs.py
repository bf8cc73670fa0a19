"""Losses of pairs, and hinges, whose embeddings or scores are all the same: what is left is the margin."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced, wrapped
from explainers.diagnoses.hinges import hinges
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call, Tensor

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_SAME = "a = torch.tensor([[0.6, 0.8], [0.6, 0.8]])\ny = torch.tensor([1.0, -1.0])\n"
_HINGE = "y = torch.tensor([1.0, -1.0, 1.0])\n{}torch.clamp(1 - y * x, min=0).mean()"
_NEAR = 0.05


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="pairs-at-collapse",
            unedited="What makes embeddings equal lies in the training before the loss.",
            family="collapse",
            title=said("All embeddings are the same, so only the negative pairs cost something"),
            explanation=said(
                "A loss of pairs is 0 for a positive pair of equal embeddings; a negative pair of equal ones costs "
                "the most that it can: 1 - margin in cosine_embedding_loss, the margin in hinge_embedding_loss. Where "
                "the embeddings collapse to one point the mean is that number times the share of negative pairs: "
                "exactly 0.5 for halves and the usual margins."
            ),
            words=(
                "cosine embedding loss stuck at 0.5 positive and negative pairs",
                "CosineEmbeddingLoss stays constant all outputs are the same",
                "hinge embedding loss stuck at half the margin",
                "siamese network embedding collapse identical outputs",
            ),
            losses=frozenset({"cosine_embedding_loss", "hinge_embedding_loss"}),
            trigger=_collapsed,
            positive=_HEAD + _SAME + "F.cosine_embedding_loss(a, a, y)",
            control=_HEAD + _SAME + "F.cosine_embedding_loss(a, a.flip(1) * y[:, None], y)",
            variants=(_HEAD + "F.hinge_embedding_loss(torch.zeros(2), torch.tensor([1.0, -1.0]))",),
        ),
        Rule(
            slug="hinge-at-zero-scores",
            unedited="What makes the scores 0 lies in the model before the loss.",
            family="collapse",
            title=said("All scores are 0, so every item costs exactly the margin"),
            explanation=said(
                "The hinge loss of a Support Vector Machine is max(0, margin - y · score) with labels -1 and 1 and a "
                "margin of 1. Where a model gives every item the score 0, each costs exactly the margin whatever its "
                "label: a loss that stays at exactly 1 says that the model decides nothing. Below 1 an item is on the "
                "right side, at 0 it is so by the whole margin."
            ),
            words=(
                "hinge loss is exactly 1",
                "hinge loss stuck at 1",
                "SVM hinge loss does not go below 1",
                "hinge loss equals the margin outputs are 0",
            ),
            losses=frozenset({"soft_margin_loss"}),
            about=frozenset({"hinge"}),
            handwritten=True,
            trigger=_undecided,
            positive=_HEAD + _HINGE.format("x = torch.zeros(3)\n"),
            control=_HEAD + _HINGE.format("x = torch.tensor([0.5, -2.0, 0.3])\n"),
        ),
    )


def _collapsed(scene: Scene) -> Suspicion | None:
    y, value = scene.array("target"), scene.returned
    distances = _from_one_point(scene)
    if value is None or value <= 0 or y.size < 2 or not distances.size or distances.max() > _NEAR:
        return None
    negative, cosine = int((y == -1).sum()), scene.name == "cosine_embedding_loss"
    margin = scene.option("margin", 0.0 if cosine else 1.0)
    apart = ("input2", "torch.neg", {}) if cosine else ("input", "torch.add", {"other": 2 * margin})
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is what {count} negative pairs of {all} cost: all embeddings are (nearly) the same.",
            value=stated(scene),
            count=negative,
            all=y.size,
        ),
        evidence=(
            said(
                "A negative pair of equal embeddings costs {cost}, a positive one 0.",
                cost=number(1 - margin if cosine else margin),
            ),
        ),
        trials=(
            Trial(
                said("with embeddings that are far apart"),
                graph_rerun(wrapped(scene.call, apart[0], apart[1], **apart[2])),
                "illustration",
            ),
        ),
        fix=Fix((), "choose", said("Look for what makes the embeddings equal: learning rate, normalisation, too few "
                                   "negatives.")),
    )  # fmt: skip


def _from_one_point(scene: Scene) -> Floats:
    """How far the two embeddings of each pair are apart: 1 − cosine, or the distance that the loss is given."""
    if scene.name == "hinge_embedding_loss":
        return np.abs(scene.array("input"))
    one, other = scene.array("input1"), scene.array("input2")
    norms = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return np.atleast_1d(1 - (one * other).sum(-1) / np.maximum(norms, 1e-8))


def _undecided(scene: Scene) -> Suspicion | None:
    found = _hinge(scene)
    if found is None or scene.value is None:
        return None
    cut, margin, scores = found
    if abs(scene.value - margin) > _NEAR * margin:
        return None
    return Suspicion(
        at=cut.index,
        verdict=said(
            "{value} is the margin, {margin}: all scores are (nearly) 0.", value=stated(scene), margin=number(margin)
        ),
        evidence=(
            said("The scores lie between {low} and {high}.", low=number(float(scores[1].min())),
                 high=number(float(scores[1].max()))),
        ),
        trials=(
            Trial(
                said("with scores of {margin} on the right side", margin=number(margin)),
                graph_rerun(replaced(scores[0], scores[2] * margin)),
                "illustration",
            ),
        ),
        fix=Fix((), "choose", said("Look for what keeps the scores at 0: learning rate, dead units, weight decay.")),
    )  # fmt: skip


def _hinge(scene: Scene) -> tuple[Call, float, tuple[Tensor, Floats, Floats]] | None:
    """What is cut at 0, the margin, and the scores with their labels: max(0, margin − label · score)."""
    for hinge in hinges(scene):
        cost, pair = scene.held(hinge.cut.inputs()[0]), _labelled(scene, hinge.product)
        if cost is None or pair is None or not cost.size:
            continue
        margin = float(np.median(cost))
        if margin > 0 and np.ptp(cost) <= _NEAR * margin and np.abs(pair[1]).max() <= _NEAR * margin:
            return hinge.cut, margin, pair
    return None


def _labelled(scene: Scene, product: Call) -> tuple[Tensor, Floats, Floats] | None:
    """The scores, their numbers, and the labels −1 and 1 that they are multiplied with."""
    ids = product.inputs()
    held = [scene.held(id) for id in ids]
    if len(ids) != 2 or held[0] is None or held[1] is None or held[0].shape != held[1].shape or not held[0].size:
        return None
    for k, labels in enumerate(held):
        scores = held[1 - k]
        if labels is not None and scores is not None and (np.abs(labels) == 1).all():
            return scene.recording.tensors[ids[1 - k]], scores, labels
    return None
