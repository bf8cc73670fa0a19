"""Enclosures by Arb balls (python-flint): for up to about a thousand elements, 200 bits before any widening."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import arb, ctx, fmpq

from explainers.graph.evaluation import Integers
from explainers.graph.nodes import BinaryOp, CompareOp, UnaryOp
from explainers.graph.rounding import ELEMENTARY, TRANSCENDENTAL, Rounding

Balls = npt.NDArray[Any]
PRECISION = 200


def precise() -> AbstractContextManager[Any]:
    """Work at 200 bits inside the with-block."""
    return ctx.workprec(PRECISION)


class BallArithmetic:
    """Object arrays of Arb balls, widened after each operation by what a floating program may lose there."""

    def __init__(self, rounding: Rounding) -> None:
        self.rounding = rounding

    def leaf(self, values: npt.NDArray[Any]) -> Balls:
        return _map(lambda v: arb(float(v)), values)

    def number(self, value: Fraction | float, dtype: str) -> Balls:
        return self.rounded(_scalar(ball(value)), dtype)

    def rounded(self, x: Balls, dtype: str) -> Balls:
        return self._widened(x, dtype, ELEMENTARY)

    def unary(self, op: UnaryOp, x: Balls, dtype: str) -> Balls:
        function, steps = _UNARY[op]
        return self._widened(_map(function, x), dtype, steps)

    def binary(self, op: BinaryOp, a: Balls, b: Balls, dtype: str) -> Balls:
        function, steps = _BINARY[op]
        return self._widened(_map(function, *np.broadcast_arrays(a, b)), dtype, steps)

    def compare(self, op: CompareOp, a: Balls, b: Balls) -> Integers:
        return _map(_COMPARE[op], *np.broadcast_arrays(a, b)).astype(np.int8)

    def where(self, condition: Integers, a: Balls, b: Balls) -> Balls:
        return _map(_choose, *np.broadcast_arrays(condition, a, b))

    def sum(self, x: Balls, dims: tuple[int, ...], dtype: str) -> Balls:
        unit = self.rounding.unit(dtype)
        return _over(x, dims, lambda terms: _sum(terms, unit))

    def logsumexp(self, x: Balls, dims: tuple[int, ...], dtype: str) -> Balls:
        unit, tiny = self.rounding.unit(dtype), self.rounding.subnormal(dtype)
        return _over(x, dims, lambda terms: _logsumexp(terms, unit, tiny))

    def extremum(self, op: str, x: Balls, dims: tuple[int, ...]) -> Balls:
        return _over(x, dims, lambda terms: reduce(_BINARY["maximum" if op == "max" else "minimum"][0], terms))

    def take(self, x: Balls, index: Integers, dim: int) -> Balls:
        size = x.shape[dim]
        lead = np.broadcast_shapes(x.shape[:dim], index.shape[:dim])
        source, picked = np.broadcast_to(x, (*lead, size)), np.broadcast_to(index, (*lead, 1))
        found = np.take_along_axis(source, np.clip(picked, 0, size - 1), dim)
        return _map(lambda v, i: v if 0 <= i < size else arb("nan"), found, picked)

    def reshape(self, x: Balls, order: tuple[int, ...], shape: tuple[int, ...]) -> Balls:
        return x.transpose(order).reshape(shape)

    def broadcast(self, x: Balls, shape: tuple[int, ...]) -> Balls:
        return np.broadcast_to(x, shape)

    def _widened(self, x: Balls, dtype: str, steps: int) -> Balls:
        unit = self.rounding.unit(dtype)
        if not unit or not steps:
            return x
        tiny, largest = self.rounding.subnormal(dtype), self.rounding.largest(dtype)
        return _map(lambda v: widened(v, steps * unit, steps * tiny, largest), x)


def ball(value: Fraction | float | int) -> arb:
    """The exact number as a ball at the working precision."""
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    return arb(value)


def widened(v: arb, relative: float, absolute: float, largest: float) -> arb:
    """The ball with room for a relative and an absolute error; infinite where it lies past the largest number."""
    if not v.is_finite():
        return v
    size = float(abs(v).upper())
    if size > largest and float(abs(v).lower()) > largest:
        return arb("inf") if v > 0 else arb("-inf")
    return v + arb(0, size * relative + absolute)


def bounds(v: arb) -> tuple[float, float]:
    """Outward float64 bounds of a ball; (−inf, inf) where it is not finite and unknown."""
    if v.is_nan():
        return -math.inf, math.inf
    low, high = float(v.lower()), float(v.upper())
    return math.nextafter(low, -math.inf) if math.isfinite(low) else low, math.nextafter(high, math.inf) if math.isfinite(high) else high


def _scalar(v: arb) -> Balls:
    held = np.empty((), dtype=object)
    held[()] = v
    return held


def _map(function: Callable[..., Any], *arrays: npt.NDArray[Any]) -> Balls:
    result = np.frompyfunc(function, len(arrays), 1)(*arrays)
    return result if isinstance(result, np.ndarray) else _scalar(result)


def _over(x: Balls, dims: tuple[int, ...], function: Callable[[list[arb]], arb]) -> Balls:
    """The function of all elements along some dimensions, for each place in the others."""
    kept = tuple(d for d in range(x.ndim) if d not in dims)
    rows = x.transpose((*kept, *dims)).reshape((*(x.shape[d] for d in kept), -1))
    result = np.empty(rows.shape[:-1], dtype=object)
    for place in np.ndindex(result.shape):
        result[place] = function(list(rows[place]))
    return result


def _sum(terms: list[arb], unit: float) -> arb:
    total = reduce(lambda a, b: a + b, terms, arb(0))
    if unit and len(terms) > 1 and total.is_finite():
        size = math.fsum(float(abs(t).upper()) for t in terms)
        total += arb(0, (len(terms) - 1) * unit * size * (1 + 2.0**-50))
    return total


def _logsumexp(terms: list[arb], unit: float, tiny: float) -> arb:
    """One step: the function is 1-Lipschitz in the largest norm, so the radii of its inputs do not add up.

    Own error of the max-shifted program: Σ pᵢ·u·|xᵢ − m| + (n − 1 + k)·u + k·u·|log s| + 2u·|result|.
    """
    present = [t for t in terms if t != arb("-inf")]
    if not present:
        return arb("-inf")
    if not all(t.is_finite() for t in present):
        return arb("inf") if any(t == arb("inf") for t in present) and not any(t.is_nan() for t in present) else arb("nan")
    middles = [arb(t.mid()) for t in present]
    top = max(middles, key=float)
    shifted = [t - top for t in middles]
    weights = [t.exp() for t in shifted]
    scale = reduce(lambda a, b: a + b, weights)
    logarithm = scale.log()
    radius = max(float(t.rad()) for t in present)
    value = logarithm + top
    if not unit:
        return value + arb(0, radius)
    spread = math.fsum(float(abs(w / scale).upper()) * float(abs(t).upper()) for w, t in zip(weights, shifted, strict=True))
    own = spread + len(present) - 1 + TRANSCENDENTAL * (1 + float(abs(logarithm).upper())) + 2 * float(abs(value).upper())
    return value + arb(0, radius + own * unit + tiny)


def _exp(v: arb) -> arb:
    return arb(0) if v == arb("-inf") else v.exp()


def _log(v: arb) -> arb:
    return arb("-inf") if v == 0 else arb("inf") if v == arb("inf") else v.log()


def _log1p(v: arb) -> arb:
    return arb("-inf") if v == -1 else v.log1p()


def _sigmoid(v: arb) -> arb:
    return 1 / (1 + _exp(-v)) if not v.is_nan() and v > -40 else _exp(v) / (1 + _exp(v))


def _softplus(v: arb) -> arb:
    """log(1 + e^v) without cancellation on either side."""
    if v == arb("inf"):
        return v
    return v + _exp(-v).log1p() if v > 0 else _exp(v).log1p()


def _sign(v: arb) -> arb:
    return arb(1) if v > 0 else arb(-1) if v < 0 else arb(0) if v == 0 else arb(0, 1)


def _divide(a: arb, b: arb) -> arb:
    if b == 0:
        return arb("inf") if a > 0 else arb("-inf") if a < 0 else arb("nan")
    if abs(b) == arb("inf") and a.is_finite():
        return arb(0)
    return a / b


def _power(a: arb, b: arb) -> arb:
    exponent = float(b.mid())
    if b.is_exact() and exponent == int(exponent) and 0 <= exponent < 64:
        return reduce(lambda x, y: x * y, [a] * int(exponent), arb(1))
    return a**b


def _maximum(a: arb, b: arb) -> arb:
    return arb("nan") if a.is_nan() or b.is_nan() else a if a > b else b if b > a else a.max(b)


def _minimum(a: arb, b: arb) -> arb:
    return -_maximum(-a, -b)


def _choose(condition: int, a: arb, b: arb) -> arb:
    return a if condition == 1 else b if condition == 0 else a.union(b)


def _decided(yes: Callable[[arb, arb], bool], no: Callable[[arb, arb], bool]) -> Callable[[arb, arb], int]:
    return lambda a, b: 1 if yes(a, b) else 0 if no(a, b) or a.is_nan() or b.is_nan() else -1


_COMPARE: dict[CompareOp, Callable[[arb, arb], int]] = {
    "eq": _decided(lambda a, b: a == b, lambda a, b: not a.overlaps(b)),
    "ne": _decided(lambda a, b: not a.overlaps(b), lambda a, b: a == b),
    "lt": _decided(lambda a, b: a < b, lambda a, b: a >= b),
    "le": _decided(lambda a, b: a <= b, lambda a, b: a > b),
    "gt": _decided(lambda a, b: a > b, lambda a, b: a <= b),
    "ge": _decided(lambda a, b: a >= b, lambda a, b: a < b),
}
_UNARY: dict[UnaryOp, tuple[Callable[[arb], arb], int]] = {
    "neg": (lambda v: -v, 0),
    "abs": (abs, 0),
    "sign": (_sign, 0),
    "relu": (lambda v: _maximum(v, arb(0)), 0),
    "square": (lambda v: v * v, ELEMENTARY),
    "sqrt": (lambda v: v.sqrt(), ELEMENTARY),
    "exp": (_exp, TRANSCENDENTAL),
    "log": (_log, TRANSCENDENTAL),
    "log1p": (_log1p, TRANSCENDENTAL),
    "expm1": (lambda v: v.expm1(), TRANSCENDENTAL),
    "sigmoid": (_sigmoid, TRANSCENDENTAL),
    "logsigmoid": (lambda v: -_softplus(-v), TRANSCENDENTAL),
    "softplus": (_softplus, TRANSCENDENTAL),
    "tanh": (lambda v: v.tanh(), TRANSCENDENTAL),
}
_BINARY: dict[BinaryOp, tuple[Callable[[arb, arb], arb], int]] = {
    "add": (lambda a, b: a + b, ELEMENTARY),
    "sub": (lambda a, b: a - b, ELEMENTARY),
    "mul": (lambda a, b: a * b, ELEMENTARY),
    "div": (_divide, ELEMENTARY),
    "pow": (_power, TRANSCENDENTAL),
    "maximum": (_maximum, 0),
    "minimum": (_minimum, 0),
    "clamp_min": (_maximum, 0),
    "clamp_max": (_minimum, 0),
}


def exact_bounds(balls: Iterable[arb]) -> tuple[float, float]:
    """Outward float64 bounds of the hull of some balls."""
    pairs = [bounds(v) for v in balls]
    return min(low for low, _ in pairs), max(high for _, high in pairs)
