"""What a formula shows: cut sums whose rest is known, labels of exact values, extrema that stay short."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from flint import arb

from explainers.graph import ops
from explainers.graph.balls import precise
from explainers.graph.display import LONGEST_SUM, Display
from explainers.graph.evaluation import evaluate
from explainers.graph.exact import exact
from explainers.graph.floats import FloatArithmetic
from explainers.graph.lowering import CannotLower, Meaning, lower
from explainers.graph.nodes import Axis, Input, Node
from explainers.graph.symbols import NumberLabel, Omitted


def atoms(expr: Any) -> int:
    return sum(1 for _ in sympy.preorder_traversal(expr))


def test_a_long_sum_is_cut_and_what_is_left_out_is_told() -> None:
    n = 40
    axis = Axis("c", n)
    x = Input("x", (axis,), "float32", 0)
    values = {0: np.linspace(-2, 2, n, dtype=np.float32)}
    display = Display(values)
    formula = display.element(ops.sum(ops.exp(x), (axis,)), {})
    assert len(formula.args) == LONGEST_SUM // 2 + 2
    ((gap, (node, places)),) = display.omitted.items()
    assert isinstance(gap, Omitted) and len(places) == n - LONGEST_SUM // 2 - 1
    left_out = sum(np.exp(values[0].astype(float))[LONGEST_SUM // 2 : -1])
    with precise():
        (terms,) = exact((node,), values)
        total = terms.total({(k,) for k in (*range(LONGEST_SUM // 2), n - 1)})
        assert abs(float(total) - left_out) < 1e-9
        found = lower(formula, Meaning(labels=display.labels, omitted={gap: total}))
        assert found.overlaps(exact((ops.sum(ops.exp(x), (axis,)),), values)[0].at(()))
        assert not lower(formula, Meaning(labels=display.labels, omitted={gap: total + 1})).overlaps(found)


def test_a_short_sum_is_written_out() -> None:
    axis = Axis("c", LONGEST_SUM)
    x = Input("x", (axis,), "float32", 0)
    display = Display({0: np.arange(LONGEST_SUM, dtype=np.float32)})
    assert len(display.element(ops.sum(ops.exp(x), (axis,)), {}).args) == LONGEST_SUM
    assert not display.omitted


def test_numbers_are_labels_of_exact_values() -> None:
    display = Display()
    for value, text in ((np.float32(0.1), "0.1"), (0.1, "0.1"), (Fraction(1, 10), "0.1")):
        label = Display().number(value)
        assert isinstance(label, NumberLabel) and label.text == text
    first, second, third = (display.number(v) for v in (np.float32(0.1), 0.1, Fraction(1, 10)))
    assert display.labels == {first: Fraction(13421773, 134217728), second: Fraction(0.1)}
    assert third.args == (1, sympy.Pow(10, -1, evaluate=False)), "no decimal is left to say it with"
    assert display.number(Fraction(-3)) == -3
    with precise():
        for value in (Fraction(1, 3), Fraction(-2, 7), Fraction("1e-8"), Fraction(10**7 + 1), np.float32(-2.5e-30)):
            found = lower(display.number(value), Meaning(labels=display.labels))
            exact_value = value if isinstance(value, Fraction) else Fraction(float(value))
            assert found.overlaps(arb(exact_value.numerator) / exact_value.denominator)
            assert found.rad() < 1e-50


def test_what_has_no_number_cannot_be_lowered() -> None:
    for formula in (sympy.Float(0.5), sympy.Symbol("q"), sympy.Function("softmax")(sympy.Integer(1))):
        with pytest.raises(CannotLower):
            lower(formula, Meaning())


@pytest.mark.parametrize("op", ["max", "min"])
@pytest.mark.parametrize("size", [3, 30])
def test_an_extremum_is_written_out_or_named(op: str, size: int) -> None:
    axis = Axis("c", size)
    x = Input("x", (axis,), "float32", 0)
    node: Node = ops.extremum(op, x, (axis,))
    values = {0: np.sin(np.arange(size, dtype=np.float32))}
    display = Display(values)
    formula = display.element(node, {})
    assert atoms(formula) < 20
    with precise():
        expected = float(np.asarray(evaluate(node, values, FloatArithmetic())))
        assert float(lower(formula, Meaning(labels=display.labels))) == expected
    assert atoms(Display().element(node, {})) < 20


def test_a_truth_value_counts_one_or_nothing() -> None:
    axis = Axis("c", 3)
    x = Input("x", (axis,), "float32", 0)
    values = {0: np.array([1.0, -2.0, 3.0], dtype=np.float32)}
    hits = ops.compare("gt", x, 0)
    for node in (
        ops.sum(ops.cast(hits, "float32"), (axis,)),
        ops.sum(ops.mul(hits, ops.cast(hits, "float32")), (axis,)),
    ):
        here = Meaning({"x": lambda place: arb(float(values[0][place]))})
        assert lower(Display().element(node, {}), here) == 2
        assert lower(Display(values).element(node, {}), Meaning()) == 2


def test_two_axes_of_a_sum_have_two_letters() -> None:
    n, c = Axis("n", 2), Axis("c", 3)
    x = Input("x", (n, c), "float32", 0)
    values = {0: np.arange(6, dtype=np.float32).reshape(2, 3)}
    inner = ops.mean(x, (n, c))
    node = ops.sum(ops.mul(x, ops.sub(x, inner)), (n, c))
    formula = Display().element(node, {})
    found = lower(formula, Meaning({"x": lambda place: arb(float(values[0][place]))}))
    assert abs(float(found) - float(((values[0] - 2.5) * values[0]).sum())) < 1e-12


def test_a_condition_stays_within_its_own_sum() -> None:
    n = Axis("n", 2)
    y, w = Input("y", (n,), "int64", 0), Input("w", (n,), "float32", 1)
    total = ops.sum(ops.where(ops.compare("ne", y, 0), w, 0), (n,))
    node = ops.sum(ops.where(ops.compare("ne", y, 1), ops.div(w, total), 0), (n,))
    letters = Display().element(node, {}).free_symbols
    assert {str(s) for s in letters if s.is_integer} == set()
