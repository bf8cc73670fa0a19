"""A computation as the values that it goes through: a library's loss unfolded, or lines of a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from explainers.messages import Message

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Term:
    """One value on the way, with the values that it is computed from.

    `real` tells numbers that come from the data from counts, labels and masks. `line` and `code` are where the program
    writes it (None and "" inside a library's loss, where `name` says what it is); `function` is the last name of what
    it applies, `rough` that it was computed in less than float64.
    """

    value: Floats
    operands: tuple[Term, ...] = ()
    real: bool = True
    line: int | None = None
    code: str = ""
    target: str | None = None
    function: str = ""
    name: Message | None = None
    rough: bool = True

    @cached_property
    def is_given(self) -> bool:
        """Whether it is handed in, or holds the very numbers that are, and is not computed from them."""
        data = [term for term in self.operands if term.real]
        if not data:
            return True
        if not all(term.is_given for term in data) or sum(term.value.size for term in data) != self.value.size:
            return False
        held = np.sort(np.concatenate([term.value.ravel() for term in data]))
        return bool(np.allclose(np.sort(self.value.ravel()), held, 1e-3, 0.0, equal_nan=True))


@dataclass(frozen=True)
class Computation:
    """All terms that lead to a result, operands before what uses them; `item` are the losses that are put together."""

    terms: tuple[Term, ...]
    result: Term
    item: Term | None = None

    def sizes(self) -> Iterator[float]:
        """How many elements there are along each axis of its arrays, and in all."""
        yield from {float(n) for term in self.terms for n in (*term.value.shape, term.value.size) if n > 1}


def upstream(result: Term) -> tuple[Term, ...]:
    """A term and everything that it is computed from, operands first."""
    order: dict[Term, None] = {}
    stack: list[tuple[Term, Iterator[Term]]] = [(result, iter(result.operands))]
    while stack:
        term, rest = stack[-1]
        following = next((t for t in rest if t not in order), None)
        if following is None:
            order[term] = None
            stack.pop()
        else:
            stack.append((following, iter(following.operands)))
    return tuple(order)


def floats(value: Any) -> Floats:
    """The value as an array of float64."""
    return np.asarray(value, dtype=np.float64)
