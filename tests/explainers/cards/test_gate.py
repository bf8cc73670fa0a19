from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from explainers.cards.gate import UnsafeMath, gate
from explainers.cards.typeset import Typesetter
from explainers.cards.typst_printer import typst_math

ATTACKS = [
    '#read("/etc/passwd")',
    'std.read("/etc/passwd")',
    "#range(100000000)",
    '#import "@preview/x:0.1.0": *',
    "sys.inputs",
    "$x$",
    "`raw`",
    "@reference",
    "a // comment",
    "a /* comment */",
    "image(x)",
    "x.read",
    'text("a", fill: red)',
    '"unclosed',
    '"closed" #x "again"',
    '"\\"#read',
    "eval(x)",
    "a\u0000b",
    "ℝ",
]


@pytest.mark.parametrize("math", ATTACKS)
def test_code_never_passes(math: str) -> None:
    with pytest.raises(UnsafeMath):
        gate(math)


@pytest.mark.parametrize("math", ATTACKS)
def test_the_same_text_passes_as_a_name_because_it_is_a_literal(math: str) -> None:
    source = typst_math(Typesetter()(sympy.Symbol(math)))
    assert gate(source) == source


@given(st.text(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_any_names_pass_once_printed(first: str, second: str) -> None:
    base: Any = sympy.IndexedBase(second)
    expr = sympy.Function(second)(sympy.Symbol(first)) + base[sympy.Symbol(first)]
    source = typst_math(Typesetter()(expr))
    assert gate(source) == source


@given(st.text(alphabet='abzstdread.#"\\()_^ 19', max_size=30))
def test_no_hash_and_no_unknown_word_passes_outside_of_a_literal(math: str) -> None:
    try:
        gate(math)
    except UnsafeMath:
        return
    outside = "".join(math.replace("\\\\", "").replace('\\"', "").split('"')[::2])
    assert "#" not in outside
    assert "std" not in outside
    assert "read" not in outside
