"""Means and sums: what a loss is divided by, and what was expected."""

from __future__ import annotations

import math

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, reduced_by
from explainers.diagnoses.expectations import sought
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import of_call, shape
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LOGITS = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ntarget = torch.tensor([0, 1])\n"
_PAIRS = "a = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 0.0, 3.0]])\nb = torch.zeros(2, 4)\n"
_ELEMENTWISE = frozenset(
    {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"}
)

_PER_ITEM = frozenset({"multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss"})
AVERAGED = _ELEMENTWISE | {
    *("cross_entropy", "nll_loss", "kl_div", "poisson_nll_loss", "gaussian_nll_loss", "soft_margin_loss", "ctc_loss"),
    *(
        "hinge_embedding_loss",
        "margin_ranking_loss",
        "cosine_embedding_loss",
        "triplet_margin_loss",
        "multi_margin_loss",
    ),
    *("multilabel_margin_loss", "multilabel_soft_margin_loss"),
}
"""The losses that take a reduction, the mean unless it says otherwise."""


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="reduction-expected-sum",
            family="reductions",
            title=said("Another reduction was expected"),
            explanation=said(
                "A loss of torch is averaged unless reduction says otherwise: 'sum' adds the terms up, 'none' "
                "keeps each. A sum and its gradient grow with the number of items, so double with the "
                "batch size; a mean does not."
            ),
            words=(
                "mean or sum",
                "loss is divided by n",
                "mean loss divided by the batch size again",
                "reduction sum",
                "loss half of the formula",
                "reduction mean vs sum",
                "loss grows with the batch size",
                "loss doubles when the batch size doubles reduction sum",
                "loss is twice as big with twice the batch",
                "switched reduction from mean to sum and training diverges",
            ),
            losses=frozenset(AVERAGED),
            trigger=_other_reduction,
            positive=_HEAD + _LOGITS + "F.cross_entropy(logits, target)",
            positive_claims=(Claim("expected", 0.5477, 5e-5, "0.5477"),),
            control=_HEAD + _LOGITS + "F.cross_entropy(logits, target, reduction='sum')",
            control_claims=(Claim("expected", 0.5477, 5e-5, "0.5477"),),
        ),
        Rule(
            slug="mse-mean-over-features",
            family="reductions",
            title=said("The mean is over all elements, not over the items"),
            explanation=said(
                "The mean divides by every element of every item. Added up over the features first and "
                "averaged over the items, the value is larger by the number of features. Of maps that are mostly zero "
                "(heatmaps, masks, backgrounds) the mean is therefore tiny from the start, whatever the few other "
                "pixels are; of boxes a sum over the 4 coordinates is 4 times the mean. That is a constant factor, "
                "made up for by a weight or the learning rate."
            ),
            words=(
                "mse mean over features",
                "mse per sample sum over features",
                "mse divided by number of features",
                "heatmap MSE loss very small from the start",
                "MSE loss of mostly zero maps is tiny",
                "smooth l1 loss of boxes divided by the number of samples only, sum over 4 coordinates",
                "size_average=False divided by the number of boxes",
            ),
            losses=_ELEMENTWISE,
            trigger=_over_features,
            positive=_HEAD + _PAIRS + "F.mse_loss(a, b)",
            positive_claims=(Claim("expected", 20.0, text="20"),),
            control=_HEAD + _PAIRS + "F.mse_loss(a, b, reduction='sum') / len(a)",
            control_claims=(Claim("expected", 20.0, text="20"),),
            dominates=frozenset({"reduction-expected-sum"}),
        ),
    )


def _other_reduction(scene: Scene) -> Suspicion | None:
    value = scene.value
    wanted = {"mean": "sum", "sum": "mean"}.get(scene.reduction)
    if value is None or wanted is None or not math.isfinite(value) or scene.recording.subject not in scene.call.outputs:
        return None
    several = {n for n in counts(scene) if n > 1}
    by = next((n for n in sorted(several) if sought(scene, value * n if wanted == "sum" else value / n)), None)
    if by is None:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is the {given}, not the {wanted}.",
            value=of_call(scene),
            given=scene.reduction,
            wanted=wanted,
        ),
        evidence=(said("{count} terms: the sum is {count} times the mean.", count=by), *_averaged(scene.reduction, by)),
        trials=(
            Trial(said("with reduction='{reduction}'", reduction=wanted), graph_rerun(*reduced_by(scene.call, wanted))),
        ),
        fix=fixes.fix(
            scene,
            fixes.with_option(scene, scene.call, "reduction", f"'{wanted}'"),
            "likely",
            said("Say which reduction is wanted."),
        ),
    )


def _averaged(reduction: str, count: int) -> tuple[Message, ...]:
    if reduction != "mean":
        return ()
    return (
        said(
            "A mean is one number (a scalar) that is already averaged: divided by {count} again, it and its gradient "
            "would be {count} times too small, as with a smaller learning rate.",
            count=count,
        ),
    )


def counts(scene: Scene) -> set[int]:
    """The numbers that a mean of this call could divide by."""
    tensors = [scene.recording.tensors[id] for id in scene.call.inputs()]
    rows = {t.shape[0] if t.shape else 1 for t in tensors}
    if scene.name in _PER_ITEM:
        first = scene.given("input").shape
        return {first[0] if len(first) > 1 else 1}
    return {*rows, *(t.elements for t in tensors)}


def _over_features(scene: Scene) -> Suspicion | None:
    size, value = scene.given("input").shape, scene.value
    if (
        len(size) < 2
        or scene.reduction != "mean"
        or value is None
        or size != scene.given("target").shape
        or not all(size)
    ):
        return None
    features = math.prod(size[1:])
    if features < 2 or not sought(scene, value * features) or scene.recording.subject not in scene.call.outputs:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} divides by all {elements} elements, not by {items} items only: that is the sum over {features} "
            "features, averaged over the items.",
            value=of_call(scene),
            elements=math.prod(size),
            features=features,
            items=size[0],
        ),
        evidence=(
            said(
                "The input has shape {shape}; the ratio of the two numbers is {features}.",
                shape=shape(size),
                features=features,
            ),
        ),
        trials=(
            Trial(
                said("summed over the features, averaged over the items"),
                graph_rerun(*reduced_by(scene.call, "sum"), followed_by(scene.call, "torch.div", other=size[0])),
            ),
        ),
        fix=fixes.fix(
            scene,
            fixes.summed_over(scene, size[0]),
            "likely",
            said("Use reduction='sum' and divide by the number of items."),
        ),
    )
