"""What is printed means what the tree says: brackets, signs and fractions are read back and evaluated."""

import re
from fractions import Fraction
from typing import Any

import sympy
from hypothesis import given
from hypothesis import strategies as st

from explainers.cards.plain_printer import plain_math
from explainers.cards.typeset import Typesetter
from explainers.graph.symbols import Marked, NumberLabel, Role

WORDS = {"if": "if", "otherwise": "otherwise"}
POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def value(expr: Any) -> Fraction:
    match expr:
        case NumberLabel():
            return Fraction(expr.text)
        case Marked():
            return value(expr.expr)
        case sympy.Rational():
            return Fraction(int(expr.p), int(expr.q))
        case sympy.Add():
            return sum(map(value, expr.args), Fraction(0))
        case sympy.Mul():
            product = Fraction(1)
            for factor in expr.args:
                product *= value(factor)
            return product
        case sympy.Pow():
            return value(expr.base) ** int(expr.exp)
        case _:
            raise AssertionError(type(expr))


def read_back(text: str) -> Fraction:
    """The printed line as Python arithmetic over exact fractions."""
    text = text.replace("−", "-").replace("×", "*").replace("·", "*")
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: f"**{found[0].translate(POWERS)}", text)
    text = re.sub(r"(?<=[\d)])\s*(?=\()", "*", text)
    text = re.sub(r"(?<!\*\*)(?<![\d.])\d+(?:\.\d+)?", lambda found: f"Fraction('{found[0]}')", text)
    return eval(text, {"Fraction": Fraction})  # our own printer's digits, signs and brackets


numbers = st.one_of(
    st.integers(-9, 9).map(sympy.Integer),
    st.sampled_from(["0.5", "-1.50", "2", "-0.25"]).map(NumberLabel),
    st.tuples(st.sampled_from([-2, -1, 1, 3]), st.sampled_from([4, 5, 7])).map(lambda pair: sympy.Rational(*pair)),
    st.integers(-3, 3).map(lambda number: Marked(sympy.Integer(number), Role.TARGET)),
)


def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda args: sympy.Add(*args, evaluate=False)),
        several.map(lambda args: sympy.Mul(*args, evaluate=False)),
        inner.map(lambda arg: sympy.Mul(-1, arg, evaluate=False)),
        inner.map(lambda arg: sympy.Pow(arg, 2, evaluate=False)),
        inner.filter(lambda arg: value(arg) != 0).map(lambda arg: sympy.Pow(arg, -1, evaluate=False)),
        inner.filter(lambda arg: value(arg) != 0).map(
            lambda arg: sympy.Mul(3, sympy.Pow(arg, -1, evaluate=False), evaluate=False)
        ),
    )


@given(st.recursive(numbers, grown, max_leaves=8))
def test_the_printed_line_has_the_value_of_the_tree(expr: Any) -> None:
    assert read_back(plain_math(Typesetter()(expr), WORDS)) == value(expr)


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_an_unevaluated_sum_is_kept(names: list[str]) -> None:
    total = sympy.Add(*map(sympy.Symbol, names), evaluate=False)
    assert plain_math(Typesetter()(total), WORDS) == " + ".join(names)


def test_numbers_in_place_keep_their_brackets() -> None:
    powers = [sympy.exp(sympy.Integer(power), evaluate=False) for power in (1, 0, -2)]
    total = sympy.log(sympy.Add(*powers, evaluate=False), evaluate=False)
    expr = sympy.Add(total, sympy.Mul(-1, sympy.Integer(-2), evaluate=False), evaluate=False)
    assert plain_math(Typesetter()(expr), WORDS) == "log(e¹ + e⁰ + e⁻²) − (−2)"
