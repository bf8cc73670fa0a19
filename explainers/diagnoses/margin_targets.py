"""Labels of the margin losses: signs, and lists of class indices."""

from __future__ import annotations

import ast

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, renewed, scaled, swapped, wrapped
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, row, stated
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_SCORES = "scores = torch.tensor([2.0, -1.5, 3.0])\n"
_RANKED = "x1 = torch.tensor([2.0, 1.0, 1.0])\nx2 = torch.tensor([2.0, -3.0, 1.0])\n"
_LABELS = "scores = torch.tensor([[0.1, 0.2, 0.4, 0.8]])\n"
_SIGNED = frozenset({"soft_margin_loss", "margin_ranking_loss", "hinge_embedding_loss", "cosine_embedding_loss"})
_FORMULAS = {
    "soft_margin_loss": "log(1 + exp(-y * x))",
    "margin_ranking_loss": "max(0, -y * (x1 - x2) + margin)",
    "hinge_embedding_loss": "x for y = 1, max(0, margin - x) for y = -1",
    "cosine_embedding_loss": "1 - cos for y = 1, max(0, cos - margin) for y = -1",
}


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="pm1-target-given-01",
            family="margin-targets",
            title=said("Labels 0 and 1 where −1 and 1 are expected"),
            explanation=said(
                "This loss multiplies by a label that is −1 or 1. With 0 the term no longer depends on the score, so "
                "it is constant and teaches nothing."
            ),
            words=(
                "soft margin loss 0 1 labels",
                "soft margin stuck at ln 2",
                "target 0 in margin loss",
                "margin loss labels 0 and 1",
            ),
            losses=_SIGNED,
            dominates=frozenset({"hinge-satisfied-zero-grad"}),
            trigger=_zeros,
            positive=_HEAD + _SCORES + "y = torch.tensor([1.0, 0.0, 1.0])\nF.soft_margin_loss(scores, y)",
            control=_HEAD + _SCORES + "y = torch.tensor([1.0, -1.0, 1.0])\nF.soft_margin_loss(scores, y)",
        ),
        Rule(
            slug="pm1-target-other-numbers",
            family="margin-targets",
            title=said("A label that is neither −1 nor 1"),
            explanation=said(
                "This loss expects labels that are −1 or 1, and torch does not check them. Where it multiplies by the "
                "label, any other number scales the loss of its item; hinge_embedding_loss counts such an item as both "
                "alike and different, cosine_embedding_loss as neither."
            ),
            words=("MarginRankingLoss wrong value", "margin ranking target", "margin_ranking_loss formula wrong"),
            losses=_SIGNED,
            dominates=frozenset({"hinge-satisfied-zero-grad"}),
            trigger=_other_numbers,
            positive=_HEAD
            + _RANKED
            + "y = torch.tensor([1.0, -1.0, 1.0])\ny = x2.view(3)\nF.margin_ranking_loss(x1, x2, y, margin=1.0)",
            control=_HEAD
            + _RANKED
            + "y = torch.tensor([1.0, -1.0, 1.0])\nF.margin_ranking_loss(x1, x2, y, margin=1.0)",
        ),
        Rule(
            slug="hinge-embedding-on-scores",
            family="margin-targets",
            title=said("Scores where hinge_embedding_loss expects distances"),
            explanation=said(
                "hinge_embedding_loss takes a distance (a dissimilarity), which is never negative: for a label of 1 it "
                "returns the input itself, without any max, so that minimising it drives scores towards −∞; the hinge "
                "max(0, margin − x) is that of label −1 alone. Of scores and labels of ±1, soft_margin_loss is the "
                "loss."
            ),
            words=(
                "hinge embedding loss negative",
                "HingeEmbeddingLoss on logits",
                "hinge_embedding_loss below 0",
                "hinge embedding loss input must be positive distance",
            ),
            losses=frozenset({"hinge_embedding_loss"}),
            trigger=_scores_as_distances,
            positive=_HEAD + _SCORES + "y = torch.tensor([1.0, 1.0, -1.0])\nF.hinge_embedding_loss(scores, y)",
            control=_HEAD + "d = torch.tensor([2.0, 1.5, 3.0])\ny = torch.tensor([1.0, 1.0, -1.0])\n"
            "F.hinge_embedding_loss(d, y)",
        ),
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


def _zeros(scene: Scene) -> Suspicion | None:
    y = scene.array("target")
    if not set(np.unique(y)) <= {0.0, 1.0} or not (y == 0).any():
        return None
    signs = (scaled(scene.call, "target", 2.0), wrapped(scene.call, "target", "torch.sub", other=1.0))
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} is given labels 0 and 1: {loss} expects −1 and 1.", value=stated(scene), loss=scene.name),
        evidence=(
            said("{count} of {all} labels are 0, none is −1.", count=int((y == 0).sum()), all=y.size),
            _formula(scene),
        ),
        trials=(Trial(said("with labels 2·y − 1"), graph_rerun(*signs)),),
        fix=fixes.fix(
            scene, fixes.rewritten(scene, "target", "2 * {} - 1"), "safe", said("Turn 0 and 1 into −1 and 1.")
        ),
    )


def _formula(scene: Scene) -> Message:
    return said("{loss} is {formula}.", loss=scene.name, formula=_FORMULAS[scene.name])


def _other_numbers(scene: Scene) -> Suspicion | None:
    y = scene.array("target")
    others = y[~np.isin(y, (-1.0, 1.0) if (y == -1).any() else (-1.0, 0.0, 1.0))]
    if not others.size:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} has a label of {label} in it; {loss} expects −1 or 1.",
            value=stated(scene),
            label=number(float(others[0])),
            loss=scene.name,
        ),
        evidence=(said("The labels are {row}.", row=row(y.reshape(-1))), *_same_as_input(scene), _formula(scene)),
        trials=(Trial(said("with the signs of the labels"), graph_rerun(wrapped(scene.call, "target", "torch.sign"))),),
        fix=_not_overwritten(scene),
    )


def _same_as_input(scene: Scene) -> tuple[Message, ...]:
    """Says where the labels are another argument of the loss in disguise."""
    origin = scene.origin("target")
    twin = next((name for name in ("input1", "input2", "input") if scene.origin(name) == origin is not None), None)
    if twin is None:
        return ()
    maker = scene.maker(scene.call.ref("target"))
    known = scene.given(twin).name or twin
    if maker is None or maker.span is None:
        return (said("The labels are {name} itself.", name=known),)
    return (
        said(
            "The labels are {name} itself: {text} (line {line}).",
            name=known,
            text=maker.span.text,
            line=maker.span.line,
        ),
    )


def _not_overwritten(scene: Scene) -> Fix:
    """The program without the line that gives the label's variable a second value, where there is one."""
    source, name = Source(scene.recording.source), fixes.name_passed(scene, "target")
    given = [n for n in source.tree.body if isinstance(n, ast.Assign) and _names(n) == [name]]
    maker = scene.maker(scene.call.ref("target"))
    line = maker.span.line if maker and maker.span else None
    last = next((n for n in given[1:] if n.lineno == line and not source.shares_line(n)), None)
    changed = source.without_lines(last) if last is not None and name else None
    return fixes.fix(scene, changed, "likely", said("Give the loss labels of −1 and 1."))


def _names(statement: ast.Assign) -> list[str]:
    return [target.id for target in statement.targets if isinstance(target, ast.Name)]


def _scores_as_distances(scene: Scene) -> Suspicion | None:
    x, y = scene.array("input"), scene.array("target")
    labels = np.broadcast_to(y, x.shape) if y.ndim <= x.ndim and x.size else y
    alike = x[(labels == 1) & (x < 0)] if labels.shape == x.shape else x[:0]
    if not alike.size:
        return None
    below = (wrapped(scene.call, "input", "torch.clamp", min=0.0),)
    swap = swapped(scene.call, "torch.nn.functional.soft_margin_loss", "input", "target", "reduction")
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} adds up scores: for y = 1 hinge_embedding_loss returns the input itself, {x} for example.",
            value=stated(scene),
            x=number(float(alike.min())),
        ),
        evidence=(
            said(
                "{count} of {all} entries have y = 1 and an input below 0, which no distance is.",
                count=int(alike.size),
                all=int(x.size),
            ),
            _formula(scene),
        ),
        trials=(
            Trial(said("with soft_margin_loss, which takes scores"), graph_rerun(swap)),
            Trial(said("with inputs of at least 0, as distances are"), graph_rerun(*below), "illustration"),
        ),
        fix=fixes.fix(
            scene,
            fixes.renamed(
                scene,
                scene.call,
                ("hinge_embedding_loss", "soft_margin_loss"),
                ("HingeEmbeddingLoss", "SoftMarginLoss"),
            ),
            "choose",
            said("Give it distances, such as F.pairwise_distance(a, b); of scores, use soft_margin_loss."),
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
