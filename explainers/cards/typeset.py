"""sympy expression → `notation.Node`: what stands where, without choosing a script.

The tree is printed in the order it has (`evaluate=False` trees arrive with their numbers in place); nothing is
simplified, sorted or evaluated here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

import sympy
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import BooleanFalse, BooleanTrue
from sympy.matrices.matrixbase import MatrixBase

from explainers.cards import arithmetic, operators
from explainers.cards.names import name
from explainers.cards.notation import (
    ELLIPSIS,
    Coloured,
    Fenced,
    Grid,
    Listing,
    Node,
    Number,
    Product,
    Scripts,
    Sign,
    Terms,
    Word,
)
from explainers.graph.symbols import Component, Elided, Gradient, Marked, NumberLabel, OverAlignments, Role


class Unprintable(TypeError):
    """An expression holds a sympy class that the vocabulary of formulas lacks."""


@dataclass(frozen=True)
class Typesetter:
    """Call it on an expression. `short` leaves the bounds of a sum away (Σ_j for j = 0 … C − 1)."""

    roles: Mapping[Any, Role] = field(default_factory=dict[Any, Role])
    short: bool = False

    def __call__(self, expr: Any) -> Node:
        """Raises `Unprintable` where no rule is known."""
        expr = sympy.ImmutableMatrix(expr) if isinstance(expr, MatrixBase) else sympy.sympify(expr)
        for kind in type(expr).__mro__:
            if rule := RULES.get(kind):
                node = rule(self, expr)
                role = self.roles.get(expr)
                return Coloured(node, role) if role else node
        raise Unprintable(f"no rule prints {type(expr).__name__}: {str(expr)[:80]}")


Rule: TypeAlias = Callable[[Typesetter, Any], Node]


def _indexed(typeset: Typesetter, expr: Any) -> Node:
    base = typeset(expr.base)
    indices = tuple(typeset(index) for index in expr.indices)
    if isinstance(base, Scripts) and base.below is not None:
        return Scripts(base.body, below=Listing((base.below, *indices)), above=base.above)
    return Scripts(base, below=Listing(indices))


def _component(typeset: Typesetter, expr: Any) -> Node:
    of, *indices = expr.args
    return Scripts(arithmetic.atomic(typeset, of), below=Listing(tuple(typeset(index) for index in indices)))


def _number_label(typeset: Typesetter, expr: NumberLabel) -> Node:
    negative, digits, power = expr.parts
    if digits in ("nan", "inf"):
        node: Node = Word(digits)
    else:
        node = Number(digits)
    if power is not None:
        exponent = Number(str(abs(power))) if power >= 0 else Terms(((True, Number(str(-power))),))
        ten = Scripts(Number("10"), above=exponent)
        node = ten if digits == "1" else Product((node, ten), ("times",))
    return Terms(((True, node),)) if negative else node


def _marked(typeset: Typesetter, expr: Marked) -> Node:
    return Coloured(typeset(expr.expr), expr.role)


def _gradient(typeset: Typesetter, expr: Gradient) -> Node:
    of, by = expr.args
    return Product((Scripts(Sign("nabla"), below=typeset(by)), arithmetic.atomic(typeset, of)), ("none",))


def _matrix(typeset: Typesetter, expr: Any) -> Node:
    return Grid(tuple(tuple(typeset(entry) for entry in expr.row(i)) for i in range(expr.rows)))


def _fenced(typeset: Typesetter, expr: Any) -> Node:
    return Fenced(Listing(tuple(typeset(entry) for entry in expr.args)))


def _constant(node: Node) -> Rule:
    return lambda typeset, expr: node


RULES: Mapping[type, Rule] = MappingProxyType(
    {
        sympy.Symbol: lambda typeset, expr: name(expr.name),
        sympy.Idx: lambda typeset, expr: typeset(expr.label),
        sympy.IndexedBase: lambda typeset, expr: typeset(expr.label),
        sympy.Indexed: _indexed,
        Component: _component,
        NumberLabel: _number_label,
        Marked: _marked,
        Gradient: _gradient,
        Elided: _constant(ELLIPSIS),
        sympy.Integer: arithmetic.integer,
        sympy.Rational: arithmetic.rational,
        sympy.Float: lambda typeset, expr: typeset(NumberLabel(f"{float(expr):.6g}")),
        type(sympy.E): _constant(Sign("e")),
        type(sympy.pi): _constant(Sign("pi")),
        type(sympy.oo): _constant(Sign("infinity")),
        type(-sympy.oo): _constant(Terms(((True, Sign("infinity")),))),
        type(sympy.nan): _constant(Word("nan")),
        BooleanTrue: _constant(Word("true")),
        BooleanFalse: _constant(Word("false")),
        sympy.Add: arithmetic.add,
        sympy.Mul: arithmetic.mul,
        sympy.Pow: arithmetic.power,
        sympy.exp: arithmetic.exponential,
        sympy.log: arithmetic.logarithm,
        sympy.Abs: lambda typeset, expr: Fenced(typeset(expr.args[0]), "||"),
        sympy.floor: lambda typeset, expr: Fenced(typeset(expr.args[0]), "⌊⌋"),
        sympy.ceiling: lambda typeset, expr: Fenced(typeset(expr.args[0]), "⌈⌉"),
        sympy.Max: operators.function,
        sympy.Min: operators.function,
        sympy.tanh: operators.function,
        sympy.sign: operators.function,
        sympy.erf: operators.function,
        sympy.loggamma: operators.function,
        AppliedUndef: operators.function,
        sympy.KroneckerDelta: operators.kronecker,
        sympy.Sum: operators.big,
        OverAlignments: operators.over_alignments,
        sympy.Product: operators.big,
        sympy.Derivative: operators.derivative,
        sympy.Piecewise: operators.piecewise,
        sympy.core.relational.Relational: operators.relational,
        sympy.And: operators.logical,
        sympy.Or: operators.logical,
        sympy.Not: operators.logical,
        sympy.matrices.MatrixBase: _matrix,
        sympy.Tuple: _fenced,
    }
)
