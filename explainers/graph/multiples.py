"""Balls that move together: of x, 2x and −x a floating program makes x − 2x + x = 0 without any error.

A ball by itself forgets that two operands are one and the same number, as on the diagonal of |a|² − 2ab + |b|². Here a
number is known again as the same object, wherever it was taken to, and as a power of two times such an object; sums
and differences of the two that are again a power of two times it (or 0) are exact in every floating format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import arb

from explainers.graph.nodes import BinaryOp

Balls = npt.NDArray[Any]


@dataclass(frozen=True)
class Multiple:
    """A ball that is `factor` (±2ᵏ, k ≥ 0) times a base; both are kept, so that an id stays that of its object."""

    itself: arb
    base: arb
    factor: int


@dataclass(frozen=True)
class Multiples:
    """The multiples that one evaluation has met, by the id of the ball."""

    known: dict[int, Multiple] = field(default_factory=dict[int, Multiple])

    def of(self, v: arb) -> Multiple:
        """What a ball is a multiple of: itself, once, where nothing else is known."""
        return self.known.get(id(v)) or Multiple(v, v, 1)

    def exact(self, op: BinaryOp, a: Balls, b: Balls, found: Balls, largest: float) -> Balls:
        """The results of an operation, exact where both operands are multiples of one ball."""
        if op == "mul":
            for number, others in ((a, b), (b, a)):
                if number.size == 1 and (factor := _power_of_two(number.reshape(-1)[0])):
                    return self._scaled(np.broadcast_to(others, found.shape), factor, found, largest)
        elif op in ("add", "sub"):
            left, right = np.broadcast_arrays(a, b)
            return self._added((left, right), found, -1 if op == "sub" else 1, largest)
        return found

    def negated(self, x: Balls, found: Balls) -> Balls:
        """The results of a minus sign, known as multiples."""
        return self._scaled(x, -1, found, float("inf"))

    def _scaled(self, x: Balls, factor: int, found: Balls, largest: float) -> Balls:
        for v, result in zip(x.ravel(), found.ravel(), strict=True):
            if v.is_finite() and not v.is_exact():
                held = self.of(v)
                self._keep(result, held.base, held.factor * factor, largest)
        return found

    def _added(self, both: tuple[Balls, Balls], found: Balls, sign: int, largest: float) -> Balls:
        result = found.copy()
        flat = result.reshape(-1)
        for k, (x, y) in enumerate(zip(*(side.ravel() for side in both), strict=True)):
            if x.is_exact() or y.is_exact() or not x.is_finite():
                continue
            first, second = self.of(x), self.of(y)
            if first.base is second.base:
                factor = first.factor + sign * second.factor
                if factor == 0:
                    flat[k] = arb(0)
                elif _power_of_two(arb(factor)):
                    made = first.base * factor
                    flat[k] = made if abs(made) < largest else flat[k]
                    self._keep(flat[k], first.base, factor, largest)
        return result

    def _keep(self, v: arb, base: arb, factor: int, largest: float) -> None:
        if abs(v) < largest:
            self.known[id(v)] = Multiple(v, base, factor)


def _power_of_two(number: Any) -> int:
    """The whole number ±2ᵏ with k ≥ 0, else 0."""
    if not number.is_exact() or not number.is_integer() or number == 0 or abs(number) > 2.0**20:
        return 0
    whole = int(float(number))
    return whole if abs(whole).bit_count() == 1 else 0
