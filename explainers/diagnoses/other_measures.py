"""Numbers that measure the same as a loss in another way: a norm for a mean of squares."""

from __future__ import annotations

import math

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, reduced_by
from explainers.diagnoses.expectations import is_subject, sought
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import number, stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_PAIR = "a, b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0, 6.0])\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="norm-vs-mse",
            family="other-measures",
            title=said("A norm is the root of a sum, mse_loss a mean of squares"),
            explanation=said(
                "torch.norm is the square root of the sum of the squares (the L2 distance); mse_loss is their mean, "
                "without a root: norm² / N, where N is the number of elements. Both are least for the same "
                "predictions, but their gradients differ: that of a norm has length 1 however far the prediction is "
                "off."
            ),
            words=("torch.norm vs MSELoss", "L2 norm or MSE", "euclidean distance differs from mse_loss"),
            losses=frozenset({"mse_loss"}),
            trigger=_norm,
            positive=_HEAD + _PAIR + "F.mse_loss(a, b)",
            positive_claims=(Claim("expected", 3.7417, 5e-5, "3.7417"),),
            control=_HEAD + _PAIR + "F.mse_loss(a, b) + torch.norm(a - b)",
            control_claims=(Claim("expected", 3.7417, 5e-5, "3.7417"),),
        ),
    )


def _norm(scene: Scene) -> Suspicion | None:
    """Only where somebody states the number that the norm is."""
    if scene.value is None or scene.value <= 0 or scene.reduction != "mean" or not is_subject(scene):
        return None
    items = scene.given("input").elements
    norm = math.sqrt(scene.value * items)
    if items < 2 or scene.given("input").shape != scene.given("target").shape or not sought(scene, norm):
        return None
    root = graph_rerun(*reduced_by(scene.call, "sum"), followed_by(scene.call, "torch.sqrt"))
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is the mean of the squares; the root of their sum, the norm, is {norm}.",
            value=stated(scene),
            norm=number(norm),
        ),
        evidence=(said("{norm}² / {count} is {value}.", norm=number(norm), count=items, value=stated(scene)),),
        trials=(Trial(said("the root of the sum of the squares"), root),),
        fix=fixes.fix(
            scene,
            fixes.result_followed(scene, f"({{}} * {items}).sqrt()"),
            "choose",
            said("Take the root of the sum, as torch.norm does, if a distance is meant."),
        ),
    )
