"""Means of signed errors: what is too high and what is too low cancel."""

from __future__ import annotations

import re

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.operands import replaced
from explainers.diagnoses.scene import VIEWS, Scene, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\n\npred = torch.tensor([3.0, 5.0, 1.0])\ntarget = torch.tensor([1.0, 6.0, 2.0])\n"
_SUBTRACTIONS = frozenset({"sub", "subtract", "rsub"})
_LOGARITHM = re.compile(r"^(?:log|lp|nll|ll)", re.I)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="signed-errors-cancel",
            family="reductions",
            title=said("Errors of opposite signs cancel"),
            explanation=said(
                "The mean of prediction − target keeps the signs: a prediction that is too high makes up for one that "
                "is too low, so the mean can be 0, or negative, however wrong each of them is, and its gradient is the "
                "same for all of them whatever their errors are. A loss takes a size of each error first: its absolute "
                "value (L1, mean absolute error) or its square (MSE)."
            ),
            words=(
                "positive and negative errors cancel",
                "loss is 0 although the predictions are wrong",
                "mean of differences is zero",
                "mean error negative",
                "forgot abs",
                "forgot to square the difference",
            ),
            losses=frozenset(),
            trigger=_signed,
            positive=_HEAD + "(pred - target).mean()",
            control=_HEAD + "(pred - target).abs().mean()",
        ),
    )


def _signed(scene: Scene) -> Suspicion | None:
    difference = scene.nearest("input") if scene.whole and scene.name in ("mean", "sum") else None
    if difference is None or not _of_a_target(scene, difference):
        return None
    errors = scene.array("input")
    above, below = errors[errors > 0], errors[errors < 0]
    if not above.size or not below.size:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: errors of opposite signs cancel; those above 0 add up to {above}, those below to {below}.",
            value=stated(scene),
            above=number(float(above.sum())),
            below=number(float(below.sum())),
        ),
        evidence=(
            said(
                "{above} of {all} differences are positive, {below} negative; the largest in size is {largest}.",
                above=above.size,
                below=below.size,
                all=errors.size,
                largest=number(float(abs(errors).max())),
            ),
        ),
        trials=(
            Trial(said("with absolute values, as L1"), graph_rerun(wrapped(scene.call, "input", "torch.abs"))),
            Trial(said("with squares, as MSE"), graph_rerun(wrapped(scene.call, "input", "torch.square"))),
        ),
        fix=fixes.fix(
            scene,
            replaced(scene, input="{}.abs()"),
            "choose",
            said("Take the absolute value of each error (L1), or its square (MSE), before the mean."),
        ),
    )


def _of_a_target(scene: Scene, difference: Call) -> bool:
    """Whether a call takes one tensor from another of the same size, one of which was handed in and is no logarithm."""
    sides = (difference.ref("input"), difference.ref("other"))
    held = [scene.recording.tensors[side] for side in sides if side is not None]
    if short(difference) not in _SUBTRACTIONS or len(held) != 2 or held[0].elements != held[1].elements:
        return False
    names = [side.name or "" for side in held]
    return any(_is_handed_in(scene, side.id) for side in held) and not any(map(_LOGARITHM.match, names))


def _is_handed_in(scene: Scene, id: int) -> bool:
    """Whether no call but views made a tensor."""
    while not scene.is_given(id) and short(scene.makers[id]) in VIEWS:
        id = scene.makers[id].inputs()[0]
    return scene.is_given(id)
