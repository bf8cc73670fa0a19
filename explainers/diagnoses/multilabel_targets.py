"""The targets of multilabel_margin_loss: lists of class indices that end with -1."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, renewed
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.wording import row, stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LABELS = "scores = torch.tensor([[0.1, 0.2, 0.4, 0.8]])\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="multilabelmargin-not-indices",
            unedited=(
                "A mask and a list of indices are other data; which of the two losses is wanted is the asker's choice."
            ),
            family="margin-targets",
            title=said("A 0/1 mask where a list of class indices is expected"),
            explanation=said(
                "multilabel_margin_loss wants the indices of the true classes, ended by −1. A mask of 0 and 1 is read "
                "as the classes 0 and 1, over and over."
            ),
            words=(
                "multilabel margin loss mask",
                "MultiLabelMarginLoss one-hot",
                "MultiLabelMarginLoss multi-hot target",
            ),
            losses=frozenset({"multilabel_margin_loss"}),
            trigger=_mask,
            positive=_HEAD + _LABELS + "mask = torch.tensor([[0, 1, 0, 1]])\nF.multilabel_margin_loss(scores, mask)",
            control=_HEAD
            + _LABELS
            + "labels = torch.tensor([[1, 3, -1, -1]])\nF.multilabel_margin_loss(scores, labels)",
            dominates=frozenset({"multilabelmargin-padded-with-zero"}),
        ),
        Rule(
            slug="multilabelmargin-padded-with-zero",
            unedited="Which zeros are padding and which are class 0 is known to the asker alone.",
            family="margin-targets",
            title=said("Label lists padded with 0"),
            explanation=said(
                "Lists of class indices end with −1. Index 0 is a class like any other, so a list that is padded with "
                "0 says again and again that class 0 is true."
            ),
            uncertainty=said("I assume that the zeros at the end are padding."),
            words=(
                "MultiLabelMarginLoss padding",
                "multilabel_margin_loss padded with 0",
                "multilabel margin -1 padding",
            ),
            losses=frozenset({"multilabel_margin_loss"}),
            trigger=_padded_with_zero,
            positive=_HEAD
            + _LABELS
            + "labels = torch.tensor([[3, 1, 0, 0]])\nF.multilabel_margin_loss(scores, labels)",
            control=_HEAD
            + _LABELS
            + "labels = torch.tensor([[3, 1, -1, -1]])\nF.multilabel_margin_loss(scores, labels)",
        ),
    )


def _mask(scene: Scene) -> Suspicion | None:
    y = np.atleast_2d(scene.array("target"))
    if not set(np.unique(y)) <= {0.0, 1.0} or not y.size or not (y.sum(axis=1) > 0).all():
        return None
    listed = np.stack([_listed(one) for one in y]).reshape(scene.given("target").shape)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} reads the mask {row} as class indices.", value=stated(scene), row=row(y[0])),
        evidence=(
            said(
                "The target holds 0 and 1 alone and no −1; as indices row 0 is {row}.",
                row=row(listed.reshape(y.shape)[0]),
            ),
        ),
        trials=(
            Trial(said("with the indices of the true classes"), graph_rerun(renewed(scene.given("target"), listed))),
        ),
        fix=fixes.fix(
            scene,
            None,
            "choose",
            said("Give class indices ended by −1, or use multilabel_soft_margin_loss with the mask."),
        ),
    )


def _listed(mask: Floats) -> Floats:
    found = np.flatnonzero(mask).astype(np.float64)
    return np.concatenate([found, np.full(len(mask) - len(found), -1.0)])


def _padded_with_zero(scene: Scene) -> Suspicion | None:
    y = np.atleast_2d(scene.array("target"))
    repeated = np.flatnonzero(((y == 0).sum(axis=1) > 1) & (y[:, -1:] == 0).all(axis=1))
    if not y.shape[1] or not repeated.size or (y < 0).any():
        return None
    ended = _ended(y).reshape(scene.given("target").shape)
    first = int(repeated[0])
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} takes the padding for class 0: the label list {row} is not ended by −1.",
            value=stated(scene),
            row=row(y[first]),
        ),
        evidence=(
            said(
                "Row {index} holds 0 {count} times; 0 is a valid class index, -1 ends a list.",
                index=first,
                count=int((y[first] == 0).sum()),
            ),
        ),
        trials=(
            Trial(said("with −1 in place of the zeros at the end"), graph_rerun(renewed(scene.given("target"), ended))),
        ),
        fix=fixes.fix(scene, None, "likely", said("Pad the lists with −1.")),
    )


def _ended(labels: Floats) -> Floats:
    """Each row with −1 behind its last label other than 0."""
    places = np.arange(1, labels.shape[1] + 1)
    last = np.where(labels != 0, places, 0).max(axis=1, keepdims=True)
    return np.where(places <= last, labels, -1.0)
