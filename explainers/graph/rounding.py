"""How far a floating program may stray: the unit roundoff of each dtype and the steps an operation may lose.

The model is a running error analysis: after every operation the enclosure is widened by k · u · |result| and by k of
the smallest subnormal. k is 1 for + − × ÷ (IEEE 754 rounds them correctly), 2 (1 ulp) for √ (torch takes it from a
vector library that is not correctly rounded), 4 (2 ulp) for exp, log and what is made of them; a sum of n terms loses
(n − 1) · u · Σ|tᵢ| in whatever order, with no term of higher order (Jeannerod and Rump, Improved Error Bounds for
Inner Products in Floating-Point Arithmetic, 2013, theorem 4.1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

ELEMENTARY = 1
ROOT = 2
TRANSCENDENTAL = 4

UNIT = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}
"""Half the distance from 1 to the number of a dtype next above it: the distance to the one next below."""
_SUBNORMAL = {"float16": 2.0**-24, "bfloat16": 2.0**-133, "float32": 2.0**-149, "float64": 5e-324}
_LARGEST = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308,
}


def largest(dtype: str) -> float | None:
    """The largest number of a dtype of real numbers; None for any other."""
    return _LARGEST.get(dtype)


def smallest(dtype: str) -> float:
    """The smallest number above 0 of a dtype of real numbers."""
    return _SUBNORMAL[dtype]


@dataclass(frozen=True)
class Rounding:
    """What the enclosure allows for: `native` rounds each node to its own dtype, `float64` every node to float64
    (the same call re-run on upcast inputs), `exact` none."""

    mode: Literal["native", "float64", "exact"]

    def dtype(self, dtype: str) -> str | None:
        """The dtype a node's results are rounded to, None where nothing is."""
        if self.mode == "exact" or dtype not in UNIT:
            return None
        return "float64" if self.mode == "float64" else dtype

    def unit(self, dtype: str) -> float:
        """The unit roundoff u: half the distance from 1 to the next number."""
        rounded = self.dtype(dtype)
        return UNIT[rounded] if rounded else 0.0

    def is_native(self, dtype: str) -> bool:
        """Whether each operation is rounded to the dtype by itself: of half precision several may share a rounding."""
        return self.dtype(dtype) in ("float32", "float64")

    def sum_unit(self, dtype: str, terms: int) -> float:
        """The relative error of a sum of so many terms, as a part of Σ|tᵢ|.

        Half precision sums may gather in float32 and round once more at the end: one step is added.
        """
        unit = self.unit(dtype)
        return 0.0 if terms < 2 else unit * (terms - 1 if unit <= UNIT["float32"] else terms)

    def holds(self, value: Fraction | float, dtype: str) -> bool:
        """Whether the dtype holds this number as it is, so that a correct rounding leaves it."""
        unit = self.unit(dtype)
        if not unit or not math.isfinite(value):
            return True
        exact = Fraction(value)
        digits = abs(exact.numerator) // (exact.numerator & -exact.numerator or 1)
        return (
            digits.bit_length() <= 1 - math.frexp(unit)[1]
            and Fraction(self.subnormal(dtype)) * exact.denominator <= 1
            and exact.denominator.bit_count() == 1
            and abs(exact) <= self.largest(dtype)
        )

    def cut(self, value: Fraction | float, dtype: str) -> Fraction | float:
        """A number that is written with digits just past the largest one, as that: a correct rounding makes it so."""
        largest = self.largest(dtype)
        if not math.isfinite(value) or math.isinf(largest):
            return value
        past = abs(Fraction(value)) / Fraction(largest) - 1
        nearest = Fraction(largest) * (1 if value > 0 else -1)
        return nearest if 0 < past < Fraction(self.unit(dtype)) / 2 else value

    def nearest(self, value: Fraction | float, dtype: str) -> Fraction | float:
        """The number of the dtype nearest to this one (of two, the even one); itself where nothing is rounded.

        Python's own float lies between the decimal that was typed and the dtype.
        """
        unit = self.unit(dtype)
        if not unit or not math.isfinite(value):
            return value
        held = Fraction(float(value))
        exponent = math.frexp(float(abs(held)))[1] if held else 0
        step = max(Fraction(unit) * 2 * Fraction(2) ** (exponent - 1), Fraction(self.subnormal(dtype)))
        nearest = round(held / step) * step
        return nearest if abs(nearest) <= self.largest(dtype) else math.copysign(math.inf, nearest)

    def subnormal(self, dtype: str) -> float:
        """The smallest positive number, lost where a result underflows."""
        rounded = self.dtype(dtype)
        return _SUBNORMAL[rounded] if rounded else 0.0

    def underflow(self, op: str, dtype: str) -> float:
        """What a transcendental function may lose of a tiny result.

        torch's σ is 1 / (1 + e^−x): 0 as soon as e^−x passes the largest number, where σ is still normal or nearly.
        """
        rounded = self.dtype(dtype)
        if op == "sigmoid" and rounded:
            return 2.0 / _LARGEST[rounded]
        return TRANSCENDENTAL * self.subnormal(dtype)

    def largest(self, dtype: str) -> float:
        """The largest finite number; beyond it a result is infinite."""
        rounded = self.dtype(dtype)
        return _LARGEST[rounded] if rounded else float("inf")
