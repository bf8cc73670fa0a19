"""Probabilities next to 1, whose distance from it is mostly rounding."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.binary_inputs import of_scores
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import entry, number, stated
from explainers.messages import said

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "logits = torch.tensor([{}, 0.5])\ntarget = torch.tensor([0.0, 1.0])\n"
)
_TELLING = 1e-3
"""Relative error of a term from which on its printed digits are others."""


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="bce-rounded-probabilities",
            family="binary-inputs",
            title=said("The logarithm of a rounded distance from 1"),
            explanation=said(
                "A sigmoid next to 1 is rounded to one of the few numbers that float32 has there, which are 6e-8 "
                "apart, so 1 − p keeps hardly a digit (cancellation), and its logarithm is off. "
                "binary_cross_entropy_with_logits computes log(1 − σ(x)) from the scores themselves and is exact to "
                "all digits: where the two differ, it is the one that is right."
            ),
            words=(
                "BCEWithLogitsLoss and sigmoid with BCELoss give different results",
                "BCELoss float32 precision sigmoid close to 1",
                "difference goes away with double",
                "BCE and BCEWithLogits differ for large logits",
            ),
            losses=frozenset({"binary_cross_entropy"}),
            trigger=_rounded,
            positive=_HEAD.format("16.09") + "F.binary_cross_entropy(torch.sigmoid(logits), target)",
            control=_HEAD.format("6.09") + "F.binary_cross_entropy(torch.sigmoid(logits), target)",
        ),
    )


def _rounded(scene: Scene) -> Suspicion | None:
    maker = scene.nearest("input")
    x = scene.held(maker.ref("input")) if maker is not None and short(maker) == "sigmoid" else None
    p, t = scene.array("input"), scene.array("target")
    if maker is None or x is None or x.shape != p.shape or t.shape != p.shape or ((p == 0) | (p == 1)).any():
        return None
    held, exact = _terms(np.log(p), np.log1p(-p), t), _terms(-np.logaddexp(0, -x), -np.logaddexp(0, x), t)
    off = np.abs(held - exact) / np.maximum(np.abs(exact), np.finfo(np.float64).tiny)
    at = tuple(int(k) for k in np.unravel_index(int(off.argmax()), off.shape))
    if not off[at] > _TELLING:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is off by rounding: the sigmoid of {score} was rounded to {p} before its logarithm was taken.",
            value=stated(scene),
            score=number(float(x[at])),
            p=f"{p[at]:.9g}",
        ),
        evidence=(
            said(
                "The term{at} is {held} with the rounded probability; from the score it is {exact}.",
                at=entry(at),
                held=number(float(held[at])),
                exact=number(float(exact[at])),
            ),
        ),
        trials=(of_scores(scene, maker), Trial(said("in float64"), graph_rerun(float64=True))),
        fix=fixes.fix(
            scene,
            fixes.logits_instead(scene, maker),
            "safe",
            said("Give the raw scores to binary_cross_entropy_with_logits, which takes no rounded probability."),
        ),
    )


def _terms(log_p: Floats, log_rest: Floats, t: Floats) -> Floats:
    return -(t * log_p + (1 - t) * log_rest)
