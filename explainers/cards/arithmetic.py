"""Sums, products and powers on the page: signs, brackets and fractions of a tree that keeps its order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.matrices.matrixbase import MatrixBase

from explainers.cards.binding import Binding, binding, is_reciprocal, reciprocal, root_degree, unsigned
from explainers.cards.notation import (
    Applied,
    Big,
    Cases,
    Coloured,
    Fenced,
    Fraction,
    Joint,
    Node,
    Number,
    Product,
    Root,
    Scripts,
    Sign,
    Terms,
    Word,
)
from explainers.graph.symbols import Marked

if TYPE_CHECKING:
    from explainers.cards.typeset import Typesetter

LOG = Word("log", operator=True)
_BIG = (sympy.Sum, sympy.Product, sympy.Add, sympy.Piecewise, MatrixBase, AppliedUndef)


def atomic(typeset: Typesetter, expr: Any, least: Binding = Binding.ATOM) -> Node:
    """The node, in brackets where it binds less tightly than `least`."""
    node = typeset(expr)
    return node if binding(expr) >= least else Fenced(node)


def integer(typeset: Typesetter, expr: Any) -> Node:
    return Terms(((True, Number(str(-expr.p))),)) if expr.p < 0 else Number(str(expr.p))


def rational(typeset: Typesetter, expr: Any) -> Node:
    size = Fraction(Number(str(abs(expr.p))), Number(str(expr.q)))
    return Terms(((True, size),)) if expr.p < 0 else size


def add(typeset: Typesetter, expr: Any) -> Node:
    terms: list[tuple[bool, Node]] = []
    for term in expr.args:
        size = unsigned(term)
        shown = term if size is None else size
        terms.append((size is not None, atomic(typeset, shown, Binding.PRODUCT)))
    return Terms(tuple(terms))


def mul(typeset: Typesetter, expr: Any) -> Node:
    size = unsigned(expr)
    if size is not None:
        return Terms(((True, atomic(typeset, size, Binding.PRODUCT)),))
    first, *rest = expr.args
    if rest and _is_share(first) and any(isinstance(_bare(factor), _BIG) for factor in rest):
        shared = sympy.Mul(*rest, evaluate=False)
        return _joined([typeset(first), atomic(typeset, shared, Binding.PRODUCT)])
    return _quotient(typeset, expr.args)


def _bare(expr: Any) -> Any:
    return expr.expr if isinstance(expr, Marked) else expr


def _is_share(expr: Any) -> bool:
    """A factor such as 1/N that stands before a mean's sum as a small fraction of its own."""
    return is_reciprocal(expr) or (isinstance(expr, sympy.Rational) and not expr.is_Integer)


def _quotient(typeset: Typesetter, factors: Sequence[Any]) -> Node:
    above: list[Any] = []
    below: list[Any] = []
    for factor in factors:
        if is_reciprocal(factor):
            below.append(reciprocal(factor))
        elif isinstance(factor, sympy.Rational) and not factor.is_Integer and len(factors) > 1:
            above += [sympy.Integer(factor.p)] * (factor.p != 1)
            below.append(sympy.Integer(factor.q))
        else:
            above.append(factor)
    return Fraction(_product(typeset, above), _product(typeset, below)) if below else _product(typeset, above)


def _product(typeset: Typesetter, factors: Sequence[Any]) -> Node:
    if not factors:
        return Number("1")
    if len(factors) == 1:
        return typeset(factors[0])
    *inner, last = factors
    nodes = [_closed(atomic(typeset, factor, Binding.PRODUCT)) for factor in inner]
    return _joined([*nodes, atomic(typeset, last, Binding.PRODUCT)])


def _closed(node: Node) -> Node:
    """What would swallow the factor after it (log x, Σ …) gets brackets."""
    match node:
        case Coloured(body=body, role=role):
            return Coloured(_closed(body), role)
        case Applied(function=function, body=body) if not isinstance(body, Fenced):
            return Applied(function, Fenced(body))
        case Big() | Cases():
            return Fenced(node)
        case Product(factors=factors, joints=joints):
            return Product((*factors[:-1], _closed(factors[-1])), joints)
        case _:
            return node


def _joined(factors: list[Node]) -> Node:
    return Product(tuple(factors), tuple(_joint(left, right) for left, right in pairwise(factors)))


def _joint(left: Node, right: Node) -> Joint:
    if _starts_with_digit(right):
        return "times"
    return "none" if isinstance(left, Fenced) and isinstance(right, Fenced) else "thin"


def _starts_with_digit(node: Node) -> bool:
    match node:
        case Number():
            return True
        case Coloured(body=body) | Scripts(body=body):
            return _starts_with_digit(body)
        case Fraction(above=above):
            return _starts_with_digit(above)
        case Fenced(body=Terms(terms=((_, only),))) | Fenced(body=Coloured(body=Terms(terms=((_, only),)))):
            return _starts_with_digit(only)
        case Product(factors=factors):
            return _starts_with_digit(factors[0])
        case _:
            return False


def power(typeset: Typesetter, expr: Any) -> Node:
    base, exponent = expr.args
    if is_reciprocal(expr):
        return Fraction(Number("1"), typeset(reciprocal(expr)))
    if degree := root_degree(exponent):
        return Root(typeset(base), degree)
    return raised(atomic(typeset, base), typeset(exponent))


def raised(body: Node, above: Node) -> Node:
    if isinstance(body, Scripts) and body.above is None:
        return Scripts(body.body, below=body.below, above=above)
    return Scripts(body, above=above)


def exponential(typeset: Typesetter, expr: Any) -> Node:
    exponent = expr.args[0]
    if exponent.has(sympy.Sum, sympy.Product, sympy.Piecewise) or isinstance(exponent, MatrixBase):
        return Applied(Word("exp", operator=True), Fenced(typeset(exponent)))
    return Scripts(Sign("e"), above=typeset(exponent))


def logarithm(typeset: Typesetter, expr: Any) -> Node:
    """log x, log Σ and log of a fraction stand without brackets, anything longer within them."""
    body = typeset(expr.args[0])
    inner = body.body if isinstance(body, Coloured) else body
    return Applied(LOG, Fenced(body) if isinstance(inner, Terms | Product | Cases) else body)
