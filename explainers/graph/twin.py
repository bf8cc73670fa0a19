"""The Python twin: the displayed formula as a script that imports only math and prints the value.

It is built as an `ast` from the shown sympy tree, so running it checks the page and not the graph behind it.
"""

from __future__ import annotations

import ast
import itertools
import keyword
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy

from explainers.graph.symbols import NumberLabel, OverAlignments

Expr = Any
MOST_WORK = 3_000_000
_USED = ("math", "loss", "range", "int", "abs", "max", "min", "float", "print", "format", "len", "over_alignments")
_OVER_ALIGNMENTS = """
def over_alignments(factor, labels, steps, blank):
    states = [blank] + [state for label in labels for state in (label, blank)]
    ways = [1.0] + [0.0] * (len(states) - 1)
    for t in range(steps):
        before = [0.0, 0.0] + ways
        skips = [s > 1 and states[s] != states[s - 2] for s in range(len(states))]
        ways = [
            (before[s + 2] + before[s + 1] + (before[s] if skips[s] else 0.0)) * factor(t, states[s])
            if t or s < 2
            else 0.0
            for s in range(len(states))
        ]
    return math.fsum(ways[-2:]) if labels else ways[0]
"""


class NoTwin(ValueError):
    """The formula holds something that a plain script has no word for."""


@dataclass(frozen=True)
class Twin:
    """A runnable script."""

    source: str


def twin(
    formula: Expr,
    inputs: Mapping[str, npt.NDArray[np.generic]],
    heading: str,
    labels: Mapping[NumberLabel, Fraction] = MappingProxyType({}),
) -> Twin:
    """A script that assigns the inputs as nested lists, computes the formula and prints it with 17 digits.

    `labels` says what a printed number stands for where its digits say less (1e-12 for float32's). Raises NoTwin for
    a formula it cannot write.
    """
    letters = _letters(formula)
    names = _identifiers(inputs, {letter.name for letter in letters})
    lines = [ast.unparse(ast.Import([ast.alias("math")])), ""]
    lines += [f"{names[name]} = {_literal(values.tolist())}" for name, values in inputs.items()]
    real = {name for name, values in inputs.items() if values.dtype.kind == "f"}
    written = _Writer(names, letters, real, labels).expression(formula)
    if _work(written) > MOST_WORK:
        raise NoTwin("its nested sums would run for too long")
    body = ast.unparse(ast.fix_missing_locations(ast.Expression(written)))
    if formula.has(OverAlignments):
        lines.append(_OVER_ALIGNMENTS)
    lines += ["", f"loss = {body}", 'print(format(loss, ".17g"))', ""]
    return Twin(f"# {heading}\n" + "\n".join(lines))


def _terms(expr: Expr) -> Iterator[Expr]:
    """The terms of a sum and of the sums in it."""
    for term in expr.args:
        yield from _terms(term) if isinstance(term, sympy.Add) else (term,)


def _is_literal(term: Expr) -> bool:
    return isinstance(term, sympy.Number | NumberLabel)


def _is_negative(term: Expr) -> bool:
    return isinstance(term, sympy.Mul) and term.args[0] == -1


def _work(node: ast.AST) -> int:
    """How many parts of an expression Python meets when it computes it: what a sum runs over, each time."""
    inner = sum(_work(part) for part in ast.iter_child_nodes(node)) + 1
    if not isinstance(node, ast.GeneratorExp):
        return inner
    lengths = (n.value for loop in node.generators for n in ast.walk(loop.iter) if isinstance(n, ast.Constant))
    return inner * math.prod(length for length in lengths if isinstance(length, int))


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, float) and not np.isfinite(value):
        return "math.nan" if np.isnan(value) else "math.inf" if value > 0 else "-math.inf"
    return repr(value)


@dataclass(frozen=True)
class _Writer:
    """The formula in Python; `names` says what each input is called, index letters are their own names, and `real` are
    the inputs of real numbers, which a label may be among."""

    names: Mapping[str, str]
    letters: Set[Expr]
    real: Set[str]
    labels: Mapping[NumberLabel, Fraction]

    def expression(self, expr: Expr) -> ast.expr:
        match expr:
            case sympy.Integer():
                return _number(int(expr))
            case sympy.Rational():
                return ast.BinOp(_number(int(expr.p)), ast.Div(), ast.Constant(int(expr.q)))
            case NumberLabel():
                return _number(float(self.labels.get(expr, Fraction(expr.text))))
            case sympy.Symbol():
                return _name(expr.name if expr in self.letters else self.names.get(expr.name, expr.name))
            case sympy.Indexed():
                return self._indexed(expr)
            case sympy.Sum():
                return self._sum(expr)
            case OverAlignments():
                return self._over_alignments(expr)
            case sympy.Piecewise():
                return self._cases(list(expr.args))
            case sympy.KroneckerDelta():
                same = ast.Compare(self.expression(expr.args[0]), [ast.Eq()], [self.expression(expr.args[1])])
                return _call(_name("float"), same)
            case _:
                return self._composite(expr)

    def _composite(self, expr: Expr) -> ast.expr:
        match expr:
            case sympy.Add():
                return self._sum_of(list(_terms(expr)))
            case sympy.Mul():
                return self._product(expr)
            case sympy.exp():
                return _call(_math("exp"), self.expression(expr.args[0]))
            case sympy.Pow():
                return ast.BinOp(self.expression(expr.args[0]), ast.Pow(), self.expression(expr.args[1]))
            case sympy.log():
                return self._logarithm(list(_terms(expr.args[0])), expr.args[0])
            case sympy.Abs():
                return _call(_name("abs"), self.expression(expr.args[0]))
            case sympy.Max() | sympy.Min():
                return _call(_name(type(expr).__name__.lower()), *(self.expression(a) for a in expr.args))
            case _ if expr is sympy.E:
                return _math("e")
            case _ if type(expr).__name__ == "sigmoid":
                one = ast.Constant(1)
                power = _call(_math("exp"), ast.UnaryOp(ast.USub(), self.expression(expr.args[0])))
                return ast.BinOp(one, ast.Div(), ast.BinOp(ast.Constant(1), ast.Add(), power))
            case _ if type(expr).__name__ in ("div", "mod"):
                op = ast.FloorDiv() if type(expr).__name__ == "div" else ast.Mod()
                return ast.BinOp(self.expression(expr.args[0]), op, self.expression(expr.args[1]))
            case _ if (name := type(expr).__name__) in _OF_MATH:
                return _call(_math(_OF_MATH[name]), self.expression(expr.args[0]))
            case _:
                raise NoTwin(f"{type(expr).__name__} has no plain Python")

    def _logarithm(self, terms: list[Expr], whole: Expr) -> ast.expr:
        """log1p where a 1 is added, which would swallow what is small beside it; log σ(x) is −log1p(e^−x)."""
        if type(whole).__name__ == "sigmoid":
            power = _call(_math("exp"), ast.UnaryOp(ast.USub(), self.expression(whole.args[0])))
            return ast.UnaryOp(ast.USub(), _call(_math("log1p"), power))
        rest = [term for term in terms if term != 1] if isinstance(whole, sympy.Add) else []
        if len(rest) == len(terms) - 1 and rest:
            return _call(_math("log1p"), self._sum_of(rest))
        return _call(_math("log"), self.expression(whole))

    def _sum_of(self, terms: Sequence[Expr]) -> ast.expr:
        """a − c + 0.1: a factor −1 is a minus sign; of three or more terms numbers come last, so that none is lost in a
        term that another one cancels."""
        ordered = sorted(terms, key=_is_literal) if len(terms) > 2 else terms
        terms = terms if _is_negative(ordered[0]) else ordered
        result = self.expression(terms[0])
        for term in terms[1:]:
            minus = _is_negative(term)
            part = self.expression(sympy.Mul(*term.args[1:], evaluate=False)) if minus else self.expression(term)
            result = ast.BinOp(result, ast.Sub() if minus else ast.Add(), part)
        return result

    def _product(self, expr: Expr) -> ast.expr:
        """Factors over the factors that stand with the exponent −1, as the page shows them."""
        below = [f for f in expr.args if isinstance(f, sympy.Pow) and f.exp == -1]
        above = [f for f in expr.args if f not in below]
        top = _chain(ast.Mult(), [self.expression(f) for f in above] or [ast.Constant(1)])
        return ast.BinOp(top, ast.Div(), _chain(ast.Mult(), [self.expression(f.base) for f in below])) if below else top

    def _indexed(self, expr: Expr) -> ast.expr:
        result: ast.expr = _name(self.names[str(expr.base.label)])
        for index in expr.indices:
            at = self.expression(index)
            summed = index.has(sympy.Sum)  # added up as real numbers
            result = ast.Subscript(result, _call(_name("int"), at) if summed else at, ast.Load())
        return result

    def _sum(self, expr: Expr) -> ast.expr:
        """math.fsum over a generator: the exact sum of the terms, rounded once."""
        loops = [
            ast.comprehension(
                ast.Name(str(letter), ast.Store()), _call(_name("range"), ast.Constant(int(high) + 1)), [], 0
            )
            for letter, _, high in expr.limits
        ]
        return _call(_math("fsum"), ast.GeneratorExp(self.expression(expr.function), loops))

    def _over_alignments(self, expr: OverAlignments) -> ast.expr:
        """The helper of the script, given the factor as a function and the labels as a list."""
        step, said, place = expr.letters
        parameters = [ast.arg(step.name), ast.arg(said.name)]
        factor = ast.Lambda(ast.arguments([], parameters, None, [], [], None, []), self.expression(expr.each))
        steps, length = (self._whole(number, number.has(sympy.KroneckerDelta)) for number in expr.spans)
        loop = ast.comprehension(ast.Name(place.name, ast.Store()), _call(_name("range"), length), [], 0)
        labels = ast.ListComp(
            self._whole(expr.label, any(s.name in self.real for s in expr.label.free_symbols)), [loop]
        )
        if expr.where:
            raise NoTwin("a share of the alignments has no plain Python")
        return _call(_name("over_alignments"), factor, labels, steps, ast.Constant(expr.blank))

    def _whole(self, expr: Expr, real: bool) -> ast.expr:
        """A whole number, cut to one where it is computed as a real one."""
        written = self.expression(expr)
        return _call(_name("int"), written) if real else written

    def _cases(self, pairs: list[Any]) -> ast.expr:
        value, condition = pairs[0]
        if condition is sympy.true or len(pairs) == 1:
            return self.expression(value)
        return ast.IfExp(self._test(condition), self.expression(value), self._cases(pairs[1:]))

    def _test(self, condition: Any) -> ast.expr:
        if condition in (sympy.true, sympy.false):
            return ast.Constant(bool(condition))
        if isinstance(condition, sympy.Not):
            return ast.UnaryOp(ast.Not(), self._test(condition.args[0]))
        if isinstance(condition, sympy.And | sympy.Or):
            joint = ast.And() if isinstance(condition, sympy.And) else ast.Or()
            return ast.BoolOp(joint, [self._test(part) for part in condition.args])
        sides = [self.expression(side) for side in condition.args]
        return ast.Compare(sides[0], [_RELATIONS[condition.rel_op]()], sides[1:])


def _chain(op: ast.operator, parts: Sequence[ast.expr]) -> ast.expr:
    result = parts[0]
    for part in parts[1:]:
        result = ast.BinOp(result, op, part)
    return result


_OF_MATH: Mapping[str, str] = {
    **{name: name for name in ("tanh", "sin", "cos", "atan", "asin", "acos", "erf", "erfc")},
    "loggamma": "lgamma",
}
_RELATIONS: Mapping[str, type[ast.cmpop]] = {
    "==": ast.Eq, "!=": ast.NotEq, "<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE,
}  # fmt: skip


def _number(value: float) -> ast.expr:
    """A negative one as a sign and a number, since unparsing writes the constant −1 to the power of 2 as -1 ** 2."""
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _math(name: str) -> ast.Attribute:
    return ast.Attribute(_name("math"), name, ast.Load())


def _call(function: ast.expr, *arguments: ast.expr) -> ast.Call:
    return ast.Call(function, list(arguments), [])


def _identifiers(names: Iterable[str], letters: set[str]) -> dict[str, str]:
    """A Python name of its own for each input: no keyword, nothing that the script uses, no index letter, no twin."""
    taken, found = {*_USED, *keyword.kwlist, *letters}, dict[str, str]()
    for name in names:
        cleaned = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
        start = cleaned if cleaned[:1].isalpha() or cleaned[:1] == "_" else f"_{cleaned}"
        candidates = itertools.chain((start, f"{start}_"), (f"{start}_{k}" for k in itertools.count(2)))
        found[name] = next(c for c in candidates if c not in taken)
        taken.add(found[name])
    return found


def _letters(formula: Expr) -> set[Expr]:
    """The index letters: what a sum inside the formula runs over."""
    summed = {letter for total in formula.atoms(sympy.Sum) for letter, *_ in total.limits}
    return summed | {letter for total in formula.atoms(OverAlignments) for letter in total.letters}
