"""Class weights: what the weighted mean divides by."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, reduced_by, set_to
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.wording import number, of_call
from explainers.messages import Message, said
from explainers.reruns import GraphRerun

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_LOGITS = "logits = torch.tensor([[0.2, 1.3, -0.5], [0.5, 2.2, 0.3]])\nweight = torch.tensor([2.0, 4.0, 6.0])\n"
_SAME = _HEAD + _LOGITS + "target = torch.tensor([2, 2])\n"
_LOSSES = frozenset({"cross_entropy", "nll_loss"})
_MOST_TERMS = 6


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ce-weighted-mean-denominator",
            family="class-weights",
            title=said("The weighted mean divides by the sum of the weights"),
            explanation=said(
                "With class weights the mean of cross_entropy is a weighted mean: it divides by the sum of the weights "
                "of the targets, not by the number of items. So the weights decide which items count more, not how "
                "large the loss is. A factor that all weights have in common cancels."
            ),
            words=(
                "class weights mean wrong",
                "weighted cross entropy mean",
                "weight reduction mean denominator",
                "weighted average of the loss",
                "mean of reduction none differs with weight",
            ),
            losses=_LOSSES,
            trigger=_weighted_denominator,
            positive=_HEAD + _LOGITS + "target = torch.tensor([2, 1])\nF.cross_entropy(logits, target, weight=weight)",
            dominates=frozenset({"reduction-expected-sum"}),
            control=_HEAD
            + _LOGITS
            + "target = torch.tensor([2, 1])\nF.cross_entropy(logits, target, weight=weight, reduction='sum')",
        ),
        Rule(
            slug="ce-weight-mean-cancels",
            family="class-weights",
            title=said("The weight cancels out of the mean"),
            explanation=said(
                "The weighted mean divides by the sum of the weights of the targets. Where all of them have the same "
                "weight, as in a batch of one item or one class, it cancels, and the weights have no effect at all. "
                "Use a larger batch, or reduction='sum' and divide by the number of items yourself (also with gradient "
                "accumulation)."
            ),
            words=(
                "class weights no effect",
                "weight has no effect batch size 1",
                "weights cancel",
                "weighted loss identical to unweighted",
            ),
            losses=_LOSSES,
            trigger=_weight_cancels,
            positive=_SAME + "F.cross_entropy(logits, target, weight=weight)",
            dominates=frozenset({"reduction-expected-sum"}),
            control=_SAME + "F.cross_entropy(logits, target, weight=weight, reduction='sum')",
        ),
    )


def _weighted_denominator(scene: Scene) -> Suspicion | None:
    weights = _taken(scene)
    if weights is None or scene.reduction != "mean" or len(weights) < 2 or np.ptp(weights) == 0:
        return None
    total, items = float(weights.sum()), len(weights)
    if np.isclose(total, items):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is a weighted mean: it divides by the sum of the weights, {total}, not by the {items} items.",
            value=of_call(scene),
            total=number(total),
            items=items,
        ),
        evidence=(
            said("The weights of the targets are {sum} = {total}.", sum=_added(weights), total=number(total)),
            *_against(weights),
            *_as_probabilities(scene, total, items),
            said(
                "Losses that multiply element by element, such as binary_cross_entropy_with_logits, take the plain "
                "mean over the number of elements instead: there a weight makes the loss larger."
            ),
        ),
        trials=(_over_items(scene, items),),
        fix=_sum_instead(scene, items),
    )


def _weight_cancels(scene: Scene) -> Suspicion | None:
    weights = _taken(scene)
    if weights is None or scene.reduction != "mean" or not len(weights) or np.ptp(weights) != 0:
        return None
    same = float(weights[0])
    if same in (0.0, 1.0):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is the same as without weights: {weight} stands above and below the line.",
            value=of_call(scene),
            weight=number(same),
        ),
        evidence=(
            said(
                "All {items} targets have the weight {weight}; the sum of weights is {sum}.",
                items=len(weights),
                weight=number(same),
                sum=number(float(weights.sum())),
            ),
        ),
        trials=(
            Trial(said("without weights"), graph_rerun(set_to(scene.call, "weight", None)), "equivalent"),
            _over_items(scene, len(weights)),
        ),
        fix=_sum_instead(scene, len(weights)),
    )


def _taken(scene: Scene) -> Floats | None:
    """The weight of each target that takes part; None without class weights or for soft labels."""
    if scene.call.ref("weight") is None or scene.given("target").floating or scene.option("label_smoothing", 0.0):
        return None
    weight, y = scene.array("weight"), scene.array("target").astype(np.int64).reshape(-1)
    return weight[y[(y != scene.option("ignore_index", -100)) & (y >= 0) & (y < len(weight))]]


def _against(weights: Floats) -> tuple[Message, ...]:
    """What weights below 0 make of a mean."""
    if not (weights < 0).any():
        return ()
    return (said("A negative weight counts its items against the others, so this is no average of them."),)


def _added(weights: Floats) -> str:
    """6 + 4, in the middle left out where there are many."""
    terms = [number(float(one)) for one in weights]
    shown = terms if len(terms) <= _MOST_TERMS else [*terms[: _MOST_TERMS - 1], "…"]
    return " + ".join(shown)


def _as_probabilities(scene: Scene, total: float, items: int) -> tuple[Message, ...]:
    """What the same labels give as one-hot floats, whose mean is over the rows."""
    if scene.name != "cross_entropy" or scene.value is None or scene.call.argument("label_smoothing"):
        return ()
    return (
        said(
            "As class probabilities (one-hot floats) the same labels would be averaged over the number of rows, not by "
            "the weights: {value} · {total} / {items} = {other}.",
            value=number(scene.value),
            total=number(total),
            items=items,
            other=number(scene.value * total / items),
        ),
    )


def _over_items(scene: Scene, items: int) -> Trial:
    return Trial(said("with reduction='sum', divided by the {items} items", items=items), _divided(scene, items))


def _divided(scene: Scene, items: int) -> GraphRerun:
    return graph_rerun(*reduced_by(scene.call, "sum"), followed_by(scene.call, "torch.div", other=items))


def _sum_instead(scene: Scene, items: int) -> Fix:
    note = said("Where the mean over items is wanted, sum and divide: reduction='sum', then / {items}.", items=items)
    return fixes.fix(scene, fixes.summed_over(scene, items), "choose", note)
