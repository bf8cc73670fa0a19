"""Exact enclosures by place, whichever arithmetic made them: balls for a few elements, intervals for many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from flint import arb

from explainers.graph.arithmetic import Arithmetic, Floats
from explainers.graph.balls import BallArithmetic
from explainers.graph.enclosure import BALLS_UP_TO
from explainers.graph.evaluation import Values, evaluate_all
from explainers.graph.interval_arrays import Interval, bounds
from explainers.graph.intervals import IntervalArithmetic
from explainers.graph.nodes import Axes, Node, is_floating
from explainers.graph.rounding import Rounding

Place = tuple[int, ...]
A = TypeVar("A")


class Exact(Protocol):
    """An array of exact values, each known within an enclosure."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of its dimensions."""
        ...

    def at(self, place: Place) -> arb:
        """One element."""
        ...

    def middles(self) -> npt.NDArray[np.float64]:
        """Float64 midpoints, for plots and for picking what matters."""
        ...

    def bounds(self) -> tuple[Floats, Floats]:
        """Outward float64 bounds."""
        ...

    def total(self, left_out: Iterable[Place]) -> arb:
        """The sum of all elements but some."""
        ...

    def sum_of(self, places: npt.NDArray[np.int64]) -> arb:
        """The sum of the elements at places, one in each row; one that stands twice counts twice."""
        ...


@dataclass(frozen=True)
class ExactBalls:
    """Elements as Arb balls."""

    balls: npt.NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.balls.shape

    def at(self, place: Place) -> arb:
        element: arb = self.balls[place]
        return element

    def middles(self) -> npt.NDArray[np.float64]:
        return np.asarray(np.frompyfunc(_middle, 1, 1)(self.balls), dtype=np.float64)

    def bounds(self) -> tuple[Floats, Floats]:
        return BallArithmetic(Rounding("exact")).bounds(self.balls)

    def total(self, left_out: Iterable[Place]) -> arb:
        gone = set(left_out)
        total: arb = arb(0)
        for place in np.ndindex(self.shape):
            if place not in gone:
                total += self.balls[place]
        return total

    def sum_of(self, places: npt.NDArray[np.int64]) -> arb:
        total: arb = arb(0)
        for place in places:
            total += self.balls[tuple(place)]
        return total


@dataclass(frozen=True)
class ExactIntervals:
    """Elements as midpoint-radius pairs."""

    held: Interval

    @property
    def shape(self) -> tuple[int, ...]:
        return self.held.mid.shape

    def at(self, place: Place) -> arb:
        return arb(float(self.held.mid[place]), float(self.held.rad[place]))

    def middles(self) -> npt.NDArray[np.float64]:
        return self.held.mid

    def bounds(self) -> tuple[Floats, Floats]:
        return bounds(self.held)

    def total(self, left_out: Iterable[Place]) -> arb:
        keep = np.ones(self.shape, dtype=bool)
        for place in left_out:
            keep[place] = False
        kept = Interval(self.held.mid[keep], self.held.rad[keep], self.held.size)
        summed = IntervalArithmetic(Rounding("exact")).sum(kept, (0,), "float64")
        return arb(float(summed.mid), float(summed.rad))

    def sum_of(self, places: npt.NDArray[np.int64]) -> arb:
        mid, rad = (np.broadcast_to(part[tuple(places.T)], len(places)) for part in (self.held.mid, self.held.rad))
        summed = IntervalArithmetic(Rounding("exact")).sum(Interval(mid, rad, self.held.size), (0,), "float64")
        return arb(float(summed.mid), float(summed.rad))


def exact(roots: tuple[Node, ...], values: Values) -> tuple[Exact, ...]:
    """The exact values of roots on the exact inputs, by balls up to about a thousand elements."""
    if sum(np.asarray(v).size for v in values.values()) <= BALLS_UP_TO:
        return tuple(ExactBalls(np.asarray(b)) for b in _evaluated(roots, values, BallArithmetic(Rounding("exact"))))
    return tuple(ExactIntervals(i) for i in _evaluated(roots, values, IntervalArithmetic(Rounding("exact"))))


class Known:
    """Exact values at the same numbers, each node's computed once; those asked for together share what they share."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._found: dict[Node, Exact] = {}

    def of(self, *roots: Node) -> tuple[Exact, ...]:
        """The exact values of roots."""
        new = tuple(dict.fromkeys(root for root in roots if root not in self._found))
        self._found |= zip(new, exact(new, self._values), strict=True) if new else ()
        return tuple(self._found[root] for root in roots)


def _evaluated(roots: tuple[Node, ...], values: Values, arithmetic: Arithmetic[A]) -> Iterator[A]:
    """The roots' arrays; integers as the real numbers they are."""
    for root, found in zip(roots, evaluate_all(roots, values, arithmetic), strict=True):
        yield found if is_floating(root) else arithmetic.leaf(np.asarray(found, dtype=np.float64))


def along(found: Exact, have: Axes, want: Axes) -> Exact:
    """The same values with dimensions in the order of other axes, repeated along those they do not vary with."""
    order = tuple(have.index(axis) for axis in want if axis in have)
    lengths = tuple(axis.size if axis in have else 1 for axis in want)
    full = tuple(axis.size for axis in want)
    match found:
        case ExactBalls(balls):
            return ExactBalls(np.broadcast_to(balls.transpose(order).reshape(lengths), full))
        case ExactIntervals(held):
            mid, rad = (np.broadcast_to(part.transpose(order).reshape(lengths), full) for part in (held.mid, held.rad))
            return ExactIntervals(Interval(mid, rad, held.size))
        case _:
            raise TypeError(f"{type(found).__name__} has no dimensions to order")


def _middle(v: arb) -> float:
    return float(v.mid()) if v.is_finite() else float(v)
