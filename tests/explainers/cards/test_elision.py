import sympy
from hypothesis import given
from hypothesis import strategies as st

from explainers.cards.elision import elided, longest
from explainers.cards.notation import ELLIPSIS, Coloured, Fenced, Listing, Terms
from explainers.cards.typeset import Typesetter
from explainers.graph.symbols import Marked, Role


@given(st.integers(1, 40), st.data(), st.integers(2, 8))
def test_a_long_row_keeps_its_ends_and_every_coloured_entry(count: int, data: st.DataObject, keep: int) -> None:
    place = data.draw(st.integers(0, count - 1))
    entries = [Marked(sympy.Integer(i), Role.TARGET) if i == place else sympy.Integer(i) for i in range(count)]
    row = Typesetter()(sympy.Tuple(*entries))
    short = elided(row, keep)
    assert isinstance(row, Fenced)
    assert isinstance(short, Fenced)
    assert isinstance(row.body, Listing)
    assert isinstance(short.body, Listing)
    shown = short.body.items
    assert any(isinstance(item, Coloured) for item in shown)
    assert (shown[0], shown[-1]) == (row.body.items[0], row.body.items[-1])
    assert len(shown) <= keep + 4
    assert (short == row) == (ELLIPSIS not in shown)
    in_order = [item for item in row.body.items if item in shown]
    assert [item for item in shown if item != ELLIPSIS] == in_order


def test_a_sum_inside_a_logarithm_is_shortened_in_place() -> None:
    total = sympy.log(sympy.Add(*sympy.symbols("a0:30"), evaluate=False), evaluate=False)
    short = elided(Typesetter()(total), 3)
    assert ELLIPSIS in [term for _, term in _terms(short)]
    assert len(_terms(short)) == 4


def _terms(node: object) -> tuple[tuple[bool, object], ...]:
    body = getattr(node, "body", None)
    assert isinstance(body, Fenced)
    assert isinstance(body.body, Terms)
    return body.body.terms


def test_a_matrix_loses_middle_rows_and_columns() -> None:
    matrix = Typesetter()(sympy.Matrix(12, 12, lambda i, j: i * 12 + j))
    rows = getattr(elided(matrix, 4), "rows", ())
    assert len(rows) == 5
    assert all(len(row) == 5 for row in rows)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(2, 9))
def test_nothing_is_elided_just_where_the_longest_place_is_kept(terms: int, columns: int, keep: int) -> None:
    total = sympy.log(sympy.Add(*sympy.symbols(f"a0:{terms}"), evaluate=False), evaluate=False)
    formula = Typesetter()(sympy.Matrix(2, columns, lambda i, j: total))
    assert longest(formula) == max(terms if terms > 1 else 0, columns, 2)
    assert (elided(formula, keep) == formula) == (longest(formula) <= keep + 1)
