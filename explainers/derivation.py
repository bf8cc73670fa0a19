"""From the definition to the value in typed steps, each of which computes itself again from what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb

from explainers.frontier import DontKnow
from explainers.graph.exact import Exact, spread_places
from explainers.graph.lowering import CannotLower, Known, Meaning, lower, terms
from explainers.graph.paths import before
from explainers.graph.tables import ForwardTable
from explainers.graph.vectors import Layout, entry

Expr = Any
MOST_TERMS = 50_000


@dataclass(frozen=True)
class Definition:
    """function call → formula: ℓ = form = form = …, with letters for the inputs.

    With `letters` the forms define one element ℓᵢ, of an array or of what `whole` adds up or averages. Each form is
    computed at the first shown place, unless it adds up more than anybody wants to wait for.
    """

    letters: tuple[Expr, ...]
    whole: Expr | None
    forms: tuple[Expr, ...]
    meaning: Meaning

    def values(self) -> tuple[arb, ...]:
        """What each form comes to, with the numbers behind the letters."""
        known: Known = {}
        return tuple(lower(form, self.meaning, known) for form in self.forms if terms(form) <= MOST_TERMS)


@dataclass(frozen=True)
class Quantity:
    """name of the program → formula, from the inputs and the quantities before it → number at one place.

    `put` is the formula with the numbers in, None where that is too long to show; `entries` are all its numbers.
    """

    symbol: str
    letters: tuple[Expr, ...]
    formula: Expr
    place: tuple[int, ...]
    put: Expr | None
    entries: Exact
    meaning: Meaning

    def values(self) -> tuple[arb, ...]:
        """What the formula and the printed numbers come to at the place, and the number of the graph; nothing where
        the formula adds up too much."""
        here = self.meaning.at(dict(zip(self.letters, self.place, strict=True)))
        forms = (self.formula,) if self.put is None else (self.formula, self.put)
        found = tuple(lower(form, here) for form in forms if terms(form) <= MOST_TERMS)
        return (*found, self.entries.at(self.place)) if found else ()


@dataclass(frozen=True)
class Alignments:
    """labels and time steps → the alignments, each the product of its probabilities → their sum.

    `listed` are states by time step: all `count` of a few, else the likeliest alone, and `rest` is what the others
    come to.
    """

    table: ForwardTable
    count: int
    listed: tuple[tuple[int, ...], ...]
    rest: arb
    total: arb

    def values(self) -> tuple[arb, ...]:
        """The alignments added up, one by one; then what the graph says."""
        return (sum((self.table.product(path) for path in self.listed), self.rest), self.total)


@dataclass(frozen=True)
class Forward:
    """α(t − 1, s), α(t − 1, s − 1), past a blank α(t − 1, s − 2), and p(t, s) → α(t, s) → the sum of the last two."""

    table: ForwardTable
    total: arb

    def values(self) -> tuple[arb, ...]:
        """The last two added up; then what the graph says."""
        return (sum(self.table.ends, arb(0)), self.total)

    def rows(self) -> Iterator[tuple[arb, ...]]:
        """Each entry from the ones before it, then the last two."""
        states, factors, cells = self.table.states, self.table.factors, self.table.cells
        for t, row in enumerate(cells):
            for s, cell in enumerate(row):
                ways = [cells[t - 1][k] for k in before(states, s)] if t else [arb(int(s < 2))]
                yield (cell, factors[t][s] * sum(ways, arb(0)))
        yield self.values()


@dataclass(frozen=True)
class Substitution:
    """formula at one place → the same formula with the numbers put in → collected → value."""

    place: tuple[int, ...]
    forms: tuple[Expr, ...]
    value: arb
    meaning: Meaning

    def values(self) -> tuple[arb, ...]:
        """What each form comes to, computed from the printed numbers alone; then the value of the graph."""
        return (*(lower(form, self.meaning) for form in self.forms), self.value)


@dataclass(frozen=True)
class Combination:
    """parts → the loss: the elements added up, over their number or their weights.

    `rest` is the total of the elements that are not listed.
    """

    places: tuple[tuple[int, ...], ...]
    parts: tuple[arb, ...]
    rest: arb
    rest_count: int
    divisor: arb | None
    value: arb

    def values(self) -> tuple[arb, ...]:
        """The parts put together again; then the value of the graph."""
        total = self.rest
        for part in self.parts:
            total += part
        return (total if self.divisor is None else total / self.divisor, self.value)


@dataclass(frozen=True)
class Gradient:
    """loss → its derivative with respect to one input: in vector notation where nothing is left open by that, else
    one entry; no formula where it is too long to be read.

    `letters` index an entry; `layout` says along which of them each input lies in vector notation, and is None where
    the formula is that of an entry.
    """

    symbol: str
    tensor: int
    formula: Expr | None
    letters: tuple[Expr, ...]
    layout: Layout | None
    entries: Exact
    again: Exact
    meaning: Meaning

    @property
    def entry(self) -> Expr:
        """The shown formula with its indices."""
        if self.formula is None:
            return None
        if self.layout is None:
            return self.formula
        return entry(self.formula, self.letters, self.entries.shape, self.layout)

    def values(self) -> tuple[arb, ...]:
        """The largest entry from the shown formula, its graph, and the derivative of the program as it ran."""
        return next(iter(self.rows()), ())

    def rows(self) -> Iterator[tuple[arb, ...]]:
        """The same for the largest entry and some others: all of a few."""
        known: Known = {}
        written = self.entry
        weight = 1 if written is None else terms(written)
        for place in self.places()[: max(1, MOST_TERMS // max(1, weight))]:
            here = self.meaning.at(dict(zip(self.letters, place, strict=True)))
            shown = (lower(written, here, known),) if written is not None and weight <= MOST_TERMS else ()
            yield (*shown, self.entries.at(place), self.again.at(place))

    def places(self) -> list[tuple[int, ...]]:
        """The place of the largest entry, then others spread evenly over the array."""
        sizes = np.nan_to_num(np.abs(self.entries.middles()), nan=np.inf)
        if not sizes.size:
            return []
        largest = np.unravel_index(int(np.argmax(sizes)), sizes.shape)
        return list(dict.fromkeys((tuple(map(int, largest)), *spread_places(sizes.shape))))


@dataclass(frozen=True)
class Refused:
    """call → "I don't know": what the table lacks, by name and line."""

    reason: DontKnow

    def values(self) -> tuple[arb, ...]:
        """Nothing is claimed."""
        return ()


Step = Quantity | Definition | Alignments | Forward | Substitution | Combination | Gradient | Refused


@dataclass(frozen=True)
class Derivation:
    """The steps in order; `letters` names the inputs, `equals` the library loss that the formula is, `names` what the
    program calls the quantities that have another letter."""

    steps: tuple[Step, ...]
    letters: Mapping[str, int]
    equals: str | None
    names: Mapping[str, str] = field(default_factory=dict[str, str])

    def holds(self) -> tuple[bool | None, ...]:
        """For each step whether all its sides agree; None where a side has no number (an infinite or nan step)."""
        return tuple(agrees(step) for step in self.steps)


def agrees(step: Step) -> bool | None:
    """Whether the sides of a step enclose a common number."""
    try:
        rows = list(step.rows()) if isinstance(step, Gradient | Forward) else [step.values()]
    except CannotLower:
        return None
    met = [_met(sides) for sides in rows]
    return False if False in met else None if None in met else True


def _met(sides: tuple[arb, ...]) -> bool | None:
    if not sides or not all(side.is_finite() for side in sides):
        return None
    return all(a.overlaps(b) for a, b in pairwise(sides))
