"""A focal factor of the probability itself, where what it lacks to 1 belongs."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "x, y = torch.tensor([2.0, -1.0, 0.5]), torch.tensor([1.0, 0.0, 1.0])\n"
    "ce = F.binary_cross_entropy_with_logits(x, y, reduction='none')\npt = torch.exp(-ce)\n"
)
_NEAR = 1e-4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="focal-factor-turned",
            family="focal-terms",
            title=said("The focal factor is of p_t, not of 1 − p_t"),
            explanation=said(
                "The focal loss is (1 − p_t)^γ times the cross entropy −log p_t: easy items, whose p_t is near 1, "
                "count less. p_t^γ does the opposite: the items that are wrong count least, and get hardly any "
                "gradient."
            ),
            words=("focal loss pt ** gamma", "focal loss weights easy examples more", "wrong power in focal loss"),
            losses=frozenset(),
            trigger=_turned,
            positive=_HEAD + "(pt**2 * ce).mean()",
            control=_HEAD + "ce.mean()",
            about=frozenset({"focal_loss"}),
            handwritten=True,
        ),
    )


def _turned(scene: Scene) -> Suspicion | None:
    for call in scene.needed():
        base, gamma = scene.held(call.ref("input")), call.argument("exponent")
        if short(call) != "pow" or base is None or not isinstance(gamma, int | float) or not 0 < gamma < np.inf:
            continue
        if not base.size or not ((base > 0) & (base < 1)).all() or not _weighs_its_logarithm(scene, call, base):
            continue
        return Suspicion(
            at=call.index,
            verdict=said("{value} weighs each item by p^{gamma}, where a focal loss has (1 − p)^{gamma}.",
                         value=stated(scene), gamma=number(gamma)),
            evidence=(
                said("The factor lies between {low} and {high} here.", low=number(float(base.min() ** gamma)),
                     high=number(float(base.max() ** gamma))),
            ),
            trials=(
                Trial(said("with the factor (1 − p)^{gamma}", gamma=number(gamma)),
                      graph_rerun(wrapped(call, "input", "torch.rsub", other=1))),
            ),
            fix=fixes.fix(scene, _from_one(scene, call), "safe", said("Take the power of 1 − p.")),
        )  # fmt: skip
    return None


def _weighs_its_logarithm(scene: Scene, power: Call, base: Floats) -> bool:
    """Whether the power is multiplied with minus the logarithm of its base, or with that logarithm."""
    for call in scene.needed():
        others = [id for id in call.inputs() if id not in power.outputs] if short(call) == "mul" else []
        held = scene.held(others[0]) if len(others) == 1 and len(call.inputs()) == 2 else None
        if held is not None and held.shape == base.shape and np.allclose(np.abs(held), -np.log(base), _NEAR, _NEAR):
            return True
    return False


def _from_one(scene: Scene, power: Call) -> str | None:
    """The program with 1 − p in the power's base."""
    source = Source(scene.recording.source)
    node = source.operation_at(power.span)
    return None if node is None else source.replaced(source.piece(node.left), f"(1 - {source.written(node.left)})")
