"""Losses over independent yes/no labels: binary cross-entropy, of probabilities and of logits.

Formulas as in ATen's Loss.cpp. Shapes: input and target alike, weight and pos_weight broadcast; plain reduction (the
weights do not normalise the mean).
"""

from __future__ import annotations

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, Layout, broadcast
from explainers.graph.nodes import Node
from explainers.losses.loss import Loss
from explainers.losses.options import of_numbers
from explainers.losses.reduction import legacy, reduced
from explainers.messages import said

LEAST_LOG = -100
LEAST_VARIANCE = float(np.float32(1e-12))


def losses() -> tuple[Loss, ...]:
    """Binary cross-entropy of probabilities and of logits."""
    return (
        Loss(
            "binary_cross_entropy",
            binary_cross_entropy,
            {"input": "p", "target": "t", "weight": "w"},
            "F.binary_cross_entropy(torch.tensor([0.8, 0.3]), torch.tensor([1.0, 0.0]))",
            said("Definition: probabilities in"),
            said(
                "binary_cross_entropy is −y · log p − (1 − y) · log(1 − p), each logarithm cut at −100: the input p is "
                "read as probabilities in [0, 1]."
            ),
            module="BCELoss",
            convex_in=("input",),
            of_probabilities=True,
            constant=("weight",),
            words=("binary cross entropy", "BCE"),
            options=(of_numbers.of_elements(),),
        ),
        Loss(
            "binary_cross_entropy_with_logits",
            binary_cross_entropy_with_logits,
            {"input": "x", "target": "t", "weight": "w", "pos_weight": "q"},
            "F.binary_cross_entropy_with_logits(torch.tensor([2.0, -1.0]), torch.tensor([1.0, 0.0]))",
            said("Definition: logits in, not probabilities"),
            said("binary_cross_entropy_with_logits applies sigmoid itself: the input is read as raw scores (logits)."),
            module="BCEWithLogitsLoss",
            convex_in=("input",),
            constant=("weight", "pos_weight"),
            words=("BCE with logits",),
            options=(of_numbers.of_elements(), of_numbers.of_positives()),
        ),
    )


def binary_cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """−t · log p − (1 − t) · log(1 − p), each logarithm at least −100."""
    (p, t), layout = broadcast((input, target))
    yes = ops.clamp_min(ops.log(p), LEAST_LOG)
    no = ops.clamp_min(ops.log1p(ops.neg(p)), LEAST_LOG)
    item = _with_torch_backward(ops.sub(ops.mul(ops.sub(t, 1), no), ops.mul(t, yes)), p, t)
    return reduced(_weighted(item, layout, weight), layout, legacy(size_average, reduce, reduction))


def binary_cross_entropy_with_logits(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Array | None = None,
) -> Array:
    """(1 − t) · x − (1 + (w⁺ − 1) · t) · log σ(x), written over 1 − t and so in the target's dtype."""
    (x, t), layout = broadcast((input, target))
    plus = None if pos_weight is None else broadcast((Array(x, layout), pos_weight))[0][1]
    rest = ops.logsigmoid(x)
    if plus is not None:
        rest = ops.cast(ops.mul(ops.add(1, ops.mul(ops.sub(plus, 1), t)), rest), x.dtype)
    scaled = ops.cast(ops.mul(ops.sub(1, t), x), t.dtype)
    reduction = legacy(size_average, reduce, reduction)
    to = t if reduction == "none" else ops.cast(t, x.dtype)  # a gradient without dimensions does not raise the dtype
    item = ops.cast(_weighted(ops.cast(ops.sub(scaled, rest), t.dtype), layout, weight), t.dtype)
    slopes = (_weighted(slope, layout, weight) for slope in _logits_backward(x, t, plus))
    return reduced(ops.with_gradient(item, tuple(zip((x, to), slopes, strict=True))), layout, reduction)


def _logits_backward(x: Node, t: Node, plus: Node | None) -> tuple[Node, Node]:
    """torch's slopes in x and t. Its backward rounds σ(x) before it subtracts t: 0 at x = 30, t = 1, where the
    derivative is −1e-13."""
    if plus is None:
        return ops.sub(ops.sigmoid(x), t), ops.neg(x)
    yes = ops.mul(plus, t)
    scaled = ops.cast(ops.mul(ops.sub(ops.add(yes, 1), t), ops.sigmoid(x)), yes.dtype)
    return ops.sub(scaled, yes), ops.sub(ops.logsigmoid(ops.neg(x)), ops.mul(ops.logsigmoid(x), plus))


def _with_torch_backward(item: Node, p: Node, t: Node) -> Node:
    """torch's backward is not the derivative of the clamped forward: (p − t) / max(p(1 − p), 1e-12)."""
    variance = ops.clamp_min(ops.mul(p, ops.sub(1, p)), LEAST_VARIANCE)
    towards_target = ops.sub(ops.log1p(ops.neg(p)), ops.log(p))
    return ops.with_gradient(item, ((p, ops.div(ops.sub(p, t), variance)), (t, towards_target)))


def _weighted(item: Node, layout: Layout, weight: Array | None) -> Node:
    if weight is None:
        return item
    both = broadcast((Array(item, layout), weight))[0]
    return ops.mul(both[0], both[1])
