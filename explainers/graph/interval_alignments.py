"""The table of a sum over alignments as midpoint-radius arrays: midpoints step by step, errors at once.

A step's log Σ is 1-Lipschitz in the largest norm, so a radius is the largest of those of the ways there, and the
step's own: that of the float64 midpoint, and that of the program.
"""

from __future__ import annotations

import numpy as np

from explainers.graph.arithmetic import Floats, Integers
from explainers.graph.interval_arrays import SLACK, TINY, UNIT, Interval
from explainers.graph.rounding import TRANSCENDENTAL, Rounding

WAYS = 3
_LOGARITHMS = 1 + np.log(WAYS)
_OWN = 32
"""Units that two numpy.logaddexp lose beside those of their results: each has an exp and a log1p of at most log 2, off
by 4 each, and an argument whose rounding moves the exp by at most 1."""


def table(scores: Interval, skips: Integers, begins: Integers, rounding: Rounding, dtype: str) -> Interval | None:
    """`Arithmetic.alignment_table` of scores (B, T · S) that are numbers or −inf; None for others, or near overflow."""
    by_time = scores.mid.reshape(begins.shape).transpose(1, 0, 2)
    if not np.isfinite(scores.rad).all() or np.isnan(by_time).any() or np.isposinf(by_time).any():
        return None
    mid = table_of_floats(by_time, skips, begins)
    own = _own(mid, by_time, begins, rounding, dtype) + scores.rad.reshape(begins.shape).transpose(1, 0, 2)
    unit = rounding.unit(dtype) + UNIT
    rad = _radii(np.where(np.isfinite(mid), own, 0.0), np.isfinite(mid), skips, 1 + 16 * unit)
    if not 2 * np.where(np.isfinite(mid), np.abs(mid) + rad, 0.0).max(initial=0.0) < rounding.largest(dtype):
        return None
    found, radii = (part.transpose(1, 0, 2).reshape(scores.mid.shape) for part in (mid, rad))
    return Interval(found, radii)


def table_of_floats(scores: Floats, skips: Integers, begins: Integers) -> Floats:
    """The table in float64: scores and result (T, B, S)."""
    _, batch, width = scores.shape
    result, closed = np.empty(scores.shape), np.where(skips, 0.0, -np.inf)
    before = np.full((batch, width + 2), -np.inf)  # two states in front that nothing comes from
    row, near, far, skipped = before[:, 2:], before[:, 1:-1], before[:, :-2], np.empty(closed.shape)
    starting = np.asarray(begins.any(axis=(0, 2)))
    with np.errstate(all="ignore"):
        for t, (score, found) in enumerate(zip(scores, result, strict=True)):
            np.add(far, closed, out=skipped)
            np.logaddexp(row, near, out=found)
            np.logaddexp(found, skipped, out=found)
            np.add(found, score, out=found)
            if starting[t]:
                np.copyto(found, score, where=begins[:, t])
            row[...] = found
    return result


def _own(mid: Floats, scores: Floats, begins: Integers, rounding: Rounding, dtype: str) -> Floats:
    """What each step may lose by itself; where an alignment begins, nothing.

    As in `moderate_reductions.log_sum_exp` of three, and one sum.
    """
    with np.errstate(all="ignore"):
        sizes = (np.abs(mid) + 2 * np.abs(mid - scores)) * (1 + SLACK)
        steps = np.log(WAYS) + WAYS - 1 + TRANSCENDENTAL * _LOGARITHMS + sizes
        own: Floats = steps * rounding.unit(dtype) + (sizes + _OWN) * UNIT + 2 * rounding.subnormal(dtype) + TINY
    own[begins.transpose(1, 0, 2)] = 0.0
    return own


def _radii(own: Floats, alive: Integers, skips: Integers, growth: float) -> Floats:
    """The largest radius of the ways there, grown by what is lost of it, and the step's own; 0 of −inf."""
    _, batch, width = own.shape
    result, opened = own * (1 + SLACK), skips.astype(np.float64)
    before, skipped = np.zeros((batch, width + 2)), np.empty(opened.shape)
    row, near, far = before[:, 2:], before[:, 1:-1], before[:, :-2]
    for factor, found in zip(alive * (growth * (1 + SLACK)), result, strict=True):
        np.multiply(far, opened, out=skipped)
        np.maximum(row, near, out=row)
        np.maximum(row, skipped, out=row)
        np.multiply(row, factor, out=row)
        np.add(found, row, out=found)
        row[...] = found
    return result
