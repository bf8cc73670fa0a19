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
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np

from explainers.graph.arithmetic import Arithmetic, Integers

A = TypeVar("A")


@dataclass(frozen=True)
class Lattice(Generic[A]):
    """The tables in one arithmetic, as logarithms.

    Shapes: x (B, T · C), labels (B, S), `steps` and `length` (B): how many time steps and labels count; `sizes` is
    (B, T, C). A row of a table is (B, 2S + 1).
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

    def scores(self, t: int) -> A:
        """x at a time step and what each state says."""
        return self._picked(self.x, t * self.sizes[2] + self.states)

    def forward(self) -> list[A]:
        """log α for each time step: of all ways there that end in a state."""
        rows: list[A] = []
        for t in range(self.sizes[1]):
            rows.append(
                self._sum(
                    self._joined(self._ways(rows[-1] if rows else self._start, -1), self.sizes[0]), self.scores(t)
                )
            )
        return rows

    def backward(self) -> list[A]:
        """log β for each time step: of all ways on that begin in a state."""
        at, length = np.arange(self.states.shape[1]), self.length[:, np.newaxis]
        is_end = (at == 2 * length) | (at == 2 * length - 1)
        rows: list[A] = []
        for t in reversed(range(self.sizes[1])):
            row = self._where(is_end, self.scores(t), self._nothing)
            if rows:
                on = self._sum(self._joined(self._ways(rows[-1], 1), self.sizes[0]), self.scores(t))
                row = self._where(np.equal(self.steps - 1, t)[:, np.newaxis], row, on)
            rows.append(self._where((t < self.steps)[:, np.newaxis], row, self._nothing))
        return rows[::-1]

    def ends(self, table: Sequence[A]) -> A:
        """log α of the last label and of the blank behind it, at the last time step that counts: (B, 2)."""
        row = self._start
        for t, later in enumerate(table):
            row = self._where((t < self.steps)[:, np.newaxis], later, row)
        return self._picked(row, np.stack([2 * self.length - 1, 2 * self.length], axis=1))

    def total(self, table: Sequence[A]) -> A:
        """log of the sum over all alignments: (B, 1)."""
        ends = self.ends(table)
        return self._joined([self._picked(ends, np.full((self.sizes[0], 1), k)) for k in (0, 1)], self.sizes[0])

    def shares(self) -> A:
        """exp(log Σ α · β − total − x) for each time step and class: (B, T · C); α and β both have x in them."""
        batch, steps, classes = self.sizes
        table = self.forward()
        both = self._sum(self.do.concatenate(table, 1), self.do.concatenate(self.backward(), 1))
        found = self._by_class(self.do.reshape(both, (0, 1), (batch * steps, -1)))
        found = self._difference(self.do.reshape(found, (0, 1), (batch, steps * classes)), self.total(table))
        share = self.do.unary("exp", self._difference(found, self.x), self.dtype)
        counts = np.repeat(np.arange(steps) < self.steps[:, np.newaxis], classes, axis=1)
        return self._where(counts, share, self.do.number(Fraction(0), "scalar"))

    def _by_class(self, rows: A) -> A:
        """log Σ of the states that say each class, one after the other as torch adds them: (B · T, 2S + 1) → (…, C)."""
        _, steps, classes = self.sizes
        states = np.repeat(self.states, steps, axis=0)
        blanks = self._where(states == self.blank, rows, self._nothing)
        columns = [self._picked(blanks, np.full((len(states), 1), s)) for s in range(states.shape[1])]
        of_blank = self._in_turn(columns, len(states))
        said = [self._picked(rows, np.repeat(at, steps, axis=0)) for at in self._occurrences]
        nothing = self._where(np.zeros((len(states), classes)), of_blank, self._nothing)
        return self._where(np.arange(classes) == self.blank, of_blank, self._in_turn(said or [nothing], len(states)))

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

    def _ways(self, row: A, direction: int) -> list[A]:
        """The states that each state is reached from in one step: itself, its neighbour, and past a blank."""
        at = np.broadcast_to(np.arange(self.states.shape[1]), self.states.shape)
        near, far = (np.where(k < at.shape[1], k, -1) for k in (at + direction, at + 2 * direction))
        may_skip = np.take_along_axis(self.states, np.maximum(far, 0), axis=1) != self.states
        return [row, self._picked(row, near), self._picked(row, np.where(may_skip, far, -1))]

    @property
    def _start(self) -> A:
        """Before the first time step: nothing is said."""
        first = np.broadcast_to(np.arange(self.states.shape[1]) == 0, self.states.shape)
        return self._where(first, self.do.number(Fraction(0), "scalar"), self._nothing)

    @property
    def _nothing(self) -> A:
        return self.do.number(-math.inf, "scalar")

    def _picked(self, row: A, at: Integers) -> A:
        """(B, K) at places (B, M), −inf at a place below 0."""
        batch, width = at.shape
        wide = self.do.reshape(row, (0, 1), (batch, 1, -1))
        found = self.do.reshape(self.do.take(wide, at[:, :, np.newaxis], 2), (0, 1, 2), (batch, width))
        return found if (at >= 0).all() else self._where(at >= 0, found, self._nothing)

    def _joined(self, ways: Sequence[A], rows: int) -> A:
        """log Σ e^way, one step of the program."""
        spread = [self.do.reshape(way, (0, 1), (rows, -1, 1)) for way in ways]
        return self.do.logsumexp(self.do.concatenate(spread, 2), (2,), self.dtype)

    def _in_turn(self, parts: Sequence[A], rows: int) -> A:
        result = parts[0]
        for part in parts[1:]:
            result = self._joined([result, part], rows)
        return result

    def _where(self, condition: Integers, a: A, b: A) -> A:
        return self.do.where(condition.astype(np.int8), a, b)

    def _sum(self, a: A, b: A) -> A:
        return self.do.binary("add", a, b, self.dtype)

    def _difference(self, a: A, b: A) -> A:
        return self.do.binary("sub", a, b, self.dtype)
