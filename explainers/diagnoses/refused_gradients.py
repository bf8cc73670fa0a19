"""Gradients asked of arguments that torch takes for constants."""

from __future__ import annotations

import re

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import described
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\nx = torch.tensor([2.0, -1.0])\ny = torch.tensor([1.0, 0.0])\n"
_REFUSED = re.compile(r"not differentiable with respect to argument '(\w+)'")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="constant-requires-grad",
            family="refused-gradients",
            title=said("A constant of the loss requires a gradient"),
            explanation=said(
                "torch has no derivative of this loss with respect to that argument: class weights, pos_weight and "
                "some targets are constants that say what counts and how much, nothing to be learnt."
            ),
            words=(
                "not differentiable with respect to argument",
                "not differentiable with respect to argument 'pos_weight'",
                "pos_weight requires_grad",
                "class weight requires_grad",
            ),
            losses=frozenset(
                {"binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "linear_cross_entropy"}
                | {"nll_loss", "multi_margin_loss", "multilabel_margin_loss", "soft_margin_loss"}
            ),
            trigger=_constant,
            positive=_HEAD + "w = torch.tensor(2.0, requires_grad=True)\n"
            "F.binary_cross_entropy_with_logits(x, y, pos_weight=w)",
            control=_HEAD + "F.binary_cross_entropy_with_logits(x, y)",
            concern="exception",
        ),
    )


def _constant(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    named = _REFUSED.search(raised.message) if raised is not None else None
    argument = named[1] if named else ""
    held = scene.tensor(argument) if named else None
    if held is None or not held.requires_grad:
        return None
    name, constant = known_as(scene, argument), "{}.detach()"
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} requires a gradient, and this loss has none with respect to {argument}.",
                     name=name, argument=argument),
        evidence=(described(name, held),),
        trials=(),
        fix=fixes.fix(
            scene,
            replaced(scene, **{argument: constant}) or fixes.with_option(scene, scene.call, argument, constant),
            "likely",
            said("Pass it as a constant."),
        ),
    )  # fmt: skip
