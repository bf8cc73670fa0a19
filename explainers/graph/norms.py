"""p-norms with torch's own backward (FunctionsManual.cpp, norm_backward): 0 where the norm is 0."""

from __future__ import annotations

import math
from fractions import Fraction

from explainers.graph import ops
from explainers.graph.nodes import Axes, Node
from explainers.graph.scalars import constant

HALVES = ("float16", "bfloat16")


def norm(x: Node, p: float, over: Axes) -> Node:
    """(Σ |x|^p)^(1/p) over the axes; the largest |x| for p = inf, the smallest for −inf, how many are not 0 for 0.

    Half precision is added up in float32 and rounded once.
    """
    if p == 0:
        return ops.stop_gradient(ops.sum(ops.cast(ops.compare("ne", x, 0), x.dtype), over))
    wide = ops.cast(x, "float32") if x.dtype in HALVES else x
    size = ops.unary("abs", wide)
    if math.isinf(p):
        return ops.cast(ops.extremum("max" if p > 0 else "min", size, over), x.dtype)
    if p == 1:
        return ops.cast(ops.sum(size, over), x.dtype)
    if p == 2:
        length = ops.cast(ops.unary("sqrt", ops.sum(ops.square(wide), over)), x.dtype)
        return _with_backward(length, x, ops.div(x, length), over)
    total = ops.sum(ops.binary("pow", size, p), over)
    length = ops.cast(ops.binary("pow", total, constant(1 / Fraction(repr(float(p))))), x.dtype)
    return _with_backward(length, x, _slope(x, length, p), over)


def _slope(x: Node, length: Node, p: float) -> Node:
    size, scale = ops.unary("abs", x), ops.binary("pow", length, p - 1)
    if p < 1:
        steep = ops.where(ops.compare("eq", x, 0), 0, ops.binary("pow", size, p - 1))
        return ops.mul(ops.mul(ops.unary("sign", x), steep), ops.binary("pow", length, 1 - p))
    if p < 2:
        return ops.div(ops.mul(ops.unary("sign", x), ops.binary("pow", size, p - 1)), scale)
    return ops.div(ops.mul(x, ops.binary("pow", size, p - 2)), scale)


def _with_backward(length: Node, x: Node, slope: Node, over: Axes) -> Node:
    """torch's backward; along an axis that x does not have it was repeated, and each copy has its share."""
    copies = ops.count(axis for axis in over if axis not in x.axes)
    return ops.with_gradient(length, ((x, ops.where(ops.compare("eq", length, 0), 0, ops.mul(copies, slope))),))
