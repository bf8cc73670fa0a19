"""sympy trees exactly as written: nothing is combined, sorted or computed while a formula is being put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy.functions.elementary.piecewise import ExprCondPair

from explainers.graph.symbols import OverAlignments

Expr = Any


def plus(terms: Sequence[Expr]) -> Expr:
    """t₀ + t₁ + …, in this order; a single term is itself, none is 0."""
    match len(terms):
        case 0:
            return sympy.Integer(0)
        case 1:
            return terms[0]
        case _:
            return sympy.Add(*terms, evaluate=False)


def minus(a: Expr, b: Expr) -> Expr:
    """a − b."""
    return sympy.Add(a, negative(b), evaluate=False)


def negative(x: Expr) -> Expr:
    """−x."""
    return sympy.Mul(sympy.Integer(-1), x, evaluate=False)


def times(*factors: Expr) -> Expr:
    """a · b · …"""
    return sympy.Mul(*factors, evaluate=False)


def over(a: Expr, b: Expr) -> Expr:
    """a / b."""
    return sympy.Mul(a, sympy.Pow(b, sympy.Integer(-1), evaluate=False), evaluate=False)


def power(a: Expr, b: Expr) -> Expr:
    """a^b."""
    return sympy.Pow(a, b, evaluate=False)


def exp(x: Expr) -> Expr:
    """e^x."""
    return sympy.exp(x, evaluate=False)


def log(x: Expr) -> Expr:
    """log x, the natural one."""
    return sympy.log(x, evaluate=False)


def total(body: Expr, *limits: tuple[Expr, int, int]) -> Expr:
    """Σ body. Not sympy.Sum(…), which folds conditions on the letter of an inner sum out of that sum."""
    bounds = (sympy.Tuple(letter, low, high) for letter, low, high in limits)
    made = sympy.Expr.__new__(sympy.Sum, body, *bounds)
    made.is_commutative = body.is_commutative
    return made


def cases(*pairs: tuple[Expr, Any]) -> Expr:
    """value if condition, … Not sympy.Piecewise(…), which folds one inside a condition into that condition."""
    return sympy.Basic.__new__(sympy.Piecewise, *(sympy.Tuple.__new__(ExprCondPair, *pair) for pair in pairs))


def both(a: Any, b: Any) -> Any:
    """a and b."""
    return sympy.And(a, b, evaluate=False)  # pyright: ignore[reportCallIssue] - sympy's own stub lacks the argument


def either(a: Any, b: Any) -> Any:
    """a or b."""
    return sympy.Or(a, b, evaluate=False)  # pyright: ignore[reportCallIssue] - sympy's own stub lacks the argument


def call(name: str, *arguments: Expr) -> Expr:
    """A named function that sympy knows nothing about."""
    return sympy.Function(name)(*arguments, evaluate=False)


def evaluated(expr: Expr) -> Expr:
    """The same tree with sympy's own automatic rules let loose (equal terms collected, e^0 = 1), and nothing more.

    This is what turns log(e^1 + e^0 + e^0) − 1 into log(2 + e) − 1; `simplify` is never called on user numbers.
    """
    return _positive_first(_evaluated(expr))


def _evaluated(expr: Expr) -> Expr:
    if not expr.args or isinstance(expr, sympy.Sum | sympy.Indexed | sympy.Piecewise | OverAlignments):
        return expr
    if isinstance(expr, sympy.Max | sympy.Min):  # which compare their arguments, and a label is not known to be real
        return expr.func(*(_evaluated(argument) for argument in expr.args), evaluate=False)
    parts = [_evaluated(argument) for argument in expr.args]
    found = expr.func(*parts)
    return expr.func(*parts, evaluate=False) if found.has(sympy.I) else found  # log −1 is nan here, not iπ


def _positive_first(expr: Expr) -> Expr:
    """The same tree with the positive terms of every sum before the negative ones."""
    if not expr.args or isinstance(expr, sympy.Sum | sympy.Indexed | sympy.Piecewise | OverAlignments):
        return expr
    parts = [_positive_first(argument) for argument in expr.args]
    if isinstance(expr, sympy.Add):
        return plus(sorted(parts, key=lambda term: bool(term.could_extract_minus_sign())))
    return expr if tuple(parts) == expr.args else expr.func(*parts, evaluate=False)
