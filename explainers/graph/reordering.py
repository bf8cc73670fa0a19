"""Products of three numbers and more, which torch may multiply in another order than the graph does.

A product of some of the factors that falls below the smallest normal number is off by up to the smallest number η of
the format, and the factors that are multiplied later enlarge that error. n factors take n − 1 products, so in whatever
order they are taken the result is off by at most (n − 1) · η · ∏ max(1, |fᵢ|), beside the relative errors that are the
same in each order; and by nothing of the kind where ∏ min(1, |fᵢ|), the least that any product of some of them can be,
is a normal number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from explainers.graph.arithmetic import Arithmetic
from explainers.graph.nodes import (
    Binary,
    Cast,
    Constant,
    Named,
    Node,
    Rename,
    Reshape,
    StopGradient,
    Sum,
    Take,
    Unary,
    Where,
    WithGradient,
    is_floating,
)
from explainers.graph.rounding import Rounding

MOST_FACTORS = 12
Reach = tuple[float, float]
"""The least of the absolute values that are not 0, and the largest of those that are finite."""
A = TypeVar("A")


class Loosening(Arithmetic[A], Protocol):
    """An arithmetic of sets that can be made larger."""

    def reach(self, x: A) -> Reach:
        """A lower bound of every absolute value that is not exactly 0 (1 where there is none), and an upper bound of
        the finite ones."""
        ...

    def loosened(self, x: A, error: float, dtype: str) -> A:
        """The finite numbers with room for an absolute error, exact zeros too."""
        ...


@dataclass(frozen=True)
class Factor:
    """One factor of a product: the numbers of a node, or one over them."""

    node: Node
    below: bool = False


@dataclass(frozen=True)
class Reordering(Generic[A]):
    """What one evaluation knows of the factors of its products."""

    arithmetic: Loosening[A]
    rounding: Rounding
    products: dict[Node, tuple[Factor, ...]]
    wanted: frozenset[Node]
    reaches: dict[Node, Reach] = field(default_factory=dict[Node, Reach])
    met: set[Node] = field(default_factory=set[Node])

    @staticmethod
    def of(order: Iterable[Node], arithmetic: Loosening[Any], rounding: Rounding) -> Reordering[Any]:
        """The products of three factors and more among the nodes, which stand behind their operands."""
        factors = dict[Node, tuple[Factor, ...]]()
        for node in order:
            if is_floating(node):
                found = _factors(node, factors)
                factors[node] = found if len(found) <= MOST_FACTORS else (Factor(node),)
        products: dict[Node, tuple[Factor, ...]] = {
            x: f for x, f in factors.items() if len(f) > 2 and isinstance(x, Binary | Unary)
        }
        wanted = frozenset(factor.node for found in products.values() for factor in found)
        return Reordering(arithmetic, rounding, products, wanted)

    def __call__(self, node: Node, found: A) -> A:
        """The numbers of a node as any order of multiplying may give them."""
        if node in self.products:
            self.met.add(node)
            found = self._loosened(node, found, 1)
        elif isinstance(node, Sum) and node.x in self.products and node.x not in self.met:
            found = self._loosened(node.x, found, math.prod(axis.size for axis in node.over))
        if node in self.wanted:
            self.reaches[node] = self.arithmetic.reach(found if is_floating(node) else self._real(found))
        return found

    def _real(self, whole: Any) -> A:
        return self.arithmetic.leaf(np.asarray(whole, dtype=np.float64))

    def _loosened(self, product: Node, found: A, terms: int) -> A:
        unit, tiny = self.rounding.unit(product.dtype), self.rounding.subnormal(product.dtype)
        if not unit:
            return found
        reaches = [self._reach(factor) for factor in self.products[product]]
        if math.prod(min(1.0, least) for least, _ in reaches) * unit >= tiny:
            return found
        most = math.prod(max(1.0, most) for _, most in reaches)
        error = terms * (len(reaches) - 1) * tiny * most
        return self.arithmetic.loosened(found, error, product.dtype) if math.isfinite(error) else found

    def _reach(self, factor: Factor) -> Reach:
        match factor.node:
            case Constant(value):
                size = abs(float(value)) if _is_usual(value) else 1.0
                least, most = size or 1.0, size
            case node:
                least, most = self.reaches[node]
        return (1 / most if most else 1.0, 1 / least if least else math.inf) if factor.below else (least, most)


def _is_usual(value: Fraction | float) -> bool:
    return bool(2.0**-1000 < abs(value) < 2.0**1000)


def _factors(node: Node, known: dict[Node, tuple[Factor, ...]]) -> tuple[Factor, ...]:
    """The factors of a product; any other node is its only one."""

    def of(x: Node) -> tuple[Factor, ...]:
        return known.get(x, (Factor(x),))

    match node:
        case Binary("mul", a, b):
            return of(a) + of(b)
        case Binary("div", a, b):
            return (*of(a), Factor(b, below=True))
        case Unary("square", x):
            return of(x) * 2
        case Unary("neg", x) | Named(_, x) | StopGradient(x) | WithGradient(x) | Cast(x) | Rename(x) | Take(x):
            return of(x) if is_floating(x) else (Factor(node),)
        case Reshape(x):
            return of(x)
        case Where(_, x, Constant(value)) | Where(_, Constant(value), x) if value == 0:
            return of(x)
        case _:
            return (Factor(node),)
