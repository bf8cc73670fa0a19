"""Losses of several tasks whose weights are learned as log-variances, which the sum may follow below 0."""

from __future__ import annotations

import math

import numpy as np

from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.terms import terms

_HEAD = "import torch\n\nloss_box, loss_id = torch.tensor(0.05), torch.tensor(0.4)\n"
_SUM = "0.5 * (torch.exp(-s_box) * loss_box + torch.exp(-s_id) * loss_id + (s_box + s_id))"
_LEARNED = "s_box = torch.tensor({}, requires_grad=True)\ns_id = torch.tensor({}, requires_grad=True)\n"
_STEPS = frozenset({"neg", "mul"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="uncertainty-weights-below-zero",
            family="densities",
            symptoms=(Symptom("negative", 9),),
            title=said("Learned weights exp(−s) add a log-variance s, which may be below 0"),
            explanation=said(
                "exp(−s) · L + s is least at s = log L, where it is 1 + log L: for a loss L below 1/e that is below 0, "
                "and it falls without a lower bound as L goes to 0. So a negative total is expected here (the weights "
                "are those of a task's uncertainty, s = log σ²) and no bug: look at the separate losses, which stay "
                "above 0."
            ),
            words=(
                "uncertainty weighting multi-task loss negative",
                "learnable loss weights exp(-s) * loss + s, training loss becomes negative",
                "homoscedastic uncertainty log variance multi task loss below zero",
            ),
            losses=frozenset(),
            trigger=_below,
            positive=_HEAD + _LEARNED.format("-3.0", "-1.0") + _SUM,
            control=_HEAD + _LEARNED.format("0.5", "1.0") + _SUM,
            dominates=frozenset({"negated-score"}),
            handwritten=True,
            harmless=True,
        ),
    )


def _below(scene: Scene) -> Suspicion | None:
    if not scene.whole or scene.value is None or scene.value >= 0:
        return None
    under = {_bare(scene, call.inputs()[0]) for call in scene.needed() if short(call) == "exp" and call.inputs()}
    found = terms(scene.recording)
    added = [term for term in found if term.tensor in under]
    total, rest = (math.fsum(t.part for t in found if (t.tensor in under) is which) for which in (True, False))
    if not added or not total < 0 <= rest:
        return None
    tensors = [scene.recording.tensors[term.tensor] for term in added]
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is below 0 because {names} are negative: they add {sum} to weighted losses of {rest}.",
            value=stated(scene),
            names=", ".join(term.name for term in added if term.part < 0),
            sum=number(total),
            rest=number(rest),
        ),
        evidence=(said("Under the exponential functions stand {names}.", names=", ".join(t.name for t in added)),),
        trials=(
            Trial(
                said("with each of them at 0, the losses with equal weights"),
                graph_rerun(*(replaced(tensor, np.zeros(tensor.shape)) for tensor in tensors)),
                "illustration",
            ),
        ),
    )


def _bare(scene: Scene, id: int) -> int:
    """What a tensor is the negative or a multiple of."""
    while (call := scene.maker(id)) is not None and short(call) in _STEPS and len(call.inputs()) == 1:
        id = call.inputs()[0]
    return id
