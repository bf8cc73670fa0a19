"""Functions of one argument on midpoint-radius arrays, sound whatever float64 rounds on the way.

Increasing functions are taken at both ends. `Overflow` says what a result past float64's largest number is: infinity
for a floating format, an unknown number in exact arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from explainers.graph.arithmetic import Floats
from explainers.graph.interval_arrays import (
    SLACK,
    TINY,
    UNIT,
    Interval,
    Mask,
    between,
    bounds,
    is_short,
    made_unknown,
    unknown,
)
from explainers.graph.nodes import UnaryOp
from explainers.graph.special_functions import SPECIAL, of_interval

Overflow = Literal["infinite", "unknown"]
COMPOSED_STEPS = 24
FUNCTION_UNIT, COMPOSED_UNIT = 8 * UNIT, COMPOSED_STEPS * UNIT
"""numpy's exp, log, ... are within 2 ulp (its accuracy tests); 4 are allowed. Three of them in a row for the others."""
_LARGEST = np.finfo(np.float64).max


def negative(x: Interval) -> Interval:
    """−x."""
    return Interval(-x.mid, x.rad, x.size)


def absolute(x: Interval) -> Interval:
    """|x|."""
    size = np.abs(x.mid)
    across = (size < x.rad) & ~unknown(x)
    high = np.where(across, (size + x.rad) * (0.5 + SLACK), 0.0)
    return Interval(np.where(across, high, size), np.where(across, high, x.rad))


def sign(x: Interval) -> Interval:
    """−1, 0 or 1; torch's sign of nan is 0."""
    low, high = bounds(x)
    return between(np.sign(np.where(np.isnan(low), 0.0, low)), np.sign(np.where(np.isnan(high), 0.0, high)))


def _relu(x: Interval) -> Interval:
    low, high = bounds(x)
    return made_unknown(between(np.maximum(low, 0.0), np.maximum(high, 0.0)), unknown(x))


def increasing(x: Interval, function: Callable[[Floats], Floats], unit: float, overflow: Overflow) -> Interval:
    """An increasing function at both ends, each value off by at most `unit` relative."""
    low, high = bounds(x)
    with np.errstate(all="ignore"):
        below = function(low)
        above = below if high is low else function(high)
        past = np.isposinf(below) & np.isfinite(low)
        if past.any():
            sure = np.isposinf(function(low - 1.0)) & (overflow == "infinite")
            below = np.where(past & ~sure, _LARGEST, below)
        zero = (below == 0) & (above == 0) & (x.rad == 0) & ((low == 0) | (low == 1) | np.isinf(low))
        result = between(below - function_error(below, unit, zero), above + function_error(above, unit, zero))
    return made_unknown(result, unknown(x))


def function_error(values: Floats, unit: float, exact: Mask) -> Floats:
    """What finite function values may be off by, 0 where they are exact."""
    return np.where(exact | ~np.isfinite(values), 0.0, np.abs(values) * unit * (1 + SLACK) + TINY)


def _wave(function: Callable[[Floats], Floats], x: Interval) -> Interval:
    """sin or cos: no slope is steeper than 1; of an infinity there is none."""
    with np.errstate(all="ignore"):
        mid = function(x.mid)
        error = function_error(mid, FUNCTION_UNIT, np.zeros(mid.shape, dtype=bool))
    return made_unknown(Interval(mid, np.minimum((x.rad + error) * (1 + SLACK), 2.0)), unknown(x))


def erf(x: Floats) -> Floats:
    """2/√π · ∫₀ˣ e^(−t²) dt, by the C library, which is within an ulp."""
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def square(x: Interval, overflow: Overflow) -> Interval:
    """x²; exact for numbers of at most 24 digits."""
    result, short = increasing(absolute(x), np.square, UNIT, overflow), is_short(x)
    return (
        Interval(np.where(short, x.mid * x.mid, result.mid), np.where(short, 0.0, result.rad))
        if short.any()
        else result
    )


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + e^−x) without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def softplus(x: Floats) -> Floats:
    """log(1 + e^x) without overflow or cancellation."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def unary(op: UnaryOp, x: Interval, overflow: Overflow) -> Interval:
    """An elementwise function by name, before any rounding of a floating program."""
    match op:
        case "neg":
            return negative(x)
        case "abs":
            return absolute(x)
        case "sign":
            return sign(x)
        case "relu":
            return _relu(x)
        case "square":
            return square(x, overflow)
        case "sin" | "cos":
            return _wave(np.sin if op == "sin" else np.cos, x)
        case _ if op in SPECIAL:
            return of_interval(op, x)
        case _:
            return increasing(x, *_INCREASING[op], overflow)


def own_unit(op: UnaryOp) -> float:
    """By how much, relative, this module's value of a function at one number may be off."""
    return _INCREASING[op][1] if op in _INCREASING else FUNCTION_UNIT


_INCREASING: dict[UnaryOp, tuple[Callable[[Floats], Floats], float]] = {
    "exp": (np.exp, FUNCTION_UNIT),
    "log": (np.log, FUNCTION_UNIT),
    "log1p": (np.log1p, FUNCTION_UNIT),
    "expm1": (np.expm1, FUNCTION_UNIT),
    "sqrt": (np.sqrt, UNIT),
    "sigmoid": (sigmoid, COMPOSED_UNIT),
    "logsigmoid": (lambda x: -softplus(-x), COMPOSED_UNIT),
    "softplus": (softplus, COMPOSED_UNIT),
    "tanh": (np.tanh, FUNCTION_UNIT),
    "atan": (np.arctan, FUNCTION_UNIT),
    "erf": (erf, FUNCTION_UNIT),
}
