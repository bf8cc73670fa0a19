"""Inputs of kl_div that are logarithms or scores of no distribution."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, reduced_by, wrapped
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.wording import number, of_call, row
from explainers.graph.floats import log_sum_exp
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\nscores = torch.tensor([[2.0, 1.0, -1.0]])\n"
_TARGET = "target = torch.tensor([[0.5, 0.3, 0.2]])\n"
_NOT_ONE = 1e-2


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="kl-input-not-normalised",
            family="divergences",
            title=said("An input of kl_div that is no log-probabilities"),
            explanation=said(
                "kl_div normalises nothing: its first argument must be log-probabilities, whose exponentials add up to "
                "1 in each row. Raw scores (logits) are none, nor are logarithms of numbers that do not sum to 1. "
                "log Σ exp of the row is then taken off the divergence, which can become negative, or be above 0 where "
                "the two agree. log_softmax makes log-probabilities of scores."
            ),
            words=(
                "kl_div of logits",
                "kl_div raw scores",
                "kl_div without log_softmax",
                "KLDivLoss negative with logits",
                "kl_div input does not sum to 1",
                "scipy entropy normalises kl",
            ),
            losses=frozenset({"kl_div"}),
            trigger=_unnormalised,
            positive=_HEAD + _TARGET + "F.kl_div(scores, target, reduction='batchmean')",
            control=_HEAD + _TARGET + "F.kl_div(scores.log_softmax(-1), target, reduction='batchmean')",
            dominates=frozenset({"kl-reduction-mean", "reduction-expected-sum", "kl-terms-may-be-negative"}),
        ),
    )


def _unnormalised(scene: Scene) -> Suspicion | None:
    x, y = scene.array("input"), _target(scene)
    if x.shape != y.shape or not x.size or not x.ndim or not (x < 0).any() or not np.isfinite(log_sum_exp(x, -1)).all():
        return None
    if any(_is_whole(np.exp(x), axis) for axis in range(x.ndim)) or not _is_whole(y, -1):
        return None
    log = wrapped(scene.call, "input", "torch.log_softmax", dim=-1)
    by_definition = Trial(
        said("with log_softmax put in, as the sum over the classes"),
        graph_rerun(log, *reduced_by(scene.call, "sum" if x.ndim < 2 else "batchmean")),
    )
    sums = np.exp(log_sum_exp(x, -1)).reshape(-1)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is no divergence: the exponentials of the input's row 0 add up to {sum}, not to 1.",
            value=of_call(scene),
            sum=number(float(sums[0])),
        ),
        evidence=(
            said(
                "Row 0 of the input is {row}; log Σ exp of it is {level}, which is 0 for log-probabilities.",
                row=row(x.reshape(-1, x.shape[-1])[0]),
                level=number(float(np.log(sums[0]))),
            ),
        ),
        trials=(
            Trial(said("with log_softmax put in"), graph_rerun(log)),
            *([by_definition] if scene.reduction == "mean" else []),
        ),
        fix=fixes.fix(
            scene,
            fixes.followed(scene, "input", "log_softmax(-1)"),
            "likely",
            said("Make log-probabilities of the scores: log_softmax over the classes."),
        ),
    )


def _target(scene: Scene) -> Floats:
    y = scene.array("target")
    return np.exp(y) if scene.call.argument("log_target") else y


def _is_whole(p: Floats, axis: int) -> bool:
    """Whether probabilities add up to 1 along an axis."""
    return bool((p >= 0).all()) and float(np.abs(p.sum(axis=axis) - 1).max()) <= _NOT_ONE
