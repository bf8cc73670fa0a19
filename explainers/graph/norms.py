"""p-norms with torch's own backward (FunctionsManual.cpp, norm_backward): 0 where the norm is 0."""

from __future__ import annotations

import math
from fractions import Fraction

from explainers.graph import ops
from explainers.graph.nodes import Axes, Node
from explainers.graph.scalars import constant


def norm(x: Node, p: float, over: Axes) -> Node:
    """(Σ |x|^p)^(1/p) over the axes; the largest |x| for p = inf, the smallest for −inf, how many are not 0 for 0."""
    size = ops.unary("abs", x)
    if p == 0:
        return ops.stop_gradient(ops.sum(ops.cast(ops.compare("ne", x, 0), x.dtype), over))
    if math.isinf(p):
        return ops.extremum("max" if p > 0 else "min", size, over)
    if p == 1:
        return ops.sum(size, over)
    if p == 2:
        length = ops.unary("sqrt", ops.sum(ops.square(x), over))
        return _with_backward(length, x, ops.div(x, length))
    total = ops.sum(ops.binary("pow", size, p), over)
    length = ops.binary("pow", total, constant(1 / Fraction(repr(float(p)))))
    return _with_backward(length, x, _slope(x, size, length, p))


def _slope(x: Node, size: Node, length: Node, p: float) -> Node:
    scale = ops.binary("pow", length, p - 1)
    if p < 1:
        steep = ops.where(ops.compare("eq", x, 0), 0, ops.binary("pow", size, p - 1))
        return ops.mul(ops.mul(ops.unary("sign", x), steep), ops.binary("pow", length, 1 - p))
    if p < 2:
        return ops.div(ops.mul(ops.unary("sign", x), ops.binary("pow", size, p - 1)), scale)
    return ops.div(ops.mul(x, ops.binary("pow", size, p - 2)), scale)


def _with_backward(length: Node, x: Node, slope: Node) -> Node:
    return ops.with_gradient(length, ((x, ops.where(ops.compare("eq", length, 0), 0, slope)),))
