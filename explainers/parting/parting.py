"""The first line where two computations part, found value by value.

Each value of the own computation is looked for among the other one's. What is found there (also turned, with another
sign, or between zeros) is the same up to there; what is not, and leads to the result, is where the two part. Of several
such values the first is told that follows simply from one of the other side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from explainers.parting.matching import Likeness, bare, close, likeness, strictly
from explainers.parting.relations import (
    LEAST_ARRAY,
    Kind,
    Known,
    Relation,
    are_among,
    function_of,
    multiple,
    picked,
    relation,
)
from explainers.parting.terms import Computation, Floats, Term, upstream

MOST_TERMS = 300
_MOST_ELEMENTS_OF_FACTOR = 512
_CHANGED: frozenset[Kind] = frozenset(("bound", "offset"))
_ADDED: frozenset[Kind] = frozenset(("offset",))
_SCALED: frozenset[Kind] = frozenset(("factor",))
_OF_RESULTS: frozenset[Kind] = frozenset(get_args(Kind)) - {"offset"}
_COMPUTED: frozenset[Kind] = _OF_RESULTS - {"sign"}
_UNDOABLE: frozenset[Kind] = frozenset(("factor", "scale"))
_BY: frozenset[Kind] = frozenset(("times", "over"))
_ALIKE = 0.5
_WEAK: frozenset[Kind] = frozenset(("scale", "times", "over"))


@dataclass(frozen=True)
class Common:
    """A value that both have."""

    mine: Term
    theirs: Term
    likeness: Likeness


@dataclass(frozen=True)
class Parting:
    """Where two computations part: the own value there, what the other has in its place, and how one follows from the
    other. `last` is the last value before it that both have."""

    mine: Term
    theirs: Term | None
    relation: Relation | None
    last: Common | None


def parting(own: Computation, other: Computation) -> Parting | None:
    """Where the own computation parts from the other one; None where they agree, or nothing tells."""
    if max(len(own.terms), len(other.terms)) > MOST_TERMS or close(bare(own.result.value), bare(other.result.value)):
        return None
    return _Search(own, other).found()


def either_parting(own: Computation, other: Computation) -> tuple[Parting | None, bool]:
    """Where two computations of a program part, told from the side on which one value follows from the other: the
    parting, and whether the sides are exchanged in it."""
    found = parting(own, other)
    if found is None or found.relation is not None:
        return found, False
    turned = parting(other, own)
    told = turned is not None and turned.relation is not None
    return (turned, True) if told else (found, False)


class _Search:
    def __init__(self, own: Computation, other: Computation) -> None:
        self.own, self.other = own, other
        self.content: dict[Term, Term] = {}
        self.common: dict[Term, Common] = {}
        self.chance: set[Term] = set()
        for term in own.terms:
            if term.real and (found := self._common(term)) is not None:
                self.common[term] = found
            elif term.real and (held := self._content(term)) is not None and not self._came_back(term, held):
                self.content[term] = held
        arrays = (t for t in (*own.terms, *other.terms) if 1 < t.value.size <= _MOST_ELEMENTS_OF_FACTOR)
        self.known = Known(
            frozenset((*own.sizes(), *other.sizes())),
            self._scalars(),
            tuple(sorted(arrays, key=lambda t: t.target is None)),
        )

    def _scalars(self) -> tuple[float, ...]:
        """Single numbers that either side may divide by or multiply with: none of those that they come to."""
        ends = {t for side in (self.own, self.other) for t in (side.result, *side.result.operands)}
        single = (t for t in (*self.own.terms, *self.other.terms) if t.value.size == 1 and not (t.real and t in ends))
        return tuple({float(t.value.reshape(())) for t in single})

    def found(self) -> Parting | None:
        opened = self._opened()
        undone: Parting | None = None
        for term in opened:
            told = self._told(term)
            if told is not None and not self._may_be_undone(told):
                return told
            if (skipped := self._skipped(term)) is not None:
                return skipped
            undone = undone or told
        if undone is not None:
            later = opened[opened.index(undone.mine) + 1 :]
            return next((told for term in later if (told := self._shifted(term)) is not None), undone)
        first = opened[0]
        line = [term for term in opened if term.line == first.line]
        if (told := self._told(line[-1], weakly=True)) is not None:
            return told
        for term in reversed(line):
            if (theirs := self._beside(term)) is not None:
                return Parting(term, theirs, None, self._last(term))
        return Parting(line[-1], None, None, self._last(first))

    def _common(self, term: Term) -> Common | None:
        """The other side's term that is the same, the nearest kind first."""
        found = [Common(term, t, how) for t in self.other.terms if (how := likeness(term.value, t.value)) is not None]
        known = self._anchors([t for t in term.operands if t.real])

        def rank(c: Common) -> tuple[bool, bool, bool]:
            apart = not all(_reaches(c.theirs, a) for a in known)
            return c.likeness != "same", not strictly(term.value, c.theirs.value), apart

        best = min((c for c in found if c.theirs.real), key=rank, default=None)
        if best is None or self._came_back(term, best.theirs):
            return None
        if term.value.size == 1 and not term.is_given and (rank(best)[-1] or not self.chance.isdisjoint(term.operands)):
            self.chance.add(term)  # a single number is met by others that have nothing to do with it
            return None
        return best

    def _came_back(self, term: Term, theirs: Term) -> bool:
        """Whether a term is by chance what one before it was, with others between them."""
        between = [t for t in term.operands if t.real and t not in self.common and t not in self.content]
        before = self._anchors([t for t in upstream(term) if t is not term])
        held = (theirs.value, term.value)
        return bool(between) and any(t is theirs or any(_is_same(t.value, x) for x in held) for t in before)

    def _content(self, term: Term) -> Term | None:
        """The other side's term that holds the same before or behind a logarithm, or as what is missing to 1."""
        with np.errstate(all="ignore"):
            return next(
                (
                    t
                    for t in self.other.terms
                    if t.real and any(_is_same(term.value, change(t.value)) for change in _CHANGES)
                ),
                None,
            )

    def _opened(self) -> list[Term]:
        """The own terms that lead to the result and are not the other side's, as they come."""
        result = self.own.result
        held, waiting = {result}, [result]
        while waiting:
            for part in self._loosely(waiting.pop()):
                if part not in held:
                    held.add(part)
                    waiting.append(part)
        return [term for term in self.own.terms if term in held]

    def _loosely(self, term: Term) -> list[Term]:
        """The operands that are not the same, or only so beside much larger elements."""
        found: list[Term] = []
        for part in term.operands:
            same = self.common.get(part)
            small = same is not None and not strictly(part.value, same.theirs.value) and same.likeness != "scattered"
            number = part.is_given and part.value.size == 1
            if (
                part.real
                and not number
                and part not in self.content
                and (same is None or (small and not part.is_given))
            ):
                found.append(part)
        return found

    def _told(self, term: Term, *, weakly: bool = False) -> Parting | None:
        """The parting at a term, where it follows simply from one of the other side; `weakly` also where a value that
        is right on its way does."""
        inside = [t for t in term.operands if t.real]
        for theirs, operands, kinds in self._candidates(term, inside):
            how = relation(term, theirs, operands, self.known)
            if how is None or how.kind not in kinds or (how.kind in _WEAK and not weakly):
                continue
            if how.kind not in _BY or (self._anchors(inside) and not self._is_had(theirs)):  # not what its line does
                return Parting(term, theirs, how, self._last(term))
        if term.is_given or not picked(term, inside):
            return None
        held = self._anchors(inside)
        theirs = next((t for t in self._after(inside) if _is_pick(t, held, term)), None)
        return None if theirs is None else Parting(term, theirs, Relation("picked"), self._last(term))

    def _may_be_undone(self, told: Parting) -> bool:
        """Whether both sides differ by a factor there, and not by it at the end: it may be made up for on the way."""
        ends = [bare(side.result.value) for side in (self.own, self.other)]
        if told.relation is None or told.relation.kind not in _UNDOABLE or told.theirs is None:
            return False
        if told.mine is self.own.result or any(end.size != 1 for end in ends):
            return False
        here, there = multiple(bare(told.mine.value), bare(told.theirs.value)), multiple(ends[0], ends[1])
        return here is not None and (there is None or not np.isclose(here, there, 1e-4))

    def _shifted(self, term: Term) -> Parting | None:
        """A term that is one of the other side, computed from the same, plus a number."""
        inside = [t for t in term.operands if t.real]
        for theirs in self._after(inside):
            how = relation(term, theirs, inside, self.known) if theirs.value.size > LEAST_ARRAY else None
            if how is not None and how.kind == "offset":
                return Parting(term, theirs, how, self._last(term))
        return None

    def _skipped(self, term: Term) -> Parting | None:
        """A term that goes on with values of both sides, one of which the other side takes the root, the square or
        the logarithm of first."""
        inside = [t for t in term.operands if t.real and (not t.is_given or t.value.size > 1)]
        if not inside or not all(t in self.common for t in inside):
            return None
        for part in inside:
            for step in self.other.terms:
                over = [t for t in step.operands if t.real]
                kind = (
                    function_of(part.value, step.value)
                    if len(over) == 1 and _is_same(over[0].value, part.value)
                    else None
                )
                if kind is None or self._is_had(step):
                    continue
                if not part.is_given:
                    return Parting(part, step, Relation(kind, by=part), self._last(part))
                if (joined := self._joining(step, term)) is not None:
                    return Parting(term, joined, Relation(kind, by=part), self._last(term))
        return self._lacking(term, [t for t in inside if not t.is_given])

    def _lacking(self, term: Term, inside: Sequence[Term]) -> Parting | None:
        """A term that reduces one value of both sides, to which the other side first adds another one that is not
        here, or which it multiplies with one; the last such step of it."""
        if len(inside) != 1 or inside[0].value.size <= term.value.size:
            return None
        (part,) = inside
        for step in reversed(self.other.terms):
            alike = [t for t in step.operands if t.real and t.value.size > 1 and likeness(part.value, t.value)]
            rest = [t for t in step.operands if t not in alike]
            if (
                len(alike) != 1
                or len(rest) != 1
                or any(self._is_had(t) or _reaches(alike[0], t) for t in (step, *rest))
            ):
                continue
            if (kind := _joined(step, alike[0], rest[0])) is not None:
                return Parting(part, step, Relation(kind, by=rest[0]), self._last(part))
        return None

    def _joining(self, step: Term, term: Term) -> Term | None:
        """What the other side makes of a step where a term goes on without it: of the term's shape, and not here."""
        return next((t for t in self.other.terms if step in t.operands and t.value.shape == term.value.shape), None)

    def _candidates(self, term: Term, inside: list[Term]) -> Iterator[tuple[Term, list[Term], frozenset[Kind]]]:
        """What a term may follow from, and how: the result for the result, what it is computed from if that is one
        array, what the other side computes from the same."""
        if term is self.own.result:
            yield self.other.result, inside, _OF_RESULTS
        computed = [t for t in inside if not t.is_given or t.value.size > 1]
        alone = self._anchors(inside) if len(computed) == 1 else []
        yield from ((theirs, [], _ADDED) for theirs in self._added_to(alone))
        yield from ((theirs, [], _CHANGED) for theirs in alone)
        yield from ((theirs, inside, _COMPUTED) for theirs in self._after(inside))
        yield from ((theirs, [], _SCALED) for theirs in alone)

    def _added_to(self, alone: Sequence[Term]) -> list[Term]:
        """What the other side makes of these by adding a number."""
        made = [(t, a) for a in alone for t in self.other.terms if t.real and any(o is a for o in t.operands)]
        return [t for t, a in made if (how := relation(t, a, (), self.known)) is not None and how.kind == "offset"]

    def _anchors(self, inside: Sequence[Term]) -> list[Term]:
        """What these terms are on the other side."""
        found = [self.common[t].theirs if t in self.common else self.content.get(t) for t in inside]
        return [t for t in found if t is not None]

    def _after(self, inside: Sequence[Term]) -> list[Term]:
        """The other side's terms that are computed from what these are there, the nearest first."""
        known = self._anchors(inside)
        later = [t for t in self.other.terms if t.real and t not in known and not t.is_given]
        needing = [t for t in later if known and all(_reaches(t, a) for a in known)]
        return [*needing, *(t for t in later if t not in needing)]

    def _beside(self, term: Term) -> Term | None:
        """What the other side has in a term's place: of its shape, computed from the same; the result for the
        result."""
        if term is self.own.result:
            return self.other.result
        inside = [t for t in term.operands if t.real]
        shape = bare(term.value).shape
        fitting = [t for t in self._after(inside) if bare(t.value).shape == shape and not self._is_had(t)]
        if not self._anchors(inside):  # nothing but its numbers tells what stands in its place
            alike = [t for t in fitting if _alike(t, term) >= _ALIKE]
            return max(alike, key=lambda t: _alike(t, term), default=None)
        way = _way(term)
        return min(fitting, key=lambda t: (t is not self.other.item, _way(t) != way), default=None)

    def _is_had(self, theirs: Term) -> bool:
        return any(c.theirs is theirs or close(bare(c.theirs.value), bare(theirs.value)) for c in self.common.values())

    def _last(self, term: Term) -> Common | None:
        """The last value before a term that both have, one that was computed before one that was given; what both have
        in other lines before it where nothing leads to it."""
        before = [self.common[t] for t in upstream(term) if t in self.common and t is not term]
        before = before or [c for t, c in self.common.items() if (t.line or 0) < (term.line or 0)]
        computed = [c for c in before if not c.mine.is_given]
        return next(iter([*reversed(computed), *reversed(before)]), None)


def _joined(step: Term, one: Term, other: Term) -> Kind | None:
    """How a term joins two of its shape: their sum or difference, or their product."""
    if not step.value.shape == one.value.shape == other.value.shape:
        return None
    if any(close(step.value, a * one.value + b * other.value) for a in (1, -1) for b in (1, -1)):
        return "lacks"
    return "over" if any(close(step.value, a * one.value * other.value) for a in (1, -1)) else None


def _alike(theirs: Term, mine: Term) -> float:
    """Which share of the elements of two arrays of one shape agrees."""
    with np.errstate(all="ignore"):
        return float(np.isclose(bare(theirs.value), bare(mine.value), 1e-4, 0.0).mean())


def _way(term: Term) -> list[bool]:
    """Whether what a term is computed from is given, in order."""
    return sorted(o.is_given for o in term.operands if o.real)


def _is_pick(theirs: Term, held: Sequence[Term], mine: Term) -> bool:
    """Whether a term of the other side has the elements that stand in another term's place, out of the same array."""
    same = bare(theirs.value).shape == bare(mine.value).shape
    return same and any(are_among(np.abs(theirs.value), np.abs(t.value)) for t in held)


def _reaches(term: Term, anchor: Term) -> bool:
    return any(t is anchor or _is_same(t.value, anchor.value) for t in upstream(term))


def _is_same(a: Floats, b: Floats) -> bool:
    a, b = bare(a), bare(b)
    return a.shape == b.shape and a.size > 1 and (close(a, b) or close(a, -b))


def _rest(x: Floats) -> Floats:
    return 1 - x


_CHANGES: tuple[Callable[[Floats], Floats], ...] = (np.exp, lambda x: np.exp(-x), np.log, _rest)
