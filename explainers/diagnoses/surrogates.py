"""Losses whose value says nothing, but whose gradient does: a ratio of probabilities with themselves."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.diagnoses.scene import Scene, short, upstream
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said
from explainers.recording import Call

_HEAD = (
    "import torch\n\nrewards = torch.tensor([1.0, 0.0, 0.0, 3.0])\n"
    "advantages = (rewards - rewards.mean()) / (rewards.std() + 1e-4)\n"
    "log_p = torch.tensor([-2.0, -1.5, -3.0, -2.5], requires_grad=True)\n"
)
_LOSS = "loss = -(ratio * advantages).mean()\nloss.backward()\nprint(loss)"
_NEAR = 1e-6


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="surrogate-of-ratio-one",
            family="critics",
            title=said("The value of a policy-gradient loss is that of its ratio 1"),
            explanation=said(
                "Losses of policy gradients (PPO, GRPO) weigh the ratio of the new probability to the old one by the "
                "advantage. At the first step both policies are the same, so each ratio is exp(0) = 1 and the value is "
                "only minus the mean of the advantages: 0 where the mean of the rewards was subtracted (centered "
                "advantages), positive or negative where it was not or later, as the ratios move. It is a surrogate, "
                "made for its gradient, and no measure of progress: it need not fall to 0. Watch the reward instead."
            ),
            words=(
                "GRPO loss is zero",
                "GRPO loss is always 0 at the beginning",
                "PPO loss 0 in the first epoch but gradient is not",
                "policy loss positive and negative",
                "should the policy gradient loss go to 0",
                "GRPO loss sometimes positive sometimes negative",
                "actor loss negative reinforcement learning",
                "REINFORCE loss does not decrease while reward increases",
            ),
            losses=frozenset(),
            trigger=_ratio_one,
            positive=_HEAD + "ratio = torch.exp(log_p - log_p.detach())\n" + _LOSS,
            control=_HEAD + "ratio = torch.exp(log_p - torch.tensor([-2.5, -1.4, -3.2, -2.0]))\n" + _LOSS,
            dominates=frozenset({"negated-score"}),
            harmless=True,
        ),
    )


def _ratio_one(scene: Scene) -> Suspicion | None:
    found = next((c for c in scene.needed() if short(c) == "exp" and _is_of_nothing(scene, c)), None)
    ratio = None if found is None else scene.held(found.outputs[0])
    if found is None or ratio is None or scene.value is None:
        return None
    return Suspicion(
        at=found.index,
        verdict=said("{value} comes of ratios that are all exp(0) = 1: the value tells nothing, its gradient does.",
                     value=stated(scene)),
        evidence=(
            said("All {count} ratios are 1, since both logarithms are the same numbers, one of them detached.",
                 count=ratio.size),
            *_advantages(scene, found),
            said("The gradient goes through the logarithm that is not detached, and is its weight: it is 0 only where "
                 "the advantage is."),
        ),
        trials=(_moved(scene, found),),
    )  # fmt: skip


def _is_of_nothing(scene: Scene, call: Call) -> bool:
    """Whether it is e to the difference of numbers with themselves, of which one side is detached."""
    difference = scene.maker(call.ref("input"))
    if difference is None or short(difference) != "sub" or len(difference.inputs()) != 2:
        return False
    held = scene.held(difference.outputs[0])
    sides = [{short(c) for c in upstream(id, scene.makers)} for id in difference.inputs()]
    return held is not None and held.size > 0 and not held.any() and sum("detach" in side for side in sides) == 1


def _advantages(scene: Scene, ratio: Call) -> tuple[Message, ...]:
    """The mean of what the ratios are multiplied with."""
    products = [c for c in scene.needed() if short(c) == "mul" and ratio.outputs[0] in c.inputs()]
    others = [id for c in products for id in c.inputs() if id != ratio.outputs[0]]
    weights = scene.held(next(iter(others), None))
    if weights is None or not weights.size:
        return ()
    named = {"mean": number(float(weights.mean())), "least": number(weights.min()), "most": number(weights.max())}
    if abs(float(weights.mean())) > _NEAR * float(np.abs(weights).max() or 1.0):
        return (said("The weights lie between {least} and {most}, with the mean {mean}.", **named),)
    return (
        said("The weights lie between {least} and {most} and average to 0: their mean was subtracted, so that the "
             "value is 0 up to rounding whatever the rewards are.", **named),
    )  # fmt: skip


def _moved(scene: Scene, call: Call) -> Trial:
    ratio = scene.recording.tensors[call.outputs[0]]
    values = ratio.array().astype(np.float64).copy()
    values.reshape(-1)[-1] *= 1.1
    return Trial(said("with the last ratio at 1.1"), graph_rerun(replaced(ratio, values)), "illustration")
