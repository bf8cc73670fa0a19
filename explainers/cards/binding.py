"""How tightly an expression holds together, and which sign it is printed with."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import sympy

from explainers.graph.symbols import Marked, NumberLabel, OverAlignments


class Binding(IntEnum):
    """How tightly a printed expression holds together."""

    LOGIC = 0
    SUM = 1
    PRODUCT = 2
    POWER = 3
    ATOM = 4


def binding(expr: Any) -> Binding:
    match expr:
        case Marked():
            return binding(expr.expr)
        case sympy.Add() | sympy.Piecewise():
            return Binding.SUM
        case _ if unsigned(expr) is not None:
            return Binding.SUM
        case sympy.Mul() | sympy.Sum() | OverAlignments() | sympy.Product() | sympy.log() | sympy.Derivative():
            return Binding.PRODUCT
        case NumberLabel():
            return Binding.ATOM if expr.parts[2] is None else Binding.PRODUCT
        case sympy.Rational():
            return Binding.ATOM if expr.is_Integer else Binding.PRODUCT
        case sympy.Float():
            return Binding.PRODUCT
        case sympy.Pow():
            return _power_binding(expr)
        case sympy.exp():
            return Binding.POWER
        case sympy.logic.boolalg.Boolean() if not isinstance(expr, sympy.Symbol):
            return Binding.LOGIC
        case _:
            return Binding.ATOM


def _power_binding(expr: Any) -> Binding:
    if is_reciprocal(expr):
        return Binding.PRODUCT
    return Binding.ATOM if root_degree(expr.exp) else Binding.POWER


def unsigned(expr: Any) -> Any:
    """The expression without the minus that it is printed with; None where it has none."""
    match expr:
        case sympy.Number():
            return -expr if expr.is_extended_negative else None
        case NumberLabel():
            return expr.unsigned() if expr.parts[0] else None
        case Marked():
            inner = unsigned(expr.expr)
            return None if inner is None else Marked(inner, expr.role)
        case sympy.Mul():
            first, *rest = expr.args
            if first == -1:
                return sympy.Mul(*rest, evaluate=False)
            head = unsigned(first)
            return None if head is None else sympy.Mul(head, *rest, evaluate=False)
        case _:
            return None


def is_reciprocal(expr: Any) -> bool:
    return (
        isinstance(expr, sympy.Pow)
        and isinstance(expr.exp, sympy.Number)
        and bool(expr.exp.is_extended_negative)
        and expr.base != sympy.E
    )


def reciprocal(expr: Any) -> Any:
    return expr.base if expr.exp == -1 else sympy.Pow(expr.base, -expr.exp, evaluate=False)


def root_degree(exponent: Any) -> int | None:
    is_root = isinstance(exponent, sympy.Rational) and exponent.p == 1 and exponent.q > 1
    return int(exponent.q) if is_root else None
