"""The sum over all alignments of labels with time steps, by the forward and backward tables of torch's LossCTC.cpp.

Between, before and behind the labels stands a blank: 2S + 1 states for S labels. An alignment starts in one of the
first two and ends in one of the last two; in a time step it stays, goes on to the next state, or skips a blank between
two labels that differ (Graves et al., Connectionist temporal classification, 2006, equations 6 to 15).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from typing import Generic, TypeVar

import numpy as np

from explainers.graph.arithmetic import Arithmetic, Integers

A = TypeVar("A")


@dataclass(frozen=True)
class Lattice(Generic[A]):
    """The tables in one arithmetic, as logarithms.

    Shapes: x (B, T · C), labels (B, L), `steps` and `length` (B): how many time steps and labels count; `sizes` is
    (B, T, C). A table has S = 2L + 1 states: (B, T · S).
    """

    do: Arithmetic[A]
    x: A
    labels: Integers
    steps: Integers
    length: Integers
    blank: int
    sizes: tuple[int, int, int]
    dtype: str

    @cached_property
    def states(self) -> Integers:
        """Which class each state says."""
        batch, count = self.labels.shape
        held = np.full((batch, 2 * count + 1), self.blank, dtype=np.int64)
        held[:, 1::2] = self.labels
        return held

    @cached_property
    def forward(self) -> A:
        """log α for each time step and state: of all ways there that end in it, (B, T · S)."""
        batch, steps, _ = self.sizes
        begins = np.zeros((batch, steps, self.states.shape[1]), dtype=np.bool_)
        begins[:, :1, :2] = True
        return self.do.alignment_table(self._scores, may_skip(self.states), begins, self.dtype, onward=True)

    def backward(self) -> A:
        """log β for each time step and state: of all ways on that begin in it, (B, T · S)."""
        begins = self._last & self._is_end
        counted = np.repeat(np.arange(self.sizes[1]) < self.steps[:, np.newaxis], begins.shape[2], axis=1)
        scores = self._scores if counted.all() else self._where(counted, self._scores, self._nothing)
        skips = may_skip(self.states[:, ::-1])[:, ::-1]
        return self.do.alignment_table(scores, skips, begins, self.dtype, onward=False)

    @property
    def _last(self) -> Integers:
        """Which time step is the last that counts: (B, T, 1)."""
        return (np.arange(self.sizes[1]) == self.steps[:, np.newaxis] - 1)[:, :, np.newaxis]

    @property
    def _is_end(self) -> Integers:
        """Which states an alignment may end in: (B, 1, S)."""
        at, length = np.arange(self.states.shape[1]), self.length[:, np.newaxis]
        return ((at == 2 * length) | (at == 2 * length - 1))[:, np.newaxis]

    @cached_property
    def _scores(self) -> A:
        """x at each time step and what each state says: (B, T · S)."""
        batch, steps, classes = self.sizes
        places = np.arange(steps)[:, np.newaxis] * classes + self.states[:, np.newaxis]
        return picked(self.do, self.x, places.reshape(batch, -1))

    def ends(self) -> A:
        """log α of the last label and of the blank behind it, at the last time step that counts: (B, 2)."""
        width, last = self.states.shape[1], np.stack([2 * self.length - 1, 2 * self.length], axis=1)
        start = self._where(last == 0, self.do.number(Fraction(0), "scalar"), self._nothing)  # nothing is said
        if not self.sizes[1]:
            return start
        before = (self.steps - 1)[:, np.newaxis] * width
        found = picked(self.do, self.forward, np.where(last >= 0, np.maximum(before, 0) + last, -1))
        return self._where((self.steps > 0)[:, np.newaxis], found, start)

    def total(self) -> A:
        """log of the sum over all alignments: (B, 1)."""
        ends, rows = self.ends(), self.sizes[0]
        label, blank = (picked(self.do, ends, np.full((rows, 1), k)) for k in (0, 1))
        found = joined(self.do, [label, blank], rows, self.dtype)
        unsaid = self.length[:, np.newaxis] == 0
        return self._where(unsaid, blank, found) if unsaid.any() else found

    def shares(self) -> A:
        """exp(log Σ α · β − total − x) for each time step and class: (B, T · C); α and β both have x in them."""
        batch, steps, classes = self.sizes
        both = self.do.binary("add", self.forward, self.backward(), self.dtype)
        beside = self._last & ~self._is_end  # torch looks at the ends alone there, whatever the others hold
        both = self._where(beside.reshape(batch, -1), self._nothing, both)
        found = self._by_class(self.do.reshape(both, (0, 1), (batch * steps, -1)))
        found = self._difference(self.do.reshape(found, (0, 1), (batch, steps * classes)), self.total())
        share = self.do.unary("exp", self._difference(found, self.x), self.dtype)
        counts = np.repeat(np.arange(steps) < self.steps[:, np.newaxis], classes, axis=1)
        return self._where(counts, share, self.do.number(Fraction(0), "scalar"))

    def _by_class(self, rows: A) -> A:
        """log Σ of the states that say each class, one after the other as torch adds them: (B · T, 2S + 1) → (…, C)."""
        _, steps, classes = self.sizes
        is_blank = self.states == self.blank
        blanks = [
            picked(self.do, rows, np.repeat(np.where(is_blank[:, s : s + 1], s, -1), steps, axis=0))
            for s in np.flatnonzero(is_blank.any(axis=0))
        ]
        count = len(is_blank) * steps
        of_blank = self.do.sum_in_turn(blanks, count, self.dtype)
        said = [picked(self.do, rows, np.repeat(at, steps, axis=0)) for at in self._occurrences]
        if not said:
            said = [self._where(np.zeros((count, classes)), of_blank, self._nothing)]
        return self._where(np.arange(classes) == self.blank, of_blank, self.do.sum_in_turn(said, count, self.dtype))

    @cached_property
    def _occurrences(self) -> list[Integers]:
        """The states that say each class for the first time, for the second, …: (B, C) each, −1 for none."""
        batch, _, classes = self.sizes
        found: list[Integers] = []
        times = np.zeros((batch, classes), dtype=np.int64)
        for k in range(self.labels.shape[1]):
            for n in np.flatnonzero(k < self.length):
                label = self.labels[n, k]
                if not 0 <= label < classes:
                    continue
                if times[n, label] == len(found):
                    found.append(np.full((batch, classes), -1))
                found[times[n, label]][n, label] = 2 * k + 1
                times[n, label] += 1
        return found

    @property
    def _nothing(self) -> A:
        return self.do.number(-math.inf, "scalar")

    def _where(self, condition: Integers, a: A, b: A) -> A:
        return self.do.where(condition.astype(np.int8), a, b)

    def _difference(self, a: A, b: A) -> A:
        return self.do.binary("sub", a, b, self.dtype)


def may_skip(states: Integers) -> Integers:
    """Where a state can be reached past the one before it: a label that differs from the label before."""
    found = np.zeros(states.shape, dtype=np.bool_)
    found[:, 2:] = states[:, 2:] != states[:, :-2]
    return found


def unbegun(begins: Integers, t: int) -> Integers:
    """The states that no alignment is in where the alignments of a row begin, whatever x says there: (B, S)."""
    return begins[:, t].any(axis=1, keepdims=True) & ~begins[:, t]


def step_by_step(do: Arithmetic[A], scores: A, skips: Integers, begins: Integers, dtype: str, *, onward: bool) -> A:
    """`Arithmetic.alignment_table` by one sum over the ways after the other."""
    if not onward:
        there, and_back = _turned(do, scores, begins.shape), (skips[:, ::-1], begins[:, ::-1, ::-1])
        return _turned(do, step_by_step(do, there, *and_back, dtype, onward=True), begins.shape)
    batch, steps, width = begins.shape
    at = np.broadcast_to(np.arange(width), (batch, width))
    far = np.where(skips, at - 2, -1)
    nothing = do.number(-math.inf, "scalar")
    row = do.broadcast(do.reshape(nothing, (), (1, 1)), (batch, width))
    rows: list[A] = []
    for t in range(steps):
        here = picked(do, scores, np.where(unbegun(begins, t), -1, t * width + at))
        ways = joined(do, [row, picked(do, row, at - 1), picked(do, row, far)], batch, dtype)
        row = do.where(begins[:, t].astype(np.int8), here, do.binary("add", ways, here, dtype))
        rows.append(row)
    return do.concatenate(rows, 1) if rows else scores


def _turned(do: Arithmetic[A], table: A, sizes: tuple[int, ...]) -> A:
    """A table (B, T · S) with its time steps and states in opposite order."""
    batch, steps, width = sizes
    return picked(do, table, np.broadcast_to(np.arange(steps * width)[::-1], (batch, steps * width)))


def one_after_the_other(do: Arithmetic[A], parts: Sequence[A], rows: int, dtype: str) -> A:
    """`Arithmetic.sum_in_turn` by one sum of two after the other."""
    return reduce(lambda a, b: joined(do, [a, b], rows, dtype), parts)


def picked(do: Arithmetic[A], row: A, at: Integers) -> A:
    """(B, K) at places (B, M), −inf at a place below 0."""
    batch, width = at.shape
    wide = do.reshape(row, (0, 1), (batch, 1, -1))
    found = do.reshape(do.take(wide, at[:, :, np.newaxis], 2), (0, 1, 2), (batch, width))
    return found if (at >= 0).all() else do.where((at >= 0).astype(np.int8), found, do.number(-math.inf, "scalar"))


def joined(do: Arithmetic[A], ways: Sequence[A], rows: int, dtype: str) -> A:
    """log Σ e^way of arrays (B, K), B of them rows, one step of the program; torch takes the largest from each way
    first, of an infinite one inf − inf."""
    spread = [do.reshape(way, (0, 1), (1, rows, -1)) for way in ways]
    found = do.logsumexp(do.concatenate(spread, 0), (0,), dtype)
    endless = do.compare("eq", found, do.number(math.inf, "scalar"))
    return do.where(endless, do.number(math.nan, "scalar"), found) if endless.any() else found
