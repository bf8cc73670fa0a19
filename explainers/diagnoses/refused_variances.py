"""Variances below 0."""

from __future__ import annotations

import math

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import number
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\nx = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\n"
_NUMBERS = _HEAD + "t = torch.zeros(2, 3)\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="negative-variance",
            family="refused-options",
            title=said("A variance below 0"),
            explanation=said(
                "gaussian_nll_loss reads its third argument as a variance. A network that is to predict one gives its "
                "logarithm, so that exp makes it positive."
            ),
            words=("var has negative entry/entries", "negative variance"),
            losses=frozenset({"gaussian_nll_loss"}),
            trigger=_negative_variance,
            positive=_NUMBERS + "v = torch.tensor([[-0.5, 0.2, 1.0], [0.1, 0.3, -2.0]])\nF.gaussian_nll_loss(x, t, v)",
            control=_NUMBERS + "v = torch.tensor([[0.5, 0.2, 1.0], [0.1, 0.3, 2.0]])\nF.gaussian_nll_loss(x, t, v)",
            concern="exception",
        ),
    )


def _negative_variance(scene: Scene) -> Suspicion | None:
    var, number_given = scene.recorded("var"), scene.call.argument("var")
    if isinstance(number_given, int | float):
        return _negative_number(scene, number_given) if number_given < 0 else None
    if var is None or not (var < 0).any():
        return None
    name = known_as(scene, "var")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} holds {value}: a variance is never below 0.", name=name, value=number(float(var.min()))),
        evidence=(
            said(
                "{count} of {all} numbers of {name} are below 0.", count=int((var < 0).sum()), all=var.size, name=name
            ),
        ),
        trials=(),
        fix=fixes.fix(
            scene,
            replaced(scene, var="{}.exp()"),
            "likely",
            said("If it is a logarithm of the variance, pass exp of it."),
        ),
    )


def _negative_number(scene: Scene, given: float) -> Suspicion:
    """One variance for all items, as a number."""
    positive = f"{math.exp(given):.8g}"
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} holds {value}: a variance is never below 0.", name="var", value=number(given)),
        evidence=(said("exp({value}) = {positive}", value=number(given), positive=positive),),
        trials=(),
        fix=fixes.fix(
            scene,
            replaced(scene, var=positive),
            "likely",
            said("If it is a logarithm of the variance, pass exp of it."),
        ),
    )
