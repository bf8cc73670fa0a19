"""The display walk: a graph as people write it, in sympy.

The same walk writes the definition (symbolic indices, indexed sums), the substitution (one shown row, numbers in place)
and the vector form of a gradient (no indices at all). What is shown is at most about 32 literal elements; a longer
sum is cut with "…" whose total is known.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import assert_never

import numpy as np
import numpy.typing as npt
import sympy
from flint import arb

from explainers.graph import unevaluated as un
from explainers.graph.branches import Branches
from explainers.graph.evaluation import Values
from explainers.graph.exact import Exact, Known
from explainers.graph.exponentials import raised
from explainers.graph.labels import Labels, Number
from explainers.graph.nodes import (
    AlignmentSum,
    Axes,
    Axis,
    Binary,
    Cast,
    Compare,
    Concat,
    Constant,
    Coordinate,
    Extremum,
    Input,
    LogSumExp,
    Named,
    Node,
    Occupancy,
    OneHot,
    Rename,
    Reshape,
    Softmax,
    StopGradient,
    Sum,
    Take,
    Unary,
    Where,
    WithGradient,
    topological,
)
from explainers.graph.ops import count
from explainers.graph.places import Expr, Place, between, unravelled
from explainers.graph.symbols import NumberLabel, Omitted, OverAlignments
from explainers.graph.tables import Tables
from explainers.graph.written import binary, compared, negated, unary

LONGEST_SUM = 8
LONGEST_WINDOW = 4
LEAST_SHOWN = 1e-300
_MOST_STATES = 3
_UNUSED = sympy.Symbol("_t", integer=True), sympy.Symbol("_s", integer=True)
_INDICES = "ijklmnabcduvstpqr"


@dataclass
class Display:
    """One display of one graph. `values` given, inputs at concrete places are numbers; else they are letters.

    `omitted` collects the terms behind each "…". No index gets a `reserved` letter.
    """

    values: Values | None = None
    reserved: frozenset[str] = frozenset()
    letters: dict[Axis, sympy.Symbol] = field(default_factory=dict[Axis, sympy.Symbol])
    omitted: dict[Omitted, tuple[Node, npt.NDArray[np.int64]]] = field(
        default_factory=dict[Omitted, tuple[Node, "npt.NDArray[np.int64]"]]
    )
    labelling: Labels = field(default_factory=Labels)
    quantities: Mapping[str, Exact] = field(default_factory=dict[str, Exact])
    known: Known | None = None
    _open: list[sympy.Symbol] = field(default_factory=list[sympy.Symbol])
    _tables: dict[Node, Tables] = field(default_factory=dict[Node, Tables])
    _counted: dict[Node, frozenset[Axis]] = field(default_factory=dict[Node, frozenset[Axis]])

    def letter(self, axis: Axis) -> sympy.Symbol:
        """The index letter of an axis: i for the first dimension, j for the second, then what is free."""
        if axis not in self.letters:
            wanted = _INDICES[max(0, "abcdefgh".find(axis.name)) :] + _INDICES.upper()
            taken = {s.name for s in self.letters.values()} | self.reserved
            name = next(c for c in wanted if c not in taken)
            self.letters[axis] = sympy.Symbol(name, integer=True)
        return self.letters[axis]

    def at_letters(self, axes: Axes) -> dict[Axis, Expr]:
        """The place where each axis is at its letter."""
        return {axis: self.letter(axis) for axis in axes}

    def element(self, node: Node, place: Place) -> Expr:
        """One element of the node as a formula; an axis whose place is None is left out (vector notation)."""
        match node:
            case Input():
                return self._input(node, place)
            case Constant(value):
                return self.number(value)
            case Unary("exp", Where() as x) if isinstance(bare := raised(x), Where):
                return self.element(bare, place)
            case Unary():
                return unary(node, self._term(node.x, place), self.values is not None)
            case Binary("maximum" | "minimum" | "clamp_min" | "clamp_max", a, b) if self._is_here(node.axes, place):
                sides = self._branches.sides(node, place)
                return (
                    self.element(sides[0], place)
                    if len(sides) == 1
                    else binary(node, self._term(a, place), self._term(b, place))
                )
            case Binary():
                return binary(node, self._term(node.a, place), self._term(node.b, place))
            case Compare("eq", a, Constant(Fraction() as zero)) if a.dtype == "bool" and not zero:
                return negated(self._condition(a, place))
            case Compare("ne", a, Constant(Fraction() as zero)) if a.dtype == "bool" and not zero:
                return self._condition(a, place)
            case Compare(_, a, b):
                return compared(node, self.element(a, place), self.element(b, place))
            case Where():
                return self._where(node, place)
            case Sum(x, over):
                return self._sum(x, over, place)
            case LogSumExp(x, over):
                return un.log(self._sum(raised(x), over, place))
            case Softmax():
                return self._softmax(node, place)
            case Extremum(op, x, over):
                return self._extremum(op, x, over, place)
            case Occupancy():
                return self._occupancy(node, place)
            case AlignmentSum():
                return self._log_over_alignments(node, place)
            case Take(x, index, along):
                return self._taken(x, index, along, place)
            case OneHot(index, along):
                return self._one_hot(self.element(index, place), place.get(along))
            case Rename(x, old, new):
                return self.element(x, {**place, old: place.get(new)})
            case Reshape():
                return self.element(node.x, unravelled(node, place))
            case Concat():
                return self._concat(node, place)
            case Coordinate(along):
                return place.get(along)
            case Cast(x) if node.dtype != "bool":
                return self._term(x, place)
            case Named():
                return self._named(node, place)
            case Cast(x) | StopGradient(x):
                return self.element(x, place)
            case WithGradient(value):
                return self.element(value, place)
            case _:
                assert_never(node)

    def number(self, value: Number) -> Expr:
        """A number as it is typed: a small whole number, or a label whose exact value is kept."""
        return self.labelling.written(value)

    @property
    def labels(self) -> Mapping[NumberLabel, Fraction | arb]:
        """What each printed decimal stands for exactly."""
        return self.labelling.exact

    def _input(self, node: Input, place: Place) -> Expr:
        indices = [place.get(axis) for axis in node.axes]
        if self.values is not None and all(isinstance(i, sympy.Integer) for i in indices):
            held = np.asarray(self.values[node.tensor])
            element = held.reshape(tuple(axis.size for axis in node.axes))[tuple(int(i) for i in indices)]  # pyright: ignore[reportArgumentType] - checked above
            return self.number(element) if held.dtype.kind == "f" else sympy.Integer(int(element))
        shown = [i for i in indices if i is not None]
        if not shown or len(shown) < len(indices):
            return sympy.Symbol(node.symbol)
        return sympy.Indexed(sympy.IndexedBase(node.symbol), *shown)

    def _named(self, node: Named, place: Place) -> Expr:
        """A quantity by its letter, or its number where that is known."""
        if node.name not in self.quantities:
            return self.element(node.x, place)
        indices = [place.get(axis) for axis in node.axes]
        if self.values is not None and all(isinstance(i, sympy.Integer) for i in indices):
            return self.labelling.computed(self.quantities[node.name].at(tuple(int(i) for i in indices)))  # pyright: ignore[reportArgumentType] - checked above
        shown = [i for i in indices if i is not None]
        if not shown or len(shown) < len(indices):
            return sympy.Symbol(node.name)
        return sympy.Indexed(sympy.IndexedBase(node.name), *shown)

    def _where(self, node: Where, place: Place) -> Expr:
        if self._is_here(node.condition.axes, place):
            return self.element(node.a if self._branches.holds(node.condition, place) else node.b, place)
        if node.dtype == "bool":
            return self._choice(node, place)
        yes, no = self.element(node.a, place), self.element(node.b, place)
        return un.cases((yes, self._condition(node.condition, place)), (no, sympy.true))

    def _choice(self, node: Where, place: Place) -> Expr:
        """A condition on a condition: c and a where the other side is false, c or b where one side is true."""
        asked, yes, no = (self._condition(n, place) for n in (node.condition, node.a, node.b))
        if no == sympy.false:
            return un.both(asked, yes)
        if yes == sympy.true:
            return un.either(asked, no)
        return un.either(un.both(asked, yes), un.both(negated(asked), no))

    def _concat(self, node: Concat, place: Place) -> Expr:
        """The part that a place falls into; at a letter one case for each."""
        at = place.get(node.along)
        ends = (*node.starts[1:], node.along.size)
        if isinstance(at, sympy.Integer):
            k = next(k for k, end in enumerate(ends) if int(at) < end)
            return self._span(node, k, at, place)
        if at is None:
            return un.call("concat", *(self._span(node, k, None, place) for k in range(len(node.parts))))
        cases = [
            (self._span(node, k, at, place), sympy.Lt(at, end, evaluate=False) if end < node.along.size else sympy.true)
            for k, end in enumerate(ends)
        ]
        return un.cases(*cases)

    def _span(self, node: Concat, k: int, at: Expr | None, place: Place) -> Expr:
        part, span, start = node.parts[k], node.spans[k], node.starts[k]
        if span is None:
            return self.element(part, place)
        if isinstance(at, sympy.Integer):
            return self.element(part, {**place, span: sympy.Integer(int(at) - start)})
        moved = at if at is None or not start else un.minus(at, sympy.Integer(start))
        return self.element(part, {**place, span: moved})

    def _condition(self, node: Node, place: Place) -> Expr:
        """A truth value as a relation; an array of them, handed in, is 1 where it holds."""
        if isinstance(node, Compare) and isinstance(node.a, Constant) and isinstance(node.b, Constant):
            return sympy.true if self._branches.float(node, {}) else sympy.false
        written = self.element(node, place)
        is_number = isinstance(written, sympy.Expr)  # sympy counts a Symbol as a truth value as well
        return sympy.Eq(written, 1, evaluate=False) if is_number else written

    def _term(self, node: Node, place: Place) -> Expr:
        """One element as a number; a truth value counts 1 or 0."""
        if node.dtype != "bool":
            return self.element(node, place)
        if self._is_here(node.axes, place):
            return sympy.Integer(int(self._branches.holds(node, place)))
        one, zero = sympy.Integer(1), sympy.Integer(0)
        return un.cases((one, self._condition(node, place)), (zero, sympy.true))

    def _extremum(self, op: str, x: Node, over: Axes, place: Place) -> Expr:
        """All elements of a few; of many the one it is, or a word."""
        if x not in self._counted:
            self._counted[x] = frozenset(n.along for n in topological(x) if isinstance(n, Coordinate))
        moving = not self._counted[x].isdisjoint(over)  # a window: x[i + j]
        few = count(over) <= (LONGEST_WINDOW if moving else LONGEST_SUM)
        places = [{**place, **inner} for inner in self._places(over)] if few else []
        if places:
            elements = [self.element(x, p) for p in places]
            kind = sympy.Max if op == "max" else sympy.Min
            return sympy.nan if any(e.has(sympy.nan) for e in elements) else kind(*elements, evaluate=False)
        if not self._is_here(tuple(axis for axis in x.axes if axis not in over), place):
            inner: dict[Axis, Expr | None] = dict.fromkeys(over)
            for axis in over if moving else ():
                inner[axis] = self._bound(axis, {**place, **{a: at for a, at in inner.items() if at is not None}})
            return un.call(op, self.element(x, {**place, **inner}))
        found = (max if op == "max" else min)(self._places(over), key=lambda p: self._branches.float(x, {**place, **p}))
        return self.element(x, {**place, **found})

    def _is_here(self, axes: Axes, place: Place) -> bool:
        """Whether the numbers at the place are known, so that a branch can be taken."""
        return self.values is not None and all(isinstance(place.get(axis), sympy.Integer) for axis in axes)

    @cached_property
    def _branches(self) -> Branches:
        return Branches(self.values or {}, self.known)

    def _taken(self, x: Node, index: Node, along: Axis, place: Place) -> Expr:
        """An element along an axis; the index is a whole number once its own numbers are known; out of range it
        takes 0."""
        if not self._is_here(index.axes, place):
            return self.element(x, {**place, along: self.element(index, place)})
        at = int(self._branches.float(index, place))
        return self.element(x, {**place, along: sympy.Integer(at)}) if 0 <= at < along.size else sympy.Integer(0)

    def _log_over_alignments(self, node: AlignmentSum, place: Place) -> Expr:
        """log Σ Π over the alignments; with numbers, over the last two entries of the forward table."""
        if not self._is_here(node.axes, place):
            return un.log(self._over_alignments(node, place))
        if node not in self._tables:
            self._tables[node] = Tables(node, self.values or {}, self.known)
        here = {axis: int(place[axis]) for axis in node.axes}
        if (table := self._tables[node].at(here)) is None:
            return self.labelling.computed(self._tables[node].total(here))
        ends = table.ends
        cells = [cell for cell in ends if cell != 0]
        shown = all(LEAST_SHOWN < cell < 1 / LEAST_SHOWN for cell in cells)
        total = un.plus([self.labelling.computed(cell) for cell in cells]) if shown else None
        return self.labelling.computed(sum(cells, arb(0)).log()) if total is None else un.log(total)

    def _occupancy(self, node: Occupancy, place: Place) -> Expr:
        """The alignments with a class at a time step over all of them."""
        where = tuple(sympy.Integer(0) if a is None else place.get(a) for a in (node.time, node.classes))
        if None in where:
            return un.call("gamma", self.element(node.x, place))
        return un.over(self._over_alignments(node, place, where), self._over_alignments(node, place))

    def _over_alignments(self, node: AlignmentSum, place: Place, where: tuple[Expr, ...] = ()) -> Expr:
        """The sum itself; t, π(t) and a label's place get letters of their own."""
        outer = {axis: at for axis, at in place.items() if axis not in (node.time, node.classes)}
        step = _UNUSED[0] if node.time is None else self._bound(node.time, place)
        said = sympy.Symbol(f"pi_{0 if node.time is None else step}", integer=True)
        inner = {axis: at for axis, at in ((node.time, step), (node.classes, said)) if axis is not None}
        factor = self._exponential(node.x, {**outer, **inner})
        spot = _UNUSED[1] if node.places is None else self._bound(node.places, {**outer, **inner})
        labels = self.element(node.labels, {**outer, **({node.places: spot} if node.places else {})})
        spans = self.element(node.steps, outer), self.element(node.length, outer)
        size = 1 if node.time is None else node.time.size
        return OverAlignments.made((factor, step, said), (labels, spot), spans, node.blank, size * _MOST_STATES, where)

    def _exponential(self, x: Node, place: Place) -> Expr:
        """e^x; of a logarithm what it is the logarithm of."""
        return self.element(x.x, place) if isinstance(x, Unary) and x.op == "log" else un.exp(self.element(x, place))

    def _sum(self, x: Node, over: Axes, place: Place) -> Expr:
        if self.values is None or any(place.get(axis) is None for axis in x.axes if axis not in over):
            inner: dict[Axis, Expr] = {}
            for axis in over:
                inner[axis] = self._bound(axis, {**place, **inner})
            self._open.extend(inner.values())
            body = self._term(x, {**place, **inner})
            del self._open[len(self._open) - len(over) :]
            return un.total(body, *((inner[axis], 0, axis.size - 1) for axis in reversed(over)))
        if count(over) > LONGEST_SUM:
            return self._cut_sum(x, over, place)
        return un.plus([self._term(x, {**place, **inner}) for inner in self._places(over)])

    def _bound(self, axis: Axis, place: Place) -> sympy.Symbol:
        """The letter that a sum runs over: the axis's own unless the place or a sum around it already speaks of it."""
        own = self.letter(axis)
        free = {s for at in place.values() if at is not None for s in at.free_symbols} | set(self._open)
        if own not in free:
            return own
        names = {s.name for s in free} | self.reserved
        return sympy.Symbol(next(c for c in _INDICES + _INDICES.upper() if c not in names), integer=True)

    def _cut_sum(self, x: Node, over: Axes, place: Place) -> Expr:
        """The first terms and the last one, the rest as "…"."""
        first = [{**place, **inner} for inner in itertools.islice(self._places(over), LONGEST_SUM // 2)]
        last = {**place, **{axis: sympy.Integer(axis.size - 1) for axis in over}}
        gap = Omitted(f"{len(self.omitted)}")
        self.omitted[gap] = (x, between(x, over, place, len(first)))
        return un.plus([*(self._term(x, p) for p in first), gap, self._term(x, last)])

    def _places(self, over: Axes) -> Iterator[dict[Axis, Expr]]:
        for index in itertools.product(*(range(axis.size) for axis in over)):
            yield dict(zip(over, map(sympy.Integer, index), strict=True))

    def _softmax(self, node: Softmax, place: Place) -> Expr:
        if any(place.get(axis) is None for axis in node.over):
            return un.call("softmax", self.element(node.x, place))
        total = self._sum(raised(node.x), node.over, place)
        return un.over(self.element(raised(node.x), place), total)

    def _one_hot(self, index: Expr, at: Expr | None) -> Expr:
        if at is None:
            return un.call("one_hot", index)
        if isinstance(index, sympy.Integer) and isinstance(at, sympy.Integer):
            return sympy.Integer(int(index == at))
        return sympy.KroneckerDelta(at, index)
