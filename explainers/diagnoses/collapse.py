"""Losses that stand still: collapsed embeddings, margins that are met, scores without information."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, scaled, set_to, wrapped
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.turning import numbers
from explainers.diagnoses.wording import number, of_call
from explainers.messages import Message, said
from explainers.recording import Items, Ref

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_SAME = "anchor = torch.tensor([[0.3, 0.4], [0.3, 0.4]])\npositive = anchor.clone()\nnegative = anchor.clone()\n"
_PAIR = "scores, y = torch.tensor([0.3, 0.3]), torch.tensor([1.0, 1.0])\n"
_MARGINS = {
    "margin_ranking_loss": 0.0,
    "hinge_embedding_loss": 1.0,
    "triplet_margin_loss": 1.0,
    "multi_margin_loss": 1.0,
    "cosine_embedding_loss": 0.0,
    "triplet_margin_with_distance_loss": 1.0,
}
_HAIR = 1e-6
_APART = "a = torch.tensor([[1.0, 0.0]])\nb = torch.tensor([[-1.0, 2.0]])\n"
_EASY = "anchor, positive, negative = torch.tensor([[0.0, 0.0], [0.1, 0.0], [3.0, 4.0]]).split(1)\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="triplet-margin-at-collapse",
            unedited="What makes embeddings equal lies in the training before the loss.",
            family="collapse",
            title=said("All embeddings are the same point, so only the margin is left"),
            explanation=said(
                "triplet_margin_loss is max(0, d(a,p) − d(a,n) + margin). Where the embeddings collapse to the same "
                "point, both distances are equal and the loss is exactly the margin: 0 - 0 + margin. A loss that stays "
                "there means that the model gives every input the same embedding."
            ),
            words=(
                "triplet loss stuck at margin",
                "triplet loss equals margin",
                "triplet loss does not decrease",
                "embedding collapse",
            ),
            losses=frozenset({"triplet_margin_loss"}),
            trigger=_collapsed,
            positive=_HEAD + _SAME + "F.triplet_margin_loss(anchor, positive, negative, margin=1.0)",
            control=_HEAD + _SAME + "F.triplet_margin_loss(anchor, positive, negative + 0.4, margin=1.0)",
        ),
        Rule(
            slug="ranking-margin-at-tie",
            unedited="What makes scores equal lies in the model before the loss.",
            family="collapse",
            title=said("Both scores of each pair are equal, so only the margin is left"),
            explanation=said(
                "margin_ranking_loss is max(0, −y · (x1 − x2) + margin). Where both scores of a pair are equal, the "
                "loss is exactly the margin, whatever the label. A loss that stays there means that the model gives "
                "every item the same score."
            ),
            words=(
                "margin ranking loss is exactly the margin",
                "ranking loss stuck at margin",
                "ranking loss does not decrease",
                "both scores identical",
            ),
            losses=frozenset({"margin_ranking_loss"}),
            trigger=_tied,
            positive=_HEAD + _PAIR + "F.margin_ranking_loss(scores, scores, y, margin=0.5)",
            control=_HEAD + _PAIR + "F.margin_ranking_loss(scores, scores - 0.2, y, margin=0.5)",
        ),
        Rule(
            slug="hinge-satisfied-zero-grad",
            family="collapse",
            title=said("Every margin is met"),
            explanation=said(
                "A margin loss is exactly 0 once every margin is met, and so is its gradient: there is nothing left to "
                "learn from these items."
            ),
            words=(
                "margin loss is 0",
                "margin loss exactly zero",
                "triplet loss is 0",
                "margin ranking loss 0",
                "TripletMarginLoss 0.0 nothing is learned",
                "why is the margin loss zero",
                "cosine embedding loss gives zero gradient for negative pairs",
            ),
            losses=frozenset({*_MARGINS, "multilabel_margin_loss"}),
            trigger=_satisfied,
            positive=_HEAD
            + "F.margin_ranking_loss(torch.tensor([5.0]), torch.tensor([1.0]), torch.tensor([1.0]), margin=1.0)",
            control=_HEAD
            + "F.margin_ranking_loss(torch.tensor([1.5]), torch.tensor([1.0]), torch.tensor([1.0]), margin=1.0)",
            variants=(
                _HEAD + _EASY + "F.triplet_margin_loss(anchor, positive, negative)",
                _HEAD + _APART + "F.cosine_embedding_loss(a, b, torch.tensor([-1.0]))",
                _HEAD + "F.hinge_embedding_loss(torch.tensor([1.5, 2.0]), torch.tensor([-1.0, -1.0]))",
                _HEAD + "F.multi_margin_loss(torch.tensor([[3.0, 0.5, 1.0]]), torch.tensor([0]))",
            ),
            harmless=True,
        ),
    )


def _collapsed(scene: Scene) -> Suspicion | None:
    a, p, n = (scene.array(name) for name in ("anchor", "positive", "negative"))
    margin, value = scene.option("margin", 1.0), scene.returned
    near, far = _distance(scene, a, p), _distance(scene, a, n)
    if scene.call.argument("swap") or not near.size or value is None or margin <= 0:
        return None
    if max(float(np.abs(near - far).max()), float(np.minimum(near, far).max())) > 0.05 * margin:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is the margin, {margin}: all embeddings are (nearly) the same point.",
            value=number(value),
            margin=number(margin),
        ),
        evidence=(
            said(
                "d(a,p) = {near} and d(a,n) = {far} on average: their difference is {gap}.",
                near=number(float(near.mean())),
                far=number(float(far.mean())),
                gap=number(float((near - far).mean())),
            ),
        ),
        trials=(
            Trial(
                said("with the negatives moved by 5 in every coordinate"),
                graph_rerun(wrapped(scene.call, "negative", "torch.add", other=5.0)),
                "illustration",
            ),
            Trial(
                said("with a margin of {margin}", margin=number(2 * margin)),
                graph_rerun(set_to(scene.call, "margin", 2 * margin)),
                "illustration",
            ),
        ),
        fix=Fix(
            (),
            "choose",
            said(
                "Look for what makes the embeddings equal: learning rate, normalisation, too hard negatives at "
                "the start."
            ),
        ),
    )


def _tied(scene: Scene) -> Suspicion | None:
    higher, lower = scene.array("input1"), scene.array("input2")
    margin, value = scene.option("margin", 0.0), scene.returned
    if margin <= 0 or value is None or not higher.size or abs(value - margin) > 0.05 * margin:
        return None
    gap = float(np.abs(higher - lower).max())
    if gap > 0.05 * margin:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is the margin, {margin}: both scores of each pair are (nearly) equal.",
            value=number(value),
            margin=number(margin),
        ),
        evidence=(said("The two scores of a pair differ by {gap} at most.", gap=number(gap)),),
        trials=(
            Trial(
                said("with the first score of each pair higher by 5"),
                graph_rerun(wrapped(scene.call, "input1", "torch.add", other=5.0)),
                "illustration",
            ),
        ),
        fix=Fix((), "choose", said("Look for what makes the scores equal: learning rate, or inputs that do not vary.")),
    )


def _distance(scene: Scene, x: Floats, y: Floats) -> Floats:
    """torch's pairwise distance, with its eps inside the norm."""
    p, eps = scene.option("p", 2.0), scene.option("eps", 1e-6)
    return np.asarray(np.linalg.norm(x - y + eps, ord=p, axis=-1))


def _satisfied(scene: Scene) -> Suspicion | None:
    first = scene.call.arguments[0].name
    if scene.value != 0 or scene.recording.subject not in scene.call.outputs or not _by_margin(scene):
        return None
    if (given := scene.recorded(first)) is not None and not given.size:
        return None
    margin = scene.option("margin", _MARGINS.get(scene.name, 1.0))
    unmet = _unmet(scene, margin)
    easy = () if scene.name == "cosine_embedding_loss" else (_easy(),)  # there a larger margin asks for less
    grown = () if unmet is None else (_at_margin(scene, unmet),)
    shrunk = Trial(
        said("with a tenth of the input"),
        graph_rerun(scaled(scene.call, first, 0.1)),
        "illustration",
    )
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} is right: every margin is met, and the gradient is 0.", value=of_call(scene)),
        evidence=(said("The margin is {margin}.", margin=number(margin)), *_nearest_term(scene, margin), *easy),
        trials=grown if scene.name in _MARGINS else (shrunk,),
    )


def _at_margin(scene: Scene, margin: float) -> Trial:
    rerun = graph_rerun(set_to(scene.call, "margin", margin))
    return Trial(said("with a margin of {margin}", margin=number(margin)), rerun, "illustration")


def _unmet(scene: Scene, margin: float) -> float | None:
    """A margin that a term does not meet: a larger one, or below the largest cosine of a pair that is to be apart.

    None where no margin is such a one: all of these cosines are −1, or no pair is to be apart.
    """
    if scene.name != "cosine_embedding_loss":
        return 10 * margin if margin else 10.0
    cosines, y = np.broadcast_arrays(_cosines(scene.array("input1"), scene.array("input2")), scene.array("target"))
    largest = max((float(cosine) for cosine in cosines[y == -1]), default=-1.0)
    return (largest - 1) / 2 if largest > -1 + _HAIR else None


def _easy() -> Message:
    return said(
        "Such items are easy: already apart by the margin. The more a model has learned, the more of them there are. "
        "Hard ones teach it more: mine those that break the margin out of a larger batch, or raise the margin."
    )


def _by_margin(scene: Scene) -> bool:
    """Whether some item has a margin, and torch's gradient is 0, as far as it is known: it need not be at the edge."""
    apart = scene.name not in ("cosine_embedding_loss", "hinge_embedding_loss") or (scene.array("target") == -1).any()
    if scene.slopes is None:
        return bool(apart)
    given = [numbers(scene.slopes.get(id)) for id in scene.call.inputs() if scene.recording.tensors[id].floating]
    known = [slope for slope in given if slope is not None]
    return bool(apart) and bool(known) and not any(slope.any() for slope in known)


def _nearest_term(scene: Scene, margin: float) -> tuple[Message, ...]:
    """The largest term before it is cut at 0, with the quantities that it is made of."""
    if scene.call.argument("swap"):
        return ()
    match scene.name:
        case "triplet_margin_loss" | "triplet_margin_with_distance_loss":
            distances = _distances(scene)
            if distances is None:
                return ()
            near, far = distances
            at = int(np.argmax(near - far))
            text = "max(0, d(a,p) − d(a,n) + margin) is largest where it is max(0, {one} − {other} + {margin}) = 0."
            return (said(text, one=_at(near, at), other=_at(far, at), margin=number(margin)),)
        case "margin_ranking_loss":
            higher, lower, y = (scene.array(name) for name in ("input1", "input2", "target"))
            gaps = np.atleast_1d(y * (higher - lower))
            text = "max(0, −y · (x1 − x2) + margin) is largest where it is max(0, −({gap}) + {margin}) = 0."
            return (said(text, gap=number(float(gaps.min())), margin=number(margin)),)
        case "cosine_embedding_loss":
            cosines = np.atleast_1d(_cosines(scene.array("input1"), scene.array("input2")))
            text = (
                "For a target of −1 the term is max(0, cos − margin), and the largest cosine is {cos}: only pairs with "
                "a cosine above the margin are pushed apart. For a target of 1 it is 1 − cos."
            )
            return (said(text, cos=number(float(cosines.max()))),)
        case _:
            return ()


def _distances(scene: Scene) -> tuple[Floats, Floats] | None:
    """d(a,p) and d(a,n) of every triplet; with a function of one's own, as it measured them."""
    if scene.name == "triplet_margin_loss":
        a, p, n = (scene.array(name) for name in ("anchor", "positive", "negative"))
        return np.atleast_1d(_distance(scene, a, p)), np.atleast_1d(_distance(scene, a, n))
    match scene.call.argument("distance_function"):
        case Items(items=(Ref() as near, Ref() as far, *_)):
            one, other = scene.held(near.id), scene.held(far.id)
            return None if one is None or other is None else (np.atleast_1d(one), np.atleast_1d(other))
        case _:
            return None


def _at(values: Floats, index: int) -> str:
    return number(float(values.reshape(-1)[index]))


def _cosines(one: Floats, other: Floats) -> Floats:
    norms = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return np.asarray((one * other).sum(-1) / np.maximum(norms, 1e-8))
