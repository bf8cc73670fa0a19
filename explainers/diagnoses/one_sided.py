"""Losses that go their way without a bound: policy gradients, scores on the wrong side, a Dice that is negated."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, scaled, swapped, wrapped
from explainers.diagnoses.overlaps import overlap
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import entry, number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LOG_PROB = "log_prob = F.log_softmax(torch.tensor([[1.0, 0.2], [0.3, 0.8]]), dim=1)[:, 0]\n"
_MASKS = "p, mask = torch.tensor([0.9, 0.2, 0.8, 0.1]), torch.tensor([1.0, 0.0, 1.0, 0.0])\n"
_DICE = "dice = 2 * (p * mask).sum() / (p.sum() + mask.sum())\nce = F.binary_cross_entropy(p, mask)\n"
_LOGITS = frozenset({"binary_cross_entropy_with_logits"})
_SURE = 20.0


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="policy-gradient-has-no-minimum",
            family="one-sided",
            title=said("The loss of a policy gradient is no error: its sign is that of the advantage"),
            explanation=said(
                "-log_prob · advantage only has the right gradient. A log-probability is never positive, so the "
                "product is positive for good actions and negative for bad ones; its value has no bound and no "
                "meaning, and need not fall while the reward rises. Watch the return; with a baseline (normalised "
                "advantages) the value stays near 0."
            ),
            words=(
                "policy gradient loss is negative",
                "REINFORCE loss negative while reward improves",
                "actor loss goes negative",
                "PPO policy loss does not decrease",
                "policy loss increases but reward increases",
            ),
            losses=frozenset(),
            trigger=_policy,
            positive=_HEAD + _LOG_PROB + "advantage = torch.tensor([-1.0, -2.0])\n-(log_prob * advantage).mean()",
            control=_HEAD + _LOG_PROB + "-log_prob.mean()",
            about=frozenset({"policy_gradient"}),
            dominates=frozenset({"negated-score"}),
            handwritten=True,
            harmless=True,
        ),
        Rule(
            slug="bcewl-linear-on-the-wrong-side",
            family="one-sided",
            title=said("A large score on the wrong side costs the score itself"),
            explanation=said(
                "log(1 + e^x) is x for a large x, so a sure mistake costs its score (logit), without a bound, and "
                "keeps a gradient. binary_cross_entropy of the sigmoid cannot show it: the sigmoid saturates "
                "there, rounded to exactly 0 or to exactly 1, and each logarithm is cut at -100."
            ),
            words=(
                "BCEWithLogitsLoss huge value for large logits",
                "BCEWithLogits greater than 100",
                "BCEWithLogitsLoss returns the logit",
            ),
            losses=_LOGITS,
            trigger=_linear,
            positive=_HEAD + "F.binary_cross_entropy_with_logits(torch.tensor([300.0, 1.0]), torch.zeros(2))",
            control=_HEAD + "F.binary_cross_entropy_with_logits(torch.tensor([3.0, 1.0]), torch.zeros(2))",
            harmless=True,
        ),
        Rule(
            slug="dice-negated",
            unedited="Whether the loss should end at 0 or at -1 is the asker's choice.",
            family="one-sided",
            symptoms=(Symptom("negative", 7),),
            title=said("The Dice coefficient is subtracted without the 1"),
            explanation=said(
                "A Dice coefficient lies between 0 and 1, so -dice lies between -1 and 0, and a sum with another loss "
                "is negative once the overlap is good. 1 - dice differs by the constant 1: the gradient and the "
                "training are the same, and the least value is 0 instead of -1. nnU-Net, for example, trains with "
                "cross entropy − Dice."
            ),
            words=(
                "dice plus cross entropy loss is negative",
                "negative dice loss -dice instead of 1 - dice",
                "dice loss between -1 and 0",
                "dice ce loss below zero after some epochs",
                "nnU-Net train loss negative",
                "nnU-Net loss -0.8",
            ),
            losses=frozenset(),
            trigger=_negated,
            positive=_HEAD + _MASKS + _DICE + "ce - dice",
            control=_HEAD + _MASKS + _DICE + "ce + 1 - dice",
            about=frozenset({"dice_loss"}),
            dominates=frozenset({"negated-score"}),
            handwritten=True,
            harmless=True,
        ),
    )


def _policy(scene: Scene) -> Suspicion | None:
    if scene.value is None or scene.value >= 0 or not scene.whole:
        return None
    for call in (c for c in scene.needed() if short(c) == "mul" and len(c.inputs()) == 2):
        weights = _weights_of_logs(scene, call)
        if weights is None or not (weights < 0).any():
            continue
        opposite = graph_rerun(followed_by(call, "torch.neg"))
        return Suspicion(
            at=call.index,
            verdict=said(
                "{value} is minus log-probabilities weighed by advantages: negative where bad actions outweigh.",
                value=stated(scene),
            ),
            evidence=(
                said(
                    "{count} of {all} weights are negative; no log-probability is positive.",
                    count=int((weights < 0).sum()),
                    all=weights.size,
                ),
            ),
            trials=(Trial(said("with weights of the opposite sign"), opposite, "illustration"),),
        )
    return None


def _weights_of_logs(scene: Scene, call: Call) -> Floats | None:
    """What log-probabilities are weighed by in a product, where nothing computed it."""
    for first, second in (call.inputs(), call.inputs()[::-1]):
        logs, weights = scene.held(first), scene.held(second)
        if logs is None or weights is None or not scene.is_given(second) or first not in scene.makers:
            continue
        if logs.size > 1 and (logs < 0).all() and logs.shape == weights.shape:
            return weights
    return None


def _linear(scene: Scene) -> Suspicion | None:
    x, t = scene.array("input"), scene.array("target")
    if x.shape != t.shape or not x.size or not np.isfinite(x).all() or scene.reduction == "none":
        return None
    wrong = np.where(t == 0, x, np.where(t == 1, -x, 0.0))
    at = tuple(int(k) for k in np.unravel_index(int(wrong.argmax()), wrong.shape)) if wrong.ndim else ()
    if wrong.max() < _SURE or scene.value is None:
        return None
    sigmoid = wrapped(scene.call, "input", "torch.sigmoid")
    cut = swapped(scene.call, "torch.nn.functional.binary_cross_entropy", "input", "target", "weight", "reduction")
    here = number(float(x[at]))
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: the score {x} is on the wrong side and costs {cost}, itself: the loss is linear there.",
            value=stated(scene),
            x=here,
            cost=number(float(wrong.max())),
        ),
        evidence=(said("input{at} is {x} where the target is {t}.", at=entry(at), x=here, t=number(float(t[at]))),),
        trials=(
            Trial(said("as binary_cross_entropy of the sigmoid"), graph_rerun(cut, sigmoid), "illustration"),
            Trial(said("with half the scores"), graph_rerun(scaled(scene.call, "input", 0.5)), "illustration"),
        ),
    )


def _negated(scene: Scene) -> Suspicion | None:
    found = overlap(scene)
    made = scene.makers.get(scene.recording.subject) if scene.recording.subject is not None else None
    if found is None or made is None or scene.value is None or scene.value >= 0:
        return None
    p, mask = (each.array().astype(np.float64) for each in found[1:])
    if not p.size or p.min() < 0 or p.max() > 1 or mask.min() < 0 or mask.max() > 1:
        return None
    return Suspicion(
        at=made.index,
        verdict=said(
            "{value} is below 0 because the Dice coefficient is subtracted without the 1: -dice, not 1 - dice.",
            value=stated(scene),
        ),
        evidence=(said("Prediction and mask lie between 0 and 1, so the overlap does too."),),
        trials=(
            Trial(said("with the 1 added"), graph_rerun(followed_by(made, "torch.add", other=1.0)), "illustration"),
        ),
        fix=fixes.fix(scene, None, "choose", said("Write 1 - dice where the loss should end at 0.")),
    )
