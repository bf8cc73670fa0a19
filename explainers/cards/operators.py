"""Functions, sums over an index, derivatives and case distinctions on the page."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import sympy
from sympy.core.function import AppliedUndef

from explainers.cards import arithmetic
from explainers.cards.binding import Binding, unsigned
from explainers.cards.names import name as variable
from explainers.cards.notation import (
    Applied,
    Big,
    Cases,
    Condition,
    Fenced,
    Fraction,
    Greek,
    Listing,
    Logical,
    Node,
    Number,
    Product,
    Relation,
    RelationSign,
    Scripts,
    Sign,
    Word,
)
from explainers.graph.symbols import OverAlignments

if TYPE_CHECKING:
    from explainers.cards.typeset import Typesetter

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "Max": "max",
        "Min": "min",
        "softmax": "softmax",
        "log_softmax": "log softmax",
        "logsumexp": "logsumexp",
        "softplus": "softplus",
        "relu": "ReLU",
        "mean": "mean",
        "tanh": "tanh",
        "sin": "sin",
        "cos": "cos",
        "atan": "arctan",
        "sign": "sgn",
        "erf": "erf",
        "erfc": "erfc",
        "asin": "arcsin",
        "acos": "arccos",
        "digamma": "ψ",
        "trigamma": "ψ′",
        "tetragamma": "ψ″",
        "erfinv": "erfinv",
        "loggamma": "log Γ",
    }
)
RELATIONS: Mapping[str, RelationSign] = MappingProxyType(
    {"==": "=", "!=": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥"}
)


def head(name: str) -> Node:
    """A function's own name: σ for sigmoid, the known words, letters in italics, any other name upright."""
    if name == "sigmoid":
        return Greek("sigma")
    if name in FUNCTIONS:
        return Word(FUNCTIONS[name], operator=True)
    node = variable(name)
    return Word(node.text, operator=True) if isinstance(node, Word) else node


def function(typeset: Typesetter, expr: Any) -> Node:
    name = type(expr).__name__
    if name == "one_hot" and len(expr.args) == 1:
        return Scripts(Sign("one"), below=typeset(expr.args[0]))
    arguments = Listing(tuple(typeset(argument) for argument in expr.args))
    return Applied(head(name), Fenced(arguments))


def kronecker(typeset: Typesetter, expr: Any) -> Node:
    return Scripts(Greek("delta"), below=Listing(tuple(typeset(index) for index in expr.args)))


def big(typeset: Typesetter, expr: Any) -> Node:
    """Σ and Π; several limits nest, the last one outermost, as sympy has them."""
    operator: Literal["sum", "product"] = "product" if isinstance(expr, sympy.Product) else "sum"
    body = arithmetic.atomic(typeset, expr.function, Binding.PRODUCT)
    for limit in expr.limits:
        variable, *bounds = limit
        below, above = typeset(variable), None
        if len(bounds) == 2 and not typeset.short:
            below, above = Relation(below, "=", _bound(typeset, bounds[0])), _bound(typeset, bounds[1])
        body = Big(operator, below, above, body)
    return body


def over_alignments(typeset: Typesetter, expr: OverAlignments) -> Node:
    """Σ over π → y of Πₜ factor; of those alone that have a class at a time step, Σ over π → y, π(t) = c."""
    step, said, _ = expr.letters
    body = arithmetic.atomic(typeset, expr.each, Binding.PRODUCT)
    if step in expr.each.atoms(sympy.Symbol):
        below, above = typeset(step), None
        if not typeset.short:
            last = sympy.Add(expr.spans[0], sympy.Integer(-1))
            below, above = Relation(below, "=", Number("0")), _bound(typeset, last)
        body = Big("product", below, above, body)
    aligned: Node = Greek("pi")
    if (target := _target(expr)) is not None:
        aligned = Relation(aligned, "→", typeset(target))
    if expr.where:
        at, held = expr.where
        there = typeset(sympy.Symbol(f"pi_{at}") if step in expr.each.atoms(sympy.Symbol) else said)
        aligned = Listing((aligned, Relation(there, "=", typeset(held))))
    return Big("sum", aligned, None, body)


def _target(expr: OverAlignments) -> Any:
    """The labels that the alignments read as, without their own index."""
    place, label = expr.letters[2], expr.label
    if isinstance(label, sympy.Indexed):
        kept, base = [index for index in label.indices if place not in index.atoms(sympy.Symbol)], label.args[0]
        return sympy.Indexed(base, *kept) if kept else sympy.Symbol(str(base))
    return label if isinstance(label, sympy.Symbol) else None


def _bound(typeset: Typesetter, bound: Any) -> Node:
    """C − 1 and not −1 + C: sympy has already sorted the ends of a sum, so no given order is lost."""
    if isinstance(bound, sympy.Add):
        bound = sympy.Add(*sorted(bound.args, key=lambda term: unsigned(term) is not None), evaluate=False)
    return typeset(bound)


def derivative(typeset: Typesetter, expr: Any) -> Node:
    """∂ℓ/∂z for a named quantity, (∂/∂z)(…) for an expression."""
    of = expr.expr
    order = sum(count for _, count in expr.variable_count)
    below = tuple(_partial(count, typeset(variable)) for variable, count in expr.variable_count)
    denominator = below[0] if len(below) == 1 else Product(below, ("thin",) * (len(below) - 1))
    if isinstance(of, AppliedUndef | sympy.Symbol | sympy.Indexed):
        named = head(type(of).__name__) if isinstance(of, AppliedUndef) else typeset(of)
        return Fraction(Product((_order(order), named), ("none",)), denominator)
    return Product((Fraction(_order(order), denominator), Fenced(typeset(of))), ("thin",))


def _order(count: Any) -> Node:
    return Sign("partial") if count == 1 else Scripts(Sign("partial"), above=Number(str(count)))


def _partial(count: Any, variable: Node) -> Node:
    body = variable if count == 1 else arithmetic.raised(variable, Number(str(count)))
    return Product((Sign("partial"), body), ("none",))


def piecewise(typeset: Typesetter, expr: Any) -> Node:
    return Cases(tuple((typeset(value), _condition(typeset, condition)) for value, condition in expr.args))


def _condition(typeset: Typesetter, condition: Any) -> Condition:
    return Condition("otherwise") if condition == sympy.true else Condition("if", typeset(condition))


def relational(typeset: Typesetter, expr: Any) -> Node:
    return Relation(typeset(expr.lhs), RELATIONS[expr.rel_op], typeset(expr.rhs))


def logical(typeset: Typesetter, expr: Any) -> Node:
    operator: Literal["and", "or", "not"]
    match expr:
        case sympy.And():
            operator = "and"
        case sympy.Or():
            operator = "or"
        case _:
            operator = "not"
    inner = tuple(Fenced(typeset(arg)) if isinstance(arg, sympy.And | sympy.Or) else typeset(arg) for arg in expr.args)
    return Logical(operator, inner)
