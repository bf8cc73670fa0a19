"""Elementwise functions that are made of others: activations, powers, logical operations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from explainers.graph import ops
from explainers.graph.arrays import Array, broadcast
from explainers.graph.nodes import Node
from explainers.messages import said
from explainers.operations.entries import Operation, array, elementwise, entry, real
from explainers.torch_indexing import Unsupported


def elementwise_operations() -> Mapping[str, Operation]:
    """By torch's short name."""
    return {
        "cosh": entry("input", _of(lambda x: ops.div(ops.add(ops.exp(x), ops.exp(ops.neg(x))), 2))),
        "sinh": entry("input", _of(lambda x: ops.div(ops.sub(ops.exp(x), ops.exp(ops.neg(x))), 2))),
        "asinh": entry("input", _of(_asinh)),
        "acosh": entry("input", _of(_acosh)),
        "atanh": entry("input", _of(_atanh)),
        "atan2": entry("input other", elementwise(_atan2)),
        "i0e": entry("input", _of(lambda x: ops.mul(ops.exp(ops.neg(ops.unary("abs", x))), ops.unary("i0", x)))),
        "i1e": entry("input", _of(lambda x: ops.mul(ops.exp(ops.neg(ops.unary("abs", x))), ops.unary("i1", x)))),
        "ndtr": entry("input", _of(lambda x: ops.mul(ops.add(1, ops.unary("erf", ops.div(x, math.sqrt(2)))), 0.5))),
        "tan": entry("input", _of(lambda x: ops.div(ops.unary("sin", x), ops.unary("cos", x)))),
        "gelu": entry("input approximate", _gelu),
        "rsqrt": entry("input", _of(lambda x: ops.div(1, ops.unary("sqrt", x)))),
        "exp2": entry("input", _of(lambda x: ops.binary("pow", 2, x))),
        "log10": entry("input", _of(lambda x: ops.div(ops.log(x), ops.cast(ops.log(ops.constant(10)), x.dtype)))),
        "reciprocal": entry("input", reciprocal),
        "positive": entry("input", lambda input: input),
        "logit": entry("input eps", _logit),
        "leaky_relu": entry("input negative_slope", _leaky_relu),
        "elu": entry("input alpha", _elu),
        "celu": entry("input alpha", lambda input, alpha=1.0: _elu(input, alpha, 1 / alpha)),
        "selu": entry("input", _selu),
        "silu": entry("input", _of(lambda x: ops.mul(x, ops.sigmoid(x)))),
        "mish": entry("input", _of(lambda x: ops.mul(x, ops.unary("tanh", ops.unary("softplus", x))))),
        "softsign": entry("input", _of(lambda x: ops.div(x, ops.add(1, ops.unary("abs", x))))),
        "tanhshrink": entry("input", _of(lambda x: ops.sub(x, ops.unary("tanh", x)))),
        "hardtanh": entry("input min_val max_val", _hardtanh),
        "relu6": entry("input", lambda input: _hardtanh(input, 0.0, 6.0)),
        "threshold": entry("input threshold value", _threshold),
        "xlogy": entry("input other", elementwise(_xlogy)),
        "entr": entry("input", _of(_entr)),
        "logaddexp": entry("input other", elementwise(_logaddexp)),
        "lerp": entry("input end weight", elementwise(lambda a, b, w: ops.add(a, ops.mul(w, ops.sub(b, a))))),
        "addcmul": entry("input tensor1 tensor2 value", _addcmul),
        "addcdiv": entry("input tensor1 tensor2 value", _addcdiv),
        "hypot": entry("input other", elementwise(lambda a, b: _root(ops.add(ops.square(a), ops.square(b))))),
        "nan_to_num": entry("input nan posinf neginf", _nan_to_num),
        "isnan": entry("input", _of(lambda x: ops.compare("ne", x, x))),
        "isinf": entry("input", _of(lambda x: ops.compare("eq", ops.unary("abs", x), math.inf))),
        "isfinite": entry("input", _of(lambda x: ops.compare("lt", ops.unary("abs", x), math.inf))),
        "logical_not": entry("input", _not),
        "bitwise_not": entry("input", lambda input: _not(_truth(input))),
        "logical_and": entry("input other", elementwise(_and)),
        "bitwise_and": entry("input other", lambda input, other: elementwise(_and)(_truth(input), _truth(other))),
        "logical_or": entry("input other", elementwise(_or)),
        "bitwise_or": entry("input other", lambda input, other: elementwise(_or)(_truth(input), _truth(other))),
        "logical_xor": entry("input other", elementwise(_xor)),
        "bitwise_xor": entry("input other", lambda input, other: elementwise(_xor)(_truth(input), _truth(other))),
        "masked_fill": entry("input mask value", _masked_fill),
        "fmax": entry("input other", elementwise(ops.maximum)),
        "fmin": entry("input other", elementwise(lambda a, b: ops.binary("minimum", a, b))),
        "float_power": entry("input exponent", _float_power),
        "heaviside": entry("input values", elementwise(_heaviside)),
        "logaddexp2": entry("input other", elementwise(_logaddexp2)),
        "xlog1py": entry("input other", elementwise(_xlog1py)),
        "log_ndtr": entry("input", _of(_log_ndtr)),
        "sinc": entry("input", _of(_sinc)),
        "deg2rad": entry("input", _of(lambda x: ops.mul(math.pi / 180, x))),
        "rad2deg": entry("input", _of(lambda x: ops.mul(180 / math.pi, x))),
        "hardshrink": entry("input lambd", _hardshrink),
        "softshrink": entry("input lambd", _softshrink),
    }


def _of(build: Any) -> Any:
    return lambda input: Array(build(real(input)), input.layout)


def reciprocal(input: Array) -> Array:
    """1/x; torch's backward squares it, rounded as it is."""
    x = real(input)
    value = ops.div(1, x)
    return Array(ops.with_gradient(value, ((x, ops.neg(ops.square(value))),)), input.layout)


def _asinh(x: Node) -> Node:
    """sgn(x) log(|x| + √(x² + 1)); its slope is 1/√(x² + 1)."""
    size, root = ops.unary("abs", x), _root(ops.add(ops.square(x), 1))
    value = ops.mul(ops.unary("sign", x), ops.log(ops.add(size, root)))
    return ops.with_gradient(value, ((x, ops.div(1, root)),))


def _acosh(x: Node) -> Node:
    """log(x + √(x² − 1)) for x ≥ 1; its slope is 1/√(x² − 1)."""
    root = _root(ops.sub(ops.square(x), 1))
    value = ops.where(ops.compare("ge", x, 1), ops.log(ops.add(x, root)), math.nan)
    return ops.with_gradient(value, ((x, ops.div(1, root)),))


def _atanh(x: Node) -> Node:
    """½ log((1 + x) / (1 − x)); its slope is 1/(1 − x²)."""
    value = ops.mul(0.5, ops.sub(ops.log1p(x), ops.log1p(ops.neg(x))))
    return ops.with_gradient(value, ((x, ops.div(1, ops.sub(1, ops.square(x)))),))


def _atan2(y: Node, x: Node) -> Node:
    """The angle of the point (x, y): arctan(y/x), half a turn further to the left of the y axis, ±π/2 on it."""
    right, left = ops.compare("gt", x, 0), ops.compare("lt", x, 0)
    up, down = ops.compare("gt", y, 0), ops.compare("lt", y, 0)
    angle, turn = ops.unary("atan", ops.div(y, x)), ops.where(down, -math.pi, math.pi)
    upright = ops.where(up, math.pi / 2, ops.where(down, -math.pi / 2, 0))
    value = ops.where(right, angle, ops.where(left, ops.add(angle, turn), upright))
    squares = ops.add(ops.square(y), ops.square(x))
    return ops.with_gradient(value, ((y, ops.div(x, squares)), (x, ops.neg(ops.div(y, squares)))))


def _root(x: Node) -> Node:
    return ops.unary("sqrt", x)


def _logit(input: Array, eps: float | None = None) -> Array:
    """log(x / (1 − x)), x first cut to [eps, 1 − eps]; torch has no slope outside of [0, 1]."""
    x = real(input)
    if eps is not None:
        x = ops.binary("clamp_max", ops.clamp_min(x, eps), 1 - eps)
    inside = ops.both(ops.compare("ge", x, 0), ops.compare("le", x, 1))
    slope = ops.where(inside, ops.div(1, ops.mul(x, ops.sub(1, x))), math.nan)
    return Array(ops.with_gradient(ops.log(ops.div(x, ops.sub(1, x))), ((x, slope),)), input.layout)


def _leaky_relu(input: Array, negative_slope: float = 0.01) -> Array:
    x = real(input)
    return Array(ops.where(ops.compare("gt", x, 0), x, ops.mul(negative_slope, x)), input.layout)


def _elu(input: Array, alpha: float = 1.0, inner: float = 1.0) -> Array:
    """x above 0, α(e^(x/α) − 1) below (celu), α(e^x − 1) for elu."""
    return Array(_linear_above_0(real(input), 1.0, alpha, inner), input.layout)


def _linear_above_0(x: Node, slope: float, scale: float, inner: float = 1.0) -> Node:
    """scale · (e^(inner · x) − 1) up to 0, slope · x above; torch has one backward for both, in which the branch that
    is not taken never counts, however large it is."""
    is_below, scaled = ops.compare("le", x, 0), ops.mul(inner, x)
    value = ops.where(is_below, ops.mul(scale, ops.unary("expm1", scaled)), ops.mul(slope, x))
    return ops.with_gradient(value, ((x, ops.where(is_below, ops.mul(scale * inner, ops.exp(scaled)), slope)),))


def _gelu(input: Array, approximate: str = "none") -> Array:
    """x · ½(1 + erf(x/√2)); approximate="tanh": x · ½(1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    x = real(input)
    if approximate == "tanh":
        inner = ops.add(x, ops.mul(0.044715, ops.binary("pow", x, 3)))
        part = ops.unary("tanh", ops.mul(math.sqrt(2 / math.pi), inner))
    else:
        part = ops.unary("erf", ops.mul(math.sqrt(0.5), x))
    return Array(ops.mul(ops.mul(x, 0.5), ops.add(1, part)), input.layout)


def _selu(input: Array) -> Array:
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
    return Array(_linear_above_0(real(input), scale, scale * alpha), input.layout)


def _hardtanh(input: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """max(min, min(max, x)); at its bounds no gradient passes."""
    x = real(input)
    inside = ops.where(ops.compare("gt", x, min_val), x, min_val)
    return Array(ops.where(ops.compare("lt", x, max_val), inside, max_val), input.layout)


def _threshold(input: Array, threshold: float, value: float) -> Array:
    x = real(input)
    return Array(ops.where(ops.compare("gt", x, threshold), x, value), input.layout)


def _xlogy(a: Node, b: Node) -> Node:
    """a log b, 0 where a is 0; there torch's slope in a still is log b (0 where b ≤ 0)."""
    zero, absent = ops.compare("eq", a, 0), ops.compare("ne", b, b)
    value = ops.where(zero, ops.where(absent, math.nan, 0), ops.mul(a, ops.log(b)))
    in_a = ops.where(ops.both(zero, ops.compare("le", b, 0)), 0, ops.log(b))
    return ops.with_gradient(value, ((a, in_a), (b, ops.div(a, b))))


def _entr(x: Node) -> Node:
    """−x log x; 0 at 0, where torch's slope is ∞, and −∞ below."""
    value = ops.where(
        ops.compare("gt", x, 0), ops.neg(ops.mul(x, ops.log(x))), ops.where(ops.compare("eq", x, 0), 0, -math.inf)
    )
    return ops.with_gradient(value, ((x, ops.sub(ops.neg(ops.log(x)), 1)),))


def _logaddexp(a: Node, b: Node) -> Node:
    """log(e^a + e^b) without overflow."""
    return ops.add(ops.maximum(a, b), ops.log1p(ops.exp(ops.neg(ops.unary("abs", ops.sub(a, b))))))


def _logaddexp2(a: Node, b: Node) -> Node:
    """log₂(2^a + 2^b) without overflow."""
    two = ops.cast(ops.log(ops.constant(2)), a.dtype)
    smaller = ops.neg(ops.mul(two, ops.unary("abs", ops.sub(a, b))))
    return ops.add(ops.maximum(a, b), ops.div(ops.log1p(ops.exp(smaller)), two))


def _xlog1py(a: Node, b: Node) -> Node:
    """a log(1 + b), 0 where a is 0."""
    nothing = ops.both(ops.compare("eq", a, 0), ops.compare("eq", b, b))
    return ops.where(nothing, 0, ops.mul(a, ops.log1p(b)))


def _log_ndtr(x: Node) -> Node:
    return ops.log(ops.mul(0.5, ops.unary("erfc", ops.mul(-math.sqrt(0.5), x))))


def _sinc(x: Node) -> Node:
    """sin(πx) / (πx), 1 at 0."""
    turned = ops.mul(math.pi, x)
    return ops.where(ops.compare("eq", x, 0), 1, ops.div(ops.unary("sin", turned), turned))


def _hardshrink(input: Array, lambd: float = 0.5) -> Array:
    x = real(input)
    return Array(ops.where(ops.compare("le", ops.unary("abs", x), lambd), 0, x), input.layout)


def _softshrink(input: Array, lambd: float = 0.5) -> Array:
    """x less λ above λ, x plus λ below −λ, 0 between."""
    x = real(input)
    below = ops.where(ops.compare("lt", x, -lambd), ops.add(x, lambd), 0)
    return Array(ops.where(ops.compare("gt", x, lambd), ops.sub(x, lambd), below), input.layout)


def _addcmul(input: Array, tensor1: Array, tensor2: Array, value: float = 1) -> Array:
    return elementwise(lambda x, a, b: ops.add(x, ops.mul(value, ops.mul(a, b))))(input, tensor1, tensor2)


def _addcdiv(input: Array, tensor1: Array, tensor2: Array, value: float = 1) -> Array:
    """x + value · a/b; torch's gradient for b has value · a and b² in it, which overflow where a/b does not."""

    def added(x: Node, a: Node, b: Node) -> Node:
        over = ops.mul(value, ops.div(a, b))
        below = ops.neg(ops.div(ops.mul(value, a), ops.mul(b, b)))
        return ops.add(x, ops.with_gradient(over, ((a, ops.div(value, b)), (b, below))))

    return elementwise(added)(input, tensor1, tensor2)


def _nan_to_num(
    input: Array, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """Other numbers for nan and the infinities; the largest finite ones for those where none is given."""
    x = real(input)
    largest = {"float64": 1.7976931348623157e308, "float16": 65504.0}.get(x.dtype, 3.4028234663852886e38)
    node = ops.where(ops.compare("ne", x, x), 0.0 if nan is None else nan, x)
    node = ops.where(ops.compare("eq", x, math.inf), largest if posinf is None else posinf, node)
    return Array(ops.where(ops.compare("eq", x, -math.inf), -largest if neginf is None else neginf, node), input.layout)


def _nonzero(x: Node) -> Node:
    return x if x.dtype == "bool" else ops.compare("ne", x, 0)


def _truth(x: Any) -> Array:
    """Bitwise operations are logical ones on truth values only."""
    found = array(x)
    if found.node.dtype != "bool":
        raise Unsupported(said("bits of whole numbers"))
    return found


def _not(input: Array) -> Array:
    return Array(ops.compare("eq", input.node, 0), input.layout)


def _and(a: Node, b: Node) -> Node:
    return ops.where(_nonzero(a), _nonzero(b), ops.compare("ne", 0, 0))


def _or(a: Node, b: Node) -> Node:
    return ops.where(_nonzero(a), ops.compare("eq", 0, 0), _nonzero(b))


def _xor(a: Node, b: Node) -> Node:
    return ops.where(_nonzero(a), ops.compare("eq", _nonzero(b), 0), _nonzero(b))


def _masked_fill(input: Array, mask: Array, value: Any) -> Array:
    (m, a, b), layout = broadcast((mask, input, array(value)))
    return Array(ops.where(m, ops.cast(b, input.node.dtype) if isinstance(value, Array) else b, a), layout)


def _float_power(input: Any, exponent: Any) -> Array:
    (a, b), layout = broadcast((array(input), array(exponent)))
    return Array(ops.binary("pow", ops.cast(a, "float64"), ops.cast(b, "float64")), layout)


def _heaviside(x: Node, at_zero: Node) -> Node:
    return ops.where(ops.compare("eq", x, 0), at_zero, ops.where(ops.compare("lt", x, 0), 0, 1))
