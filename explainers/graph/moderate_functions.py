"""Functions of one argument on moderate numbers, by midpoint and slope: one evaluation instead of one at each end.

With r ≤ 1, e^r − 1 ≤ r + r² and, with q ≤ 1/2, −log(1 − q) ≤ q + q² (both from their series). Over [m − r, m + r]
e^x moves by at most e^m·(e^r − 1), log by −log(1 − r/m), √ by r/√m, tanh by r; the slope σ(1 − σ) of σ and the slope
σ of softplus change by a factor of at most e^|x − m|, and σ ≤ softplus since t/(1 + t) ≤ log(1 + t).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explainers.graph.arithmetic import Floats
from explainers.graph.interval_arrays import SLACK, Interval, Mask, is_exact, largest
from explainers.graph.interval_blocks import blocks, room_for
from explainers.graph.moderate import General, Left, Room, are_moderate
from explainers.graph.nodes import UnaryOp


@dataclass(frozen=True)
class _Kernel:
    """`fill(x, rad x, mid, rad)` fills a block and may name elements that it cannot; results of arguments up to s are
    at most `size(s)` with their propagated radii."""

    fill: Callable[[Floats, Floats, Floats, Floats], Mask | None]
    size: Callable[[float], float]
    narrow: bool = True


def function(op: UnaryOp, x: Interval, room: Room, general: General) -> Interval | None:
    """A rounded function by name; None for one that has no kernel."""
    kernel = _KERNELS.get(op)
    if kernel is None or not are_moderate(x) or (kernel.narrow and not largest(x.rad) <= 1):
        return None
    mid, rad, left = room_for(x.mid.shape, x.mid), room_for(x.mid.shape, x.mid), Left(x.mid.shape)
    for place in blocks(x.mid.shape):
        m, r, given = mid[place], rad[place], x.rad[place]
        with np.errstate(all="ignore"):
            off = kernel.fill(x.mid[place], given, m, r)
            room.grown(m, r)
        if off is not None or not m.all():
            left.add(place, ((m == 0) & (given == 0)) | (False if off is None else off))
    found = room.sized(mid, rad, kernel.size(x.size))
    return left.patched(found, general, x) if found else None


def _exp(x: Floats, rad: Floats, m: Floats, r: Floats) -> None:
    np.exp(x, out=m)
    _risen(rad, r)
    r *= m


def _risen(rad: Floats, r: Floats) -> None:
    """rad + rad², which e^rad − 1 does not exceed."""
    np.add(rad, 1.0, out=r)
    r *= rad


def _log(x: Floats, rad: Floats, m: Floats, r: Floats) -> Mask | None:
    np.log(x, out=m)
    return _of_ratio(rad / x, r, x > 0)


def _log1p(x: Floats, rad: Floats, m: Floats, r: Floats) -> Mask | None:
    np.log1p(x, out=m)
    return _of_ratio(rad / (x + 1.0), r, x > -1)


def _of_ratio(q: Floats, r: Floats, inside: Mask) -> Mask | None:
    np.add(q, 1.0, out=r)
    r *= q
    inside &= q <= 0.5
    return None if inside.all() else ~inside


def _sqrt(x: Floats, rad: Floats, m: Floats, r: Floats) -> Mask | None:
    np.sqrt(x, out=m)
    np.divide(rad, m, out=r)
    good = (x > 0) & (rad <= x)
    return None if good.all() else ~good


def _sigmoid(x: Floats, rad: Floats, m: Floats, r: Floats) -> None:
    """e^min(x, 0) / (1 + e^−|x|)."""
    below = np.exp(-np.abs(x))
    below += 1.0
    np.exp(np.minimum(x, 0.0), out=m)
    m /= below
    _risen(rad, r)
    r *= m
    r *= 1.0 + SLACK - m


def _softplus(x: Floats, rad: Floats, m: Floats, r: Floats) -> None:
    np.log1p(np.exp(-np.abs(x)), out=m)
    m += np.maximum(x, 0.0)
    _risen(rad, r)
    r *= np.minimum(m, 1.0)


def _logsigmoid(x: Floats, rad: Floats, m: Floats, r: Floats) -> None:
    _softplus(-x, rad, m, r)
    np.negative(m, out=m)


def _tanh(x: Floats, rad: Floats, m: Floats, r: Floats) -> None:
    np.tanh(x, out=m)
    r[...] = rad


def _raised(size: float) -> float:
    return 3 * math.exp(size) if size < 250 else math.inf


_KERNELS: dict[UnaryOp, _Kernel] = {
    "exp": _Kernel(_exp, _raised),
    "log": _Kernel(_log, lambda size: 1000.0, narrow=False),
    "log1p": _Kernel(_log1p, lambda size: 1000.0, narrow=False),
    "sqrt": _Kernel(_sqrt, lambda size: 2 * math.sqrt(size), narrow=False),
    "sigmoid": _Kernel(_sigmoid, lambda size: 3.0),
    "softplus": _Kernel(_softplus, lambda size: size + 4),
    "logsigmoid": _Kernel(_logsigmoid, lambda size: size + 4),
    "tanh": _Kernel(_tanh, lambda size: 2.0),
}


def piecewise(op: UnaryOp, x: Interval, general: General) -> Interval | None:
    """abs, relu or sign, which nothing rounds; None for another one."""
    if op not in ("abs", "relu", "sign") or not are_moderate(x):
        return None
    mid, left, none = room_for(x.mid.shape, x.mid), Left(x.mid.shape), np.broadcast_to(np.float64(0.0), x.mid.shape)
    rad = none if op == "sign" else room_for(x.mid.shape, x.mid) if op == "relu" and not is_exact(x) else x.rad
    for place in blocks(x.mid.shape):
        m, given, made = x.mid[place], x.rad[place], mid[place]
        if op == "relu":
            np.maximum(m, 0.0, out=made)
        else:
            (np.abs if op == "abs" else np.sign)(m, out=made)
        if not is_exact(x):
            left.add(place, (np.abs(m) <= given) & (given > 0))
            if op == "relu":
                np.multiply(given, m > 0, out=rad[place])
    return left.patched(Interval(mid, rad, 1.0 if op == "sign" else x.size), general, x)
