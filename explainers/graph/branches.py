"""Which branch a formula takes at one place, where the numbers are put in.

float64 decides, except near a tie: there its own rounding may have decided, so that the exact numbers are asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import arb

from explainers.graph import ops
from explainers.graph.deciding import RELATIONS, meets, room_of
from explainers.graph.evaluation import Values, evaluate
from explainers.graph.exact import Known
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import Binary, Node
from explainers.graph.places import Place


@dataclass(frozen=True)
class Branches:
    """The numbers of a graph's inputs, and where they are at hand, the exact values of its nodes."""

    values: Values
    known: Known | None
    _floats: dict[Node, npt.NDArray[Any]] = field(default_factory=dict[Node, "npt.NDArray[Any]"])
    _rooms: dict[Node, float] = field(default_factory=dict[Node, float])

    def float(self, node: Node, place: Place) -> float:
        """One element in float64."""
        if node not in self._floats:
            self._floats[node] = np.asarray(evaluate(node, self.values, FloatArithmetic()))
        return float(self._floats[node][_indices(node, place)])

    def holds(self, condition: Node, place: Place) -> bool:
        """Whether a condition holds."""
        near = any(self._exactly(gap, place) is not None for gap in meets(condition, RELATIONS))
        if near and self.known is not None:
            found = self.known.entries(condition, condition.axes).at(_indices(condition, place))
            if found >= 0:  # below, where it stays open
                return bool(found == 1)
        return self.float(condition, place) == 1

    def sides(self, node: Binary, place: Place) -> tuple[Node, ...]:
        """Which operand the larger or the smaller of two is; both where they are equal or not told apart."""
        gap = self._exactly(ops.sub(node.a, node.b), place)
        if gap is None:
            both = (node.a, node.b)
            return tuple(x for x in both if self.float(x, place) == self.float(node, place)) or (node.b,)
        if not (gap > 0 or gap < 0):
            return (node.a, node.b)
        return (node.a if (gap > 0) == (node.op in ("maximum", "clamp_min")) else node.b,)

    def _exactly(self, gap: Node, place: Place) -> arb | None:
        """A difference that may be float64's rounding alone; None for any other."""
        if self.known is None:
            return None
        if gap not in self._rooms:
            self._rooms[gap] = room_of(gap, self.values)
        is_near = abs(self.float(gap, place)) <= self._rooms[gap]
        return self.known.entries(gap, gap.axes).at(_indices(gap, place)) if is_near else None


def _indices(node: Node, place: Place) -> tuple[int, ...]:
    return tuple(int(place[axis]) for axis in node.axes)
