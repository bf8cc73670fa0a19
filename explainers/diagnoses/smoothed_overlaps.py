"""The smoothing term of a hand-written overlap at a perfect prediction: it cancels."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.diagnoses.overlaps import overlap
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_PROGRAM = """\
import torch

mask = torch.tensor([1.0, 0.0, 1.0, 0.0])
p = {p}
smooth = 1.0
1 - (2 * (p * mask).sum() + smooth) / (p.sum() + mask.sum() + smooth)
"""


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="smoothing-cancels",
            family="overlaps",
            title=said("The smoothing term cancels at a perfect overlap"),
            explanation=said(
                "The smooth is added to the numerator and to the denominator alike, the same amount to both. At a "
                "perfect overlap 2 Σ p·y is Σ p + Σ y, both stay equal, the ratio is exactly 1 and the loss 0 whatever "
                "the smooth is. It counts only where the two differ: it draws the coefficient towards 1, the more the "
                "smaller the mask is."
            ),
            words=(
                "dice loss smooth perfect prediction",
                "does smoothing leave dice loss above 0",
                "smooth in dice numerator and denominator",
            ),
            losses=frozenset(),
            about=frozenset({"dice_loss"}),
            trigger=_perfect,
            positive=_PROGRAM.format(p="mask.clone()"),
            control=_PROGRAM.format(p="0.9 * mask"),
            harmless=True,
        ),
    )


def _perfect(scene: Scene) -> Suspicion | None:
    found = overlap(scene)
    p, mask = (None, None) if found is None else (scene.held(found[1].id), scene.held(found[2].id))
    divided = next((c for c in scene.needed() if short(c) == "div"), None)
    if found is None or p is None or mask is None or divided is None or not mask.any() or not np.array_equal(p, mask):
        return None
    above, below = (scene.maker(divided.ref(name)) for name in ("input", "other"))
    added = [each for call in (above, below) if call is not None and (each := _added(call)) is not None]
    whole, part = scene.held(divided.ref("other")), scene.held(divided.ref("input"))
    if len(added) != 2 or added[0] != added[1] or whole is None or part is None or not np.array_equal(whole, part):
        return None
    return Suspicion(
        at=divided.index,
        verdict=said(
            "{value}: with the smooth of {smooth} in both, numerator and denominator are {sum}: their ratio is 1.",
            value=stated(scene),
            smooth=number(added[0]),
            sum=number(float(whole.flat[0])),
        ),
        evidence=(
            said("{p} and {mask} are the same.", p=found[1].name or "The prediction", mask=found[2].name or "the mask"),
        ),
        trials=(
            Trial(
                said("with {p} 0.9 times as large", p=found[1].name or "p"),
                graph_rerun(replaced(found[1], 0.9 * p)),
                "illustration",
            ),
        ),
    )


def _added(call: Call) -> float | None:
    """The number that a call adds."""
    other = call.argument("other")
    return float(other) if short(call) == "add" and isinstance(other, int | float) and other > 0 else None
