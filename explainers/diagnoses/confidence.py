"""Scores that tell classes apart not at all, or not surely enough."""

from __future__ import annotations

import math

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses.class_rows import class_rows
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import graph_rerun, replaced, scaled
from explainers.diagnoses.expectations import goals
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.wording import number, of_call, row, shape
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_RIGHT = "logits = torch.tensor([[2.0, 1.0, 0.5], [0.1, 1.2, 0.4]])\ntarget = torch.tensor([0, 1])\n"
_TEMPERATURE = 0.07
_PAIRS = (
    "batch = 4\nsimilarity = {}\n"
    "logits = similarity.masked_fill(torch.eye(2 * batch, dtype=torch.bool), float('-inf'))\n"
    "target = (torch.arange(2 * batch) + batch) % (2 * batch)\nF.cross_entropy(logits, target)"
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="chance-level-ln-c",
            family="collapse",
            symptoms=(Symptom("stuck", 2),),
            title=said("The scores hold no information: the loss is ln C"),
            explanation=said(
                "Equal scores give every class the probability 1/C, whatever number they share, and the loss is ln C. "
                "An untrained model normally starts near it; one that stays there has learned nothing yet: check the "
                "learning rate, the initialisation, the labels and frozen layers."
            ),
            words=(
                "loss stuck at 0.693",
                "loss stuck at ln 2",
                "loss 2.3026",
                "loss stuck at log number of classes",
                "loss does not decrease from ln C",
                "random guessing loss",
            ),
            losses=frozenset(
                {
                    *("cross_entropy", "nll_loss"),
                    *("binary_cross_entropy_with_logits", "binary_cross_entropy", "soft_margin_loss"),
                }
            ),
            trigger=_at_chance,
            positive=_HEAD
            + "logits = torch.full((2, 10), 0.3)\ntarget = torch.tensor([3, 7])\nF.cross_entropy(logits, target)",
            control=_HEAD + _RIGHT + "F.cross_entropy(logits, target)",
            dominates=frozenset({"shift-invariance"}),
            harmless=True,
        ),
        Rule(
            slug="info-nce-at-chance",
            family="collapse",
            title=said("A contrastive loss at the level of chance"),
            explanation=said(
                "NT-Xent (InfoNCE) picks the partner of each of 2N views among the other 2N−1: where all similarities "
                "are equal it is ln(2N−1), that is ln 255 = {n128} for N = 128, ln(511) = {n256} for N = 256 and ln "
                "1023 = {n512} for N = 512. With temperature τ it cannot fall below ln(1 + (2N−2)·e^(−2/τ)). The usual "
                "code of SupCon multiplies it by temperature / base_temperature: a constant factor, which only scales "
                "it. Between two sets of N embeddings, as CLIP compares them, chance is ln N.",
                n128=f"{math.log(255):.3f}",
                n256=f"{math.log(511):.3f}",
                n512=f"{math.log(1023):.3f}",
            ),
            words=(
                "NT-Xent loss value",
                "SimCLR loss stuck",
                "InfoNCE loss stuck",
                "contrastive loss log(2N-1)",
                "SupCon loss 6.92",
                "NT-Xent does not converge",
                "InfoNCE starts at log of the batch size",
                "contrastive loss not decreasing",
                "what value should the contrastive loss converge to",
                "contrastive loss does not decrease temperature batch size",
                "what does base_temperature do in SupCon",
            ),
            losses=frozenset({"cross_entropy"}),
            about=frozenset({"info_nce"}),
            trigger=_contrastive_at_chance,
            positive=_HEAD + _PAIRS.format("torch.ones(2 * batch, 2 * batch)"),
            control=_HEAD + _PAIRS.format("torch.arange(64.0).reshape(8, 8).sin()"),
            dominates=frozenset({"chance-level-ln-c"}),
            harmless=True,
        ),
        Rule(
            slug="accuracy-is-not-loss",
            family="collapse",
            title=said("Every class is right, but not with certainty"),
            explanation=said(
                "The loss measures confidence, not correctness: it is small only where the right score lies far above "
                "the others. For a loss of ε the gap must be ln((C−1)/(e^ε−1)). Accuracy asks only which score is the "
                "largest (argmax), so a few items that are wrong with confidence raise the loss while it stays."
            ),
            words=(
                "validation loss increases while accuracy improves",
                "loss goes up accuracy goes up overconfident",
                "val loss high train loss low",
                "accuracy 100 but loss not 0",
                "loss high but accuracy good",
                "perfect accuracy loss not zero",
                "accuracy vs loss",
                "validation loss increases but validation accuracy increases too",
                "loss goes up while accuracy stays the same",
            ),
            losses=frozenset({"cross_entropy"}),
            trigger=_right_but_unsure,
            positive=_HEAD + _RIGHT + "F.cross_entropy(logits, target)",
            positive_claims=(Claim("expected", 0.0, text="0"),),
            control=_HEAD + _RIGHT + "F.cross_entropy(logits, 1 - target)",
            control_claims=(Claim("expected", 0.0, text="0"),),
            harmless=True,
        ),
    )


def _at_chance(scene: Scene) -> Suspicion | None:
    value, x = scene.returned, scene.array("input")
    if value is None or scene.reduction != "mean" or not x.size or scene.call.ref("pos_weight") is not None:
        return None
    classes, spread = _choices(scene, x)
    if classes < 2 or spread > 0.1 or abs(value - math.log(classes)) > 0.02 * math.log(classes):
        return None
    zero = Trial(said("with every score at 0"), graph_rerun(scaled(scene.call, "input", 0.0)), "illustration")
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is the level of chance, ln {classes} = {chance}: all scores are nearly equal.",
            value=number(value),
            classes=classes,
            chance=number(math.log(classes)),
        ),
        evidence=(said("Within a row the scores differ by {spread} at most.", spread=number(spread)),),
        trials=() if scene.name in ("binary_cross_entropy", "nll_loss") else (zero,),
    )


def _choices(scene: Scene, x: Floats) -> tuple[int, float]:
    """Between how many classes is chosen, and how far the scores are from telling them apart."""
    if scene.name in ("cross_entropy", "nll_loss"):
        rows = class_rows(scene)
        return rows.shape[1], float((rows.max(axis=1) - rows.min(axis=1)).max()) if np.isfinite(
            rows
        ).all() else math.inf
    neutral = 0.5 if scene.name == "binary_cross_entropy" else 0.0
    return 2, 4 * float(np.abs(x - neutral).max()) if neutral else float(np.abs(x).max())


def _contrastive_at_chance(scene: Scene) -> Suspicion | None:
    rows, value = class_rows(scene), scene.returned
    if (
        value is None
        or scene.reduction != "mean"
        or scene.given("target").floating
        or rows.shape[0] < 3
        or rows.shape[1] not in (rows.shape[0], rows.shape[0] - 1)
    ):
        return None
    held = np.isfinite(rows)
    others = int(held[0].sum())
    whole = others == rows.shape[0] and bool((_labels(scene) == np.arange(others)).all())
    views = others == rows.shape[0] - 1 and rows.shape[0] % 2 == 0  # two of each item
    if not (whole or views) or not (held.sum(axis=1) == others).all():
        return None
    if abs(value - math.log(others)) > 0.02 * math.log(others):
        return None
    raised = replaced(scene.given("input"), _partners_raised(scene))
    nearer = Trial(said("with every partner's score raised by 5"), graph_rerun(raised), "illustration")
    equal = float(np.ptp(rows[held])) == 0
    sharper = Trial(
        said("with all scores divided by a temperature of {temperature}", temperature=_TEMPERATURE),
        graph_rerun(scaled(scene.call, "input", 1 / _TEMPERATURE)),
        "illustration",
    )
    return Suspicion(
        at=scene.call.index,
        verdict=_named(value, others, whole),
        evidence=(
            said(
                "The similarities have shape {shape}, each row {others} candidates; row 0 is {row}.",
                shape=shape(rows.shape),
                others=others,
                row=row(rows[0]),
            ),
            *([said("All of them are equal, so a temperature cancels: it has no effect here.")] if equal else []),
        ),
        trials=(nearer, sharper) if equal else (nearer,),
    )


def _named(value: float, others: int, whole: bool) -> Message:
    chance = number(math.log(others))
    if whole:
        return said(
            "{value} is ln N = ln {others} = {chance}: no pair is nearer than the others.",
            value=number(value),
            others=others,
            chance=chance,
        )
    return said(
        "{value} is ln(2N−1) = ln {others} = {chance}: no pair is nearer than the others.",
        value=number(value),
        others=others,
        chance=chance,
    )


def _labels(scene: Scene) -> np.ndarray:
    return scene.array("target").astype(np.int64).reshape(-1)


def _partners_raised(scene: Scene) -> Floats:
    y = scene.array("target").astype(np.int64).reshape(-1)
    return scene.array("input") + 5.0 * (np.arange(scene.given("input").shape[1]) == y[:, None])


def _right_but_unsure(scene: Scene) -> Suspicion | None:
    value = scene.value
    nothing = any(c.value == 0 for c in goals(scene))
    if (
        not nothing
        or value is None
        or value <= 0
        or scene.given("target").floating
        or scene.recording.subject not in scene.call.outputs
    ):
        return None
    rows, y = class_rows(scene), scene.array("target").astype(np.int64).reshape(-1)
    kept = (y >= 0) & (y < rows.shape[1]) & (y != scene.option("ignore_index", -100))
    if len(y) != len(rows) or rows.shape[1] < 2 or not kept.any() or not (rows.argmax(axis=1)[kept] == y[kept]).all():
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: every prediction is right, but the loss measures how sure the scores are.", value=of_call(scene)
        ),
        evidence=_gaps(rows[kept], y[kept]),
        trials=(
            Trial(said("with five times the scores"), graph_rerun(scaled(scene.call, "input", 5.0)), "illustration"),
        ),
    )


def _gaps(rows: Floats, y: np.ndarray) -> tuple[Message, ...]:
    """The smallest lead of a right score, and what a loss of 0.01 would need."""
    picked = rows[np.arange(len(y)), y]
    rest = np.where(np.arange(rows.shape[1]) == y[:, None], -np.inf, rows).max(axis=1)
    needed = math.log((rows.shape[1] - 1) / math.expm1(0.01))
    text = "The accuracy is 1; the smallest lead of a right score is {gap}. For a loss of 0.01 it must be {needed}."
    return (said(text, gap=number(float((picked - rest).min())), needed=number(needed)),)
