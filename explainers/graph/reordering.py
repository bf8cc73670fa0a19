"""Products of three numbers and more, which torch may multiply in another order than the graph does.

A product of some of the factors that falls below the smallest normal number is off by up to the smallest number η of
the format, and the factors that are multiplied later enlarge that error. n factors take n − 1 products, so in whatever
order they are taken the result is off by at most (n − 1) · η · ∏ max(1, |fᵢ|), beside the relative errors that are the
same in each order; and by nothing of the kind where ∏ min(1, |fᵢ|), the least that any product of some of them can be,
is a normal number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from explainers.graph.arithmetic import Arithmetic
from explainers.graph.nodes import (
    Axes,
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
    operands,
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

    def loosened(self, x: A, error: float, parts: Sequence[A], dtype: str) -> A:
        """The finite numbers with room for an absolute error, except zeros where one of the parts is exactly 0."""
        ...


@dataclass(frozen=True)
class Factor:
    """One factor of a product: the numbers of a node, or one over them."""

    node: Node
    below: bool = False


@dataclass(frozen=True)
class Product:
    """The factors of a node, and the products that it is made of, itself among them."""

    factors: tuple[Factor, ...]
    inner: frozenset[Node] = frozenset()


@dataclass(frozen=True)
class Reordering(Generic[A]):
    """What one evaluation knows of the factors of its products: of those with three and more, and the inner ones."""

    arithmetic: Loosening[A]
    rounding: Rounding
    products: Mapping[Node, Product]
    wanted: frozenset[Node]
    reaches: dict[Node, Reach] = field(default_factory=dict[Node, Reach])
    met: set[Node] = field(default_factory=set[Node])

    @staticmethod
    def of(order: Iterable[Node], arithmetic: Loosening[Any], rounding: Rounding) -> Reordering[Any]:
        """The products among the nodes, which stand behind their operands."""
        known = dict[Node, Product]()
        for node in order:
            if is_floating(node):
                found = _product(node, known)
                known[node] = found if len(found.factors) <= MOST_FACTORS else Product((Factor(node),))
        inner = frozenset[Node]().union(*(found.inner for found in known.values() if len(found.factors) > 2))
        wanted = frozenset(factor.node for node in inner for factor in known[node].factors)
        return Reordering(arithmetic, rounding, {node: known[node] for node in inner}, wanted)

    def __call__(self, node: Node, found: A, real: Callable[[Node, Axes], A]) -> A:
        """The numbers of a node as any order of multiplying may give them, from those of its operands."""
        if node in self.products:
            self.met.add(node)
            found = self._loosened(node, found, real)
        elif isinstance(node, Sum) and node.x in self.products:
            found = self._added(node, node.x, found)
        if node in self.wanted:
            self.reaches[node] = self.arithmetic.reach(found if is_floating(node) else self._whole(found))
        return found

    def _whole(self, numbers: Any) -> A:
        return self.arithmetic.leaf(np.asarray(numbers, dtype=np.float64))

    def _loosened(self, node: Node, found: A, real: Callable[[Node, Axes], A]) -> A:
        """With room for what underflows; a 0 that no factor makes may be anything as small."""
        error = self._error(node)
        parts = [real(x, node.axes) for x in _operands(node)] if error else []
        return self.arithmetic.loosened(found, error, parts, node.dtype) if error else found

    def _added(self, node: Sum, product: Node, found: A) -> A:
        """A sum of products that were not computed one by one: none of its zeros is known to be one."""
        error = 0.0 if product in self.met else self._error(product) * math.prod(axis.size for axis in node.over)
        return self.arithmetic.loosened(found, error, [], node.dtype) if error else found

    def _error(self, node: Node) -> float:
        """(n − 1) · η · ∏ max(1, |fᵢ|), or 0 where nothing underflows."""
        unit, tiny = self.rounding.unit(node.dtype), self.rounding.subnormal(node.dtype)
        reaches = [self._reach(factor) for factor in self.products[node].factors] if unit else []
        if math.prod(min(1.0, least) for least, _ in reaches) * unit >= tiny:
            return 0.0
        error = (len(reaches) - 1) * tiny * math.prod(max(1.0, most) for _, most in reaches)
        return error if math.isfinite(error) else 0.0

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


def _operands(node: Node) -> tuple[Node, ...]:
    """What makes a product 0 where it is 0."""
    match node:
        case Binary("div", a, _):
            return (a,)
        case Binary(_, a, b):
            return (a, b)
        case _:
            return operands(node)


def _product(node: Node, known: Mapping[Node, Product]) -> Product:
    """The factors of a product; any other node is its only one."""

    def of(x: Node) -> Product:
        return known.get(x, Product((Factor(x),)))

    def made(*parts: Product) -> Product:
        inner = frozenset((node,)).union(*(part.inner for part in parts))
        return Product(tuple(factor for part in parts for factor in part.factors), inner)

    match node:
        case Binary("mul", a, b):
            return made(of(a), of(b))
        case Binary("div", a, b):
            return made(of(a), Product((Factor(b, below=True),)))
        case Unary("square", x):
            return made(of(x), of(x))
        case Unary("neg", x) | Named(_, x) | StopGradient(x) | WithGradient(x) | Cast(x) | Rename(x) | Take(x):
            return of(x) if is_floating(x) else Product((Factor(node),))
        case Reshape(x):
            return of(x)
        case Where(_, x, Constant(value)) | Where(_, Constant(value), x) if value == 0:
            return of(x)
        case _:
            return Product((Factor(node),))
