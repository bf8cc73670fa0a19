"""Dice and IoU, two measures of the same overlap, where one is computed and the other expected."""

from __future__ import annotations

import math

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun
from explainers.diagnoses.expectations import sought
from explainers.diagnoses.overlaps import overlap
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call
from explainers.reruns import WrapOutput

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_PAIR = "p, mask = torch.tensor([1.0, 1.0, 1.0, 0.0]), torch.tensor([1.0, 1.0, 0.0, 0.0])\nshared = (p * mask).sum()\n"
_CLOSE = 1e-3


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="dice-is-not-iou",
            unedited="Which of the two measures is wanted is the asker's choice.",
            family="overlaps",
            title=said("Dice and IoU are two measures of the same overlap"),
            explanation=said(
                "The Dice coefficient (F1) is 2·|A∩B| / (|A| + |B|), the Jaccard index or IoU (intersection over "
                "union) is |A∩B| / |A∪B|. IoU = Dice / (2 - Dice) and Dice = 2·IoU / (1 + IoU), so neither says more "
                "than the other. Dice is never the smaller one; both are 1 for the same masks and 0 for disjoint ones."
            ),
            words=(
                "dice or IoU differ",
                "difference between dice loss and IoU jaccard",
                "dice coefficient by hand gives intersection over union",
                "dice score higher than IoU",
            ),
            losses=frozenset(),
            about=frozenset({"dice_loss"}),
            trigger=_other,
            positive=_HEAD + _PAIR + "1 - 2 * shared / (p.sum() + mask.sum())",
            positive_claims=(Claim("expected", 0.3333, 5e-5, "0.3333"),),
            control=_HEAD + _PAIR + "1 - shared / (p.sum() + mask.sum() - shared)",
            control_claims=(Claim("expected", 0.3333, 5e-5, "0.3333"),),
        ),
    )


def _other(scene: Scene) -> Suspicion | None:
    found, value = overlap(scene), scene.value
    if found is None or value is None or scene.recording.subject not in scene.call.outputs:
        return None
    _, p, mask = found
    a, b = (each.array().astype(np.float64) for each in (p, mask))
    shared, whole = float((a * b).sum()), float(a.sum() + b.sum())
    if not whole or not 0 < shared < whole / 2:
        return None
    dice, iou = 2 * shared / whole, shared / (whole - shared)
    measures = (
        (dice, iou, _as_share),
        (1 - dice, 1 - iou, _as_rest),
        (iou, dice, _as_rest),
        (1 - iou, 1 - dice, _as_share),
    )
    for k, (this, that, edits) in enumerate(measures):
        if math.isclose(value, this, rel_tol=_CLOSE) and sought(scene, that):
            names = ("Dice", "IoU") if k < 2 else ("IoU", "Dice")
            return Suspicion(
                at=scene.call.index,
                verdict=said("{value} is of {this}; the number you expected is of {that}, another measure of the same "
                             "overlap.", value=stated(scene), this=names[0], that=names[1]),
                evidence=(
                    said("The intersection is {shared}, the sum of both masks {whole}, their union {union}: Dice is "
                         "{dice}, IoU {iou}.", shared=number(shared), whole=number(whole),
                         union=number(whole - shared), dice=number(dice), iou=number(iou)),
                ),
                trials=(Trial(said("as {that}", that=names[1]), graph_rerun(*edits(scene.call))),),
                fix=Fix((), "choose", said("Nothing to mend: compare Dice with Dice, or IoU with IoU.")),
            )  # fmt: skip
    return None


def _as_share(call: Call) -> tuple[WrapOutput, ...]:
    """x / (2 − x) = 2 / (2 − x) − 1: Dice as IoU, and a loss of IoU as one of Dice."""
    return (
        followed_by(call, "torch.neg"),
        followed_by(call, "torch.add", other=2.0),
        followed_by(call, "torch.reciprocal"),
        followed_by(call, "torch.mul", other=2.0),
        followed_by(call, "torch.add", other=-1.0),
    )


def _as_rest(call: Call) -> tuple[WrapOutput, ...]:
    """2x / (1 + x) = 2 − 2 / (1 + x): IoU as Dice, and a loss of Dice as one of IoU."""
    return (
        followed_by(call, "torch.add", other=1.0),
        followed_by(call, "torch.reciprocal"),
        followed_by(call, "torch.mul", other=-2.0),
        followed_by(call, "torch.add", other=2.0),
    )
