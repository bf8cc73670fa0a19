"""Cosines as scores: within −1 and 1 they leave softmax little room."""

from __future__ import annotations

import math
import re

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.class_rows import class_rows
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.floors import Box, FloorQuestion
from explainers.diagnoses.operands import replaced
from explainers.diagnoses.scene import VIEWS, Scene, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_PAIRS = (
    "q = F.normalize(torch.tensor([[1.0, 0.2], [-0.3, 1.0], [-1.0, -0.8]]), dim=1)\n"
    "k = F.normalize(torch.tensor([[1.0, 0.3], [-0.2, 1.0], [-1.0, -0.7]]), dim=1)\n"
)
_USUAL = 0.07
_MOST = 2.0
"""A scale of the cosines up to which the least loss is far from 0: temperatures of 0.5 and above."""

_NAMED = re.compile(r"(?:^|_)(?:cos|sim)", re.I)
_PRODUCTS = frozenset({"matmul", "mm", "bmm", "einsum", "rmatmul"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="cosine-scores-without-temperature",
            family="cross-entropy-inputs",
            title=said("Cosines as scores need a temperature"),
            explanation=said(
                "Cosine similarities lie within −1 and 1. Softmax of such scores can't be sure of any class, so the "
                "loss stays above ln(1 + (C − 1)·e^(−2/τ)) however good the embeddings are, and the more negatives "
                "there are the higher it lies. InfoNCE, CLIP and SimCLR divide the cosines by a temperature τ of 0.05 "
                "to 0.5, which gives them the range that they need."
            ),
            words=(
                "contrastive loss of cosine similarities does not go below",
                "cosine similarity logits cross entropy without temperature",
                "InfoNCE loss high although embeddings match",
                "why divide cosine similarity by a temperature",
                "is this really InfoNCE",
            ),
            losses=frozenset({"cross_entropy"}),
            about=frozenset({"info_nce"}),
            trigger=_bounded,
            positive=_HEAD + _PAIRS + "F.cross_entropy(q @ k.T, torch.arange(3))",
            control=_HEAD + _PAIRS + "F.cross_entropy(q @ k.T / 0.07, torch.arange(3))",
            dominates=frozenset({"ce-probabilities-as-logits", "info-nce-at-chance", "chance-level-ln-c"}),
        ),
    )


def _bounded(scene: Scene) -> Suspicion | None:
    scale = _scale_of_cosines(scene)
    plain = not scene.given("target").floating and not scene.option("label_smoothing", 0.0)
    if scale is None or not 0 < scale <= _MOST or not plain or scene.reduction != "mean":
        return None
    classes = class_rows(scene).shape[1]
    least = math.log1p((classes - 1) * math.exp(-2 * scale))
    facts = {"value": stated(scene), "classes": classes, "least": number(least)}
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: the scores are cosines, so with {classes} classes and no temperature it can't go below {least}.",
            **facts,
        )
        if scale == 1
        else said(
            "{value}: the scores are cosines with a temperature of {tau}; of {classes} classes it can't go below "
            "{least}.",
            tau=number(1 / scale),
            **facts,
        ),
        evidence=(
            said(
                "The scores lie within −{bound} and {bound}; the least is ln(1 + {others}·e^(−{twice})) = {least}.",
                bound=number(scale),
                others=classes - 1,
                twice=number(2 * scale),
                least=number(least),
            ),
        ),
        trials=tuple(
            Trial(
                said("with a temperature of {tau}", tau=number(tau)),
                graph_rerun(wrapped(scene.call, "input", "torch.div", other=tau * scale)),
                "illustration",
            )
            for tau in (_USUAL, 0.5)
        ),
        fix=fixes.fix(
            scene,
            replaced(scene, input=f"{{}} / {_USUAL}"),
            "choose",
            said("Divide the cosines by a temperature: the smaller it is, the harder the softmax."),
        ),
        floors=(FloorQuestion("input", Box(-scale, scale), said("for cosines")),),
    )


def _scale_of_cosines(scene: Scene) -> float | None:
    """The factor by which cosines were multiplied to become the scores; None where they are no cosines."""
    id, scale = scene.call.ref("input"), 1.0
    while id is not None and (call := scene.makers.get(id)) is not None and call.inputs():
        factor = _factor(call)
        if factor is None:
            return scale if _makes_cosines(scene, call) else None
        id, scale = call.inputs()[0], scale * factor
    held, name = scene.recorded("input"), scene.recording.tensors[id].name if id is not None else None
    told = name is not None and _NAMED.search(name) is not None
    return scale if told and held is not None and held.size and np.abs(held).max() <= scale * (1 + 1e-6) else None


def _factor(call: Call) -> float | None:
    """By what a call multiplies its operand: a view by 1; None for any other call."""
    if short(call) in VIEWS:
        return 1.0
    other = call.argument("other")
    if not isinstance(other, int | float) or isinstance(other, bool) or not other:
        return None
    return float(other) if short(call) in ("mul", "rmul") else 1 / float(other) if short(call) == "div" else None


def _makes_cosines(scene: Scene, call: Call) -> bool:
    if short(call) == "cosine_similarity":
        return True
    made = [_computed(scene, id) for id in call.inputs()]
    return short(call) in _PRODUCTS and len(made) > 1 and all(c is not None and short(c) == "normalize" for c in made)


def _computed(scene: Scene, id: int) -> Call | None:
    """The call that made a tensor's numbers, seen through views."""
    call = scene.makers.get(id)
    while call is not None and short(call) in VIEWS and call.inputs():
        call = scene.makers.get(call.inputs()[0])
    return call
