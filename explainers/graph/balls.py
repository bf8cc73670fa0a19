"""Enclosures by Arb balls (python-flint): for up to some hundred elements, 200 bits before any widening."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import arb, ctx

from explainers.graph.alignments import one_after_the_other, step_by_step
from explainers.graph.arithmetic import Floats, Integers
from explainers.graph.ball_functions import (
    BINARY,
    COMPARE,
    INF,
    MINUS_INF,
    NAN,
    UNARY,
    UNKNOWN,
    ball,
    bounds,
    chosen,
    is_held,
    is_unknown,
    maximum,
    minimum,
    not_below_zero,
    of_the_grid,
    overflowed,
    widened,
)
from explainers.graph.multiples import Multiples
from explainers.graph.nodes import BinaryOp, CompareOp, UnaryOp
from explainers.graph.rounding import ELEMENTARY, TRANSCENDENTAL, Rounding
from explainers.graph.special_functions import OF_ITS_OWN, SPECIAL, room

Balls = npt.NDArray[Any]
PRECISION = 200
PAST_ALL = 1000
"""e^x is infinite in every format from here on."""
FEW = 8
"""How many of the smallest numbers away from 0 a rounding is followed from number to number."""


def precise() -> AbstractContextManager[Any]:
    """Work at 200 bits inside the with-block."""
    return ctx.workprec(PRECISION)


class BallArithmetic:
    """Object arrays of Arb balls, widened after each operation by what a floating program may lose there."""

    def __init__(self, rounding: Rounding) -> None:
        self.rounding = rounding
        self.multiples = Multiples()

    def leaf(self, values: npt.NDArray[Any]) -> Balls:
        return _map(lambda v: arb(float(v)), values)

    def number(self, value: Fraction | float, dtype: str) -> Balls:
        value = self.rounding.cut(value, dtype)
        exact = _scalar(ball(value))
        return exact if self.rounding.holds(value, dtype) else self.rounded(exact, dtype)

    def nearest(self, value: Fraction | float, dtype: str) -> Balls:
        return self.number(self.rounding.nearest(value, dtype), dtype)

    def rounded(self, x: Balls, dtype: str) -> Balls:
        return self._widened(x, dtype, ELEMENTARY, "cast")

    def unary(self, op: UnaryOp, x: Balls, dtype: str) -> Balls:
        function, steps = UNARY[op] if op not in SPECIAL else (SPECIAL[op], TRANSCENDENTAL)
        if op == "exp" and self.rounding.unit(dtype):  # what Arb cannot hold is infinite in any format
            x = _map(lambda v: INF if v > PAST_ALL else v, x)
        found = self._widened(_map(function, x), dtype, steps, op)
        if op in OF_ITS_OWN and (unit := self.rounding.unit(dtype)):
            return _map(_with_room, found, room(op, *self.bounds(x), unit))
        return self.multiples.negated(x, found) if op == "neg" else found

    def binary(self, op: BinaryOp, a: Balls, b: Balls, dtype: str) -> Balls:
        function, steps = BINARY[op]
        found = self._widened(_map(function, *np.broadcast_arrays(a, b)), dtype, steps, op)
        return self.multiples.exact(op, a, b, found, self.rounding.largest(dtype))

    def compare(self, op: CompareOp, a: Balls, b: Balls) -> Integers:
        return _map(COMPARE[op], *np.broadcast_arrays(a, b)).astype(np.int8)

    def where(self, condition: Integers, a: Balls, b: Balls) -> Balls:
        return _map(chosen, *np.broadcast_arrays(condition, a, b))

    def sum(self, x: Balls, dims: tuple[int, ...], dtype: str) -> Balls:
        return _over(x, dims, lambda terms: _sum(terms, self.rounding, dtype))

    def dot(self, a: Balls, b: Balls, dims: tuple[int, ...], dtype: str) -> Balls:
        shape = np.broadcast_shapes(a.shape, b.shape)
        return self.sum(self.broadcast(self.binary("mul", a, b, dtype), shape), dims, dtype)

    def logsumexp(self, x: Balls, dims: tuple[int, ...], dtype: str) -> Balls:
        unit, tiny = self.rounding.unit(dtype), self.rounding.subnormal(dtype)
        return _over(x, dims, lambda terms: _logsumexp(terms, unit, tiny))

    def extremum(self, op: str, x: Balls, dims: tuple[int, ...]) -> Balls:
        pick = maximum if op == "max" else minimum
        return _over(x, dims, lambda terms: NAN if any(t.is_nan() for t in terms) else reduce(pick, terms))

    def alignment_table(self, scores: Balls, skips: Integers, begins: Integers, dtype: str, *, onward: bool) -> Balls:
        return step_by_step(self, scores, skips, begins, dtype, onward=onward)

    def sum_in_turn(self, parts: Sequence[Balls], rows: int, dtype: str) -> Balls:
        return one_after_the_other(self, parts, rows, dtype)

    def take(self, x: Balls, index: Integers, dim: int) -> Balls:
        size = x.shape[dim]
        lead = np.broadcast_shapes(x.shape[:dim], index.shape[:dim])
        source, picked = np.broadcast_to(x, (*lead, size)), np.broadcast_to(index, (*lead, 1))
        if not size:
            return _map(lambda _: arb(0), picked)
        found = np.take_along_axis(source, np.clip(picked, 0, size - 1), dim)
        return _map(lambda v, i: v if 0 <= i < size else arb(0), found, picked)

    def concatenate(self, parts: Sequence[Balls], dim: int) -> Balls:
        return np.concatenate(parts, axis=dim)

    def reshape(self, x: Balls, order: tuple[int, ...], shape: tuple[int, ...]) -> Balls:
        return x.transpose(order).reshape(shape)

    def broadcast(self, x: Balls, shape: tuple[int, ...]) -> Balls:
        return np.broadcast_to(x, shape)

    def reach(self, x: Balls) -> tuple[float, float]:
        sizes = [bounds(abs(v)) for v in x.ravel() if v != 0 and v.is_finite()]
        return min((low for low, _ in sizes), default=1.0), max((high for _, high in sizes), default=0.0)

    def loosened(self, x: Balls, error: float, parts: Sequence[Balls], dtype: str) -> Balls:
        room, largest = arb(0, error), self.rounding.largest(dtype)

        def wide(v: arb, *of: arb) -> arb:
            return room if v == 0 and not any(part == 0 for part in of) else widened(v, 0.0, error, largest)

        return _map(wide, *np.broadcast_arrays(x, *parts))

    def bounds(self, x: Balls) -> tuple[Floats, Floats]:
        pairs = [bounds(v) for v in x.ravel()]
        ends = np.array(pairs, dtype=np.float64).reshape((*x.shape, 2))
        return np.asarray(ends[..., 0]), np.asarray(ends[..., 1])

    def _widened(self, x: Balls, dtype: str, steps: int, op: str) -> Balls:
        unit = self.rounding.unit(dtype)
        if not unit or not steps:
            return x
        tiny, largest = self.rounding.subnormal(dtype), self.rounding.largest(dtype)
        if steps == ELEMENTARY:
            few = FEW * tiny if op == "cast" or self.rounding.is_native(dtype) else 0.0

            def stored(v: arb) -> arb:
                if is_held(v, unit, tiny, largest):
                    return v
                return of_the_grid(v, tiny) if abs(v) < few else widened(v, unit, tiny, largest)

            return _map(stored, x)
        lost = self.rounding.underflow(op, dtype)
        return _map(lambda v: widened(v, steps * unit, lost, largest), x)


def _with_room(v: arb, more: float) -> arb:
    return v if not v.is_finite() else v + arb(0, more) if math.isfinite(more) else UNKNOWN


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
    count = math.prod(x.shape[d] for d in dims)
    rows = x.transpose((*kept, *dims)).reshape((*(x.shape[d] for d in kept), count))
    result = np.empty(rows.shape[:-1], dtype=object)
    for place in np.ndindex(result.shape):
        result[place] = function(list(rows[place]))
    return result


def _sum(terms: list[arb], rounding: Rounding, dtype: str) -> arb:
    """Σ tᵢ in any order; unknown where some order may pass the largest number on its way and another may not."""
    if any(t.is_nan() for t in terms):
        return NAN
    if any(is_unknown(t) for t in terms):
        return UNKNOWN
    endless = [t for t in terms if not t.is_finite()]
    total, unit = sum(endless or terms, arb(0)), rounding.sum_unit(dtype, len(terms))
    size = sum((abs(t).upper() for t in terms if t.is_finite()), arb(0))
    if not unit or (size * rounding.unit(dtype) <= 1 and all(t.is_integer() for t in terms)):
        return total
    if endless and _against(terms, total) * (1 + unit) < rounding.largest(dtype):
        return total
    grown, largest = total + arb(0, 1) * (size * unit), rounding.largest(dtype)
    one_sign = all(t >= 0 for t in terms) or all(t <= 0 for t in terms)
    if one_sign and grown.contains(0):
        grown = not_below_zero(grown) if all(t >= 0 for t in terms) else -not_below_zero(-grown)
    if size * (1 + unit) < largest:
        return grown
    return overflowed(grown, largest) if one_sign else UNKNOWN


def _against(terms: list[arb], total: arb) -> arb:
    """How far the finite terms may go against the infinity that others add up to."""
    parts = (t for t in terms if t.is_finite())
    return sum((abs(t).upper() for t in parts if total.is_nan() or not (t >= 0 if total > 0 else t <= 0)), arb(0))


def _logsumexp(terms: list[arb], unit: float, tiny: float) -> arb:
    """One step: the function is 1-Lipschitz in the largest norm, so the radii of its inputs do not add up.

    Own error of the max-shifted program: Σ pᵢ·u·|xᵢ − m| + (n − 1 + k)·u + k·u·|log s| + 2u·|result|, where the first
    sum is at most log n (it is the entropy of p less log s), wherever in their balls the inputs lie.
    """
    if any(t.is_nan() for t in terms):
        return NAN
    if any(is_unknown(t) for t in terms):
        return UNKNOWN
    present = [t for t in terms if t != MINUS_INF]
    if not present or any(t == INF for t in present):
        return INF if present else MINUS_INF
    radius = max(float(t.rad()) for t in present)
    shifted, logarithm, value = _shifted([arb(t.mid()) for t in present])
    if not unit:
        return value + arb(0, radius)
    most = math.log(len(present)) * (1 + 2.0**-40)
    spread = math.fsum(float((abs(t) * (t - logarithm).exp()).upper()) for t in shifted)
    spread = min(most, math.exp(min(2 * radius, 700.0)) * (spread + 2 * radius))
    logarithms = min(most, float(abs(logarithm).upper()) + 2 * radius)
    own = spread + len(present) - 1 + TRANSCENDENTAL * (1 + logarithms) + 2 * (float(abs(value).upper()) + radius)
    return value + arb(0, radius + own * unit + tiny)


def _shifted(middles: list[arb]) -> tuple[list[arb], arb, arb]:
    """xᵢ − max x, log Σ exp of that, and log Σ exp x."""
    top = max(middles, key=float)
    shifted = [t - top for t in middles]
    logarithm = sum((t.exp() for t in shifted), arb(0)).log()
    return shifted, logarithm, logarithm + top
