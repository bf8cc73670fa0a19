from __future__ import annotations

import sympy

from explainers.graph import unevaluated as un


def test_what_is_nan_for_floats_stays_as_it_is_written_and_is_no_complex_number():
    minus_one = sympy.Integer(-1)
    for written in (un.log(minus_one), sympy.Pow(minus_one, sympy.Rational(1, 2), evaluate=False)):
        assert un.evaluated(written) == written
        assert not un.evaluated(un.plus([written, sympy.Integer(2)])).has(sympy.I)


def test_what_is_a_number_is_collected():
    e = un.exp(sympy.Integer(1))
    assert un.evaluated(un.log(un.plus([e, un.exp(sympy.Integer(0)), un.exp(sympy.Integer(0))]))) == sympy.log(
        2 + sympy.E
    )
