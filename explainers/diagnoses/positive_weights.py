"""The weight of positive labels."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, scaled, set_to
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.wording import number, row, shape, stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_RARE = (
    "logits = torch.tensor([0.5, -1.0, -2.0, -0.5, -1.5])\ntarget = torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0])\n"
    "F.binary_cross_entropy_with_logits(logits, target, pos_weight=torch.tensor({}))"
)
_LOGITS = frozenset({"binary_cross_entropy_with_logits"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="pos-weight-inverted",
            family="binary-targets",
            title=said("pos_weight makes the rarer class count less"),
            explanation=said(
                "pos_weight multiplies the terms of the positive labels (y=1). To balance the two it is negatives / "
                "positives: above 1 where positives are rare."
            ),
            words=("pos_weight inverted", "pos_weight direction", "pos_weight smaller than 1", "pos_weight imbalance"),
            losses=_LOGITS,
            trigger=_inverted,
            positive=_HEAD + _RARE.format("0.25"),
            control=_HEAD + _RARE.format("4.0"),
            dominates=frozenset({"pos-weight-scales-loss"}),
        ),
        Rule(
            slug="pos-weight-scales-loss",
            family="binary-targets",
            title=said("pos_weight makes the value another one"),
            explanation=said(
                "pos_weight multiplies the terms of the positive labels (y=1), and the mean still divides by the "
                "number of elements. So a weight above 1 makes the loss larger: it is not comparable with one "
                "without the weight, nor with that of another weight. Compare a metric instead."
            ),
            words=(
                "pos_weight loss larger",
                "pos_weight higher loss than without",
                "pos_weight val loss not comparable",
                "loss increased with pos_weight",
            ),
            losses=_LOGITS,
            trigger=_scales,
            positive=_HEAD + _RARE.format("4.0"),
            control=_HEAD + _RARE.format("1.0"),
            harmless=True,
        ),
        Rule(
            slug="pos-weight-per-output",
            family="binary-targets",
            title=said("pos_weight has one number per output, not one per class"),
            explanation=said(
                "pos_weight is one number per output (per label, per column) and weighs the positive class only (y=1). "
                "A second number is not for class 0: it belongs to a second output, which there is not."
            ),
            words=(
                "pos_weight two values",
                "pos_weight for class 0 and class 1",
                "pos_weight one sigmoid output",
                "pos_weight two classes one sigmoid output",
            ),
            losses=_LOGITS,
            trigger=_one_per_output,
            positive=_HEAD
            + "logits = torch.tensor([[2.0], [-1.0], [0.5]])\ntarget = torch.tensor([[1.0], [0.0], [0.0]])\n"
            "F.binary_cross_entropy_with_logits(logits, target, pos_weight=torch.tensor([0.6, 0.4]))",
            control=_HEAD
            + "logits = torch.tensor([[2.0], [-1.0], [0.5]])\ntarget = torch.tensor([[1.0], [0.0], [0.0]])\n"
            "F.binary_cross_entropy_with_logits(logits, target, pos_weight=torch.tensor([1.5]))",
            concern="exception",
            dominates=frozenset({"weights-of-another-shape"}),
        ),
    )


def _inverted(scene: Scene) -> Suspicion | None:
    weight, y = scene.recorded("pos_weight"), scene.array("target")
    if weight is None or weight.size != 1 or not set(np.unique(y)) <= {0.0, 1.0}:
        return None
    given, positive = float(weight.reshape(())), float(y.mean())
    if positive in (0.0, 1.0) or not ((given < 1 and positive < 0.5) or (given > 1 and positive > 0.5)):
        return None
    balance = (1 - positive) / positive
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} weighs the rarer class down: pos_weight={given}, but only {share} % are positive.",
            value=stated(scene),
            given=number(given),
            share=number(100 * positive),
        )
        if given < 1
        else said(
            "{value} weighs the commoner class up: pos_weight={given}, and {share} % are positive.",
            value=stated(scene),
            given=number(given),
            share=number(100 * positive),
        ),
        evidence=(said("Negatives / positives is {balance} here.", balance=number(balance)),),
        trials=(
            Trial(
                said("with pos_weight={balance}", balance=number(balance)),
                graph_rerun(scaled(scene.call, "pos_weight", balance / given)),
            ),
        ),
        fix=fixes.fix(
            scene,
            fixes.rewritten(scene, "pos_weight", "1 / {}"),
            "likely",
            said("pos_weight is negatives / positives."),
        ),
    )


def _scales(scene: Scene) -> Suspicion | None:
    weight, y = scene.recorded("pos_weight"), scene.array("target")
    if weight is None or (weight == 1).all() or not (y > 0).any():
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} counts every positive label {given} times: it is not comparable with a loss without pos_weight.",
            value=stated(scene),
            given=_as_given(weight),
        ),
        evidence=(said("{count} of {all} labels are positive.", count=int((y > 0).sum()), all=y.size),),
        trials=(
            Trial(said("without pos_weight"), graph_rerun(set_to(scene.call, "pos_weight", None)), "illustration"),
        ),
    )


def _as_given(weight: Floats) -> str:
    """One number where all outputs share it, else the row of them."""
    flat = weight.reshape(-1)
    return number(float(flat[0])) if (flat == flat[0]).all() else row(flat)


def _one_per_output(scene: Scene) -> Suspicion | None:
    weight, x = scene.given("pos_weight"), scene.given("input")
    outputs = x.shape[-1] if len(x.shape) > 1 else 1
    if weight.elements < 2 or outputs != 1:
        return None
    changed = fixes.with_option(scene, scene.call, "pos_weight", "{}[1:] / {}[:1]") if weight.shape == (2,) else None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "pos_weight has {count} numbers for {outputs} output; each of them weighs the positive class only.",
            count=weight.elements,
            outputs=outputs,
        ),
        evidence=(
            said("The input has shape {input}, pos_weight {weight}.", input=shape(x.shape), weight=shape(weight.shape)),
        ),
        trials=(),
        fix=fixes.fix(
            scene,
            changed,
            "likely",
            said("For weights of class 0 and 1 set pos_weight to their ratio, one number per output."),
        ),
    )
