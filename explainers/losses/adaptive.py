"""Adaptive softmax: a head over frequent classes and clusters, and a softmax of its own within each cluster.

As in torch.nn.modules.adaptive (Grave et al., Efficient softmax approximation for GPUs, 2017). torch has it as a
module only; here its parameters are arguments. Shapes: input (N, F) or (F); target (N) or ().
"""

from __future__ import annotations

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, Layout, aligned
from explainers.graph.nodes import Axis, Node
from explainers.losses.loss import Loss
from explainers.losses.options import of_classes
from explainers.losses.reduction import reduced
from explainers.messages import said


def losses() -> tuple[Loss, ...]:
    """The module as a loss."""
    return (
        Loss(
            "AdaptiveLogSoftmaxWithLoss",
            adaptive_log_softmax_with_loss,
            {"input": "x", "target": "y", "head_weight": "a", "head_bias": "b"},
            "torch.manual_seed(0)\n"
            "features, target = torch.tensor([[1.0, -0.5]]), torch.tensor([3])\n"
            "adaptive = nn.AdaptiveLogSoftmaxWithLoss(2, 4, cutoffs=[2], div_value=1.0)\n"
            "with torch.no_grad():\n"
            "    for k, weight in enumerate(adaptive.parameters()):\n"
            "        weight.copy_((torch.arange(weight.numel()) - k).view_as(weight) / 4)\n"
            "output, loss = adaptive(features, target)\n"
            "loss",
            said("Definition: log-softmax over a head, and within the target's cluster"),
            said(
                "AdaptiveLogSoftmaxWithLoss multiplies by its own weights: the input is read as features. It gives the "
                "log-probability of each target and, as loss, minus their mean."
            ),
            module="AdaptiveLogSoftmaxWithLoss",
            words=("adaptive softmax", "adaptive log softmax"),
            owner="torch.nn",
            no_floor=said(
                "As minus the logarithm of a probability it is never below 0, and near it where the target's "
                "probability is near 1; no least value is searched for, since it is not convex in its weights "
                "and features together."
            ),
            options=(of_classes.cutoffs(),),
        ),
    )


def adaptive_log_softmax_with_loss(
    input: Array,
    target: Array,
    head_weight: Array,
    tail: tuple[tuple[Array, Array], ...],
    cutoffs: tuple[int, ...],
    head_bias: Array | None = None,
) -> tuple[Array, Array]:
    """(log-probability of each target, minus their mean).

    A frequent class has an entry in the head; of another one the head has its cluster, which has a log-softmax of its
    own over V · U · x. `tail` holds U (H, F) and V (classes, H) of each cluster; `cutoffs` says where clusters begin,
    and the number of classes.
    """
    batch = input.layout[:-1]
    y = aligned(target, batch)
    starts, ends = cutoffs[:-1], cutoffs[1:]
    place: Node = y
    output: Node | None = None
    for k, ((narrow, wide), start, end) in enumerate(zip(tail, starts, ends, strict=True)):
        if not _holds_any(target, start, end):
            continue
        within = ops.both(ops.compare("ge", y, start), ops.compare("lt", y, end))
        place = ops.where(within, cutoffs[0] + k, place)
        hidden = _linear(input, narrow)
        inner = ops.where(within, _entry(_linear(hidden, wide), ops.where(within, ops.sub(y, start), 0)), 0)
        output = inner if output is None else ops.add(output, inner)
    head = _linear(input, head_weight)
    if head_bias is not None:
        head = Array(ops.add(head.node, aligned(head_bias, head.layout[-1:])), head.layout)
    first = _entry(head, place)
    output = first if output is None else ops.add(output, first)
    return Array(output, batch), reduced(ops.neg(output), batch, "mean")


def _holds_any(target: Array, start: int, end: int) -> bool:
    """Whether a target may be in a cluster: torch computes no other."""
    held = target.values
    return held is None or any(start <= int(label) < end for label in np.unique(np.asarray(held, dtype=np.int64)))


def _linear(x: Array, weight: Array) -> Array:
    """x · Wᵀ over the last dimension, of no features 0."""
    features, made = x.layout[-1], weight.layout[0]
    layout: Layout = (*x.layout[:-1], made and Axis(made.name, made.size))
    own = aligned(weight, (layout[-1], features))
    return Array(ops.sum(ops.mul(x.node, own), (features,) if features else ()), layout)


def _entry(scores: Array, at: Node) -> Node:
    """log-softmax of the scores at a class."""
    return ops.take(ops.log_softmax(scores.node, scores.layout[-1]), at, scores.layout[-1])
