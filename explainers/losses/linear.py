"""Cross-entropy of a linear layer's output, in one call. Formula as in torch.nn.functional."""

from __future__ import annotations

from explainers.graph import ops
from explainers.graph.arrays import Array, aligned
from explainers.graph.nodes import Axis, Node
from explainers.losses.classification import cross_entropy
from explainers.losses.loss import Loss
from explainers.losses.options import of_classes
from explainers.messages import said


def losses() -> tuple[Loss, ...]:
    """The linear layer and cross-entropy together."""
    return (
        Loss(
            "linear_cross_entropy",
            linear_cross_entropy,
            {"input": "x", "linear_weight": "a", "target": "y", "linear_bias": "b", "weight": "w"},
            "features, weights = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.5, 1.0], [1.0, -0.5], [0.0, 0.25]])\n"
            "F.linear_cross_entropy(features, weights, torch.tensor([0]))",
            said("Definition: cross-entropy of a linear layer"),
            said("linear_cross_entropy multiplies by the weights itself: the input is read as features, not logits."),
            module="LinearCrossEntropyLoss",
            convex_in=("input",),
            constant=("weight",),
            unless_real="target",
            words=("linear cross entropy", "fused cross entropy"),
            options=(of_classes.smoothing(), of_classes.ignoring(None), of_classes.weights()),
        ),
    )


def linear_cross_entropy(
    input: Array,
    linear_weight: Array,
    target: Array,
    *,
    linear_bias: Array | None = None,
    weight: Array | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: object = None,
) -> Array:
    """cross_entropy of input · Wᵀ + b; with options torch goes through it in chunks.

    Shapes: input (F) or (N, F); W (C, F) or (C, d₁, …, F); b as W without F.
    """
    logits = _logits(input, linear_weight, linear_bias)
    ignored = -100 if ignore_index is None else ignore_index
    chunked = options is not None and not label_smoothing and len(linear_weight.layout) == 2
    if chunked and reduction == "mean" and target.node.dtype == "int64":
        logits = _divided_last(logits, target, weight, ignored)
    return cross_entropy(
        logits, target, weight, ignore_index=ignored, reduction=reduction, label_smoothing=label_smoothing
    )


def _divided_last(logits: Array, target: Array, weight: Array | None, ignored: int) -> Array:
    """Logits through which the gradient goes as in torch's chunks: there it is divided by Σ w[y] at its end, so that it
    is not a number where nothing counts, and not 0."""
    batch, classes = logits.layout[:-1], logits.layout[-1]
    y = aligned(target, batch)
    own: Node = ops.constant(1) if weight is None else ops.take(aligned(weight, (classes,)), y, classes)
    counted = ops.where(ops.compare("ne", y, ignored), own, 0)
    total = ops.sum(counted, tuple(axis for axis in batch if axis is not None))
    through = ops.where(ops.compare("eq", total, 0), float("nan"), 1)
    return Array(ops.with_gradient(logits.node, ((logits.node, through),)), logits.layout)


def _logits(input: Array, linear_weight: Array, linear_bias: Array | None) -> Array:
    features = input.layout[-1]
    classes = tuple(axis and Axis(axis.name, axis.size) for axis in linear_weight.layout[:-1])
    weights = aligned(linear_weight, (*classes, features))
    node = ops.sum(ops.mul(input.node, weights), (features,) if features else ())
    if linear_bias is not None:
        node = ops.add(node, aligned(linear_bias, classes))
    return Array(node, (*input.layout[:-1], *classes))
