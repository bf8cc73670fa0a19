"""Connectionist temporal classification: the probability of a target over all its alignments (Graves et al., 2006).

As in ATen's LossCTC.cpp. An alignment gives each time step a label or the blank; leaving repeats and blanks out gives
the target. Two tables go through time: log-probabilities of the alignments so far that end in the j-th label, and of
those that end in the blank behind j labels. Shapes: log_probs (T, N, C) or (T, C); targets (N, S), (S) or one behind
the other; lengths (N), () or as many numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, Layout, aligned
from explainers.graph.nodes import Axis, Node, Table
from explainers.graph.scalars import constant
from explainers.losses.alignments import ABSENT, alignments
from explainers.losses.loss import Loss
from explainers.losses.reduction import reduced
from explainers.messages import said
from explainers.torch_indexing import Unsupported

Lengths = Array | Sequence[int] | int
IMPOSSIBLE = float("-inf")


def losses() -> tuple[Loss, ...]:
    """CTC."""
    return (
        Loss(
            "ctc_loss",
            ctc_loss,
            {"log_probs": "z", "targets": "y", "input_lengths": "q", "target_lengths": "r"},
            "log_probs = torch.tensor([[0.5, 0.0], [0.0, 1.0]]).log_softmax(1)\n"
            "F.ctc_loss(log_probs, torch.tensor([1]), torch.tensor(2), torch.tensor(1))",
            said("Definition: minus the logarithm of the sum over all alignments"),
            said("ctc_loss adds up every alignment of the target; its mean divides by the targets' lengths first."),
            module="CTCLoss",
            words=("CTC",),
            page=over_alignments,
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
    batch = log_probs.layout[1:-1]
    spans, lengths = (_lengths(given, batch) for given in (input_lengths, target_lengths))
    labels, places = _labels(targets, batch, target_lengths, lengths)
    lattice = _Lattice(log_probs, labels, places, blank)
    loss = lattice.loss(spans, lengths, 0 if zero_infinity else float("nan"))
    if zero_infinity:
        loss = ops.where(ops.compare("eq", loss, float("inf")), 0, loss)
    return _averaged(loss, batch, lengths, reduction, log_probs.node.dtype)


def over_alignments(
    log_probs: Array,
    targets: Array,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Array | None:
    """The same with every alignment written out: −log Σₖ e^(Σₜ z[t, πₖ[t]]); None where they are many, or none."""
    batch = log_probs.layout[1:-1]
    spans, lengths = (_lengths(given, batch) for given in (input_lengths, target_lengths))
    held = alignments(targets, input_lengths, target_lengths, blank, log_probs.shape)
    if held is None:
        return None
    time, classes = log_probs.layout[0], log_probs.layout[-1]
    which = Axis("h", held.shape[-2]) if held.shape[-2] > 1 else None
    axes = tuple(axis for axis in (*batch, which, time) if axis is not None)
    paths = Table("pi", axes, "int64", -2, held.reshape(tuple(axis.size for axis in axes)))
    said_then = ops.take(log_probs.node, paths, classes)
    if (held < 0).any():
        said_then = ops.where(ops.compare("ge", paths, 0), said_then, 0)
    score = ops.sum(said_then, (time,) if time else ())
    if (held == ABSENT).any():
        score = ops.where(ops.compare("eq", ops.take(paths, constant(0), time), ABSENT), IMPOSSIBLE, score)
    extra = ops.where(ops.compare("lt", ops.coordinate(time), spans), ops.exp(log_probs.node), 0)
    item = ops.neg(ops.logsumexp(score, which))
    loss = ops.with_gradient(item, ((item, ops.constant(1)), (log_probs.node, extra)))
    return _averaged(loss, batch, lengths, reduction, log_probs.node.dtype)


def _averaged(loss: Node, batch: Layout, lengths: Node, reduction: str, dtype: str) -> Array:
    """Reduced; the mean is over each loss divided by its target's length first."""
    if reduction != "mean":
        return reduced(loss, batch, reduction)
    least = ops.where(ops.compare("lt", lengths, 1), 1, lengths)
    return reduced(ops.div(loss, ops.cast(least, dtype)), batch, "mean")


@dataclass(frozen=True)
class _Lattice:
    """The two tables of one call: `labels` along `places`, and a blank before, between and behind them."""

    log_probs: Array
    labels: Node | None
    places: Axis | None
    blank: int

    @property
    def count(self) -> int:
        """How many labels the longest target has."""
        return 0 if self.labels is None else 1 if self.places is None else self.places.size

    def loss(self, spans: Node, lengths: Node, impossible: float) -> Node:
        """−log of the sum over alignments, with torch's backward, `impossible` where there is no alignment."""
        z, time = self.log_probs.node, self.log_probs.layout[0]
        steps = 1 if time is None else time.size
        gaps = Axis("g", self.count + 1) if self.count else None
        in_label, in_blank = self._start(gaps)
        for t in range(steps):
            row = ops.take(z, constant(t), time)
            later = self._step(row, in_label, in_blank, gaps, t + 1)
            under_way = ops.compare("gt", spans, t)
            in_label, in_blank = (
                ops.where(under_way, new, old) for new, old in zip(later, (in_label, in_blank), strict=True)
            )
        needed = ops.add(lengths, self._repeats_before(lengths))
        possible = ops.compare("ge", spans, needed)
        total = self._total(in_label, in_blank, gaps, lengths, possible)
        item = ops.where(possible, ops.neg(total), float("inf"))
        held = ops.compare("lt", ops.coordinate(time), spans)
        extra = ops.where(held, ops.where(possible, ops.exp(z), impossible), 0)
        # torch's posterior is e^(forward + backward − total), which rounds as the total does: here total − total.
        posterior = ops.where(possible, ops.exp(ops.sub(total, total)), 1)
        return ops.with_gradient(item, ((item, posterior), (z, extra)))

    def _start(self, gaps: Axis | None) -> tuple[Node, Node]:
        """Before the first step: nothing is said, so only the blank before all labels."""
        before = ops.where(ops.compare("eq", ops.coordinate(gaps), 0), 0, IMPOSSIBLE)
        return ops.where(ops.compare("ge", ops.coordinate(self.places), 0), IMPOSSIBLE, 0), before

    def _step(self, row: Node, in_label: Node, in_blank: Node, gaps: Axis | None, t: int) -> tuple[Node, Node]:
        """Both tables one time step later, of which only what t steps can reach is not −inf."""
        classes = self.log_probs.layout[-1]
        k = ops.coordinate(gaps)
        arrived = ops.take(in_label, ops.sub(k, 1), self.places) if self.labels is not None else constant(IMPOSSIBLE)
        arrived = ops.where(ops.compare("gt", k, 0), arrived, IMPOSSIBLE)
        reach = ops.compare("le", self._least_blank(k), t)
        rested = self._joined((in_blank, arrived), reach, ops.take(row, constant(self.blank), classes))
        if self.labels is None:
            return in_label, rested
        j = ops.coordinate(self.places)
        stepped = ops.take(in_blank, j, gaps)
        skipped = ops.where(self._may_skip(), ops.take(in_label, ops.sub(j, 1), self.places), IMPOSSIBLE)
        reach = ops.compare("le", ops.add(ops.add(j, self._repeats(j)), 1), t)
        said_now = self._joined((in_label, stepped, skipped), reach, ops.take(row, self.labels, classes))
        return said_now, rested

    def _joined(self, ways: tuple[Node, ...], reach: Node, score: Node) -> Node:
        """log Σ e^way + score where the state is within reach, else −inf."""
        return ops.where(reach, ops.add(_sum_of(ways, reach), score), IMPOSSIBLE)

    def _total(self, in_label: Node, in_blank: Node, gaps: Axis | None, lengths: Node, possible: Node) -> Node:
        """The alignments that end in the last label or in the blank behind it."""
        behind = ops.take(in_blank, lengths, gaps)
        if self.labels is None:
            return behind
        last = ops.take(in_label, ops.sub(lengths, 1), self.places)
        return _sum_of((behind, ops.where(ops.compare("gt", lengths, 0), last, IMPOSSIBLE)), possible)

    def _may_skip(self) -> Node:
        """Where a label may follow the one before without a blank: it is another one."""
        j = ops.coordinate(self.places)
        return ops.both(ops.compare("gt", j, 0), ops.compare("ne", self._label(j), self._label(ops.sub(j, 1))))

    def _label(self, at: Node) -> Node:
        assert self.labels is not None
        return ops.take(self.labels, at, self.places)

    def _repeats(self, last: Node) -> Node:
        """How many labels up to a place repeat the one before."""
        if self.places is None or self.labels is None:
            return constant(0)
        other = Axis(self.places.name, self.places.size)
        k = ops.coordinate(other)
        same = ops.compare("eq", self._label(k), self._label(ops.sub(k, 1)))
        counted = ops.both(ops.both(ops.compare("gt", k, 0), same), ops.compare("le", k, last))
        return ops.sum(counted, (other,))

    def _repeats_before(self, lengths: Node) -> Node:
        return self._repeats(ops.sub(lengths, 1))

    def _least_blank(self, k: Node) -> Node:
        """How many steps the blank behind k labels takes at least."""
        last = ops.sub(k, 1)
        behind = ops.add(ops.add(k, self._repeats(last)), 1)
        return ops.where(ops.compare("eq", k, 0), 0, behind)


def _sum_of(ways: tuple[Node, ...], reach: Node) -> Node:
    """log Σ e^way of a few ways; where nothing is within reach any number, so that no nan comes of it."""
    way = Axis("w", len(ways))
    stacked = ways[-1]
    for k in range(len(ways) - 2, -1, -1):
        stacked = ops.where(ops.compare("eq", ops.coordinate(way), k), ways[k], stacked)
    return ops.logsumexp(ops.where(reach, stacked, 0), way)


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


def _labels(targets: Array, batch: Layout, given: Lengths, lengths: Node) -> tuple[Node | None, Axis | None]:
    """The labels over the batch along an axis of their own, as long as the longest target."""
    if targets.floating:
        raise Unsupported(said("targets that are real numbers"))
    longest = _longest(given, targets)
    if not longest:
        return None, None
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
