"""Choices between moderate numbers, by the midpoints where these are further apart than both radii."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explainers.graph.arithmetic import Floats, Integers
from explainers.graph.interval_arrays import SLACK, Interval, is_exact
from explainers.graph.interval_blocks import Place, blocks, room_for
from explainers.graph.interval_functions import negative
from explainers.graph.moderate import General, Left, are_moderate
from explainers.graph.nodes import CompareOp


def compared(op: CompareOp, a: Interval, b: Interval) -> Integers | None:
    """1, 0, or −1 where the sets meet."""
    if not are_moderate(a, b):
        return None
    if op in ("gt", "ge"):
        return compared("lt" if op == "gt" else "le", b, a)
    x, y = _spread(a, b)
    found = np.empty_like(room_for(x.mid.shape, x.mid, y.mid), dtype=np.int8)
    for place, apart, radii in _apart(x, y):
        match op:
            case "lt":
                yes, no = apart < -radii, apart >= radii
            case "le":
                yes, no = apart <= -radii, apart > radii
            case _:
                yes, no = (apart == 0) & (radii == 0), np.abs(apart) > radii
        yes, no = (no, yes) if op == "ne" else (yes, no)
        np.subtract(yes.view(np.int8), (~(yes | no)).view(np.int8), out=found[place])
    return found


def larger(a: Interval, b: Interval, general: General) -> Interval | None:
    """The larger of two, elementwise."""
    if not are_moderate(a, b):
        return None
    x, y = _spread(a, b)
    shape, bare = x.mid.shape, is_exact(a) and is_exact(b)
    mid, left = room_for(shape, x.mid, y.mid), Left(shape)
    rad = x.rad if bare else room_for(shape, x.mid, y.mid)
    for place, apart, radii in _apart(x, y):
        np.maximum(x.mid[place], y.mid[place], out=mid[place])
        if not bare:
            first = apart > 0
            np.multiply(x.rad[place], first, out=rad[place])
            if not is_exact(y):
                rad[place] += y.rad[place] * ~first
            left.add(place, np.abs(apart) < radii)
    return left.patched(Interval(mid, rad, max(a.size, b.size)), general, x, y)


def smaller(a: Interval, b: Interval, general: General) -> Interval | None:
    """The smaller of two, elementwise."""

    def turned(a: Interval, b: Interval) -> Interval:
        return negative(general(negative(a), negative(b)))

    found = larger(negative(a), negative(b), turned)
    return None if found is None else negative(found)


def _spread(a: Interval, b: Interval) -> tuple[Interval, Interval]:
    shape = np.broadcast_shapes(a.mid.shape, b.mid.shape)
    x, y = (Interval(np.broadcast_to(i.mid, shape), np.broadcast_to(i.rad, shape), i.size) for i in (a, b))
    return x, y


def _apart(x: Interval, y: Interval) -> Iterator[tuple[Place, Floats, Floats]]:
    """Block by block how far apart the midpoints are, and both radii together, with room for rounding either."""
    for place in blocks(x.mid.shape):
        radii = x.rad[place] + y.rad[place]
        radii *= 1 + 8 * SLACK
        yield place, np.subtract(x.mid[place], y.mid[place]), radii
