"""Connectionist temporal classification: the probability of a target over all its alignments (Graves et al., 2006).

As in ATen's LossCTC.cpp. An alignment gives each time step a label or the blank; leaving repeats and blanks out gives
the target. Shapes: log_probs (T, N, C) or (T, C); targets (N, S), (S) or one behind the other; lengths (N), () or as
many numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, Layout, aligned
from explainers.graph.nodes import Axis, Constant, Node
from explainers.graph.scalars import constant
from explainers.losses.loss import Loss
from explainers.losses.options import of_alignments
from explainers.losses.reduction import reduced
from explainers.messages import said
from explainers.torch_indexing import Unsupported

Lengths = Array | Sequence[int] | int


def losses() -> tuple[Loss, ...]:
    """CTC."""
    return (
        Loss(
            "ctc_loss",
            ctc_loss,
            {"log_probs": "z", "targets": "y", "input_lengths": "q", "target_lengths": "r"},
            "p = torch.tensor([[0.6, 0.4], [0.5, 0.5], [0.3, 0.7]])\n"
            "F.ctc_loss(p.log(), torch.tensor([1]), torch.tensor(3), torch.tensor(1))",
            said("Definition: minus the logarithm of the sum over all alignments"),
            said("ctc_loss adds up every alignment of the target; its mean divides by the targets' lengths first."),
            module="CTCLoss",
            constant=("targets",),
            words=("CTC",),
            no_floor=said(
                "Of log-probabilities it is never below 0, and 0 only where the alignments of the targets take "
                "all of the probability; no least value is searched for, since minus the logarithm of a sum "
                "over alignments is not convex in them."
            ),
            options=(of_alignments.blank(), of_alignments.zero_infinity()),
        ),
    )


def ctc_loss(
    log_probs: Array,
    targets: Array,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Array:
    """−log Σ over alignments of Π p; inf where there is none, or 0. Its mean is over each loss / its target's length.

    torch's backward is e^log_probs minus the posterior: the gradient through a log-softmax, not the derivative.
    """
    time, classes, batch = log_probs.layout[0], log_probs.layout[-1], log_probs.layout[1:-1]
    spans, lengths = _lengths(_plain(input_lengths), batch), _lengths(target_lengths, batch)
    _refuse_no_class(targets, batch, target_lengths, log_probs.shape[-1])
    _refuse_blank(targets, batch, target_lengths, blank)
    labels, places = _labels(targets, batch, target_lengths, lengths)
    z = log_probs.node
    total = ops.alignment_sum(z, labels, (spans, lengths), (time, classes, places), blank)
    slope = ops.sub(ops.exp(z), ops.occupancy(total))
    if not _reaches(spans, time):
        slope = ops.where(ops.compare("lt", ops.coordinate(time), spans), slope, 0)
    loss = ops.neg(total)
    impossible = ops.compare("eq", loss, float("inf"))
    loss = ops.with_gradient(loss, ((z, ops.where(impossible, 0, slope) if zero_infinity else slope),))
    loss = ops.where(impossible, 0, loss) if zero_infinity else loss
    return _averaged(loss, batch, lengths, reduction, log_probs.node.dtype)


def _reaches(spans: Node, time: Axis | None) -> bool:
    """Whether it is known that every time step counts."""
    return isinstance(spans, Constant) and spans.value >= (1 if time is None else time.size)


def _averaged(loss: Node, batch: Layout, lengths: Node, reduction: str, dtype: str) -> Array:
    """Reduced; the mean is over each loss divided by its target's length first."""
    if reduction != "mean":
        return reduced(loss, batch, reduction)
    least = ops.where(ops.compare("lt", lengths, 1), 1, lengths)
    return reduced(ops.div(loss, ops.cast(least, dtype)), batch, "mean")


def _plain(given: Lengths) -> Lengths:
    """One number in place of lengths that are known and alike."""
    alike = set(given.values.reshape(-1).tolist()) if isinstance(given, Array) and given.values is not None else set()
    return int(alike.pop()) if len(alike) == 1 else given


def _lengths(given: Lengths, batch: Layout) -> Node:
    """Lengths as integers over the batch."""
    if isinstance(given, Array):
        return aligned(Array(given.node, given.layout[: len(batch)]), batch) if batch else given.node
    if isinstance(given, int):
        return constant(given)
    axis, numbers = (batch[0] if batch else None), tuple(given)
    if axis is None or len(set(numbers)) <= 1:
        return constant(next(iter(numbers), 0))
    shares = [ops.mul(number, ops.one_hot(constant(k), axis, "int64")) for k, number in enumerate(numbers)]
    return reduce(ops.add, shares)


def _refuse_no_class(targets: Array, batch: Layout, given: Lengths, classes: int) -> None:
    """Raises Unsupported for a label that is no class: torch then reads memory that is not the log-probabilities'."""
    used, rows = _used(targets, batch, given)
    if (used & ((rows < 0) | (rows >= classes))).any():
        raise Unsupported(said("a label is no class, so that torch reads memory beyond the log-probabilities"))


def _refuse_blank(targets: Array, batch: Layout, given: Lengths, blank: int) -> None:
    """Raises Unsupported for a label that is the blank: torch's backward is then not that of its value."""
    used, rows = _used(targets, batch, given)
    if (used & (rows == blank)).any():
        raise Unsupported(
            said("a label is the blank, which no target may hold: torch's backward does not fit its value")
        )


def _used(targets: Array, batch: Layout, given: Lengths) -> tuple[np.ndarray, np.ndarray]:
    """Which places of the targets count, and the targets, row by row; none where they are not known."""
    counts = given.values if isinstance(given, Array) else np.asarray(given)
    if targets.values is None or counts is None:
        return np.zeros((0, 0), dtype=bool), np.zeros((0, 0), dtype=np.int64)
    held = np.asarray(targets.values, dtype=np.int64)
    rows = held if len(held.shape) > len(batch) or not batch else held.reshape(1, -1)
    ends = np.asarray(counts).reshape(-1) if rows is held else np.asarray([np.sum(counts)])
    return np.arange(held.shape[-1]) < ends[:, np.newaxis], rows


def _labels(targets: Array, batch: Layout, given: Lengths, lengths: Node) -> tuple[Node, Axis | None]:
    """The labels over the batch along an axis of their own, as long as the longest target."""
    if targets.floating:  # torch cuts what they have behind the point
        targets = Array(ops.cast(targets.node, "int64"), targets.layout)
    longest = _longest(given, targets)
    if not longest:
        return constant(0), None
    places = Axis("s", longest) if longest > 1 else None
    own = targets.layout[-1]
    at: Node = ops.coordinate(places)
    if len(targets.layout) > len(batch) or not batch:
        return ops.take(aligned(targets, (*batch, own)), at, own), places
    n = batch[0]
    other = Axis("m", n.size) if n else None
    if n and other:
        earlier = ops.compare("lt", ops.coordinate(other), ops.coordinate(n))
        counted = ops.mul(ops.cast(earlier, "int64"), ops.rename(lengths, n, other))
        at = ops.add(at, ops.sum(counted, (other,)))
    return ops.take(targets.node, at, own), places


def _longest(given: Lengths, targets: Array) -> int:
    if isinstance(given, Array):
        return targets.shape[-1] if given.values is None else int(np.max(given.values, initial=0))
    return given if isinstance(given, int) else max(given, default=0)
