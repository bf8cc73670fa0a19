"""A prediction that is the same for every item: the best constant is a mean or a median."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import number, stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_TARGETS = "y = torch.tensor([1.0, 2.0, 9.0])\n"
_MEANS = frozenset({"mse_loss"})
_MEDIANS = frozenset({"l1_loss"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="prediction-is-constant",
            unedited="What makes the model ignore its input lies before the loss.",
            family="collapse",
            title=said("The prediction is the same for every item"),
            explanation=said(
                "A model that can't use its input learns the best constant: the mean of the targets under mse_loss, "
                "where the loss is their variance, and their median under l1_loss. For labels 0 and 1 in equal shares "
                "that is 0.5 with an mse_loss of 0.25. A loss that stays there says that the input does not reach the "
                "output: dead units, a wrong learning rate, targets without relation to the input."
            ),
            words=(
                "network always predicts the same value",
                "model predicts the mean of the targets",
                "constant prediction regression",
                "L1 loss predicts the median MSE the mean",
                "mse loss stuck at 0.25",
                "MSE stuck at the variance of the targets",
            ),
            losses=_MEANS | _MEDIANS,
            trigger=_constant,
            positive=_HEAD + _TARGETS + "F.mse_loss(torch.full((3,), 4.0), y)",
            control=_HEAD + _TARGETS + "F.mse_loss(torch.tensor([1.5, 2.5, 8.0]), y)",
            variants=(_HEAD + _TARGETS + "F.l1_loss(torch.full((3,), 2.0), y)",),
            harmless=True,
        ),
    )


def _constant(scene: Scene) -> Suspicion | None:
    x, y = scene.array("input"), scene.array("target")
    if x.shape != y.shape or x.size < 2 or np.ptp(x) > 0 or np.ptp(y) == 0 or not np.isfinite([x, y]).all():
        return None
    constant, median = float(x.flat[0]), scene.name in _MEDIANS
    best = float(np.median(y) if median else y.mean())
    tensor = scene.given("input")
    if constant == 0:
        return None  # zeros are what one begins with, or compares with
    least = said("the median") if median else said("the mean")
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is of one prediction for all, {constant}; the best constant is {least} of the targets, {best}.",
            value=stated(scene),
            constant=number(constant),
            least=least,
            best=number(best),
        ),
        evidence=(
            said("The targets lie between {low} and {high}; their mean is {mean}, their median {median}.",
                 low=number(float(y.min())), high=number(float(y.max())), mean=number(float(y.mean())),
                 median=number(float(np.median(y)))),
        ),
        trials=(
            Trial(
                said("with {least} of the targets, {best}, for every item", least=least, best=number(best)),
                graph_rerun(replaced(tensor, np.full(x.shape, best))),
                "illustration",
            ),
        ),
        fix=Fix((), "choose", said("Look for what keeps the input from reaching the output.")),
    )  # fmt: skip
