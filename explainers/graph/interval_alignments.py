"""The table of a sum over alignments as midpoint-radius arrays: midpoints step by step, errors at once.

A step's log Σ is 1-Lipschitz in the largest norm, so a radius is the largest of those of the ways there, and the
step's own: that of the float64 midpoint, and that of the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

import numpy as np

from explainers.graph.alignments import unbegun
from explainers.graph.arithmetic import Floats, Integers
from explainers.graph.interval_arrays import SLACK, TINY, UNIT, Interval
from explainers.graph.interval_functions import COMPOSED_STEPS
from explainers.graph.rounding import TRANSCENDENTAL, Rounding

WAYS = 3
WORTH_KEEPING = 100_000
_LOGARITHMS = 1 + np.log(WAYS)
_TWO = np.log(2) + 1 + TRANSCENDENTAL * (1 + np.log(2))
"""Units that a log Σ of two terms loses beside those of the terms and of its result."""
_OWN = 32
"""Units that two numpy.logaddexp lose beside those of their results: each has an exp and a log1p of at most log 2, off
by 4 each, and an argument whose rounding moves the exp by at most 1."""


def table(
    scores: Interval, skips: Integers, begins: Integers, rounding: Rounding, dtype: str, *, onward: bool
) -> Interval | None:
    """`Arithmetic.alignment_table` of scores (B, T · S) that are numbers or −inf; None for others, or near overflow."""
    held = by_time(scores.mid, begins, onward)
    if not np.isfinite(scores.rad).all() or np.isnan(held).any() or np.isposinf(held).any():
        return None
    skips, begins = directed(skips, begins, onward)
    mid = table_of_floats(held, skips, begins)
    alive, unit = np.isfinite(mid), rounding.unit(dtype) + UNIT
    own = _own(mid, held, begins, rounding, dtype) + by_time(scores.rad, begins, onward)
    rad = _radii(np.where(alive, own, 0.0), alive, 1 + 16 * unit)
    if not 2 * np.where(alive, np.abs(mid) + rad, 0.0).max(initial=0.0) < rounding.largest(dtype):
        return None
    found, radii = (by_row(part, scores.mid.shape, onward) for part in (mid, rad))
    return Interval(found, radii)


def directed(skips: Integers, begins: Integers, onward: bool) -> tuple[Integers, Integers]:
    """Which states can be reached past another (B, S), and where alignments begin (B, T, S), in the order that a table
    is filled in."""
    return (skips, begins) if onward else (skips[:, ::-1], begins[:, ::-1, ::-1])


def by_time(table: Floats, sizes: Integers, onward: bool) -> Floats:
    """(B, T · S) as (T, B, S), in the order that a table is filled in."""
    found = table.reshape(sizes.shape).transpose(1, 0, 2)
    return found if onward else found[::-1, :, ::-1]


def by_row(table: Floats, sizes: tuple[int, ...], onward: bool) -> Floats:
    """`by_time` undone."""
    return (table if onward else table[::-1, :, ::-1]).transpose(1, 0, 2).reshape(sizes)


def table_of_floats(scores: Floats, skips: Integers, begins: Integers) -> Floats:
    """The table in float64: scores and result (T, B, S).

    One of many elements is kept, since the same midpoints are asked for with each rounding.
    """
    if scores.size <= WORTH_KEEPING:
        return _filled(scores, skips, begins)
    digest = sha256()
    for part in (scores, skips, begins):
        digest.update(np.ascontiguousarray(part).data)
    return _kept(_Asked(digest.digest(), scores, skips, begins))


@dataclass(frozen=True)
class _Asked:
    """What a table is made of, told apart by the digest of its bytes."""

    digest: bytes
    scores: Floats = field(compare=False)
    skips: Integers = field(compare=False)
    begins: Integers = field(compare=False)


@lru_cache(maxsize=2)
def _kept(asked: _Asked) -> Floats:
    found = _filled(asked.scores, asked.skips, asked.begins)
    found.flags.writeable = False
    return found


def _filled(scores: Floats, skips: Integers, begins: Integers) -> Floats:
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
                np.copyto(found, -np.inf, where=unbegun(begins, t))
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


def _radii(own: Floats, alive: Integers, growth: float) -> Floats:
    """What all steps before may have lost, each at most what its states up to this one do, and the step's own: each
    way comes from those states alone. 0 of −inf."""
    steps = len(own)
    most = np.maximum.accumulate(own, axis=2)
    gathered = np.cumsum(most, axis=0) - most + own
    return gathered * alive * (growth**steps * (1 + SLACK) * (1 + 2 * UNIT * steps))


def sum_in_turn(parts: Sequence[Interval], rounding: Rounding, dtype: str) -> Interval | None:
    """`Arithmetic.sum_in_turn` of numbers or −inf; None for others, or near overflow.

    1-Lipschitz in the largest norm; a partial sum is no larger than the largest part and log n.
    """
    mid, count = np.stack([part.mid for part in parts]), len(parts)
    radius = np.asarray(np.maximum.reduce([part.rad for part in parts]))
    if not np.isfinite(radius).all() or np.isnan(mid).any() or np.isposinf(mid).any():
        return None
    numbers, most = np.isfinite(mid), np.log(count) * (1 + SLACK)
    sizes = np.where(numbers, np.abs(mid), 0.0).max(axis=0) + radius + most
    if not 4 * (sizes.max(initial=0.0) + count) < rounding.largest(dtype):
        return None
    top = mid.max(axis=0)
    shift = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(all="ignore"):
        value = np.log(np.asarray(np.exp(mid - shift).sum(axis=0))) + shift
    unit, added = rounding.unit(dtype), np.maximum(numbers.sum(axis=0) - 1, 0)
    own = added * ((_TWO + 2 * sizes) * unit * (1 + 4 * count * unit) + rounding.subnormal(dtype))
    own += (added > 0) * ((most + count + 2 * sizes + COMPOSED_STEPS * (1 + most)) * UNIT + TINY)
    return Interval(value, np.where(np.isfinite(value), (radius + own) * (1 + SLACK), 0.0))
