import pickle

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from explainers.graph.symbols import Marked, NumberLabel, Role


@given(st.floats(allow_nan=True))
def test_whatever_python_prints_for_a_float_is_a_label(value: float) -> None:
    label = NumberLabel(repr(value))
    assert label.text == repr(value)
    assert label.parts[0] == repr(value).startswith("-")


@pytest.mark.parametrize("text", ["", "x", "1,5", "--1", "1e", "0x10", "1 2", "#read", '"'])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no decimal number"):
        NumberLabel(text)


def test_labels_are_equal_by_their_text_only() -> None:
    assert NumberLabel("0.10") == NumberLabel("0.10")
    assert NumberLabel("0.10") != NumberLabel("0.1")
    assert NumberLabel("0.10") + NumberLabel("0.1") != 2 * NumberLabel("0.1")
    assert pickle.loads(pickle.dumps(NumberLabel("0.10"))) == NumberLabel("0.10")


def test_labels_sort_by_value_among_numbers() -> None:
    shuffled = [NumberLabel("1e2"), sympy.Integer(3), NumberLabel("-0.5"), NumberLabel("9.08e-05")]
    assert [str(number) for number in sorted(shuffled, key=sympy.default_sort_key)] == ["-0.5", "9.08e-05", "3", "1e2"]


def test_a_mark_colours_one_occurrence() -> None:
    marked = Marked(sympy.Integer(1), Role.LOSS)
    assert marked != sympy.Integer(1)
    assert (marked.expr, marked.role) == (sympy.Integer(1), Role.LOSS)
