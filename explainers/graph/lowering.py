"""A shown formula back into balls: what the page says, computed again from the page alone."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from types import MappingProxyType
from typing import Any

import sympy
from flint import arb

from explainers.graph.balls import ball
from explainers.graph.nodes import UnaryOp
from explainers.graph.paths import forward_table, interleaved
from explainers.graph.special_functions import SPECIAL
from explainers.graph.symbols import NumberLabel, Omitted, OverAlignments

Expr = Any


class CannotLower(ValueError):
    """The formula holds something that has no number."""


@dataclass(frozen=True)
class Meaning:
    """What the letters of a formula stand for: inputs by name and place, labels exactly, "…" by their totals."""

    inputs: Mapping[str, Callable[[tuple[int, ...]], arb | int]] = field(default_factory=lambda: MappingProxyType({}))
    labels: Mapping[NumberLabel, Fraction | arb] = field(default_factory=lambda: MappingProxyType({}))
    omitted: Mapping[Omitted, arb] = field(default_factory=lambda: MappingProxyType({}))
    indices: Mapping[sympy.Symbol, int] = field(default_factory=lambda: MappingProxyType({}))

    def at(self, indices: Mapping[sympy.Symbol, int]) -> Meaning:
        """The same letters with more indices fixed."""
        return Meaning(self.inputs, self.labels, self.omitted, {**self.indices, **indices})


Known = dict[tuple[Any, ...], arb]


def lower(expr: Expr, meaning: Meaning, known: Known | None = None) -> arb:
    """The formula's value as a ball. Raises CannotLower for what has none.

    Handed the same `known`, several places of one formula share the sums that they have in common.
    """
    return _lower(expr, meaning, {} if known is None else known)


def terms(expr: Expr) -> int:
    """How many nodes are computed when the formula is lowered, a sum's body once for each of its terms."""
    inner = 1 + sum(map(terms, expr.args))
    if isinstance(expr, OverAlignments):
        return inner * expr.terms
    return inner * math.prod(int(high) - int(low) + 1 for _, low, high in expr.limits) if _is_sum(expr) else inner


def _is_sum(expr: Expr) -> bool:
    return isinstance(expr, sympy.Sum)


def _lower(expr: Expr, meaning: Meaning, known: Known) -> arb:
    """`known` holds the sums so far by the letters they depend on: one inside another is added up only once."""
    match expr:
        case NumberLabel():
            held = meaning.labels[expr]
            return held if isinstance(held, arb) else ball(held)
        case Omitted():
            return meaning.omitted[expr]
        case sympy.Rational():
            return ball(Fraction(int(expr.p), int(expr.q)))
        case sympy.Float():
            raise CannotLower("a formula holds exact numbers only")
        case sympy.Symbol() | sympy.Indexed():
            return _letter(expr, meaning, known)
        case sympy.Sum():
            return _sum(expr, meaning, known)
        case OverAlignments():
            return _over_alignments(expr, meaning, known)
        case sympy.Piecewise():
            pairs: Any = expr.args
            taken = next(value for value, condition in pairs if _holds(condition, meaning, known))
            return _lower(taken, meaning, known)
        case sympy.KroneckerDelta():
            return arb(int(_lower(expr.args[0], meaning, known) == _lower(expr.args[1], meaning, known)))
        case _:
            return _composite(expr, [_lower(argument, meaning, known) for argument in expr.args])


def _composite(expr: Expr, parts: list[arb]) -> arb:
    if expr is sympy.E:
        return arb(1).exp()
    if expr is sympy.oo:
        return arb("inf")
    match expr:
        case sympy.Add():
            return reduce(lambda a, b: a + b, parts)
        case sympy.Mul():
            return reduce(lambda a, b: a * b, parts)
        case sympy.Pow():
            return _power(*parts)
        case sympy.exp():
            return parts[0].exp()
        case sympy.log():
            return arb("-inf") if parts[0] == 0 else parts[0].log()
        case sympy.Abs():
            return abs(parts[0])
        case sympy.Max():
            return reduce(lambda a, b: a.max(b), parts)
        case sympy.Min():
            return reduce(lambda a, b: a.min(b), parts)
        case _ if (name := type(expr).__name__) in _WHOLE:
            number, size = (int(part.unique_fmpz()) for part in parts)  # pyright: ignore[reportArgumentType] - whole
            return arb(_WHOLE[name](number, size))
        case _ if name in _NAMED:
            return _NAMED[name](parts[0])
        case _:
            raise CannotLower(f"{type(expr).__name__} has no number")


_WHOLE: Mapping[str, Callable[[int, int], int]] = MappingProxyType({"div": operator.floordiv, "mod": operator.mod})
_SPECIAL_NAMED: tuple[UnaryOp, ...] = ("erfc", "erfinv", "asin", "acos", "digamma", "trigamma", "tetragamma")
_NAMED: Mapping[str, Callable[[arb], arb]] = MappingProxyType(
    {
        "sigmoid": lambda x: 1 / (1 + (-x).exp()),
        "tanh": lambda x: x.tanh(),
        "sin": lambda x: x.sin(),
        "cos": lambda x: x.cos(),
        "atan": lambda x: x.atan(),
        "erf": lambda x: x.erf(),
        "loggamma": SPECIAL["lgamma"],
        "I_0": SPECIAL["i0"],
        "I_1": SPECIAL["i1"],
        **{name: SPECIAL[name] for name in _SPECIAL_NAMED},
        "sign": lambda x: arb(1) if x > 0 else arb(-1) if x < 0 else _zero(x),
    }
)


def _zero(x: arb) -> arb:
    if not x.is_exact():
        raise CannotLower("a sign is not decided by the enclosure")
    return arb(0)


def _power(base: arb, exponent: arb) -> arb:
    whole = exponent.unique_fmpz()
    return base ** int(whole) if whole is not None else base**exponent


def _letter(expr: Expr, meaning: Meaning, known: Known) -> arb:
    if expr in meaning.indices:
        return arb(meaning.indices[expr])
    name = _written(expr)
    if name not in meaning.inputs:
        raise CannotLower(f"{name} has no number")
    places = expr.indices if isinstance(expr, sympy.Indexed) else ()
    try:
        return arb(meaning.inputs[name](tuple(_index(i, meaning, known) for i in places)))
    except IndexError as error:
        raise CannotLower(f"{name} has no such element") from error


def _index(expr: Expr, meaning: Meaning, known: Known) -> int:
    """A whole number; most often a letter, of which a sum has one for each of its terms."""
    if expr in meaning.indices:
        return meaning.indices[expr]
    return int(_lower(expr, meaning, known).unique_fmpz())  # pyright: ignore[reportArgumentType] - an index is whole


def _written(expr: Expr) -> str:
    named = expr if isinstance(expr, sympy.Symbol) else expr.base.label
    return named.name if isinstance(named, sympy.Symbol) else str(named)  # str() of a symbol costs a printer


def _sum(expr: Expr, meaning: Meaning, known: Known) -> arb:
    spoken = expr.atoms(sympy.Symbol)  # not free_symbols, which builds the formula anew and compares its labels
    key = (expr, *((letter, at) for letter, at in meaning.indices.items() if letter in spoken))
    if key not in known:
        total = arb(0)
        spans = [range(int(low), int(high) + 1) for _, low, high in expr.limits]
        letters = [limit[0] for limit in expr.limits]
        for index in _product(spans):
            total += _lower(expr.function, meaning.at(dict(zip(letters, index, strict=True))), known)
        known[key] = total
    return known[key]


def _over_alignments(expr: OverAlignments, meaning: Meaning, known: Known) -> arb:
    """The forward table of the alignments, as probabilities."""
    (step, said, place), (steps, length, *where) = (
        expr.letters,
        [
            int(_lower(number, meaning, known).unique_fmpz())  # pyright: ignore[reportArgumentType] - whole numbers
            for number in (*expr.spans, *expr.where)
        ],
    )
    labels = [int(float(_lower(expr.label, meaning.at({place: k}), known))) for k in range(length)]
    states = interleaved(labels, expr.blank)

    def factor(t: int, c: int) -> arb:
        if where and t == where[0] and c != where[1]:
            return arb(0)
        return _lower(expr.each, meaning.at({step: t, said: c}), known)

    rows = forward_table(states, steps, factor)
    return sum(rows[-1][-2:], arb(0)) if rows else arb(int(not labels))


def _product(spans: list[range]) -> list[tuple[int, ...]]:
    return list(itertools.product(*spans))


def _holds(condition: Expr, meaning: Meaning, known: Known) -> bool:
    match condition:
        case sympy.logic.boolalg.BooleanAtom():
            return bool(condition)
        case sympy.And():
            return not _any(condition.args, False, meaning, known)
        case sympy.Not():
            return not _holds(condition.args[0], meaning, known)
        case sympy.Or():
            return _any(condition.args, True, meaning, known)
        case sympy.ITE():
            chosen = condition.args[1 if _holds(condition.args[0], meaning, known) else 2]
            return _holds(chosen, meaning, known)
        case _:
            return _relation(condition, meaning, known)


def _any(conditions: Sequence[Expr], truth: bool, meaning: Meaning, known: Known) -> bool:
    """Whether one of several conditions has this truth; then it does not matter that another has no number."""
    missing: CannotLower | None = None
    for condition in conditions:
        try:
            if _holds(condition, meaning, known) is truth:
                return True
        except CannotLower as reason:
            missing = reason
    if missing is not None:
        raise missing
    return False


def _relation(condition: Expr, meaning: Meaning, known: Known) -> bool:
    a, b = (_lower(argument, meaning, known) for argument in condition.args)
    if a.overlaps(b) and not (a.is_exact() and b.is_exact()):
        raise CannotLower("a condition is not decided by the enclosures")
    match condition:
        case sympy.Eq():
            return bool(a == b)
        case sympy.Ne():
            return bool(a != b)
        case sympy.StrictLessThan():
            return bool(a < b)
        case sympy.LessThan():
            return bool(a <= b)
        case sympy.StrictGreaterThan():
            return bool(a > b)
        case _:
            return bool(a >= b)
