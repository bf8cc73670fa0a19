"""Exact enclosures by place, whichever arithmetic made them: balls for a few elements, intervals for many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from flint import arb, ctx

from explainers.graph.arithmetic import Arithmetic, Floats
from explainers.graph.balls import BallArithmetic
from explainers.graph.enclosure import BALLS_UP_TO
from explainers.graph.evaluation import Values, evaluate, evaluate_all
from explainers.graph.floats import FloatArithmetic
from explainers.graph.interval_arrays import Interval, bounds
from explainers.graph.interval_blocks import laid_out
from explainers.graph.intervals import IntervalArithmetic
from explainers.graph.layouts import shape
from explainers.graph.nodes import Axes, Input, Node, is_floating, topological
from explainers.graph.pointwise import at_places
from explainers.graph.rounding import Rounding

Place = tuple[int, ...]
WORTH_CUTTING = 4
"""How many times as much as some entries an array has to cost, for those to be computed alone."""
CLOSER = 4000
"""Bits of what is 0 as far as the usual number of them shows: enough for e^-2700."""
NOTHING = 1e-46  # below the least number of float32
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
        return np.asarray(np.frompyfunc(middle_of, 1, 1)(self.balls), dtype=np.float64)

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


class ExactInPart:
    """An array of many elements of which a few are asked for: those are computed at their places alone, by balls where
    they need few numbers, and the midpoints of all in plain floats.

    Where a few need nearly as much as all do, all are computed, together with those of the other arrays like that.
    """

    def __init__(self, node: Node, axes: Axes, values: Values, known: Known) -> None:
        self._node, self._axes, self._values, self._all = node, axes, values, known
        self._known: dict[Place, arb] = {}

    @property
    def shape(self) -> tuple[int, ...]:
        return shape(self._axes)

    def at(self, place: Place) -> arb:
        if place not in self._known:
            places = tuple(dict.fromkeys((place, *spread_places(self.shape))))
            self._known |= {p: self._whole.at(p) for p in places} if self.is_dear else self._found(places)
        return self._known[place]

    def middles(self) -> npt.NDArray[np.float64]:
        return self._whole.middles() if self.is_dear else self._middles

    def bounds(self) -> tuple[Floats, Floats]:
        return self._whole.bounds()

    def total(self, left_out: Iterable[Place]) -> arb:
        return self._whole.total(left_out)

    def sum_of(self, places: npt.NDArray[np.int64]) -> arb:
        return self._whole.sum_of(places)

    @cached_property
    def is_dear(self) -> bool:
        """Whether a few elements, spread over the array, need more than a part of what all of them need."""
        cut = self._cut(spread_places(self.shape))
        return cut is None or WORTH_CUTTING * _work(cut[0]) > _work(self._node)

    @cached_property
    def _middles(self) -> npt.NDArray[np.float64]:
        with np.errstate(all="ignore"):
            found = np.asarray(evaluate(self._node, self._values, FloatArithmetic()), dtype=np.float64)
        return np.broadcast_to(*_turned(found, self._node.axes, self._axes))

    @property
    def _whole(self) -> Exact:
        return along(self._all.whole(self._node), self._node.axes, self._axes)

    def _cut(self, places: Sequence[Place]) -> tuple[Node, Values] | None:
        """The graph of the elements at places of the axes, each from the node's own."""
        own = [tuple(place[self._axes.index(axis)] for axis in self._node.axes) for place in places]
        return at_places(self._node, own, self._values) if self._node.axes else None

    def _found(self, places: Sequence[Place]) -> dict[Place, arb]:
        cut = self._cut(places)
        if cut is None:
            return {place: self._whole.at(place) for place in places}
        (found,) = exact((cut[0],), _needed(*cut))
        return {place: found.at((k,)) for k, place in enumerate(places)}


def _work(root: Node) -> int:
    """The numbers of all arrays on the way to the root."""
    return sum(math.prod(shape(node.axes)) for node in topological(root))


def spread_places(sizes: tuple[int, ...], most: int = 9) -> list[Place]:
    """Places spread evenly over an array: all of a few."""
    count = math.prod(sizes)
    flat = dict.fromkeys(map(int, np.linspace(0, count - 1, min(count, most)).astype(int)))
    return [tuple(int(k) for k in np.unravel_index(at, sizes)) for at in flat]


def _needed(root: Node, values: Values) -> Values:
    return {node.tensor: values[node.tensor] for node in topological(root) if isinstance(node, Input)}


def exact(roots: tuple[Node, ...], values: Values) -> tuple[Exact, ...]:
    """The exact values of roots on the exact inputs, by balls up to some hundred elements."""
    if _count(values) <= BALLS_UP_TO:
        found = [np.asarray(b) for b in _evaluated(roots, values, BallArithmetic(Rounding("exact")))]
        return tuple(map(ExactBalls, _closer(roots, values, found)))
    return tuple(ExactIntervals(i) for i in _evaluated(roots, values, IntervalArithmetic(Rounding("exact"))))


def _closer(roots: tuple[Node, ...], values: Values, found: list[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """Balls of which only some digits more tell whether they are 0, with those: 1 - σ(200) is 1.38e-87."""
    lost = [k for k, balls in enumerate(found) if any(map(_is_lost, balls.flat))]
    if not lost:
        return found
    with ctx.workprec(CLOSER):
        again = _evaluated(tuple(roots[k] for k in lost), values, BallArithmetic(Rounding("exact")))
        for k, balls in zip(lost, again, strict=True):
            found[k] = np.asarray(balls)
    return found


def _is_lost(v: arb) -> bool:
    return not v.is_exact() and v.is_finite() and v.contains(0)


class Known:
    """Exact values at the same numbers, each node's computed once; those asked for together share what they share."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._found: dict[Node, Exact] = {}
        self._in_part: dict[Node, ExactInPart] = {}

    def of(self, *roots: Node) -> tuple[Exact, ...]:
        """The exact values of roots."""
        new = tuple(dict.fromkeys(root for root in roots if root not in self._found))
        self._found |= zip(new, exact(new, self._values), strict=True) if new else ()
        return tuple(self._found[root] for root in roots)

    def together(self, *roots: Node) -> None:
        """Computes roots that share most of what they are made of, where they have few elements."""
        if _count(self._values) <= BALLS_UP_TO:
            self.of(*roots)

    def entries(self, root: Node, axes: Axes) -> Exact:
        """A root's exact values along axes, of which a few will be asked for: all of them where these are few."""
        if _count(self._values) <= BALLS_UP_TO or root in self._found:
            return along(self.of(root)[0], root.axes, axes)
        found = ExactInPart(root, axes, self._values, self)
        self._in_part.setdefault(root, found)
        return found

    def whole(self, root: Node) -> Exact:
        """All of a root's values, computed with those of the other roots of which a few cost as much."""
        if root not in self._found:
            self.of(root, *(node for node, part in self._in_part.items() if part.is_dear))
        return self._found[root]

    def total_of(self, root: Node, places: npt.NDArray[np.int64]) -> arb:
        """The sum of a root's elements at places, one in each row."""
        if root not in self._found and _count(self._values) > BALLS_UP_TO and root.axes:
            cut = at_places(root, places, self._values)
            if cut is not None:
                return exact((cut[0],), _needed(*cut))[0].sum_of(np.arange(len(places))[:, np.newaxis])
        return self.of(root)[0].sum_of(places)


def ready(values: Values) -> Values:
    """The numbers of many elements laid out once for all walks."""
    if _count(values) <= BALLS_UP_TO:
        return values
    return {id: laid_out(held) if held.dtype.kind == "f" else held for id, held in values.items()}


def _count(values: Values) -> int:
    return sum(np.asarray(v).size for v in values.values())


def _evaluated(roots: tuple[Node, ...], values: Values, arithmetic: Arithmetic[A]) -> Iterator[A]:
    """The roots' arrays; integers as the real numbers they are."""
    for root, found in zip(roots, evaluate_all(roots, values, arithmetic), strict=True):
        yield found if is_floating(root) else arithmetic.leaf(np.asarray(found, dtype=np.float64))


def along(found: Exact, have: Axes, want: Axes) -> Exact:
    """The same values with dimensions in the order of other axes, repeated along those they do not vary with."""
    match found:
        case ExactBalls(balls):
            return ExactBalls(np.broadcast_to(*_turned(balls, have, want)))
        case ExactIntervals(held):
            mid, rad = (np.broadcast_to(*_turned(part, have, want)) for part in (held.mid, held.rad))
            return ExactIntervals(Interval(mid, rad, held.size))
        case _:
            raise TypeError(f"{type(found).__name__} has no dimensions to order")


def _turned(numbers: npt.NDArray[Any], have: Axes, want: Axes) -> tuple[npt.NDArray[Any], tuple[int, ...]]:
    order = tuple(have.index(axis) for axis in want if axis in have)
    return numbers.transpose(order).reshape([axis.size if axis in have else 1 for axis in want]), shape(want)


def middle_of(v: arb) -> float:
    """The number that stands for an enclosure: 0 where that holds 0 and nothing that float64 tells from it."""
    if not v.is_finite():
        return float(v)
    return 0.0 if v.contains(0) and float(abs(v).upper()) < NOTHING else float(v.mid())
