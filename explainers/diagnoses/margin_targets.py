"""Labels of the margin losses: signs, and lists of class indices."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, scaled, swapped, wrapped
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, row, stated
from explainers.messages import Message, said

Numbers = npt.NDArray[Any]
_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_SCORES = "scores = torch.tensor([2.0, -1.5, 3.0])\n"
_RANKED = "x1 = torch.tensor([2.0, 1.0, 1.0])\nx2 = torch.tensor([2.0, -3.0, 1.0])\n"
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
                "This loss expects labels of −1 and 1, and torch does not check them: with 0 no score is pulled the "
                "way in which −1 would pull it."
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
                "label, any other number scales the score inside its term; hinge_embedding_loss counts such an item as "
                "both alike and different, cosine_embedding_loss as neither."
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
            *_of_zero(scene, y),
        ),
        trials=(Trial(said("with labels 2·y − 1"), graph_rerun(*signs)),),
        fix=fixes.fix(
            scene, fixes.rewritten(scene, "target", "2 * {} - 1"), "safe", said("Turn 0 and 1 into −1 and 1.")
        ),
    )


def _of_zero(scene: Scene, y: Numbers) -> Iterator[Message]:
    """What the loss makes of an item whose label is 0."""
    margin = scene.call.argument("margin")
    match scene.name:
        case "soft_margin_loss":
            yield said("With label 0 its term is log(1 + e⁰) = log 2 whatever the score, with a gradient of 0.")
        case "cosine_embedding_loss":
            yield said("With label 0, which is neither, its term is 0 whatever the vectors, with a gradient of 0.")
        case "margin_ranking_loss" if isinstance(margin, int | float):
            yield said(
                "With label 0 its term is max(0, margin) = {margin} whatever the scores, with a gradient of 0.",
                margin=number(max(0.0, float(margin))),
            )
        case "hinge_embedding_loss" if isinstance(margin, int | float):
            x = np.broadcast_to(scene.array("input"), np.broadcast_shapes(scene.array("input").shape, y.shape))
            given = x[np.broadcast_to(y == 0, x.shape)]
            yield said(
                "With label 0 it adds both halves, x + max(0, margin − x): that is the margin itself where x is below "
                "it, with a gradient of 0, and x from there on. Here {below} of {all} such items are below it.",
                below=int((given < margin).sum()),
                all=given.size,
            )
        case _:
            pass


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
