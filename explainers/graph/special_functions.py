"""log|Γ|, its derivatives, the error function's complement and the Bessel functions I₀ and I₁, as balls.

torch takes each of them by a series of its own; `room` says how far that may be from the function beside a few units
in the last place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from flint import arb

from explainers.graph.arithmetic import Floats
from explainers.graph.ball_functions import INF, MINUS_INF, NAN, UNKNOWN, bounds, is_unknown
from explainers.graph.interval_arrays import Interval, between, made_unknown, unknown
from explainers.graph.nodes import UnaryOp

LARGEST_BESSEL = 80.0
"""Beyond it torch's e^x of I₀ overflows in float32 where I₀ itself does not."""
_ROOM = 32.0
_SINGLE = 2.0**-24
_ERF = 12 * _SINGLE
"""More than the polynomial is off by that gelu's vectorised float32 takes for erf: 1.5e-7 (Abramowitz and Stegun,
7.1.26), and its roundings."""
_LOWEST = 1.4616321449683622
"""Where ψ is 0 and log Γ lowest above 0, to the digits of a float64: log Γ is as low there as at the true place."""
_LEAST = arb(_LOWEST).lgamma() + arb(0, 1e-30)


def _lgamma(v: arb) -> arb:
    """log|Γ(v)|, below 0 by reflection; ∞ at the poles 0, −1, −2, …"""
    if not v.is_finite():
        return INF if abs(v) == INF else v
    if v > 0:
        ends = _at_ends(arb.lgamma, v)
        return ends.union(_LEAST) if v.contains(_LOWEST) and v.rad() > 0 else ends
    if v.is_exact() and v.is_integer():
        return INF
    sine = abs(v.sin_pi())
    return (arb.pi() / sine).log() - (1 - v).lgamma() if v < 0 and sine > 0 else UNKNOWN


def _digamma(v: arb) -> arb:
    """d log Γ(v) / dv; torch has −∞ at 0 and nan at the other poles."""
    if not v.is_finite():
        return v if v == INF or v.is_nan() else NAN if v == MINUS_INF else UNKNOWN
    if v.is_exact() and v.is_integer() and v <= 0:
        return MINUS_INF if v == 0 else NAN
    return _at_ends(arb.digamma, v) if v > 0 else UNKNOWN if (found := v.digamma()).is_nan() else found


def _trigamma(v: arb) -> arb:
    """d²log Γ(v) / dv² above 0; below it torch's own reflection is far off near the poles."""
    if v == INF or v.is_nan():
        return arb(0) if v == INF else v
    if v == 0:
        return INF
    return _at_ends(lambda end: arb(2).zeta(end), v) if v > 0 else UNKNOWN


def _tetragamma(v: arb) -> arb:
    """d³log Γ(v) / dv³ above 0, where torch takes it by the zeta function, which has nan of ∞."""
    if v == INF or v.is_nan():
        return NAN
    if v == 0:
        return MINUS_INF
    return _at_ends(lambda end: -2 * arb(3).zeta(end), v) if v > 0 else UNKNOWN


def _erfinv(v: arb) -> arb:
    """What erf is v of; infinite at ±1, and nothing beyond."""
    if v.is_nan() or (not is_unknown(v) and abs(v) > 1):
        return NAN
    if v in (1, -1):
        return INF if v == 1 else MINUS_INF
    return _at_ends(lambda end: end.erfinv(), v) if abs(v) < 1 else UNKNOWN


def _erfc(v: arb) -> arb:
    return arb(0) if v == INF else arb(2) if v == MINUS_INF else v.erfc()


def _arc(function: Callable[[arb], arb]) -> Callable[[arb], arb]:
    """arcsin or arccos: of what lies outside [−1, 1] there is none."""

    def checked(v: arb) -> arb:
        if v.is_nan() or (not is_unknown(v) and abs(v) > 1):
            return NAN
        return function(v) if abs(v) <= 1 else UNKNOWN

    return checked


def _i0(v: arb) -> arb:
    """I₀, which grows with |v|; torch divides e^∞ by √∞ and has none of an infinity."""
    if not v.is_finite():
        return v if v.is_nan() or is_unknown(v) else NAN
    size = abs(v)
    found = _at_ends(lambda end: end.bessel_i(0), size)
    return found.union(arb(1)) if size.contains(0) else found


def _i1(v: arb) -> arb:
    """I₁, which grows with v."""
    if not v.is_finite():
        return v if v.is_nan() or is_unknown(v) else NAN
    return arb(0) if v == 0 else _at_ends(lambda end: end.bessel_i(1), v)


def _at_ends(function: Callable[[arb], arb], v: arb) -> arb:
    """A function that rises or falls throughout the ball."""
    return function(v) if v.is_exact() else function(arb(v.lower())).union(function(arb(v.upper())))


SPECIAL: Mapping[UnaryOp, Callable[[arb], arb]] = MappingProxyType(
    {
        "lgamma": _lgamma,
        "digamma": _digamma,
        "trigamma": _trigamma,
        "tetragamma": _tetragamma,
        "erfc": _erfc,
        "erfinv": _erfinv,
        "asin": _arc(lambda v: v.asin()),
        "acos": _arc(lambda v: v.acos()),
        "i0": _i0,
        "i1": _i1,
    }
)

OF_ITS_OWN = frozenset({*SPECIAL, "erf"})
"""The functions that torch takes by a series or a polynomial with an error of its own."""


def room(op: UnaryOp, low: Floats, high: Floats, unit: float) -> Floats:
    """How far torch's own program of a function may be off between two bounds, beside what every function may lose;
    infinite where that is not known."""
    with np.errstate(all="ignore"):
        least = np.where((low <= 0) & (high >= 0), 0.0, np.minimum(np.abs(low), np.abs(high)))
        most = np.maximum(np.abs(low), np.abs(high))
        match op:
            case "lgamma":
                return unit * _ROOM * np.where(low > 0, 1.0, 1.0 + np.log1p(most) + np.abs(np.log(least)))
            case "digamma":
                return unit * _ROOM * (1 / least + 3.0 + np.log1p(most))
            case "trigamma":
                cut_off = np.power(least + 6.0, -9.0) / 30  # torch ends its series there
                return unit * _ROOM * (1 / np.square(least) + 2.0) + cut_off
            case "tetragamma":
                return unit * _ROOM * (2 / np.power(least, 3.0) + 2.0)
            case "erfinv":
                return unit * _ROOM * (1 + _slope_of_inverse(most))
            case "i0" | "i1":
                return np.where(most <= LARGEST_BESSEL, unit * _ROOM * np.exp(most), np.inf)
            case "erf":
                return np.full_like(low, _ERF if unit >= _SINGLE else 0.0)
            case _:
                return np.zeros_like(low)


def _slope_of_inverse(most: Floats) -> Floats:
    """How steep erfinv is at most up to a bound: torch corrects its quotient by Newton's steps through erf."""
    steepest = [float(((_erfinv(arb(float(v))) ** 2).exp() * arb.pi().sqrt() / 2).upper()) for v in most.ravel()]
    return np.where(most < 1, np.array(steepest, dtype=np.float64).reshape(most.shape), np.inf)


def of_interval(op: UnaryOp, x: Interval) -> Interval:
    """A function of a midpoint-radius array, element by element through a ball."""
    function = SPECIAL[op]
    pairs = [bounds(function(_ball(mid, rad))) for mid, rad in zip(x.mid.ravel(), x.rad.ravel(), strict=True)]
    ends = np.array(pairs, dtype=np.float64).reshape((*x.mid.shape, 2))
    return made_unknown(between(ends[..., 0], ends[..., 1]), unknown(x))


def _ball(mid: float, rad: float) -> arb:
    return UNKNOWN if math.isinf(rad) else NAN if math.isnan(mid) else arb(float(mid), float(rad))


def of_floats(op: UnaryOp) -> Callable[[Floats], Floats]:
    """The function in float64."""
    if op == "trigamma":
        return _trigamma_of_floats
    if op == "tetragamma":
        return _tetragamma_of_floats
    function = SPECIAL[op]
    return np.vectorize(lambda v: float(function(arb(float(v))).mid()), otypes=[np.float64])


def _trigamma_of_floats(x: Floats) -> Floats:
    """By reflection and the asymptotic series six steps on, as torch has it."""
    below = x < 0.5
    mirrored = np.where(below, 1 - x, x)
    total = np.where(below, -np.square(np.pi / np.sin(np.pi * x)), 0.0)
    for _ in range(6):
        total = total + 1 / np.square(mirrored)
        mirrored = mirrored + 1
    inverse = 1 / np.square(mirrored)
    series = 1 + 1 / (2 * mirrored) + inverse * (1 / 6 - inverse * (1 / 30 - inverse / 42))
    return np.where(below, -1.0, 1.0) * (total + series / mirrored)


def _tetragamma_of_floats(x: Floats) -> Floats:
    """By reflection and the asymptotic series ten steps on; −∞ at the poles, as torch's zeta function has it."""
    below, pole = x < 0.5, (x <= 0) & (x == np.floor(x))
    mirrored = np.where(below, 1 - x, x)
    total = np.where(below, -2 * np.pi**3 * np.cos(np.pi * x) / np.power(np.sin(np.pi * x), 3), 0.0)
    for _ in range(10):
        total = total - 2 / np.power(mirrored, 3)
        mirrored = mirrored + 1
    inverse = 1 / np.square(mirrored)
    series = 1 + 1 / mirrored + inverse * (1 / 2 - inverse * (1 / 6 - inverse * (1 / 6 - inverse * (3 / 10))))
    return np.where(pole, -np.inf, np.where(x == np.inf, np.nan, total - inverse * series))
