"""Cross entropy above 1: it has no upper bound."""

from __future__ import annotations

import math

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses.class_rows import class_rows, softmax
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, scaled
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import number, of_call
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_SCORES = "scores = torch.zeros(2, 10)\nscores[:, 0] = {}\n"
_CALL = "F.cross_entropy(scores, torch.tensor([0, 3]))"
_BELOW_ONE = (Claim("expected", 1.0, text="1"),)
_LEAST = 1 / math.e


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="cross-entropy-above-one",
            family="chance",
            title=said("A cross entropy above 1 is nothing unusual: it is unbounded"),
            explanation=said(
                "Cross entropy is −log p of the right class: 0 for p = 1, above 1 as soon as p is below 1/e ≈ 0.368, "
                "and without an upper limit as p goes to 0. Guessing among C classes costs ln C, for 10 classes "
                "ln(10) ≈ 2.303; a loss below that has learned something, and it is no percentage."
            ),
            words=(
                "cross entropy loss greater than 1 is it normal",
                "is a loss above 1 normal",
                "can cross entropy be more than 1",
                "loss is larger than one",
                "maximum value of cross entropy",
                "first epoch loss higher than ln of the number of classes",
                "binary cross entropy starts above ln(3), higher than the maximum",
            ),
            losses=frozenset({"cross_entropy"}),
            trigger=_above_one,
            positive=_HEAD + _SCORES.format("2.0") + _CALL,
            positive_claims=_BELOW_ONE,
            control=_HEAD + _SCORES.format("2.0") + _CALL,
            about=frozenset({"binary_cross_entropy"}),
            harmless=True,
        ),
    )


def _above_one(scene: Scene) -> Suspicion | None:
    """Only where somebody takes 1 for the most that it may be."""
    value, meant = scene.returned, [c for c in scene.claims if c.kind == "expected" and c.value == 1.0]
    if value is None or not value > 1 or not math.isfinite(value) or not meant or scene.given("target").floating:
        return None
    rows = class_rows(scene)
    y = scene.array("target").astype(np.int64).reshape(-1)
    if rows.shape[1] < 2 or len(y) != len(rows) or not ((y >= 0) & (y < rows.shape[1])).all():
        return None
    right = softmax(rows)[np.arange(len(y)), y]
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is above 1, as −log p may be: it has no upper limit, and guessing among {classes} costs {chance}.",
            value=of_call(scene),
            classes=rows.shape[1],
            chance=number(math.log(rows.shape[1])),
        ),
        evidence=(
            said(
                "The right class has a probability below 1/e ≈ {least} in {count} of {all} rows.",
                least=number(_LEAST),
                count=int((right < _LEAST).sum()),
                all=len(rows),
            ),
        ),
        trials=(Trial(said("with every score at 0"), graph_rerun(scaled(scene.call, "input", 0.0)), "illustration"),),
    )
