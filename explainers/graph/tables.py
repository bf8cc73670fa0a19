"""The forward table of one sum over alignments at its numbers, as probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, reduce
from operator import mul

import numpy as np
from flint import arb

from explainers.graph.evaluation import Values, evaluate
from explainers.graph.exact import Exact, Known
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import AlignmentSum, Axes, Axis, Node
from explainers.graph.paths import before, forward_table, interleaved

LARGEST_TABLE = 20_000
"""So many entries a table has that somebody may want to see, or check one by one."""
Rows = tuple[tuple[arb, ...], ...]


@dataclass(frozen=True)
class ForwardTable:
    """`states` are the classes that an alignment passes, blanks among them; `factors` are e^x and `cells` α for each
    time step and state."""

    states: tuple[int, ...]
    blank: int
    factors: Rows
    cells: Rows

    @property
    def ends(self) -> tuple[arb, ...]:
        """The last label and the blank behind it, at the last time step; without labels the blank alone."""
        return self.cells[-1][-2:] if self.cells else (arb(int(len(self.states) == 1)),)

    def product(self, path: Sequence[int]) -> arb:
        """What one alignment comes to."""
        return reduce(mul, (row[s] for row, s in zip(self.factors, path, strict=True)), arb(1))

    def others(self, path: Sequence[int]) -> arb:
        """What all alignments but one come to: those that have left it by each time step, put together."""
        left, width = [arb(0)] * len(self.states), len(self.states)
        on = arb(1)
        for t, row in enumerate(self.factors):
            ways = [sum((left[s] for s in before(self.states, at)), arb(0)) for at in range(width)]
            for at in range(width):
                follows = at != path[t] and (path[t - 1] in before(self.states, at) if t else at < 2)
                ways[at] = row[at] * (ways[at] + on if follows else ways[at])
            left, on = ways, on * row[path[t]]
        return sum(left[-2:], arb(0))


class Tables:
    """The forward tables of one node, its numbers worked out once."""

    def __init__(self, node: AlignmentSum, values: Values, known: Known | None = None) -> None:
        self._node, self._known = node, known or Known(values)
        (self._x,) = self._known.of(node.x)
        held = (np.asarray(evaluate(n, values, FloatArithmetic())) for n in (node.labels, node.steps, node.length))
        self._labels, self._steps, self._length = held

    def at(self, place: Mapping[Axis, int]) -> ForwardTable | None:
        """The table at one place of the batch; None for one that is too large."""
        node = self._node
        steps, length = (
            int(held[_spot(n, place)]) for held, n in ((self._steps, node.steps), (self._length, node.length))
        )
        if steps * (2 * length + 1) > LARGEST_TABLE:
            return None
        labels = [int(self._labels[_spot(node.labels, {**place, **_one(node.places, k)})]) for k in range(length)]
        states = interleaved(labels, node.blank)

        @cache
        def factor(t: int, c: int) -> arb:
            return _at(self._x, node.x.axes, {**place, **_one(node.time, t), **_one(node.classes, c)}).exp()

        factors = tuple(tuple(factor(t, c) for c in states) for t in range(steps))
        cells = forward_table(states, steps, factor)
        return ForwardTable(states, node.blank, factors, tuple(map(tuple, cells)))

    def total(self, place: Mapping[Axis, int]) -> arb:
        """log of the sum over all alignments at one place of the batch."""
        return _at(self._totals, self._node.axes, place)

    @cached_property
    def _totals(self) -> Exact:
        (held,) = self._known.of(self._node)
        return held


def _one(axis: Axis | None, at: int) -> dict[Axis, int]:
    return {} if axis is None else {axis: at}


def _spot(node: Node, place: Mapping[Axis, int]) -> tuple[int, ...]:
    return tuple(place[axis] for axis in node.axes)


def _at(held: Exact, axes: Axes, place: Mapping[Axis, int]) -> arb:
    return held.at(tuple(place[axis] for axis in axes))
