"""Enclosures of a graph's values: balls for what people read, midpoint-radius arrays for what is large."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any, Protocol, TypeVar

from explainers.graph.arithmetic import Floats
from explainers.graph.balls import BallArithmetic, precise
from explainers.graph.evaluation import Values, evaluate_all
from explainers.graph.intervals import IntervalArithmetic
from explainers.graph.layouts import shape
from explainers.graph.nodes import Coordinate, Node, Take, is_floating, topological
from explainers.graph.reordering import Loosening, Reordering
from explainers.graph.rounding import Rounding

BALLS_UP_TO = 64
DIAGONALS_UP_TO = 4096
A = TypeVar("A")


class EnclosingArithmetic(Loosening[A], Protocol):
    """An arithmetic whose numbers are sets that hold the true ones."""

    def bounds(self, x: A) -> tuple[Floats, Floats]:
        """Outward float64 bounds: equal where exact or infinite, (nan, nan) where certainly not a number, (−inf, inf)
        where nothing is known (not even whether it is a number)."""
        ...


def arithmetic_for(elements: int, rounding: Rounding) -> EnclosingArithmetic[Any]:
    """Balls for few elements, midpoint-radius arrays above; both hold what a program with this rounding may return."""
    return BallArithmetic(rounding) if elements <= BALLS_UP_TO else IntervalArithmetic(rounding)


def enclose(roots: tuple[Node, ...], values: Values, rounding: Rounding) -> tuple[tuple[Floats, Floats], ...]:
    """Outward float64 bounds of each root, shaped like its axes; see `EnclosingArithmetic.bounds`.

    Raises UndecidedError where an integer depends on a comparison too close to decide.
    """
    with precise():
        nodes = nodes_of(roots)
        elements = largest_array(nodes)
        met = elements <= DIAGONALS_UP_TO and _takes_a_diagonal(nodes)
        arithmetic = BallArithmetic(rounding) if met else arithmetic_for(elements, rounding)
        changed = None if rounding.mode == "exact" else Reordering.of(nodes, arithmetic, rounding)
        found = zip(roots, evaluate_all(roots, values, arithmetic, changed), strict=True)
        return tuple(arithmetic.bounds(x if is_floating(root) else arithmetic.leaf(x)) for root, x in found)


def nodes_of(roots: Iterable[Node]) -> Collection[Node]:
    """Every node on the way to the roots, behind its operands."""
    return dict.fromkeys(node for root in roots for node in topological(root))


def _takes_a_diagonal(nodes: Iterable[Node]) -> bool:
    """Whether some array is met along its diagonal, where |a|² − 2ab + |a|² is 0 for balls alone."""
    return any(
        isinstance(node, Take) and isinstance(node.index, Coordinate) and node.index.along in node.x.axes
        for node in nodes
    )


def largest_array(nodes: Iterable[Node]) -> int:
    """The number of elements of the largest array of the nodes."""
    return max(math.prod(shape(node.axes)) for node in nodes)
