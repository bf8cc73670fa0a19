"""Labels that are probabilities: their sum, their entropy, and smoothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.class_rows import class_dim, tolerance
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, replaced, set_to, swapped, wrapped
from explainers.diagnoses.floors import FloorQuestion
from explainers.diagnoses.regions import Everywhere
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.wording import number, row, stated
from explainers.messages import Message, said
from explainers.reruns import GraphRerun

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_SOFT = "logits = torch.tensor([[1.0, 0.2, -0.5]])\n"
_CE = frozenset({"cross_entropy"})
_SHARE = 0.2


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ce-soft-target-not-normalised",
            family="class-labels",
            title=said("Soft labels that do not sum to 1"),
            explanation=said(
                "cross_entropy does not normalise class probabilities: the loss is multiplied by whatever they sum to."
            ),
            words=(
                "soft targets do not sum to 1",
                "cross entropy soft labels too large",
                "multi-hot target cross entropy",
            ),
            losses=_CE,
            trigger=_not_normalised,
            positive=_HEAD + _SOFT + "target = torch.tensor([[1.0, 1.0, 1.0]])\nF.cross_entropy(logits, target)",
            control=_HEAD + _SOFT + "target = torch.tensor([[0.0, 1.0, 0.0]])\nF.cross_entropy(logits, target)",
            dominates=frozenset({"ce-soft-target-entropy-floor"}),
        ),
        Rule(
            slug="ce-soft-target-all-zero",
            unedited="Whether such a row is to count, and as what, is known to the asker alone.",
            family="class-labels",
            title=said("A row of soft labels that is all 0"),
            explanation=said(
                "The loss of a row is Σ target · (−log softmax), and its gradient softmax · Σ target − target. Where "
                "all labels of the row are 0, both are exactly 0 whatever the scores are: such a row teaches nothing. "
                "The mean still divides by the number of all rows, so it makes the loss of the others smaller."
            ),
            words=(
                "cross entropy target row of zeros",
                "all-zero target vector zero gradient",
                "no label all zeros one-hot cross_entropy",
            ),
            losses=_CE,
            trigger=_all_zero,
            positive=_HEAD
            + "logits = torch.tensor([[1.0, 0.2, -0.5], [0.3, 0.1, 2.0]])\n"
            + "target = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])\nF.cross_entropy(logits, target)",
            control=_HEAD + _SOFT + "target = torch.tensor([[0.0, 1.0, 0.0]])\nF.cross_entropy(logits, target)",
            dominates=frozenset({"ce-probabilities-as-logits", "ce-soft-target-entropy-floor", "chance-level-ln-c"}),
        ),
        Rule(
            slug="ce-soft-target-outside-01",
            family="class-labels",
            title=said("Class probabilities below 0 or above 1"),
            explanation=said(
                "cross_entropy does not check that class probabilities lie between 0 and 1 or sum to 1. It is the "
                "weighted sum Σ target · (−log softmax), whatever the weights are: with a negative one the loss falls "
                "as that class becomes less likely, below 0 and without end."
            ),
            words=(
                "class probabilities outside 0 and 1",
                "cross entropy target negative values no error",
                "negative soft labels cross entropy",
            ),
            losses=_CE,
            trigger=_outside,
            positive=_HEAD + _SOFT + "target = torch.tensor([[2.0, -1.0, 0.0]])\nF.cross_entropy(logits, target)",
            control=_HEAD + _SOFT + "target = torch.tensor([[0.0, 1.0, 0.0]])\nF.cross_entropy(logits, target)",
        ),
        Rule(
            slug="ce-soft-target-entropy-floor",
            unedited="Nothing is wrong with the loss: what is reported beside it is the asker's.",
            family="class-labels",
            title=said("Soft labels keep their entropy"),
            explanation=said(
                "Cross entropy is the entropy of the target, H(t), plus the divergence KL(t ‖ p). H(t) is a constant "
                "that doesn't depend on the model: cross_entropy and kl_div have the same gradient, and the minimum is "
                "H(t), not 0."
            ),
            words=(
                "soft labels minimum not 0",
                "cross entropy with soft targets",
                "kl_div vs cross entropy distillation",
                "label smoothing with KLDivLoss or with cross entropy",
                "knowledge distillation loss kl or ce",
                "entropy of the target",
            ),
            losses=_CE,
            trigger=_entropy_floor,
            positive=_HEAD
            + "target = torch.tensor([[0.7, 0.2, 0.1]])\nlogits = target.log()\nF.cross_entropy(logits, target)",
            positive_claims=(Claim("expected", 0.0, text="0"),),
            control=_HEAD + _SOFT + "target = torch.tensor([[0.0, 1.0, 0.0]])\nF.cross_entropy(logits, target)",
            dominates=frozenset({"ce-on-log-probabilities", "chance-level-ln-c"}),
        ),
        Rule(
            slug="ce-label-smoothing-floor",
            family="class-labels",
            title=said("Label smoothing has a least value above 0"),
            explanation=said(
                "A smoothed target has an entropy, and cross entropy without class weights never falls below it; with "
                "weights its least value is another one above 0. So 0 is never reached, and scores that are surer than "
                "the smoothing wants are punished. Compare the loss with its floor, or evaluate without smoothing."
            ),
            words=(
                "label smoothing minimum",
                "label smoothing loss does not go to 0",
                "label_smoothing stuck",
                "LabelSmoothingCrossEntropy",
            ),
            losses=_CE,
            trigger=_smoothing_floor,
            positive=_HEAD
            + (
                "logits = torch.tensor([[30.0, 0.0, 0.0]])\ntarget = torch.tensor([0])\n"
                "F.cross_entropy(logits, target, label_smoothing=0.1)"
            ),
            positive_claims=(Claim("expected", 0.0, text="0"),),
            dominates=frozenset({"accuracy-is-not-loss", "chance-level-ln-c"}),
            control=_HEAD
            + "logits = torch.tensor([[3.0, 0.0, 0.0]])\ntarget = torch.tensor([0])\nF.cross_entropy(logits, target)",
        ),
    )


def _soft_rows(scene: Scene) -> Floats | None:
    """The class probabilities as (items, C); None where the target is class indices."""
    target = scene.given("target")
    if not target.floating or target.shape != scene.given("input").shape or not target.shape or not target.elements:
        return None
    dim = class_dim(scene)
    return np.moveaxis(scene.array("target"), dim, -1).reshape(-1, target.shape[dim])


def _not_normalised(scene: Scene) -> Suspicion | None:
    rows = _soft_rows(scene)
    if rows is None:
        return None
    sums = rows.sum(axis=1)
    worst = int(np.abs(sums - 1).argmax())
    if (np.abs(sums - 1) <= tolerance(scene, 1e-3)).all() or not (sums > 0).all() or (rows < 0).any():
        return None
    scaled = wrapped(scene.call, "target", "torch.nn.functional.normalize", p=1.0, dim=class_dim(scene))
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is multiplied by what the soft labels sum to: {sum}, not 1.",
            value=stated(scene),
            sum=number(float(sums[worst])),
        ),
        evidence=(
            said(
                "Row {index} of the target is {row}; its sum is {sum}.",
                index=worst,
                row=row(rows[worst]),
                sum=number(float(sums[worst])),
            ),
        ),
        trials=(Trial(said("with every row divided by its sum"), graph_rerun(scaled)),),
        fix=fixes.fix(
            scene,
            fixes.rewritten(scene, "target", f"{{}} / {{}}.sum({class_dim(scene)}, keepdim=True)"),
            "choose",
            said(
                "Divide the labels by their sum; for labels that may be true together use "
                "binary_cross_entropy_with_logits."
            ),
        ),
    )


def _all_zero(scene: Scene) -> Suspicion | None:
    rows = _soft_rows(scene)
    empty = None if rows is None else (rows == 0).all(axis=1)
    if rows is None or empty is None or not empty.any() or (rows < 0).any() or scene.option("label_smoothing", 0.0):
        return None
    dim, target = class_dim(scene), scene.given("target")
    labelled = np.where(empty[:, None], np.eye(1, rows.shape[1]), rows)
    others = tuple(size for axis, size in enumerate(target.shape) if axis != dim % len(target.shape))
    changed = np.moveaxis(labelled.reshape(*others, rows.shape[1]), -1, dim)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: {count} of {all} rows of the target are all 0; of such a row the loss is 0 and the "
                     "gradient is 0.", value=stated(scene), count=int(empty.sum()), all=len(rows)),
        evidence=(
            said("Row {index} of the target sums to 0, not to 1: it is no distribution over the classes, and every "
                 "term of it is multiplied by 0.", index=int(empty.argmax())),
        ),
        trials=(Trial(said("with class 0 as the label of these rows"), graph_rerun(replaced(target, changed)),
                      "illustration"),),
        fix=fixes.fix(scene, None, "choose",
                      said("Leave rows without a label out of the mean: with class indices by ignore_index, with soft "
                           "labels by a sum over the others divided by their number.")),
    )  # fmt: skip


def _outside(scene: Scene) -> Suspicion | None:
    rows = _soft_rows(scene)
    if rows is None or not (rows < 0).any():
        return None
    worst, dim = int(rows.min(axis=1).argmin()), class_dim(scene)
    softened = wrapped(scene.call, "target", "torch.softmax", dim=dim)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} comes of class probabilities that are none: row {index} of the target is {row}.",
                     value=stated(scene), index=worst, row=row(rows[worst])),
        evidence=(
            said("{count} of {all} class probabilities lie outside 0 and 1; nothing checks that.",
                 count=int(((rows < 0) | (rows > 1)).sum()), all=rows.size),
        ),
        trials=(Trial(said("with the softmax of the target, which is a distribution"), graph_rerun(softened)),),
        fix=fixes.fix(
            scene,
            fixes.rewritten(scene, "target", f"{{}}.softmax({dim})"),
            "choose",
            said("Give class probabilities that sum to 1: if the target holds raw scores, take their softmax; if it "
                 "holds measurements, use mse_loss."),
        ),
    )  # fmt: skip


def _entropy_floor(scene: Scene) -> Suspicion | None:
    rows = _soft_rows(scene)
    if rows is None or scene.call.ref("weight") is not None or scene.option("label_smoothing", 0.0):
        return None
    sums = rows.sum(axis=1)
    if (rows < 0).any() or not (np.abs(sums - 1) <= tolerance(scene, 1e-3)).all() or scene.value is None:
        return None
    entropies = -np.where(rows > 0, rows * np.log(np.where(rows > 0, rows, 1.0)), 0.0).sum(axis=1)
    entropy = float(entropies.sum() if scene.reduction == "sum" else entropies.mean())
    if not entropy > _SHARE * scene.value or scene.reduction == "none":
        return None
    left = scene.value - entropy
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} holds the entropy of the soft labels, {entropy}, which no scores can remove.",
            value=stated(scene),
            entropy=number(entropy),
        ),
        evidence=(
            said(
                "H(t) = {entropy} and KL(t ‖ p) = {left}; together {value}.",
                entropy=number(entropy),
                left=number(0.0 if abs(left) < 5e-7 else left),
                value=stated(scene),
            ),
        ),
        trials=(Trial(said("as kl_div, without the entropy of the target"), _as_divergence(scene, len(rows))),),
        fix=fixes.fix(
            scene,
            None,
            "choose",
            said("Report the loss minus the entropy of the labels, or use kl_div(log_softmax(input), target)."),
        ),
        floors=(FloorQuestion("input", Everywhere(), said("for these labels")),),
    )


def _as_divergence(scene: Scene, items: int) -> GraphRerun:
    log_p = wrapped(scene.call, "input", "torch.log_softmax", dim=class_dim(scene))
    kl = swapped(scene.call, "torch.nn.functional.kl_div", "input", "target")
    by = items if scene.reduction == "mean" else 1
    return graph_rerun(
        kl, set_to(scene.call, "reduction", "sum"), log_p, followed_by(scene.call, "torch.div", other=by)
    )


def _smoothing_floor(scene: Scene) -> Suspicion | None:
    eps = scene.option("label_smoothing", 0.0)
    if not eps > 0 or not _can_fall(scene):
        return None
    classes = scene.given("input").shape[class_dim(scene)]
    soft, target = scene.given("target").floating, _soft_rows(scene)
    if soft and (target is None or not (target >= 0).all()):
        return None
    rows = np.eye(1, classes) if target is None else target
    smoothed = (1 - eps) * rows + eps / classes
    entropy = float(-(smoothed * np.log(smoothed)).sum(axis=1).mean())
    whole = bool((np.abs(rows.sum(axis=1) - 1) <= tolerance(scene, 1e-3)).all())
    plain = scene.call.ref("weight") is None and scene.reduction == "mean" and whole
    return Suspicion(
        at=scene.call.index,
        verdict=_not_to_zero(scene, eps, entropy if plain else None),
        evidence=tuple(_smoothed(scene, smoothed, entropy)),
        trials=(Trial(said("without label smoothing"), graph_rerun(set_to(scene.call, "label_smoothing", 0.0))),),
        fix=fixes.fix(
            scene,
            fixes.with_option(scene, scene.call, "label_smoothing", None),
            "choose",
            said("Evaluate without smoothing; while training, compare with the floor."),
        ),
        floors=(FloorQuestion("input", Everywhere(), said("with these labels smoothed")),),
    )


def _can_fall(scene: Scene) -> bool:
    """Whether the loss is a number above 0 that scores could lower, and more than one class has a part in it."""
    input, weight = scene.given("input"), scene.recorded("weight")
    made = next((scene.recording.tensors[id] for id in scene.call.outputs if id in scene.recording.tensors), None)
    values = np.ones(1) if made is None or made.data is None else made.array().astype(np.float64)
    weighed = int((weight > 0).sum()) if weight is not None else input.shape[class_dim(scene)] if input.shape else 0
    return weighed > 1 and bool(np.isfinite(values).all() and (values > 0).any()) and (scene.value or 1.0) > 0


def _not_to_zero(scene: Scene, eps: float, floor: float | None) -> Message:
    """With the least value, where nothing but the smoothing decides on it."""
    facts = {"value": stated(scene), "eps": number(eps)}
    if floor is None:
        return said("{value} cannot fall to 0: with label_smoothing={eps} the labels keep an entropy.", **facts)
    text = "{value} cannot fall to 0: with label_smoothing={eps} the least value is {floor}."
    return said(text, floor=number(floor), **facts)


def _smoothed(scene: Scene, rows: Floats, entropy: float) -> Iterator[Message]:
    """The labels that smoothing leaves, and their entropy or what the class weights make of it."""
    others = sorted(map(float, rows[0]))
    if scene.given("target").floating:
        yield said("Smoothed, row 0 of the target is {row}.", row=row(rows[0]))
    else:
        yield said(
            "Of {classes} classes the smoothed target gives {hot} to the right one and {rest} to each other.",
            classes=len(others),
            hot=number(others[-1]),
            rest=number(others[0]),
        )
    if scene.call.ref("weight") is not None:
        yield said("Each share is multiplied by the weight of its class, so the least value is not the entropy.")
    else:
        yield said("The smoothed target has an entropy of {entropy} per item.", entropy=number(entropy))
