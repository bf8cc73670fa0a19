"""One operation on operands that are written already, in sympy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, assert_never

import sympy

from explainers.graph import unevaluated as un
from explainers.graph.nodes import Binary, Compare, Unary

Expr = Any


def unary(node: Unary, x: Expr, numbers: bool) -> Expr:
    match node.op:
        case "neg":
            return un.negative(x)
        case "exp":
            return un.exp(x)
        case "log":
            return un.log(x)
        case "log1p":
            return un.log(un.plus([sympy.Integer(1), x]))
        case "expm1":
            return un.minus(un.exp(x), sympy.Integer(1))
        case "sqrt":
            return un.power(x, sympy.Rational(1, 2))
        case "square":
            return un.power(x, sympy.Integer(2))
        case "abs":
            return sympy.Abs(x, evaluate=False)
        case "sigmoid" if numbers:
            return un.over(sympy.Integer(1), un.plus([sympy.Integer(1), un.exp(un.negative(x))]))
        case "logsigmoid" if numbers:
            return un.negative(un.log(un.plus([sympy.Integer(1), un.exp(un.negative(x))])))
        case "logsigmoid":
            return un.log(un.call("sigmoid", x))
        case "softplus":
            return un.log(un.plus([sympy.Integer(1), un.exp(x)]))
        case "relu":
            return sympy.Max(sympy.Integer(0), x, evaluate=False)
        case "i0" | "i1":
            return un.call(f"I_{node.op[1]}", x)
        case "lgamma":
            return un.call("loggamma", x)
        case "sigmoid" | "tanh" | "sign" | "sin" | "cos" | "atan" | "asin" | "acos" | "erf" | "erfc":
            return un.call(node.op, x)
        case "digamma" | "trigamma" | "tetragamma" | "erfinv":
            return un.call(node.op, x)
        case _:
            assert_never(node.op)


def binary(node: Binary, a: Expr, b: Expr) -> Expr:
    match node.op:
        case "add":
            return un.plus([a, b])
        case "sub":
            return un.minus(a, b)
        case "mul":
            return un.times(a, b)
        case "div":
            return un.over(a, b)
        case "pow":
            return un.power(a, b)
        case "maximum" | "clamp_min":
            return sympy.Max(a, b, evaluate=False)
        case "minimum" | "clamp_max":
            return sympy.Min(a, b, evaluate=False)
        case _:
            assert_never(node.op)


def negated(condition: Any) -> Expr:
    """The condition that holds where this one does not."""
    return condition.negated if isinstance(condition, sympy.core.relational.Relational) else sympy.Not(condition)


def compared(node: Compare, a: Expr, b: Expr) -> Expr:
    """The relation of two operands."""
    return _RELATIONS[node.op](a, b, evaluate=False)


_RELATIONS: Final[Mapping[str, Any]] = {
    "eq": sympy.Eq,
    "ne": sympy.Ne,
    "lt": sympy.Lt,
    "le": sympy.Le,
    "gt": sympy.Gt,
    "ge": sympy.Ge,
}
