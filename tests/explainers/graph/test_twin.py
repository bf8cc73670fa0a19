"""The page's script: every input has a name of its own that Python takes, and nothing shadows what the script uses."""

from __future__ import annotations

import contextlib
import io
import keyword
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from explainers.graph.labels import Labels
from explainers.graph.symbols import NumberLabel
from explainers.graph.twin import NoTwin, twin

NAMES = st.one_of(
    st.sampled_from(["予", "測", "loss", "loss_", "_", "__", "math", "range", "i", "j", "i_", "2x", "float", "print"]),
    st.sampled_from(keyword.kwlist),
    st.text(min_size=1, max_size=4),
)


def printed(source: str) -> float:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(source, "derivation.py", "exec"), {})
    return float(out.getvalue())


@given(names=st.lists(NAMES, min_size=2, max_size=6, unique=True))
def test_each_input_keeps_its_own_numbers(names: list[str]) -> None:
    i, j = (sympy.Symbol(letter, integer=True) for letter in "ij")
    symbols: Any = sympy
    formula = sympy.Add(
        *(
            symbols.Sum(10**k * sympy.Indexed(sympy.IndexedBase(sympy.Symbol(name)), i, j), (i, 0, 1), (j, 0, 1))
            for k, name in enumerate(names)
        ),
        evaluate=False,
    )
    inputs = {name: np.full((2, 2), k + 1) for k, name in enumerate(names)}
    assert printed(twin(formula, inputs, "a sum").source) == sum(4 * (k + 1) * 10**k for k in range(len(names)))


@pytest.mark.parametrize(("left", "right"), [("予", "測"), ("loss", "loss_"), ("lambda", "lambda_"), ("i", "j")])
def test_names_of_single_numbers_are_apart_too(left: str, right: str) -> None:
    formula = sympy.Symbol(left) + 10 * sympy.Symbol(right)
    assert printed(twin(formula, {left: np.asarray(1.0), right: np.asarray(2.0)}, "a sum").source) == 21


def test_sums_inside_sums_that_would_run_for_seconds_are_not_written() -> None:
    x = sympy.IndexedBase(sympy.Symbol("x"))
    symbols: Any = sympy
    letters = sympy.symbols("a:h", integer=True)
    nested: Any = sympy.Indexed(x, letters[0])
    inputs = {"x": np.zeros(10)}
    for depth, letter in enumerate(letters):
        nested = symbols.Sum(sympy.exp(nested, evaluate=False), (letter, 0, 9))
        if depth < 4:
            assert twin(nested, inputs, "nested").source
    with pytest.raises(NoTwin):
        twin(nested, inputs, "nested")


@pytest.mark.parametrize(
    ("base", "square"), [(sympy.Integer(-1), 1), (sympy.Rational(-1, 2), 0.25), (NumberLabel("-1.5"), 2.25)]
)
def test_a_negative_number_is_raised_to_a_power_with_its_sign(base: Any, square: float) -> None:
    assert printed(twin(sympy.Pow(base, 2, evaluate=False), {}, "a square").source) == square


def test_a_short_name_of_a_number_is_written_as_the_number() -> None:
    held = Fraction(repr(float(np.float32(1e-12))))
    label = Labels().written(held)
    assert label == NumberLabel("1e-12")
    assert printed(twin(label, {}, "a number", {label: held}).source) == float(np.float32(1e-12))


@pytest.mark.parametrize(("condition", "value"), [(sympy.false, 2.0), (sympy.Not(sympy.false, evaluate=False), 1.0)])
def test_a_case_that_never_or_always_holds_is_written(condition: Any, value: float) -> None:
    symbols: Any = sympy
    cases = symbols.Piecewise((sympy.Integer(1), condition), (sympy.Integer(2), True), evaluate=False)
    assert printed(twin(cases, {}, "cases").source) == value
