"""Midpoint-radius arrays of moderate finite numbers: the same sets in a few passes over each block.

What is infinite, unknown or not a number asks for a choice at every element, and few arrays have any: `Interval.size`
bounds the elements, and while operands and result stay below `MODERATE` nothing here overflows. Each function returns
None where that is not so; then the general one is right. Where it is right for a
few elements alone, `Left` gathers them for it.

A result is m ± (r + own·|m|) before a floating program rounds it, m computed in float64 with that relative error and
r propagated from the operands' radii; rounding moves any number s of that set by at most k·u·|s| + lost. Both add up
to r·(1 + ku) + |m|·(own + ku + own·ku) + lost, which `Room` holds; the few roundings of computing that bound, and r
itself, are in its `SLACK` and `TINY`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explainers.graph.arithmetic import Floats
from explainers.graph.interval_arrays import SLACK, TINY, Interval, Mask, chosen, is_exact, largest
from explainers.graph.interval_blocks import Place, blocks, room_for
from explainers.graph.moderate_exact import Format, exact_result, is_kept
from explainers.graph.rounding import ELEMENTARY, Rounding

MODERATE = 2.0**400
Elementary = Literal["add", "sub", "mul", "div"]
General = Callable[..., Interval]
"""The same operation on intervals of any kind, for the elements that a kernel leaves to it."""


@dataclass(frozen=True)
class Room:
    """By how much a radius grows: `rad` times, by `mid` of the midpoint, and by `lost`; a result beyond `most` may
    overflow. `format` is what results are rounded to."""

    rad: float
    mid: float
    lost: float
    most: float
    format: Format

    @staticmethod
    def of(rounding: Rounding, dtype: str, steps: int, op: str, own: float) -> Room:
        """The room that an operation needs whose float64 result is off by at most `own`, relative."""
        unit, tiny = rounding.unit(dtype), rounding.subnormal(dtype)
        moved, slack = steps * unit, 1 + 8 * SLACK
        lost = (tiny if steps == ELEMENTARY else rounding.underflow(op, dtype)) if unit else 0.0
        least = lost * (1 + SLACK) + 16 * TINY
        most = rounding.largest(dtype)
        return Room((1 + moved) * slack, (own + moved + own * moved) * slack, least, most, (unit, tiny, most))

    def grown(self, mid: Floats, rad: Floats) -> None:
        """The radii, in place."""
        size = np.abs(mid)
        size *= self.mid
        rad *= self.rad
        rad += size
        rad += self.lost

    def sized(self, mid: Floats, rad: Floats, guess: float) -> Interval | None:
        """The interval, if its size, before rounding at most this guess, says that nothing overflows."""
        bound = guess * (1 + 2 * self.mid) * self.rad + 2 * self.lost
        if not 2 * bound <= min(MODERATE, self.most):
            bound = (largest(mid) + largest(rad)) * (1 + SLACK)
        return Interval(mid, rad, bound) if 2 * bound <= min(MODERATE, self.most) else None


class Left:
    """The elements of an array that a kernel leaves to the general operation."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._where: Mask | None = None

    def add(self, place: Place, where: Mask) -> None:
        """Leaves the elements of a block that a mask names."""
        if where.any():
            if self._where is None:
                self._where = np.zeros(self._shape, dtype=bool)
            self._where[place] = where

    def patched(self, found: Interval, general: General, *operands: Interval) -> Interval:
        """The interval with those elements done in general."""
        if self._where is None:
            return found
        again = general(*(chosen(x, self._where) for x in operands))
        mid, rad = np.array(found.mid), np.array(found.rad)
        mid[self._where], rad[self._where] = again.mid, again.rad
        return Interval(mid, rad, max(found.size, (largest(again.mid) + largest(again.rad)) * (1 + SLACK)))


def are_moderate(*arrays: Interval) -> bool:
    """Whether the kernels can take these: not where all are single numbers, which are no arrays to numpy."""
    return all(x.size <= MODERATE for x in arrays) and any(x.mid.ndim for x in arrays)


def elementary(op: Elementary, a: Interval, b: Interval, room: Room) -> Interval | None:
    """a + b, a − b, a · b or a / b, rounded."""
    least = _least(b) if op == "div" else 1.0
    if not (are_moderate(a, b) and least > 1 / MODERATE):
        return None
    guess = {"add": a.size + b.size, "sub": a.size + b.size, "mul": a.size * b.size, "div": a.size / least}[op]
    shape = np.broadcast_shapes(a.mid.shape, b.mid.shape)
    x, y = (Interval(np.broadcast_to(i.mid, shape), np.broadcast_to(i.rad, shape)) for i in (a, b))
    mid, rad = room_for(shape, x.mid, y.mid), room_for(shape, x.mid, y.mid)
    if is_exact(a) and is_exact(b):
        rad = _exactly(op, x, y, (mid, rad), room)
    else:
        for place in blocks(shape):
            here, there, m, r = _at(x, place), _at(y, place), mid[place], rad[place]
            _KERNELS[op](here, there, m, r)
            bare = bool(r.size and r.min() == 0)
            room.grown(m, r)
            if bare:
                r *= ~_exact(op, here, there, m, room)
    return room.sized(mid, rad, guess)


def squared(x: Interval, room: Room) -> Interval | None:
    """x², as x · x is, with the radius rad x·(2·|x| + rad x)."""
    if is_exact(x) or not are_moderate(x):
        return elementary("mul", x, x, room)
    mid, rad = room_for(x.mid.shape, x.mid), room_for(x.mid.shape, x.mid)
    for place in blocks(x.mid.shape):
        here, m, r = _at(x, place), mid[place], rad[place]
        np.multiply(here.mid, here.mid, out=m)
        np.abs(here.mid, out=r)
        r *= 2.0
        r += here.rad
        r *= here.rad
        bare = bool(r.size and r.min() == 0)
        room.grown(m, r)
        if bare:
            r *= ~_exact("mul", here, here, m, room)
    return room.sized(mid, rad, x.size * x.size)


def _at(x: Interval, place: Place) -> Interval:
    return Interval(x.mid[place], x.rad[place])


def _exactly(op: Elementary, x: Interval, y: Interval, found: tuple[Floats, Floats], room: Room) -> Floats:
    """Fills in what exact numbers come to; the radii, one shared zero where everything stays exact."""
    (mid, rad), inexact = found, False
    for place in blocks(mid.shape):
        m, r = mid[place], rad[place]
        exact = exact_result(op, x.mid[place], y.mid[place], m, room.format)
        inexact |= not exact.all()
        r[...] = 0.0
        room.grown(m, r)
        r *= ~exact
    return rad if inexact else np.broadcast_to(np.float64(0.0), mid.shape)


def _exact(op: Elementary, x: Interval, y: Interval, mid: Floats, room: Room) -> Mask:
    """Where operands without a radius have an exact result, or one of them makes it 0 whatever the other is."""
    first, second = x.rad == 0, y.rad == 0
    exact = first & second
    if exact.any():
        exact &= exact_result(op, x.mid, y.mid, mid, room.format)
    if op in ("mul", "div"):
        exact |= first & (x.mid == 0)
    return exact | (second & (y.mid == 0)) if op == "mul" else exact


def _least(b: Interval) -> float:
    """A bound below |b|, not above 0 where b may be 0."""
    if not b.mid.size:
        return 1.0
    size = np.abs(b.mid)
    if is_exact(b):
        return float(size.min())
    size -= b.rad
    return float(size.min()) * (1 - SLACK) - TINY


def _added(x: Interval, y: Interval, mid: Floats, rad: Floats) -> None:
    np.add(x.mid, y.mid, out=mid)
    np.add(x.rad, y.rad, out=rad)


def _subtracted(x: Interval, y: Interval, mid: Floats, rad: Floats) -> None:
    np.subtract(x.mid, y.mid, out=mid)
    np.add(x.rad, y.rad, out=rad)


def _multiplied(x: Interval, y: Interval, mid: Floats, rad: Floats) -> None:
    """The radius is |x|·rad y + rad x·(|y| + rad y)."""
    np.multiply(x.mid, y.mid, out=mid)
    if is_exact(y):
        x, y = y, x
    np.abs(x.mid, out=rad)
    rad *= y.rad
    if not is_exact(x):
        rad += (np.abs(y.mid) + y.rad) * x.rad


def _divided(x: Interval, y: Interval, mid: Floats, rad: Floats) -> None:
    """The radius is (rad x + |x / y|·rad y) / (|y| − rad y)."""
    np.divide(x.mid, y.mid, out=mid)
    least = np.abs(y.mid)
    if is_exact(y):
        np.divide(x.rad, least, out=rad)
        return
    least -= y.rad
    np.abs(mid, out=rad)
    rad *= y.rad
    rad += x.rad
    rad /= least * (1 - SLACK) - TINY


_KERNELS: dict[Elementary, Callable[[Interval, Interval, Floats, Floats], None]] = {
    "add": _added,
    "sub": _subtracted,
    "mul": _multiplied,
    "div": _divided,
}


def rounded(x: Interval, room: Room) -> Interval | None:
    """The numbers rounded once more."""
    if not are_moderate(x):
        return None
    rad = room_for(x.mid.shape, x.mid)
    for place in blocks(x.mid.shape):
        m, r = x.mid[place], rad[place]
        r[...] = x.rad[place]
        bare = r == 0 if r.size and r.min() == 0 else None
        room.grown(m, r)
        if bare is not None:
            r *= ~(bare & is_kept(m, room.format))
    return room.sized(x.mid, rad, x.size)
