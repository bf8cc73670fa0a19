"""Another share of label smoothing than torch's: spread over the other classes alone."""

from __future__ import annotations

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.class_rows import class_rows
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, set_to
from explainers.diagnoses.expectations import sought
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import number, stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LOGITS = "logits = torch.tensor([[2.0, 0.0, -1.0]])\n"
_EXPECTED = (Claim("expected", 0.4198, 5e-5, "0.4198"),)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="smoothing-spread-over-others",
            family="class-labels",
            title=said("Label smoothing spread over the other classes alone"),
            explanation=said(
                "torch gives each of all C classes eps/C, so the right one keeps 1 - eps + eps/C. Other code keeps "
                "1 - eps for the right class and gives eps/(C-1) to each other: the same as torch's with the "
                "smoothing eps · C/(C-1). Neither is wrong, but the values differ."
            ),
            words=(
                "label smoothing eps/(C-1) or eps/C",
                "manual label smoothing gives another value",
                "label smoothing spread over the other classes",
            ),
            losses=frozenset({"cross_entropy"}),
            trigger=_over_others,
            dominates=frozenset({"ce-label-smoothing-floor"}),
            positive=_HEAD + _LOGITS + "F.cross_entropy(logits, torch.tensor([0]), label_smoothing=0.1)",
            positive_claims=_EXPECTED,
            control=_HEAD + _LOGITS + "F.cross_entropy(logits, torch.tensor([0]))",
            control_claims=_EXPECTED,
        ),
    )


def _over_others(scene: Scene) -> Suspicion | None:
    eps = scene.option("label_smoothing", 0.0)
    classes = class_rows(scene).shape[1] if eps > 0 else 0
    other = eps * classes / (classes - 1) if classes > 1 else 1.0
    if classes < 2 or other >= 1 or scene.given("target").floating:
        return None
    expected = _smoothed(scene, other)
    if expected is None or not sought(scene, expected):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} smooths over all {count} classes; spread over the other {rest}, {eps} gives another number.",
            value=stated(scene),
            count=classes,
            eps=number(eps),
            rest=classes - 1,
        ),
        evidence=(
            said(
                "Each of all {count} classes gets {share}, so the right one keeps {kept}.",
                count=classes,
                share=number(eps / classes),
                kept=number(1 - eps + eps / classes),
            ),
        ),
        trials=(
            Trial(
                said("with {eps} spread over the other classes", eps=number(eps)),
                graph_rerun(set_to(scene.call, "label_smoothing", other)),
            ),
        ),
        fix=fixes.fix(
            scene,
            fixes.with_option(scene, scene.call, "label_smoothing", f"{other:.9g}"),
            "choose",
            said("Where the other share is wanted, scale the smoothing by C/(C-1)."),
        ),
    )


def _smoothed(scene: Scene, eps: float) -> float | None:
    """The loss with another smoothing, in float64; None where weights or another reduction make it another formula."""
    rows, y = class_rows(scene), scene.array("target").astype(np.int64).reshape(-1)
    fits = len(y) == len(rows) and bool((y >= 0).all()) and bool((y < rows.shape[1]).all())
    if scene.call.ref("weight") is not None or scene.reduction == "none" or not fits or not np.isfinite(rows).all():
        return None
    log_p = rows - np.logaddexp.reduce(rows, axis=1, keepdims=True)
    each = -(1 - eps) * log_p[np.arange(len(y)), y] - eps * log_p.mean(axis=1)
    return float(each.mean() if scene.reduction == "mean" else each.sum())
