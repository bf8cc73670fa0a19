"""Sums of products of moderate numbers by matrix products of midpoints and radii.

A · B with |A| ≤ A' = |mid A| + rad A and B' alike: the products of the midpoints are off by at most
|mid A|·rad B + rad A·B', any order of multiplying and adding n terms by n·u·A'·B' (Jeannerod and Rump, Improved Error
Bounds for Inner Products in Floating-Point Arithmetic, 2013, theorem 4.1 and the one before it), be it float64's here
or the program's, and every product by what underflows.
"""

from __future__ import annotations

import math

import numpy as np

from explainers.graph.arithmetic import Floats
from explainers.graph.contraction import Dims, contracted
from explainers.graph.interval_arrays import SLACK, TINY, UNIT, Interval, is_exact
from explainers.graph.moderate import MODERATE, are_moderate
from explainers.graph.rounding import Rounding


def dot(a: Interval, b: Interval, dims: Dims, rounding: Rounding, dtype: str) -> Interval | None:
    """Σ a · b over dimensions, each product rounded and then their sum; None where that is no matrix product."""
    terms = math.prod(a.mid.shape[d] for d in dims)
    slack = 1 + 8 * UNIT * max(terms, 4)
    size = 2 * a.size * b.size * terms * slack
    if not (are_moderate(a, b) and 2 * size <= min(MODERATE, rounding.largest(dtype))):
        return None
    middle = contracted(a.mid, b.mid, dims)
    if middle is None:
        return None
    first, second = np.abs(a.mid), np.abs(b.mid)
    most, radii = _product(first + a.rad, second + b.rad, dims), np.zeros(middle.shape)
    if not is_exact(b):
        radii = radii + _product(first, b.rad, dims)
    if not is_exact(a):
        radii = radii + _product(a.rad, second + b.rad, dims)
    unit, least = rounding.unit(dtype), terms * (rounding.subnormal(dtype) + TINY)
    moved = unit + rounding.sum_unit(dtype, terms) * (1 + unit) + 2 * terms * UNIT
    rad = (radii + moved * most) * slack * (1 + SLACK) + least
    return Interval(middle, rad * ~_exact(a, b, most * slack, dims, max(unit, UNIT)), size)


def _product(a: Floats, b: Floats, dims: Dims) -> Floats:
    found = contracted(a, b, dims)
    if found is None:
        raise ValueError("the radii have another shape than the midpoints")
    return found


def _exact(
    a: Interval, b: Interval, most: Floats, dims: Dims, unit: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Where all products are exactly 0, or whole numbers whose sum is held."""
    exact = np.zeros(most.shape, dtype=bool)
    if is_exact(a) and is_exact(b) and all((x.mid == np.rint(x.mid)).all() for x in (a, b)):
        return most * unit <= 1
    if not most.all():
        some = [((x.mid != 0) | (x.rad != 0)).astype(np.float64) for x in (a, b)]
        exact = _product(some[0], some[1], dims) == 0
    return exact
