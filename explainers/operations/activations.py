"""Activations in pieces or with a gate, the inverse of the error function and the derivatives of log Γ by order."""

from __future__ import annotations

from collections.abc import Mapping

from explainers.graph import ops
from explainers.graph.arrays import Array, broadcast
from explainers.graph.nodes import Node, UnaryOp
from explainers.messages import said
from explainers.operations.entries import Operation, entry, real
from explainers.torch_indexing import Unsupported, advanced

_SIXTH = 11184811 / 2**26


def activation_operations() -> Mapping[str, Operation]:
    """By torch's short name."""
    return {
        "hardsigmoid": entry("input", lambda input: Array(_hardsigmoid(real(input)), input.layout)),
        "hardswish": entry("input", lambda input: Array(_hardswish(real(input)), input.layout)),
        "glu": entry("input dim", _glu),
        "prelu": entry("input weight", _prelu),
        "polygamma": entry("input n", _polygamma),
    }


def _hardsigmoid(x: Node) -> Node:
    """min(max(x + 3, 0), 6) / 6, whose slope is 1/6 between −3 and 3 and 0 at both; torch's is the float32 next to 1/6
    in every dtype (ATen, hardsigmoid_backward_kernel)."""
    value = ops.div(_between(ops.add(x, 3)), 6)
    return ops.with_gradient(value, ((x, ops.where(_inside(x), _SIXTH, 0)),))


def _hardswish(x: Node) -> Node:
    """x min(max(x + 3, 0), 6) / 6; torch's slope is 0 up to −3, 1 from 3 on, x/3 + ½ between."""
    value = ops.div(ops.mul(x, _between(ops.add(x, 3))), 6)
    middle = ops.add(ops.div(x, 3), 0.5)
    slope = ops.where(ops.compare("le", x, -3), 0, ops.where(ops.compare("lt", x, 3), middle, 1))
    return ops.with_gradient(value, ((x, slope),))


def _between(x: Node) -> Node:
    return ops.binary("clamp_max", ops.clamp_min(x, 0), 6)


def _inside(x: Node) -> Node:
    return ops.both(ops.compare("gt", x, -3), ops.compare("lt", x, 3))


def _glu(input: Array, dim: int = -1) -> Array:
    """The first half along a dimension, times σ of the second."""
    before, half = (slice(None),) * (dim % len(input.layout)), input.shape[dim] // 2
    (a, b), layout = broadcast([advanced(input, (*before, part)) for part in (slice(half), slice(half, None))])
    return Array(ops.mul(a, ops.sigmoid(b)), layout)


def _prelu(input: Array, weight: Array) -> Array:
    """x above 0, its own slope times x below; one slope for all, or one for each channel."""
    if len(input.layout) > 1 and len(weight.layout) == 1:
        layout = (*weight.layout, *(None,) * (len(input.layout) - 2))
        weight = Array(weight.node, layout)
    (x, slope), layout = broadcast((input, weight))
    return Array(ops.where(ops.compare("gt", x, 0), x, ops.mul(slope, x)), layout)


def _polygamma(input: int | Array, n: int | Array) -> Array:
    """The n-th derivative of ψ = d log Γ / dx; torch.polygamma has n first, the method of a tensor last."""
    n, input = (input, n) if isinstance(n, Array) else (n, input)
    names: tuple[UnaryOp, ...] = ("digamma", "trigamma", "tetragamma")
    if not isinstance(n, int) or not isinstance(input, Array) or n not in range(len(names)):
        raise Unsupported(said("derivatives of log Γ beyond the third"))
    return Array(ops.unary(names[n], real(input)), input.layout)
