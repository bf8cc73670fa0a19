"""Losses written by hand that something is taken off: an entropy that is to be large."""

from __future__ import annotations

import math

import numpy as np

from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.scene import Floats, Scene, short, upstream
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call, scalar

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_ENTROPY = "p = F.softmax(logits, -1)\nentropy = -(p * p.log()).sum(-1).mean()\n"
_CLASSES = "logits = torch.tensor([[7.0, 0.0, 0.1], [0.2, 6.5, 0.0]])\n" + _ENTROPY
_LOSS = "loss = F.cross_entropy(logits, torch.tensor([0, 1]))\n"
_FRAMES = (
    "logits = 7.0 * F.one_hot(torch.tensor([[1], [0], [1]]), 30)\n"
    + _ENTROPY
    + "cost = F.ctc_loss(logits.log_softmax(-1), torch.tensor([[1, 1]]), input_lengths=(3,), target_lengths=(2,))\n"
)
_NEAR = 1e-4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="entropy-taken-off",
            family="critics",
            title=said("An entropy is subtracted, so the loss may be negative"),
            explanation=said(
                "An entropy bonus makes predictions less certain: the loss is L - c·H, with an entropy H between 0 and "
                "ln C. While L is large it hardly shows; once L is small, late in training, L - c·H goes below 0, and "
                "its lower bound is -c·ln C, not 0. A negative loss is no mistake here, and training does not mind: "
                "only the gradient counts. To judge progress, look at L alone."
            ),
            words=(
                "loss minus entropy is negative",
                "entropy bonus makes the loss negative",
                "entropy regularization negative loss",
                "negative loss after subtracting the entropy term",
                "CTC loss minus entropy",
            ),
            losses=frozenset(),
            about=frozenset({"entropy", "ctc_loss"}),
            trigger=_bonus,
            positive=_HEAD + _CLASSES + _LOSS + "loss - 0.5 * entropy",
            control=_HEAD + _CLASSES + _LOSS + "loss",
            variants=(_HEAD + _FRAMES + "0.8 * cost - 0.2 * entropy",),
            handwritten=True,
            harmless=True,
        ),
    )


def _bonus(scene: Scene) -> Suspicion | None:
    made = scene.makers.get(scene.recording.subject) if scene.recording.subject is not None else None
    if made is None or short(made) not in ("sub", "add") or scene.value is None or scene.value >= 0:
        return None
    term = next((name for name in ("other", "input") if _is_entropy(scene, made, name)), None)
    rest = "input" if term == "other" else "other"
    ids = (made.ref(term), made.ref(rest)) if term is not None else (None, None)
    off, loss = (None if id is None else scalar(scene.recording.tensor(id)) for id in ids)
    if term is None or off is None or loss is None or not loss >= 0:
        return None
    return Suspicion(
        at=made.index,
        verdict=said(
            "{value} is below 0 since an entropy is subtracted: {loss} less {off}.",
            value=stated(scene),
            loss=number(loss),
            off=number(abs(off)),
        ),
        evidence=(said("Without the entropy term the loss is {loss}, which is not negative.", loss=number(loss)),),
        trials=(
            Trial(
                said("without the entropy term"),
                graph_rerun(wrapped(made, term, "torch.mul", other=0.0)),
                "illustration",
            ),
        ),
    )


def _is_entropy(scene: Scene, made: Call, name: str) -> bool:
    """Whether a term lowers the sum and is made of probabilities times their own logarithms, and no other loss."""
    id = made.ref(name)
    value = None if id is None else scalar(scene.recording.tensor(id))
    if id is None or value is None or not math.isfinite(value):
        return False
    lowers = value > 0 if short(made) == "sub" and name == "other" else value < 0
    return lowers and any(_weighs_itself(scene, call) for call in upstream(id, scene.makers))


def _weighs_itself(scene: Scene, call: Call) -> bool:
    """Whether a call multiplies probabilities by their logarithms."""
    ids = call.inputs() if short(call) == "mul" else ()
    p, log = (scene.held(id) for id in ids) if len(ids) == 2 else (None, None)
    return p is not None and log is not None and (_are_logarithms(p, log) or _are_logarithms(log, p))


def _are_logarithms(p: Floats, log: Floats) -> bool:
    if p.shape != log.shape or not p.size or (p <= 0).any() or (p > 1).any():
        return False
    return bool(np.allclose(np.log(p), log, rtol=_NEAR, atol=_NEAR))
