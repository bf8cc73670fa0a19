"""Numbers as they are written on the page, each with the exact value that it stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from flint import arb, fmpq

from explainers.graph import unevaluated as un
from explainers.graph.symbols import NumberLabel

Expr = Any
Number = Fraction | float | np.generic
_ULPS = Fraction(1, 2**50)
_DIGITS = (9, 17, 25, 60, 800)


@dataclass
class Labels:
    """The decimals of one formula. `exact` tells what each stands for; two numbers never share a label.

    A number that is all digits of a float32 gets that float32's short name (1e-12, not 9.999999960041972e-13).
    """

    exact: dict[NumberLabel, Fraction | arb] = field(default_factory=dict[NumberLabel, "Fraction | arb"])

    def written(self, value: Number) -> Expr:
        """A small whole number as it is, a ratio that no short decimal says as p/q, else a label."""
        if not isinstance(value, Fraction) and not np.isfinite(float(value)):
            held = float(value)
            return sympy.nan if np.isnan(held) else sympy.oo if held > 0 else -sympy.oo
        exact = value if isinstance(value, Fraction) else Fraction(float(value))
        if exact.denominator == 1 and abs(exact) < 10**6:
            return sympy.Integer(int(exact))
        size = abs(exact)
        value = _float32(exact) or value
        if isinstance(value, Fraction) and (short := _nearby(size)) is not None:
            near: Expr = self._label(short, size)
            if near is not None:
                return un.negative(near) if exact < 0 else near
        rounded = isinstance(value, Fraction) and Fraction(shortest(value)) != exact
        shown: Expr = None if rounded else self._label(shortest(value).lstrip("-"), size)
        if shown is None:
            shown = un.over(sympy.Integer(size.numerator), sympy.Integer(size.denominator))
        return un.negative(shown) if exact < 0 else shown

    def computed(self, value: arb) -> Expr:
        """A number that the page has computed before: a small whole number as it is, else its first digits."""
        if not value.is_finite():
            return self.written(float(value))
        if value.is_exact() and value.is_integer() and abs(value) < 10**6:
            return sympy.Integer(int(float(value)))
        size, middle = abs(value), float(abs(value).mid())
        texts = (np.format_float_positional(middle, precision=n, fractional=False, trim="-") for n in (6, 9, 17))
        small = (f"{middle:.{n}g}" for n in (6, 9, 17))
        longer = (str(_digits(_middle(size), n)).replace("E", "e") for n in _DIGITS[2:])
        texts = (*(texts if 1e-4 <= middle < 1e7 else small), *longer)
        label = next(found for text in texts if _is_free(self.exact.get(found := NumberLabel(text)), size))
        self.exact.setdefault(label, size)
        return un.negative(label) if value < 0 else label

    def _label(self, text: str, size: Fraction) -> NumberLabel | None:
        """The label of these digits; of more where they already stand for another number (float32's 0.1 and 1/10)."""
        longer = (str(_digits(size, n)) for n in _DIGITS)
        labels = (NumberLabel(digits.replace("E", "e")) for digits in (text, *longer))
        label = next((found for found in labels if _is_same(self.exact.get(found, size), size)), None)
        if label is not None:
            self.exact[label] = size
        return label


def _is_same(held: Fraction | arb, size: Fraction) -> bool:
    return isinstance(held, Fraction) and held == size


def _is_free(held: Fraction | arb | None, size: arb) -> bool:
    return held is None or (held.overlaps(size) if isinstance(held, arb) else size == _ball(held))


def _middle(size: arb) -> Fraction:
    """The ball's midpoint, which has more digits than a float64."""
    mantissa, exponent = size.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _ball(exact: Fraction) -> arb:
    return arb(fmpq(exact.numerator, exact.denominator))


def _nearby(size: Fraction) -> str | None:
    """The short decimal that doubles miss by their last digits, as 1 − 0.9 does with 0.09999999999999998."""
    text = f"{float(size):.12g}"
    return text if 0 < abs(Fraction(text) - size) <= size * _ULPS and size.denominator % 10 == 0 else None


def _float32(exact: Fraction) -> np.float32 | None:
    """The float32 whose digits, written as a float64, are this number."""
    with np.errstate(over="ignore", under="ignore"):
        single = np.float32(float(exact))
    held = float(single)
    return single if np.isfinite(held) and held and Fraction(repr(held)) == exact else None


def _digits(size: Fraction, count: int) -> Decimal:
    context = Context(prec=count)
    return context.divide(Decimal(size.numerator), Decimal(size.denominator))


def shortest(value: Number) -> str:
    """The shortest decimal that names the number at its own precision, without an exponent where that is short."""
    number: Any = float(value) if isinstance(value, Fraction) else value
    text = np.format_float_positional(number, trim="-")
    if not 1e-5 <= abs(float(number)) < 1e7:
        text = min(text, np.format_float_scientific(number, trim="-", exp_digits=1), key=len)
    if len(text) <= 12 or (isinstance(value, Fraction) and Fraction(text) == value):
        return text
    return np.format_float_positional(number, precision=9, fractional=False, trim="-")
