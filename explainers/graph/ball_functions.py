"""Single Arb balls: IEEE 754's special values, the functions of the op table, and the room a float program needs.

Three things are not finite: `arb("inf")` and `arb("-inf")` are certain, a ball that `is_nan()` is certainly not a
number, and `UNKNOWN` is everything, not-a-number included. Arb itself says nan for both of the last two, so each
function's nan is settled by whether its arguments leave a choice. Arb has no signed zero: x / 0 is x / +0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import reduce, wraps

from flint import arb, fmpq

from explainers.graph.nodes import BinaryOp, CompareOp, UnaryOp
from explainers.graph.rounding import ELEMENTARY, ROOT, TRANSCENDENTAL

NAN, INF, MINUS_INF, UNKNOWN = arb("nan"), arb("inf"), arb("-inf"), arb(0, math.inf)
_REPEATED_PRODUCTS = 64


def ball(value: Fraction | float | int) -> arb:
    """The exact number as a ball at the working precision."""
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    return arb(value)


def is_unknown(v: arb) -> bool:
    """Whether the ball says nothing: any number, an infinity, or not a number."""
    return not v.is_finite() and not v.is_nan() and not v.is_exact()


def bounds(v: arb) -> tuple[float, float]:
    """Outward float64 bounds of a ball; (nan, nan) where it is certainly not a number, (−inf, inf) where unknown."""
    if v.is_nan():
        return math.nan, math.nan
    if not v.is_finite():
        return (-math.inf, math.inf) if is_unknown(v) else (float(v), float(v))
    if v.is_exact() and arb(float(v)) == v:
        return float(v), float(v)
    low, high = float(v.lower()), float(v.upper())
    return math.nextafter(low, -math.inf), math.nextafter(high, math.inf)


def widened(v: arb, relative: float, absolute: float, largest: float) -> arb:
    """The ball with room for a relative and an absolute error; infinite where it lies past the largest number.

    A ball that is exactly 0 keeps it: no operation rounds 0 away. One of numbers from 0 on holds none below: rounding
    keeps signs.
    """
    if not v.is_finite() or v == 0:
        return v
    size = abs(v).upper()
    grown = with_sign(v + arb(0, 1) * (size * relative + absolute), v)
    if size < 0.5 * largest:
        return grown
    return overflowed(grown, largest)


def of_the_grid(v: arb, step: float) -> arb:
    """What a correct rounding to multiples of the smallest number makes of a ball next to 0: from the nearest of its
    lower end to the nearest of its upper end; halfway both neighbours count, and a number below 0 stays below it."""
    ends = [arb(v.lower()) / step, arb(v.upper()) / step]
    low, high = (ends[0] - 0.5).ceil(), (ends[1] + 0.5).floor()
    if not (low.is_exact() and high.is_exact()) or (high == 0 and ends[0] < 0):
        return widened(v, 0.0, step, math.inf)
    found = (low * step).union(high * step)
    return not_below_zero(found) if low >= 0 else found


def with_sign(grown: arb, v: arb) -> arb:
    """A ball that has grown around one whose numbers have no different signs, cut where the other sign begins."""
    return not_below_zero(grown) if v >= 0 else -not_below_zero(-grown) if v <= 0 else grown


def not_below_zero(v: arb) -> arb:
    """The ball without its numbers below 0."""
    return v if v >= 0 or not v.is_finite() else _from_zero(v)


def overflowed(v: arb, largest: float) -> arb:
    """What a format with this largest number makes of a rounded ball: itself, an infinity, or unknown."""
    if abs(v) <= largest:
        return v
    return INF if v > largest else MINUS_INF if v < -largest else UNKNOWN


def is_held(v: arb, unit: float, subnormal: float, largest: float) -> bool:
    """Whether the ball is one number that a format with this unit roundoff holds: a correct rounding leaves it."""
    if not v.is_exact() or not v.is_finite():
        return False
    mantissa, exponent = v.man_exp()
    digits = 1 - math.frexp(unit)[1]
    return abs(int(mantissa)).bit_length() <= digits and exponent >= math.frexp(subnormal)[1] - 1 and abs(v) <= largest


def _settled(function: Callable[..., arb]) -> Callable[..., arb]:
    """A nan that a choice of the arguments would avoid is UNKNOWN."""

    @wraps(function)
    def checked(*arguments: arb) -> arb:
        result = function(*arguments)
        if not result.is_nan() and abs(result.mid()) == INF and result.rad().is_finite():
            return arb(result.mid())
        if not result.is_nan() or any(v.is_nan() for v in arguments) or all(v.is_exact() for v in arguments):
            return result
        below_domain = len(arguments) == 1 and function(arb(arguments[0].upper())).is_nan()
        return NAN if below_domain and arguments[0].is_finite() else UNKNOWN

    return checked


def _exp(v: arb) -> arb:
    """e^v; Arb gives up on balls that are wide and lie far out, whose ends have an exponential each."""
    if v == MINUS_INF:
        return arb(0)
    return v.exp() if not v.is_finite() or v.rad() < 1 else arb(v.lower()).exp().union(arb(v.upper()).exp())


def _log(v: arb) -> arb:
    return MINUS_INF if v == 0 else INF if v == INF else v.log()


def _log1p(v: arb) -> arb:
    return MINUS_INF if v == -1 else v.log1p()


def _sigmoid(v: arb) -> arb:
    return 1 / (1 + _exp(-v)) if not v.is_nan() and v > -40 else _exp(v) / (1 + _exp(v))


def _softplus(v: arb) -> arb:
    """log(1 + e^v) without cancellation on either side."""
    if v == INF:
        return v
    return v + _exp(-v).log1p() if v > 0 else _exp(v).log1p()


def _sign(v: arb) -> arb:
    """torch's sign of nan is 0."""
    return arb(1) if v > 0 else arb(-1) if v < 0 else arb(0) if v == 0 or v.is_nan() else arb(0, 1)


def _multiply(a: arb, b: arb) -> arb:
    if (abs(a) == INF or abs(b) == INF) and abs(a) > 0 and abs(b) > 0:
        return INF if (a > 0) == (b > 0) else MINUS_INF
    return a * b


def _divide(a: arb, b: arb) -> arb:
    if b == 0:
        return INF if a > 0 else MINUS_INF if a < 0 else NAN
    if abs(b) == INF and a.is_finite():
        return arb(0)
    return a / b


def _power(a: arb, b: arb) -> arb:
    if b == 0 or a == 1:
        return arb(1)
    if abs(b) == INF:
        return arb(1) if a == -1 else arb(0) if a == 0 and b > 0 else INF if a == 0 else abs(a) ** b
    if b.is_integer() and 0 < b < _REPEATED_PRODUCTS:
        return reduce(lambda x, y: x * y, [a] * int(float(b)))
    if a == 0 and b < 0:
        return INF
    if a >= 0 and b > 0 and a.contains(0) and a.rad() > 0 and a.is_finite():
        return _from_zero(arb(a.upper()) ** b)
    if abs(a) == INF and b.is_finite():
        return _infinite_power(a, b)
    return a**b


def _infinite_power(a: arb, b: arb) -> arb:
    """C's pow for a base of ±inf: an odd integer exponent keeps the sign, a negative one gives 0.

    For −inf and a broken exponent C says inf, a square root nan, and torch and numpy take either: left open.
    """
    if not (b > 0 or b < 0) or (a < 0 and not b.is_integer()):
        return UNKNOWN
    if b < 0:
        return arb(0)
    return a if a > 0 or not (b / 2).is_integer() else INF


def maximum(a: arb, b: arb) -> arb:
    """The larger of two numbers; nan where either is."""
    if a.is_nan() or b.is_nan():
        return NAN
    if is_unknown(a) or is_unknown(b):
        return UNKNOWN
    if a > b or b > a:
        return a if a > b else b
    return _from_zero(a) if b == 0 else _from_zero(b) if a == 0 else a.max(b)


def _from_zero(v: arb) -> arb:
    """max(v, 0) of a ball across 0, with 0 itself as its lower end: a radius has few digits, a midpoint can follow."""
    around = arb(0, v.upper() / 2)
    return around + around.rad()


def minimum(a: arb, b: arb) -> arb:
    """The smaller of two numbers; nan where either is."""
    return -maximum(-a, -b)


def chosen(condition: int, a: arb, b: arb) -> arb:
    """a at 1, b at 0, their union at −1 (unknown where one is an infinity or nan and the other is not)."""
    if condition != -1:
        return a if condition == 1 else b
    if a.is_nan() or b.is_nan():
        return NAN if a.is_nan() and b.is_nan() else UNKNOWN
    both = a.union(b)
    return not_below_zero(both) if a >= 0 and b >= 0 else both


def _erf(v: arb) -> arb:
    return arb(1) if v == INF else arb(-1) if v == MINUS_INF else v.erf()


def _wave(function: Callable[[arb], arb]) -> Callable[[arb], arb]:
    """sin or cos: of an infinity there is none, and what is unknown stays so."""

    @wraps(function)
    def checked(v: arb) -> arb:
        if v.is_finite():
            return function(v)
        return UNKNOWN if is_unknown(v) else NAN

    return checked


def _decided(
    yes: Callable[[arb, arb], bool], no: Callable[[arb, arb], bool], nan: int = 0
) -> Callable[[arb, arb], int]:
    def decide(a: arb, b: arb) -> int:
        if a.is_nan() or b.is_nan():
            return nan
        if is_unknown(a) or is_unknown(b):
            return -1
        return 1 if yes(a, b) else 0 if no(a, b) else -1

    return decide


COMPARE: dict[CompareOp, Callable[[arb, arb], int]] = {
    "eq": _decided(lambda a, b: a == b, lambda a, b: not a.overlaps(b)),
    "ne": _decided(lambda a, b: not a.overlaps(b), lambda a, b: a == b, nan=1),
    "lt": _decided(lambda a, b: a < b, lambda a, b: a >= b),
    "le": _decided(lambda a, b: a <= b, lambda a, b: a > b),
    "gt": _decided(lambda a, b: a > b, lambda a, b: a <= b),
    "ge": _decided(lambda a, b: a >= b, lambda a, b: a < b),
}
UNARY: dict[UnaryOp, tuple[Callable[[arb], arb], int]] = {
    "neg": (lambda v: -v, 0),
    "abs": (abs, 0),
    "sign": (_sign, 0),
    "relu": (lambda v: maximum(v, arb(0)), 0),
    "square": (lambda v: not_below_zero(v * v), ELEMENTARY),
    "sqrt": (_settled(lambda v: v.sqrt()), ROOT),
    "exp": (_exp, TRANSCENDENTAL),
    "log": (_settled(_log), TRANSCENDENTAL),
    "log1p": (_settled(_log1p), TRANSCENDENTAL),
    "expm1": (lambda v: v.expm1(), TRANSCENDENTAL),
    "sigmoid": (_settled(_sigmoid), TRANSCENDENTAL),
    "logsigmoid": (_settled(lambda v: -_softplus(-v)), TRANSCENDENTAL),
    "softplus": (_settled(_softplus), TRANSCENDENTAL),
    "tanh": (_settled(lambda v: v.tanh()), TRANSCENDENTAL),
    "sin": (_wave(lambda v: v.sin()), TRANSCENDENTAL),
    "cos": (_wave(lambda v: v.cos()), TRANSCENDENTAL),
    "atan": (_settled(lambda v: v.atan()), TRANSCENDENTAL),
    "erf": (_settled(_erf), TRANSCENDENTAL),
}
BINARY: dict[BinaryOp, tuple[Callable[[arb, arb], arb], int]] = {
    "add": (_settled(lambda a, b: a + b), ELEMENTARY),
    "sub": (_settled(lambda a, b: a - b), ELEMENTARY),
    "mul": (_settled(_multiply), ELEMENTARY),
    "div": (_settled(_divide), ELEMENTARY),
    "pow": (_settled(_power), TRANSCENDENTAL),
    "maximum": (maximum, 0),
    "minimum": (minimum, 0),
    "clamp_min": (maximum, 0),
    "clamp_max": (minimum, 0),
}
