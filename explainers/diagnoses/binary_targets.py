"""Labels and weights of losses over independent labels."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import graph_rerun, scaled, wrapped
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import entry, number, stated
from explainers.messages import Message, said
from explainers.reruns import GraphRerun

_WHITE = 255.0
"""What a mask read from a picture has for 1."""

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="bcewl-target-outside-01",
            family="binary-targets",
            symptoms=(Symptom("negative", 4),),
            title=said("Labels outside 0 and 1"),
            explanation=said(
                "A label must be 0 or 1, or lie between 0 and 1. torch doesn't validate it in this "
                "loss (binary_cross_entropy does): with any other number the loss turns negative and has no "
                "least value. A mask read from an image file holds 0 and 255: divide it by 255, or compare. A price or "
                "another measured number is no label at all: that is a regression, for mse_loss or l1_loss."
            ),
            words=(
                "BCE loss is negative",
                "BCELoss negative mask",
                "negative loss segmentation mask 255",
                "labels greater than the number of classes",
                "BCEWithLogits negative",
                "negative binary cross entropy",
                "target -1 in BCEWithLogitsLoss",
                "BCE target 2",
                "multilabel soft margin target",
                "binary cross entropy for a regression is negative",
                "price prediction with binary_crossentropy negative loss accuracy near 0",
            ),
            about=frozenset({"binary_cross_entropy"}),
            losses=frozenset({"binary_cross_entropy_with_logits", "multilabel_soft_margin_loss"}),
            trigger=_target_outside,
            positive=_HEAD
            + (
                "logits = torch.tensor([5.0, -5.0])\ntarget = torch.tensor([1.0, -1.0])\n"
                "F.binary_cross_entropy_with_logits(logits, target)"
            ),
            control=_HEAD
            + (
                "logits = torch.tensor([5.0, -5.0])\ntarget = torch.tensor([1.0, 0.0])\n"
                "F.binary_cross_entropy_with_logits(logits, target)"
            ),
        ),
    )


def _target_outside(scene: Scene) -> Suspicion | None:
    y = scene.array("target")
    outside = (y < 0) | (y > 1)
    if not outside.any():
        return None
    at = tuple(int(k) for k in np.argwhere(outside)[0])
    signs = set(np.unique(y)) <= {-1.0, 1.0}
    what, rerun, fix = _mended(scene, signs)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} comes from the target: a label must be 0 or 1, but {count} of {all} are not.",
            value=stated(scene),
            count=int(outside.sum()),
            all=y.size,
        ),
        evidence=(
            said(
                "target{at} = {entry} is not a valid label; it must lie between 0 and 1.",
                at=entry(at),
                entry=number(float(y[at])),
            ),
            *_averaged_twice(scene),
            *_padded(scene, y),
        ),
        trials=(Trial(what, rerun),),
        fix=fix,
    )


def _mended(scene: Scene, signs: bool) -> tuple[Message, GraphRerun, Fix]:
    if signs:
        edits = (wrapped(scene.call, "target", "torch.add", other=1.0), scaled(scene.call, "target", 0.5))
        changed = fixes.rewritten(scene, "target", "({} + 1) / 2")
        return (
            said("with labels (y + 1) / 2"),
            graph_rerun(*edits),
            fixes.fix(scene, changed, "safe", said("Turn −1 and 1 into 0 and 1.")),
        )
    if set(np.unique(scene.array("target"))) == {0.0, _WHITE}:
        return (
            said("with labels y / 255"),
            graph_rerun(scaled(scene.call, "target", 1 / _WHITE)),
            fixes.fix(
                scene, fixes.rewritten(scene, "target", "{} / 255"), "safe", said("Turn 0 and 255 into 0 and 1.")
            ),
        )
    clamped = wrapped(scene.call, "target", "torch.clamp", min=0.0, max=1.0)
    note = said("Clean the labels; a mark for missing labels has to be masked out.")
    return said("with labels cut to between 0 and 1"), graph_rerun(clamped), fixes.fix(scene, None, "choose", note)


def _padded(scene: Scene, y: np.ndarray) -> tuple[Message, ...]:
    """That a row of distinct classes, filled up with −1, is the target of another loss, and what it is here."""
    rows = y.reshape(-1, y.shape[-1]) if y.ndim else y.reshape(1, 1)
    first = rows[int(np.argmax((rows < 0).any(axis=1)))]
    classes = [int(each) for each in first if 0 <= each < np.inf]
    ended = bool((first[len(classes) :] == -1).all()) and len(classes) < first.size
    whole = bool((first == np.round(first)).all()) and len(set(classes)) == len(classes) and max(classes, default=0) > 1
    if not (ended and whole and max(classes) < first.size and (first[: len(classes)] >= 0).all()):
        return ()
    marked = ", ".join("1" if k in classes else "0" for k in range(first.size))
    return (
        said(
            "A list of class indices that is padded with −1 is the target of multilabel_margin_loss. {loss} reads one "
            "label per class, 0 or 1: the classes {classes} are [{marked}] (multi-hot).",
            loss=scene.name,
            classes=", ".join(map(str, classes)),
            marked=marked,
        ),
    )


def _averaged_twice(scene: Scene) -> tuple[Message, ...]:
    if scene.name != "multilabel_soft_margin_loss" or len(scene.given("input").shape) != 2:
        return ()
    items, classes = scene.given("input").shape
    text = (
        "multilabel_soft_margin_loss is binary cross entropy (BCE) of the logits, its mean over classes then over the "
        "batch: divided by {classes} and by {items}."
    )
    return (said(text, classes=classes, items=items),)
