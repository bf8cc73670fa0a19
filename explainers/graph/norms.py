"""p-norms with torch's own backward (FunctionsManual.cpp, norm_backward): 0 where the norm is 0."""

from __future__ import annotations

import math
from fractions import Fraction

from explainers.graph import ops
from explainers.graph.nodes import Axes, Node
from explainers.graph.scalars import constant


def norm(x: Node, p: float, over: Axes, dims: int) -> Node:
    """(Σ |x|^p)^(1/p) over the axes; the largest |x| for p = inf, the smallest for −inf, how many are not 0 for 0.

    Half precision is added up in float32 and rounded once. Along a dimension of length 1 it is |x|, with no power on
    the way that may overflow; a tensor that has no `dims` at all takes that way.
    """
    if p == 0:
        return ops.stop_gradient(ops.sum(ops.cast(ops.compare("ne", x, 0), x.dtype), over))
    wide = ops.cast(x, "float32") if x.dtype in ops.HALVES else x
    size = ops.unary("abs", wide)
    if math.isinf(p):
        return _most(x, size, "max" if p > 0 else "min", over)
    if p == 1:
        return ops.cast(ops.sum(size, over), x.dtype)
    if p == 2:
        length = size if dims and not over else ops.unary("sqrt", ops.sum(ops.square(wide), over))
        length = ops.cast(length, x.dtype)
        return _with_backward(length, x, ops.div(x, length), over)
    total = ops.sum(ops.binary("pow", size, p), over)
    length = size if dims and not over else ops.binary("pow", total, constant(1 / Fraction(repr(float(p)))))
    length = ops.cast(length, x.dtype)
    return _steep(length, x, p, over) if p < 1 else _powered(length, x, p, over)


def _most(x: Node, size: Node, op: str, over: Axes) -> Node:
    """The largest or smallest |x|, of whose gradient every x that reaches it or is not a number has its share."""
    length = ops.extremum(op, size, over)
    hit, lost = ops.cast(ops.compare("eq", size, length), size.dtype), ops.where(ops.compare("ne", x, x), 1, 0)
    share = ops.div(ops.add(hit, lost), ops.add(ops.sum(hit, over), ops.sum(lost, over)))
    slope = ops.mul(ops.count(axis for axis in over if axis not in x.axes), ops.mul(ops.unary("sign", x), share))
    return ops.cast(ops.with_gradient(length, ((x, slope),)), x.dtype)


def _powered(length: Node, x: Node, p: float, over: Axes) -> Node:
    """The length with torch's backward: g / length^(p − 1), 0 where the length is 0, times x · |x|^(p − 2)."""
    scale = ops.with_gradient(ops.alone("pow", length, p - 1), ())
    scaled = ops.with_gradient(x, ((x, ops.mul(ops.count(a for a in over if a not in x.axes), _scaled(x, p))),))
    through = ops.div(ops.where(ops.compare("eq", length, 0), 0, scaled), scale)
    return ops.with_gradient(length, ((through, ops.constant(1)),))


def _scaled(x: Node, p: float) -> Node:
    size = ops.unary("abs", x)
    if p < 2:
        return ops.mul(ops.unary("sign", x), ops.alone("pow", size, p - 1))
    return ops.alone("mul", x, size if p == 3 else ops.alone("pow", size, p - 2))


def _steep(length: Node, x: Node, p: float, over: Axes) -> Node:
    """The length with torch's backward for p < 1: g times |x|^(p − 1), which is left out of 0, times length^(1 − p)."""
    copies = ops.count(axis for axis in over if axis not in x.axes)
    size = ops.mul(ops.unary("sign", x), ops.alone("pow", ops.unary("abs", x), p - 1))
    steep = ops.with_gradient(ops.where(ops.compare("eq", x, 0), 0, size), ())
    scaled = ops.with_gradient(x, ((x, ops.mul(copies, ops.alone("pow", length, 1 - p))),))
    return ops.with_gradient(length, ((ops.mul(scaled, steep), ops.constant(1)),))


def _with_backward(length: Node, x: Node, slope: Node, over: Axes) -> Node:
    """torch's backward; along an axis that x does not have it was repeated, and each copy has its share."""
    copies = ops.count(axis for axis in over if axis not in x.axes)
    return ops.with_gradient(length, ((x, ops.where(ops.compare("eq", length, 0), 0, ops.mul(copies, slope))),))
