"""What e^x is written as, where a mask has put −∞."""

from __future__ import annotations

import math

from explainers.graph import ops
from explainers.graph.nodes import Constant, Node, Unary, Where


def raised(x: Node) -> Node:
    """e^x; where x is −∞, as what a mask leaves out is, 0 itself."""
    if isinstance(x, Where) and (_is_minus_infinity(x.a) or _is_minus_infinity(x.b)):
        a, b = (ops.constant(0) if _is_minus_infinity(side) else raised(side) for side in (x.a, x.b))
        return ops.where(x.condition, a, b)
    return Unary("exp", x, x.axes, x.dtype)


def _is_minus_infinity(node: Node) -> bool:
    return isinstance(node, Constant) and node.value == -math.inf
