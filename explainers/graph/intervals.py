"""Enclosures by float64 midpoint-radius arrays: linear, vectorised, for a million elements.

The same rounding model as the balls', and float64's own errors on top: the radii are some 2⁻⁵⁰ of the value wider.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from explainers.graph import (
    interval_alignments,
    moderate,
    moderate_choices,
    moderate_functions,
    moderate_products,
    moderate_reductions,
)
from explainers.graph import interval_functions as functions
from explainers.graph import interval_operations as operations
from explainers.graph.alignments import one_after_the_other, step_by_step
from explainers.graph.arithmetic import Floats, Integers
from explainers.graph.interval_arrays import (
    SLACK,
    TINY,
    UNIT,
    Interval,
    between,
    bounds,
    chosen,
    exactly,
    is_exact,
    is_held,
    is_zero,
    made_unknown,
    measured,
    not_numbers,
    patched,
    union,
    widened,
)
from explainers.graph.interval_blocks import laid_out, selected
from explainers.graph.nodes import BinaryOp, CompareOp, UnaryOp
from explainers.graph.rounding import ELEMENTARY, ROOT, TRANSCENDENTAL, Rounding
from explainers.graph.special_functions import OF_ITS_OWN, room

_UNARY_STEPS: dict[UnaryOp, int] = {"square": ELEMENTARY, "sqrt": ROOT}
_UNROUNDED_UNARY = ("neg", "abs", "sign", "relu")
_LARGEST = float(np.finfo(np.float64).max)


class IntervalArithmetic:
    """Midpoint-radius arrays, widened after each operation by what a floating program may lose there."""

    def __init__(self, rounding: Rounding) -> None:
        self.rounding = rounding
        self.overflow: functions.Overflow = "unknown" if rounding.mode == "exact" else "infinite"

    def leaf(self, values: npt.NDArray[Any]) -> Interval:
        return exactly(laid_out(values))

    def number(self, value: Fraction | float, dtype: str) -> Interval:
        value = self.rounding.cut(value, dtype)
        if isinstance(value, Fraction) and abs(value) > _LARGEST:
            past = exactly(np.asarray(math.copysign(math.inf, value)))
            return made_unknown(past, np.asarray(self.overflow == "unknown" or not self.rounding.dtype(dtype)))
        mid = float(value)
        held = not math.isfinite(mid) or Fraction(mid) == value
        rad = 0.0 if held else abs(mid) * UNIT * (1 + SLACK) + TINY
        x = measured(Interval(np.asarray(mid), np.asarray(rad)))
        return x if self.rounding.holds(value, dtype) else measured(self._rounded(x, dtype, ELEMENTARY, "cast"))

    def nearest(self, value: Fraction | float, dtype: str) -> Interval:
        return self.number(self.rounding.nearest(value, dtype), dtype)

    def rounded(self, x: Interval, dtype: str) -> Interval:
        if not self.rounding.dtype(dtype):
            return x
        room = moderate.Room.of(self.rounding, dtype, ELEMENTARY, "cast", 0.0)
        found = moderate.rounded(x, room)
        return measured(self._rounded(x, dtype, ELEMENTARY, "cast")) if found is None else found

    def unary(self, op: UnaryOp, x: Interval, dtype: str) -> Interval:
        steps = _UNARY_STEPS.get(op, TRANSCENDENTAL)

        def general(x: Interval) -> Interval:
            result = functions.unary(op, x, self.overflow)
            if op in _UNROUNDED_UNARY:
                return result
            found = self._rounded(result, dtype, steps, op)
            return found if op not in OF_ITS_OWN else self._with_room(op, x, found, dtype)

        if op in _UNROUNDED_UNARY:
            found = moderate_functions.piecewise(op, x, general)
        elif op == "square":
            found = moderate.squared(x, moderate.Room.of(self.rounding, dtype, steps, op, UNIT))
        else:
            room = moderate.Room.of(self.rounding, dtype, steps, op, functions.own_unit(op))
            found = moderate_functions.function(op, x, room, general)
        return measured(general(x)) if found is None else found

    def _with_room(self, op: UnaryOp, x: Interval, found: Interval, dtype: str) -> Interval:
        """The result of a series of torch's own."""
        unit = self.rounding.unit(dtype)
        if not unit:
            return found
        more = np.where(np.isfinite(found.mid), room(op, *bounds(x), unit), 0.0)
        wide = Interval(found.mid, np.where(found.rad + more > 0, (found.rad + more) * (1 + SLACK), 0.0))
        return made_unknown(wide, ~np.isfinite(more))

    def binary(self, op: BinaryOp, a: Interval, b: Interval, dtype: str) -> Interval:
        def general(a: Interval, b: Interval) -> Interval:
            return self._general(op, a, b, dtype)

        found = None
        match op:
            case "add" | "sub" | "mul" | "div":
                room = moderate.Room.of(self.rounding, dtype, ELEMENTARY, op, UNIT)
                found = moderate.elementary(op, a, b, room)
            case "maximum" | "clamp_min":
                found = moderate_choices.larger(a, b, general)
            case "minimum" | "clamp_max":
                found = moderate_choices.smaller(a, b, general)
            case "pow":
                pass
        return measured(general(a, b)) if found is None else found

    def _general(self, op: BinaryOp, a: Interval, b: Interval, dtype: str) -> Interval:
        match op:
            case "add":
                return self._rounded(operations.add(a, b, self.overflow), dtype, ELEMENTARY, op)
            case "sub":
                return self._rounded(operations.add(a, functions.negative(b), self.overflow), dtype, ELEMENTARY, op)
            case "mul":
                return self._rounded(operations.multiply(a, b, self.overflow), dtype, ELEMENTARY, op)
            case "div":
                return self._rounded(operations.divide(a, b, self.overflow), dtype, ELEMENTARY, op)
            case "pow":
                return self._rounded(operations.power(a, b, self.overflow), dtype, TRANSCENDENTAL, op)
            case "maximum" | "clamp_min":
                return operations.maximum(a, b)
            case "minimum" | "clamp_max":
                return operations.minimum(a, b)

    def compare(self, op: CompareOp, a: Interval, b: Interval) -> Integers:
        found = moderate_choices.compared(op, a, b)
        return operations.compare(op, a, b) if found is None else found

    def where(self, condition: Integers, a: Interval, b: Interval) -> Interval:
        shape = np.broadcast_shapes(a.mid.shape, b.mid.shape, condition.shape)
        a, b = self.broadcast(a, shape), self.broadcast(b, shape)
        yes, open_ = (np.broadcast_to(condition == k, shape) for k in (1, -1))
        bare = is_exact(a) and is_exact(b)
        rad = a.rad if bare else selected(yes, a.rad, b.rad)
        result = Interval(selected(yes, a.mid, b.mid), rad, max(a.size, b.size))
        if not open_.any():
            return result
        return measured(patched(result, open_, union(chosen(a, open_), chosen(b, open_))))

    def sum(self, x: Interval, dims: tuple[int, ...], dtype: str) -> Interval:
        found = moderate_reductions.summed(x, dims, self.rounding, dtype)
        return measured(self._summed(x, dims, dtype)) if found is None else found

    def _summed(self, x: Interval, dims: tuple[int, ...], dtype: str) -> Interval:
        mid, rad = _rows(x.mid, dims), _rows(x.rad, dims)
        terms, largest = mid.shape[-1], self.rounding.largest(dtype)
        unit = self.rounding.sum_unit(dtype, terms)
        with np.errstate(all="ignore"):
            finite = np.isfinite(mid) & np.isfinite(rad)
            size = np.where(finite, np.abs(mid) + rad, 0.0).sum(axis=-1) * (1 + 2 * UNIT * terms)
            middle = mid.sum(axis=-1)
            total = Interval(middle, np.where(np.isfinite(middle), rad.sum(axis=-1), 0.0))
            exact = (total.rad == 0) & (size * max(UNIT, self.rounding.unit(dtype)) <= 1) & _all_whole(mid)
            total = widened(
                total, np.where(exact | ~np.isfinite(middle), 0.0, (unit + max(terms - 1, 0) * 2 * UNIT) * size)
            )
            lost = np.isinf(rad).any(axis=-1) | ((size * (1 + unit) > largest) & ~_one_sign(mid, rad))
            lost |= finite.all(axis=-1) & ~np.isfinite(middle) & ~self._certainly_past(mid, rad)
        total = made_unknown(total, np.asarray(lost & ~np.isnan(mid).any(axis=-1)))
        return overflowed(total, largest) if unit else total

    def _certainly_past(self, mid: Floats, rad: Floats) -> npt.NDArray[np.bool_]:
        """Where a sum that float64 cannot hold is an infinity of the format for certain."""
        least = (np.abs(mid) - rad) * (1 - 4 * UNIT * mid.shape[-1])
        return np.isinf(least.sum(axis=-1)) & _one_sign(mid, rad) & (self.overflow == "infinite")

    def dot(self, a: Interval, b: Interval, dims: tuple[int, ...], dtype: str) -> Interval:
        found = moderate_products.dot(a, b, dims, self.rounding, dtype)
        if found is not None:
            return found
        shape = np.broadcast_shapes(a.mid.shape, b.mid.shape)
        return self.sum(self.broadcast(self.binary("mul", a, b, dtype), shape), dims, dtype)

    def logsumexp(self, x: Interval, dims: tuple[int, ...], dtype: str) -> Interval:
        found = moderate_reductions.log_sum_exp(x, dims, self.rounding, dtype)
        return measured(self._logsumexp(x, dims, dtype)) if found is None else found

    def _logsumexp(self, x: Interval, dims: tuple[int, ...], dtype: str) -> Interval:
        """One step, 1-Lipschitz in the largest norm; own error as the balls', with Σ pᵢ·|xᵢ − m| ≤ log n."""
        mid, rad, terms = x.mid, x.rad, math.prod(x.mid.shape[d] for d in dims)
        with np.errstate(all="ignore"):
            top = mid.max(axis=dims, keepdims=True, initial=-np.inf)
            shift = np.where(np.isfinite(top), top, 0.0)
            logarithm = np.log(np.asarray(np.exp(mid - shift).sum(axis=dims)))
            top, shift = top.reshape(logarithm.shape), shift.reshape(logarithm.shape)
            value = np.where(np.isposinf(top), top, logarithm + shift)
            radius = np.asarray(rad.max(axis=dims, initial=0.0))
            most = np.log(max(terms, 1)) * (1 + SLACK)
            steps = most + max(terms - 1, 0) + 2 * (np.abs(value) + radius)
            logs = 1 + np.minimum(most, np.abs(logarithm) + 2 * radius + SLACK)
            own = (steps + functions.COMPOSED_STEPS * logs) * UNIT
            own += (steps + TRANSCENDENTAL * logs) * self.rounding.unit(dtype)
            own += self.rounding.subnormal(dtype) + TINY
            result = widened(Interval(value, radius), np.where(np.isfinite(value), own, 0.0))
        if np.isinf(radius).any():
            result = made_unknown(result, np.asarray(np.isinf(radius) & ~np.isnan(mid).any(axis=dims)))
        return overflowed(result, self.rounding.largest(dtype)) if self.rounding.unit(dtype) else result

    def extremum(self, op: str, x: Interval, dims: tuple[int, ...]) -> Interval:
        if op == "min":
            return functions.negative(self.extremum("max", functions.negative(x), dims))
        if (found := moderate_reductions.extreme(x, dims)) is not None:
            return found
        low, high = bounds(Interval(_rows(x.mid, dims), _rows(x.rad, dims)))
        result = between(low.max(axis=-1), high.max(axis=-1))
        return made_unknown(result, np.isinf(_rows(x.rad, dims)).any(axis=-1) & ~not_numbers(result))

    def alignment_table(
        self, scores: Interval, skips: Integers, begins: Integers, dtype: str, *, onward: bool
    ) -> Interval:
        found = interval_alignments.table(scores, skips, begins, self.rounding, dtype, onward=onward)
        return step_by_step(self, scores, skips, begins, dtype, onward=onward) if found is None else found

    def sum_in_turn(self, parts: Sequence[Interval], rows: int, dtype: str) -> Interval:
        found = interval_alignments.sum_in_turn(parts, self.rounding, dtype)
        return one_after_the_other(self, parts, rows, dtype) if found is None else found

    def take(self, x: Interval, index: Integers, dim: int) -> Interval:
        size = x.mid.shape[dim]
        lead = np.broadcast_shapes(x.mid.shape[:dim], index.shape[:dim])
        picked = np.broadcast_to(index, (*lead, 1))
        inside = (picked >= 0) & (picked < size)
        if not size:
            return exactly(np.zeros(picked.shape))
        place = picked if inside.all() else np.clip(picked, 0, size - 1)
        mid = np.take_along_axis(np.broadcast_to(x.mid, (*lead, size)), place, dim)
        if is_exact(x):
            return Interval(np.where(inside, mid, 0.0), np.broadcast_to(np.float64(0.0), mid.shape), x.size)
        rad = np.take_along_axis(np.broadcast_to(x.rad, (*lead, size)), place, dim)
        if inside.all():
            return Interval(mid, rad, x.size)
        return Interval(np.where(inside, mid, 0.0), np.where(inside, rad, 0.0), x.size)

    def concatenate(self, parts: Sequence[Interval], dim: int) -> Interval:
        return Interval(
            np.concatenate([x.mid for x in parts], axis=dim),
            np.concatenate([x.rad for x in parts], axis=dim),
            max((x.size for x in parts), default=0.0),
        )

    def reshape(self, x: Interval, order: tuple[int, ...], shape: tuple[int, ...]) -> Interval:
        mid = x.mid.transpose(order).reshape(shape)
        rad = np.broadcast_to(np.float64(0.0), mid.shape) if is_exact(x) else x.rad.transpose(order).reshape(shape)
        return Interval(mid, rad, x.size)

    def broadcast(self, x: Interval, shape: tuple[int, ...]) -> Interval:
        return Interval(np.broadcast_to(x.mid, shape), np.broadcast_to(x.rad, shape), x.size)

    def reach(self, x: Interval) -> tuple[float, float]:
        low, high = (np.abs(end) for end in bounds(x))
        across, zero = x.rad >= np.abs(x.mid), is_zero(x)
        least = np.where(across, 0.0, np.minimum(low, high))[~zero & np.isfinite(x.mid)]
        most = np.maximum(low, high)[np.isfinite(high) & np.isfinite(low)]
        return float(least.min(initial=math.inf)), float(most.max(initial=0.0))

    def loosened(self, x: Interval, error: float, parts: Sequence[Interval], dtype: str) -> Interval:
        x = self.broadcast(x, np.broadcast_shapes(x.mid.shape, *(part.mid.shape for part in parts)))
        kept = ~np.isfinite(x.mid)
        for part in parts:
            kept = kept | is_zero(part)
        return measured(overflowed(widened(x, np.where(kept, 0.0, error)), self.rounding.largest(dtype)))

    def bounds(self, x: Interval) -> tuple[Floats, Floats]:
        low, high = bounds(x)
        return np.asarray(low), np.asarray(high)

    def _rounded(self, x: Interval, dtype: str, steps: int, op: str) -> Interval:
        """Room for `steps` roundings; what is exact and held by the dtype stays where the rounding is a correct one."""
        unit, tiny, largest = self.rounding.unit(dtype), self.rounding.subnormal(dtype), self.rounding.largest(dtype)
        if not unit:
            return x
        with np.errstate(all="ignore"):
            lost = tiny if steps == ELEMENTARY else self.rounding.underflow(op, dtype)
            error = steps * unit * (np.abs(x.mid) + x.rad) + lost
            exact = x.rad == 0
            if exact.any():
                kept = is_held(x.mid, unit, tiny, largest) if steps == ELEMENTARY else x.mid == 0
                error = np.where(exact & (kept | ~np.isfinite(x.mid)), 0.0, error)
        return overflowed(widened(x, error), largest)


def overflowed(x: Interval, largest: float) -> Interval:
    """What a format with this largest number makes of rounded values: themselves, an infinity, or unknown."""
    if not (np.abs(x.mid) + x.rad > 0.5 * largest).any():
        return x
    low, high = bounds(x)
    above, below = low > largest, high < -largest
    mid = np.where(above, np.inf, np.where(below, -np.inf, x.mid))
    result = Interval(mid, np.where(above | below, 0.0, x.rad))
    straddling = ((high > largest) | (low < -largest)) & ~(above | below)
    return made_unknown(result, np.asarray(straddling, dtype=np.bool_))


def _rows(values: Floats, dims: tuple[int, ...]) -> Floats:
    """The array with some dimensions made one, the last."""
    kept = tuple(d for d in range(values.ndim) if d not in dims)
    count = math.prod(values.shape[d] for d in dims)
    return values.transpose((*kept, *dims)).reshape((*(values.shape[d] for d in kept), count))


def _one_sign(mid: Floats, rad: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray((mid - rad >= 0).all(axis=-1) | (mid + rad <= 0).all(axis=-1))


def _all_whole(values: Floats) -> npt.NDArray[np.bool_]:
    return (values == np.rint(values)).all(axis=-1)
