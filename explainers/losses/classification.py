"""Losses over classes: log-softmax, negative log-likelihood, cross-entropy.

Formulas as torch computes them: torch.nn.functional and ATen's LossNLL.cpp. Shapes: input (C), (N, C) or
(N, C, d1, …, dK); class indices (), (N) or (N, d1, …, dK); class probabilities of the input's shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce

from explainers.graph import ops
from explainers.graph.arrays import Array, Layout, aligned, broadcast
from explainers.graph.nodes import Axis, Node
from explainers.losses.loss import Loss
from explainers.losses.options import of_classes, of_vectors
from explainers.losses.reduction import legacy, reduced
from explainers.messages import said


def losses() -> tuple[Loss, ...]:
    """Cross-entropy, its two halves, and the probabilities themselves."""
    return (
        Loss(
            "cross_entropy",
            cross_entropy,
            {"input": "z", "target": "y", "weight": "w"},
            "logits = torch.tensor([[2.0, 0.5, -1.0]])\ntarget = torch.tensor([0])\nF.cross_entropy(logits, target)",
            said("Definition: logits in, not probabilities"),
            said("cross_entropy applies softmax itself: the input is read as raw scores (logits), not probabilities."),
            module="CrossEntropyLoss",
            convex_in=("input",),
            constant=("weight",),
            unless_real="target",
            words=("cross entropy", "cross-entropy", "CE"),
            options=(of_classes.smoothing(), of_classes.ignoring(), of_classes.weights()),
        ),
        Loss(
            "nll_loss",
            nll_loss,
            {"input": "z", "target": "y", "weight": "w"},
            "log_p = torch.log_softmax(torch.tensor([[2.0, 0.5, -1.0]]), dim=1)\nF.nll_loss(log_p, torch.tensor([0]))",
            said("Definition: minus the log-probability of the target"),
            said("nll_loss only picks the target's entry and flips its sign: the input is read as log-probabilities."),
            module="NLLLoss",
            convex_in=("input",),
            constant=("weight",),
            words=("negative log-likelihood", "NLL"),
            no_floor=said(
                "Of log-probabilities it is never below 0, unless a weight is; of any other input it falls "
                "without end, since it is linear in it."
            ),
            options=(of_classes.ignoring(softmax=False), of_classes.weights()),
        ),
        Loss(
            "log_softmax",
            log_softmax,
            {"input": "z"},
            "F.log_softmax(torch.tensor([2.0, 0.5, -1.0]), dim=0)",
            said("Definition: the logarithm of softmax"),
            said("log_softmax reads the input as raw scores (logits)."),
            module="LogSoftmax",
            is_loss=False,
            no_floor=said(
                "No value is above 0; there is no least value: it falls without end for a score that falls behind the "
                "others."
            ),
            words=("log-softmax", "log softmax"),
            options=(of_vectors.shares(),),
        ),
        Loss(
            "softmax",
            softmax,
            {"input": "z"},
            "F.softmax(torch.tensor([2.0, 0.5, -1.0]), dim=0)",
            said("Definition: exponentials that sum to one"),
            said("softmax reads the input as raw scores (logits)."),
            module="Softmax",
            is_loss=False,
            no_floor=said(
                "Each value lies between 0 and 1; finite scores reach neither, except by rounding or where there is "
                "one score alone."
            ),
            options=(of_vectors.shares(),),
        ),
        Loss(
            "softmin",
            softmin,
            {"input": "z"},
            "F.softmin(torch.tensor([2.0, 0.5, -1.0]), dim=0)",
            said("Definition: exponentials that sum to one"),
            said("softmin is softmax of the negated input: the least number gets the largest share."),
            module="Softmin",
            is_loss=False,
            no_floor=said(
                "Each value lies between 0 and 1; finite scores reach neither, except by rounding or where there is "
                "one score alone."
            ),
            options=(of_vectors.shares(),),
        ),
    )


def log_softmax(input: Array, dim: int | None = None, _stacklevel: int = 3, dtype: str | None = None) -> Array:
    """xᵢ − log Σⱼ e^xⱼ along `dim`."""
    (axis,) = _along(input, dim)
    return Array(ops.log_softmax(_as(input, dtype), axis), input.layout)


def softmax(input: Array, dim: int | None = None, _stacklevel: int = 3, dtype: str | None = None) -> Array:
    """e^xᵢ / Σⱼ e^xⱼ along `dim`."""
    (axis,) = _along(input, dim)
    return Array(ops.softmax(_as(input, dtype), axis), input.layout)


def softmin(input: Array, dim: int | None = None, _stacklevel: int = 3, dtype: str | None = None) -> Array:
    """e^−xᵢ / Σⱼ e^−xⱼ along `dim`."""
    return softmax(Array(ops.neg(input.node), input.layout), dim, _stacklevel, dtype)


def nll_loss(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """−w[y] · input[y], nothing where y is ignored; the mean is over Σ w[y]."""
    c, layout = _classes(input)
    return _picked(input.node, c, target, layout, weight, ignore_index, legacy(size_average, reduce, reduction))


def cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Array:
    """−w[y] · log softmax(input)[y]; with probabilities −Σ w · t · log softmax(input), whose mean is over N."""
    reduction = legacy(size_average, reduce, reduction)
    c, layout = _classes(input)
    log_p = ops.log_softmax(ops.real(input.node), c)
    if target.shape == input.shape and target.floating:
        return _soft(log_p, c, broadcast((input, target))[0][1], input, weight, reduction, label_smoothing)
    return _picked(log_p, c, target, layout, weight, ignore_index, reduction, label_smoothing)


def _picked(
    log_p: Node,
    c: Axis | None,
    target: Array,
    layout: Layout,
    weight: Array | None,
    ignore_index: int,
    reduction: str,
    smoothing: float = 0.0,
) -> Array:
    """The negated entry at the target, weighted, and averaged by the weights that took part.

    Smoothed, (1 − ε) of it and ε/C of the weighted entries of every class; torch averages the two apart, by the same
    divisor.
    """
    y = aligned(target, layout)
    weights = None if weight is None else ops.take(_per_class(weight, c), y, c)
    item = ops.neg(ops.take(log_p, y, c))
    terms = [(Fraction(1), item if weights is None else ops.mul(weights, item))]
    if smoothing > 0.0:
        eps = Fraction(repr(float(smoothing)))
        weighted = log_p if weight is None else ops.mul(_per_class(weight, c), log_p)
        spread = ops.neg(ops.sum(weighted, (c,) if c else ()))
        terms = [(1 - eps, terms[0][1]), (eps / _size(c), spread)]
    if target.values is None or target.holds(ignore_index):
        kept = ops.compare("ne", y, ignore_index)
        terms = [(share, ops.where(kept, term, 0)) for share, term in terms]
        weights = ops.where(kept, 1 if weights is None else weights, 0)
    if weight is not None and reduction == "mean":  # each average by itself, so that one of no weights at all is 0/0
        return Array(_shared([(share, reduced(term, layout, reduction, weights).node) for share, term in terms]))
    if reduction == "mean" and weights is None:  # by the kernel of nll_loss, which adds in the dtype itself
        return Array(ops.div(reduced(_shared(terms), layout, "sum").node, ops.count(axis for axis in layout if axis)))
    return reduced(_shared(terms), layout, reduction, weights)


def _shared(terms: Sequence[tuple[Fraction, Node]]) -> Node:
    """The sum of terms, each by its share."""
    return reduce(ops.add, (term if share == 1 else ops.mul(share, term) for share, term in terms))


def _soft(
    log_p: Node, c: Axis | None, t: Node, input: Array, weight: Array | None, reduction: str, smoothing: float
) -> Array:
    """Class probabilities: Σ w · t · −log p, where the weights do not normalise the mean; of no classes it is nan."""
    if smoothing > 0.0:
        eps = Fraction(repr(float(smoothing)))
        t = ops.add(ops.mul(t, 1 - eps), eps / _size(c))
    if weight is not None:
        t = ops.mul(_per_class(weight, c), t)
    item = ops.neg(ops.sum(ops.mul(t, log_p), (c,) if c else ()))
    layout = _classes(input)[1]
    if reduction != "mean":
        return reduced(item, layout, reduction)
    rows = ops.count(axis for axis in layout if axis) if _size(c) else 0  # the input's elements over its classes
    return Array(ops.div(reduced(item, layout, "sum").node, rows))


def _classes(input: Array) -> tuple[Axis | None, Layout]:
    """The class axis (None where there is one class) and the layout without it."""
    dim = 0 if len(input.layout) == 1 else 1
    return input.layout[dim], input.layout[:dim] + input.layout[dim + 1 :]


def _per_class(weight: Array, c: Axis | None) -> Node:
    return aligned(weight, (c,))


def _size(c: Axis | None) -> int:
    return 1 if c is None else c.size


def _along(input: Array, dim: int | None) -> tuple[Axis | None]:
    """torch's implicit dimension where none is given: 0 for 0, 1 or 3 dimensions, else 1."""
    chosen = dim if dim is not None else (0 if len(input.layout) in (0, 1, 3) else 1)
    return (input.layout[chosen] if input.layout else None,)


def _as(input: Array, dtype: str | None) -> Node:
    return input.node if dtype is None else ops.cast(input.node, dtype)
