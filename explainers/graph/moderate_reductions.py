"""Sums, extremes and log Σ exp of moderate numbers over dimensions as they lie in memory."""

from __future__ import annotations

import math

import numpy as np

from explainers.graph.interval_arrays import SLACK, TINY, UNIT, Interval, between, exactly, is_exact, largest
from explainers.graph.interval_functions import COMPOSED_STEPS
from explainers.graph.moderate import MODERATE, are_moderate
from explainers.graph.rounding import TRANSCENDENTAL, Rounding

Dims = tuple[int, ...]


def summed(x: Interval, dims: Dims, rounding: Rounding, dtype: str) -> Interval | None:
    """The sum, off by at most (n − 1)·u·Σ|xᵢ| in whatever order a program adds, and float64's own as much again.

    Whole numbers without a radius add up exactly while their sum is held.
    """
    terms = math.prod(x.mid.shape[d] for d in dims)
    unit, most = rounding.sum_unit(dtype, terms), rounding.largest(dtype)
    slack = 1 + 4 * UNIT * max(terms, 4)
    if not are_moderate(x) or not 4 * x.size * terms * slack <= min(most, MODERATE):
        return None
    middle, radii = np.asarray(x.mid.sum(axis=dims)), np.asarray(x.rad.sum(axis=dims))
    size = (np.asarray(np.abs(x.mid).sum(axis=dims)) + radii) * slack
    error = (unit + max(terms - 1, 0) * 2 * UNIT) * size
    if is_exact(x) or not radii.all():
        whole = (x.mid == np.rint(x.mid)).all(axis=dims)
        error = error * ~((radii == 0) & (size * max(UNIT, rounding.unit(dtype)) <= 1) & whole)
    rad = np.where(error > 0, (radii * slack + error) * (1 + SLACK) + TINY, radii * slack)
    return Interval(middle, rad, 2 * x.size * terms * slack)


def extreme(x: Interval, dims: Dims) -> Interval | None:
    """The largest element."""
    if not are_moderate(x) or not x.mid.size:
        return None
    if is_exact(x):
        return exactly(np.asarray(x.mid.max(axis=dims)))
    room = np.abs(x.mid)
    room += x.rad
    room *= SLACK
    room *= x.rad > 0
    room += x.rad
    return between(np.asarray((x.mid - room).max(axis=dims)), np.asarray((x.mid + room).max(axis=dims)))


def log_sum_exp(x: Interval, dims: Dims, rounding: Rounding, dtype: str) -> Interval | None:
    """One step, 1-Lipschitz in the largest norm; its own error as the balls', with Σ pᵢ·|xᵢ − m| ≤ log n."""
    terms = math.prod(x.mid.shape[d] for d in dims)
    if not (terms and are_moderate(x) and 4 * (x.size + terms) <= rounding.largest(dtype)):
        return None
    top = x.mid.max(axis=dims, keepdims=True)
    shifted = x.mid - top
    np.exp(shifted, out=shifted)
    logarithm = np.log(np.asarray(shifted.sum(axis=dims)))
    value = logarithm + top.reshape(logarithm.shape)
    radius = np.zeros(value.shape) if is_exact(x) else np.asarray(x.rad.max(axis=dims))
    most = math.log(terms) * (1 + SLACK)
    steps = most + terms - 1 + 2 * (np.abs(value) + radius)
    logs = 1 + np.minimum(most, np.abs(logarithm) + 2 * radius + SLACK)
    own = (steps + COMPOSED_STEPS * logs) * UNIT
    own += (steps + TRANSCENDENTAL * logs) * rounding.unit(dtype)
    own += rounding.subnormal(dtype) + TINY
    rad = (radius + own) * (1 + SLACK) + TINY
    return Interval(value, rad, (largest(value) + largest(rad)) * (1 + SLACK))
