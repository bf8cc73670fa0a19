"""Losses that are 0 once something is right by a margin.

Formulas as in ATen's Loss.cpp, LossMultiMargin.cpp and LossMultiLabelMargin.cpp. A margin met exactly passes the
gradient on in hinge_embedding_loss and margin_ranking_loss (clamp_min), and not in the two over classes.
"""

from __future__ import annotations

import math

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, Layout, aligned, broadcast
from explainers.graph.nodes import Axis, Node
from explainers.losses.loss import Loss
from explainers.losses.options import of_classes, of_margins, of_numbers
from explainers.losses.reduction import legacy, reduced
from explainers.messages import said
from explainers.torch_indexing import Unsupported

FEW, MANY = 16, 10_000
"""How many times as many places as labels a target has, or how many pairs of a place and a class there are, for its
labels alone to be looked at."""


def losses() -> tuple[Loss, ...]:
    """Margins between pairs, of single scores, and between classes."""
    return (
        Loss(
            "margin_ranking_loss",
            margin_ranking_loss,
            {"input1": "u", "input2": "v", "target": "y"},
            "higher, lower = torch.tensor([0.5, 2.0]), torch.tensor([1.0, 0.0])\n"
            "F.margin_ranking_loss(higher, lower, torch.tensor([1.0, 1.0]), margin=0.5)",
            said("Definition: how far the wrong one is ahead, and a margin"),
            said(
                "margin_ranking_loss is max(0, −y · (x1 − x2) + margin): the target y is 1 where input1 has to be the "
                "higher one, −1 where input2 has to be."
            ),
            module="MarginRankingLoss",
            convex_in=("input1", "input2"),
            words=("margin ranking",),
            options=(of_margins.ranking(),),
        ),
        Loss(
            "hinge_embedding_loss",
            hinge_embedding_loss,
            {"input": "x", "target": "y"},
            "F.hinge_embedding_loss(torch.tensor([0.5, 0.25]), torch.tensor([1.0, -1.0]))",
            said("Definition: the distance of a pair, or what it lacks to the margin"),
            said(
                "hinge_embedding_loss reads the input as distances: it is x where the target is 1 (alike), and "
                "max(0, margin − x) where it is −1 (different)."
            ),
            module="HingeEmbeddingLoss",
            convex_in=("input",),
            words=("hinge embedding",),
            no_floor=said(
                "Of distances it is never below 0, and 0 where they are 0 for target 1 and reach the margin for −1; of "
                "numbers below 0, which are no distances, it falls without end."
            ),
            options=(of_margins.hinge(),),
        ),
        Loss(
            "soft_margin_loss",
            soft_margin_loss,
            {"input": "x", "target": "y"},
            "F.soft_margin_loss(torch.tensor([0.5, -1.0]), torch.tensor([1.0, -1.0]))",
            said("Definition: log(1 + e^−yx)"),
            said("soft_margin_loss reads the input as raw scores and the target as 1 or −1, not 1 or 0."),
            module="SoftMarginLoss",
            convex_in=("input",),
            constant=("target",),
            words=("soft margin", "logistic loss"),
        ),
        Loss(
            "multi_margin_loss",
            multi_margin_loss,
            {"input": "x", "target": "y", "weight": "w"},
            "F.multi_margin_loss(torch.tensor([[0.5, 2.0, 0.25]]), torch.tensor([1]))",
            said("Definition: every class that comes within the margin of the target's"),
            said(
                "multi_margin_loss wants the target's score above all others by the margin; it divides by all classes."
            ),
            module="MultiMarginLoss",
            convex_in=("input",),
            constant=("weight",),
            words=("multi margin", "multi-class hinge loss"),
            options=(of_margins.power(), of_margins.of_classes(), of_classes.weights(by_their_sum=False)),
        ),
        Loss(
            "multilabel_margin_loss",
            multilabel_margin_loss,
            {"input": "x", "target": "y"},
            "F.multilabel_margin_loss(torch.tensor([[0.5, 2.0, 0.25]]), torch.tensor([[1, 0, -1]]))",
            said("Definition: every pair of a label and another class within a margin of 1"),
            said("multilabel_margin_loss reads the target as a list of class indices that the first −1 ends."),
            module="MultiLabelMarginLoss",
            convex_in=("input",),
            words=("multi-label margin",),
        ),
        Loss(
            "multilabel_soft_margin_loss",
            multilabel_soft_margin_loss,
            {"input": "x", "target": "t", "weight": "w"},
            "F.multilabel_soft_margin_loss(torch.tensor([[2.0, -1.0, 0.5]]), torch.tensor([[1.0, 0.0, 1.0]]))",
            said("Definition: binary cross-entropy of logits, averaged over the classes"),
            said("multilabel_soft_margin_loss applies sigmoid itself: the input is read as raw scores (logits)."),
            module="MultiLabelSoftMarginLoss",
            convex_in=("input",),
            words=("multi-label soft margin",),
            options=(of_numbers.of_elements(),),
        ),
    )


def margin_ranking_loss(
    input1: Array,
    input2: Array,
    target: Array,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """max(0, −y · (x₁ − x₂) + margin)."""
    (a, b, y), layout = broadcast((input1, input2, target))
    item = ops.clamp_min(ops.add(ops.mul(ops.neg(y), ops.sub(a, b)), margin), 0)
    return reduced(item, layout, legacy(size_average, reduce, reduction))


def hinge_embedding_loss(
    input: Array,
    target: Array,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """x where y is not −1, and max(0, margin − x) where y is not 1: both for any other y."""
    (x, y), layout = broadcast((input, target))
    apart = ops.where(ops.compare("ne", y, 1), ops.clamp_min(ops.sub(margin, x), 0), 0)
    alike = ops.where(ops.compare("ne", y, -1), x, 0)
    return reduced(ops.add(apart, alike), layout, legacy(size_average, reduce, reduction))


def soft_margin_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """log(1 + e^−yx), as it stands: e^−yx overflows where −yx is past 88 in float32; nan is then the gradient."""
    (x, y), layout = broadcast((input, target))
    grown = ops.exp(ops.cast(ops.mul(ops.neg(x), y), x.dtype))  # written over −x, in its dtype
    slope = ops.neg(ops.div(ops.mul(y, grown), ops.add(grown, 1)))
    item = ops.with_gradient(ops.log1p(grown), ((x, slope),))
    return reduced(item, layout, legacy(size_average, reduce, reduction))


def multi_margin_loss(
    input: Array,
    target: Array,
    p: int = 1,
    margin: float = 1.0,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """Σ over the other classes of w[y] · max(0, margin − x[y] + x)^p, over the number of all classes."""
    reduction = legacy(size_average, reduce, reduction)
    c, rows = _classes(input)
    _batch(rows, reduction)
    y = aligned(target, rows)
    short = ops.add(ops.sub(margin, ops.take(input.node, y, c)), input.node)
    others = ops.compare("ne", ops.coordinate(c), y)
    missed = ops.where(others, _positive(short, p), 0)
    if weight is not None:
        missed = ops.mul(missed, ops.take(aligned(weight, (c,)), y, c))
    item = ops.div(ops.sum(missed, (c,) if c else ()), _size(c))
    layout = rows if len(target.layout) == len(rows) else target.layout
    return reduced(item, layout, reduction)


def multilabel_margin_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """Σ over the labels, up to the first below 0, and over all other classes of max(0, 1 − x[label] + x), over their
    number; a label listed twice counts twice."""
    reduction = legacy(size_average, reduce, reduction)
    c, rows = _classes(input)
    _batch(rows, reduction)
    labels, listed, along = _labels(target, rows)
    times = ops.sum(ops.both(listed, ops.compare("eq", labels, ops.coordinate(c))), along)
    short = ops.add(ops.sub(1, ops.take(input.node, labels, c)), input.node)
    counted = ops.both(listed, ops.compare("eq", times, 0))
    missed = ops.where(ops.both(counted, ops.compare("gt", short, 0)), short, 0)
    item = ops.div(ops.sum(missed, (*along, *((c,) if c else ()))), _size(c))
    return reduced(item, rows, reduction)


def multilabel_soft_margin_loss(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """−w · (t · log σ(x) + (1 − t) · log σ(−x)), averaged over the last dimension first."""
    (x, t), layout = broadcast((input, target))
    yes, no = ops.mul(t, ops.logsigmoid(x)), ops.mul(ops.sub(1, t), ops.logsigmoid(ops.neg(x)))
    item = ops.neg(ops.add(yes, no))
    if weight is not None:
        (item, w), layout = broadcast((Array(item, layout), weight))
        item = ops.mul(item, w)
    at = len(input.layout) - 1
    along = Array(item, layout).along((at,))
    rows = ops.div(ops.sum(item, along), input.shape[at])
    return reduced(rows, layout[:at] + layout[at + 1 :], legacy(size_average, reduce, reduction))


def _labels(target: Array, rows: Layout) -> tuple[Node, Node, tuple[Axis, ...]]:
    """The labels of each row along an axis of their own, and which of them stand before the first one below 0."""
    own = target.layout[-1] if target.layout else None
    fresh = Axis("l", own.size) if own else None
    moved = ops.rename(target.node, own, fresh) if own and fresh else target.node
    labels = aligned(Array(moved, (*target.layout[:-1], fresh)), (*rows, fresh))
    along = (fresh,) if fresh else ()
    if own and _only_ends_are_negative(target) and (longest := _longest(target)) < own.size / _surplus(target, own):
        few = Axis("l", longest)
        labels = ops.take(aligned(target, (*rows, own)), ops.coordinate(few), own)
        return labels, ops.compare("ge", labels, 0), (few,)
    if fresh is None or _only_ends_are_negative(target):
        return labels, ops.compare("ge", labels, 0), along
    stops = ops.where(ops.compare("lt", labels, 0), ops.coordinate(fresh), fresh.size)
    return labels, ops.compare("lt", ops.coordinate(fresh), ops.extremum("min", stops, along)), along


def _surplus(target: Array, own: Axis) -> int:
    """How many times as many places as labels a target must have."""
    return 1 if math.prod(target.shape) * own.size > MANY else FEW


def _longest(target: Array) -> int:
    """How many labels the longest row lists, 2 at the least; the rest of every row is known to be below 0."""
    listed = np.asarray(target.values, dtype=np.int64) >= 0
    return max(2, int(listed.sum(axis=-1).max(initial=0)))


def _only_ends_are_negative(target: Array) -> bool:
    """Whether the target is known, and no label stands behind one below 0."""
    if target.values is None:
        return False
    ended = (np.asarray(target.values, dtype=np.int64) < 0).astype(int)
    return bool((np.diff(ended, axis=-1) >= 0).all())


def _batch(rows: Layout, reduction: str) -> None:
    """Raises Unsupported for a batch of nothing: torch then returns memory that nobody wrote."""
    if reduction != "none" and any(axis is not None and not axis.size for axis in rows):
        raise Unsupported(said("torch leaves the loss of an empty batch unwritten, so that it is whatever memory held"))


def _positive(short: Node, p: int) -> Node:
    """max(0, short)^p, without a gradient at 0."""
    over = ops.compare("gt", short, 0)
    if p == 1:
        return ops.where(over, short, 0)
    squared = ops.where(over, ops.square(short), 0)
    return ops.with_gradient(squared, ((short, ops.where(over, ops.mul(2, short), 0)),))


def _classes(input: Array) -> tuple[Axis | None, Layout]:
    """The class axis (the last; None where there is one class) and the layout of the rows."""
    return (input.layout[-1] if input.layout else None), input.layout[:-1]


def _size(c: Axis | None) -> int:
    return 1 if c is None else c.size
