"""torch's operations over named-axis arrays: what a recorded call means as a graph.

Each entry names the arguments in the order of torch's signature (a call may carry names or positions "0", "1", …) and
returns an Array. `Unsupported` says why a use of it cannot be derived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, get_args

from explainers.graph import ops
from explainers.graph.arrays import Array, broadcast
from explainers.graph.nodes import Axis, Node, UnaryOp
from explainers.messages import said
from explainers.torch_indexing import (
    Unsupported,
    advanced,
    chosen,
    flattened,
    gathered,
    permuted,
    squeezed,
    unsqueezed,
    viewed,
)

__all__ = ["Unsupported", "operation", "operations"]

Operation = Callable[[Mapping[str, Any]], Array]
FLOATS = ("float16", "bfloat16", "float32", "float64")


def operation(function: str) -> Operation | None:
    """The meaning of a torch function by its canonical name, None where the table lacks it."""
    return operations().get(function.rsplit(".", 1)[-1].strip("_"))


def operations() -> Mapping[str, Operation]:
    """The whole table, by torch's short name."""
    return _TABLE


def _entry(names: str, body: Callable[..., Array]) -> Operation:
    """An operation whose arguments have these names in order; a surplus one (out, layout, …) is refused if set."""
    order = names.split()

    def apply(arguments: Mapping[str, Any]) -> Array:
        given = {order[int(k)] if k.isdigit() and int(k) < len(order) else k: v for k, v in arguments.items()}
        surplus = {k: v for k, v in given.items() if k not in order and v not in (None, False)}
        if surplus:
            raise Unsupported(said("its argument {name} is not in the table", name=next(iter(surplus))))
        return body(**{k: v for k, v in given.items() if k in order})

    return apply


def _array(x: Any) -> Array:
    if isinstance(x, Array):
        return x
    if isinstance(x, (bool, int, float)):
        return Array(ops.constant(x))
    raise Unsupported(said("an argument that is neither a tensor nor a number"))


def _elementwise(build: Callable[[Node, Node], Node]) -> Callable[..., Array]:
    def apply(input: Any, other: Any, alpha: float = 1) -> Array:
        (a, b), layout = broadcast((_array(input), _array(other)))
        return Array(build(a, b if alpha == 1 else ops.mul(alpha, b)), layout)

    return apply


def _reflected_sub(input: Any, other: Any, alpha: float = 1) -> Array:
    return _elementwise(ops.sub)(other, input, alpha)


def _unary(op: UnaryOp) -> Callable[..., Array]:
    return lambda input: Array(ops.unary(op, _real(input)), input.layout)


def _real(x: Array) -> Node:
    return x.node if x.floating else ops.cast(x.node, "float32")


def _log2(input: Array) -> Array:
    x = _real(input)
    return Array(ops.div(ops.log(x), ops.cast(ops.log(ops.constant(2)), x.dtype)), input.layout)


def _softplus(input: Array, beta: float = 1, threshold: float = 20) -> Array:
    """log(1 + e^βx) / β, and x itself where βx is past the threshold."""
    x = _real(input)
    scaled = ops.mul(beta, x)
    soft = ops.div(ops.unary("softplus", scaled), beta)
    return Array(ops.where(ops.compare("gt", scaled, threshold), x, soft), input.layout)


def _reduce(build: Callable[[Node, tuple[Axis, ...]], Node]) -> Callable[..., Array]:
    def apply(input: Array, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Array:
        dims = input.dims(dim)
        node = input.node if dtype in (None, input.node.dtype) else ops.cast(input.node, str(dtype))
        return Array(build(node, input.along(dims)), _kept(input, dims, keepdim))

    return apply


def _kept(input: Array, dims: Sequence[int], keepdim: bool) -> tuple[Axis | None, ...]:
    if keepdim:
        return tuple(None if d in dims else axis for d, axis in enumerate(input.layout))
    return tuple(axis for d, axis in enumerate(input.layout) if d not in dims)


def _mean(node: Node, over: tuple[Axis, ...]) -> Node:
    return ops.mean(node, over)


def _extremum(op: str) -> Callable[..., Array]:
    def apply(input: Array, dim: Any = None, keepdim: bool = False, other: Any = None) -> Array:
        if isinstance(dim, Array) or other is not None:
            (a, b), layout = broadcast((input, _array(other if other is not None else dim)))
            return Array(ops.maximum(a, b) if op == "max" else ops.binary("minimum", a, b), layout)
        dims = input.dims(dim)
        return Array(ops.extremum(op, input.node, input.along(dims)), _kept(input, dims, keepdim))

    return apply


def _lse(input: Array, dim: Any, keepdim: bool = False) -> Array:
    dims = input.dims(dim)
    over = input.along(dims)
    if len(over) > 1:
        return Array(ops.log(ops.sum(ops.exp(input.node), over)), _kept(input, dims, keepdim))
    return Array(ops.logsumexp(input.node, over[0] if over else None), _kept(input, dims, keepdim))


def _pow(input: Any, exponent: Any) -> Array:
    (a, b), layout = broadcast((_array(input), _array(exponent)))
    return Array(ops.square(a) if ops.is_number(b, 2) else ops.binary("pow", a, b), layout)


def _clamp(input: Array, min: Any = None, max: Any = None) -> Array:
    node, layout = input.node, input.layout
    if min is not None:
        (node, limit), layout = broadcast((Array(node, layout), _array(min)))
        node = ops.binary("clamp_min", node, limit)
    if max is not None:
        (node, limit), layout = broadcast((Array(node, layout), _array(max)))
        node = ops.binary("clamp_max", node, limit)
    return Array(node, layout)


def _where(condition: Array, input: Any, other: Any) -> Array:
    (c, a, b), layout = broadcast((condition, _array(input), _array(other)))
    return Array(ops.where(c, a, b), layout)


def _one_hot(input: Array, num_classes: int = -1) -> Array:
    if input.values is None:
        raise Unsupported(said("one_hot of an index that was computed"))
    size = num_classes if num_classes > 0 else int(input.values.max()) + 1
    axis = Axis("c", size) if size != 1 else None
    return Array(ops.one_hot(input.node, axis, "int64"), (*input.layout, axis))


def _viewed(input: Array, size: Any) -> Array:
    return viewed(input, size)


def _matmul(input: Array, other: Array) -> Array:
    """Products summed over the last dimension of one and the first matrix dimension of the other."""
    left, right = input, other
    inner_left, inner_right = left.layout[-1], right.layout[-2 if len(right.layout) > 1 else -1]
    columns = right.layout[-1] if len(right.layout) > 1 else None
    rows = left.layout[-2] if len(left.layout) > 1 else None
    b, fresh = right.node, columns
    if columns is not None and columns in left.layout:
        fresh = Axis(columns.name, columns.size)
        b = ops.rename(b, columns, fresh)
    if inner_left is not None and inner_right is not None and inner_left is not inner_right:
        b = ops.rename(b, inner_right, inner_left)
    if len(left.layout) > 2 or len(right.layout) > 2:
        raise Unsupported(said("products of more than two dimensions"))
    layout = (*((rows,) if len(left.layout) > 1 else ()), *((fresh,) if len(right.layout) > 1 else ()))
    return Array(ops.sum(ops.mul(left.node, b), (inner_left,) if inner_left else ()), layout)


def _product(second: str) -> Callable[..., Array]:
    """A matrix product whose second factor torch calls so."""
    return lambda input, **named: _matmul(input, named[second])


def _to(input: Array, dtype: Any = None, other: Any = None) -> Array:
    name = dtype if isinstance(dtype, str) else other if isinstance(other, str) else None
    if name in (*FLOATS, "bool", "int64", "int32", "uint8"):
        return Array(ops.cast(input.node, name), input.layout, None if name in FLOATS else input.values)
    return input


def _compared(op: Any) -> Callable[..., Array]:
    return _elementwise(lambda a, b: ops.compare(op, a, b))


def _identity(input: Array) -> Array:
    return input


def _detached(input: Array) -> Array:
    return Array(ops.stop_gradient(input.node), input.layout, input.values)


def _std(root: bool) -> Callable[..., Array]:
    def apply(input: Array, dim: Any = None, correction: int = 1, keepdim: bool = False, unbiased: Any = None) -> Array:
        dims = input.dims(dim)
        over = input.along(dims)
        free = ops.count(over) - (correction if unbiased is None else int(unbiased))
        spread = ops.sum(ops.square(ops.sub(input.node, ops.mean(input.node, over))), over)
        node = ops.div(spread, free)
        return Array(ops.unary("sqrt", node) if root else node, _kept(input, dims, keepdim))

    return apply


_UNARY_OPS: tuple[UnaryOp, ...] = tuple(op for op in get_args(UnaryOp) if op not in ("softplus", "logsigmoid"))
_TABLE: Mapping[str, Operation] = MappingProxyType(
    {op: _entry("input", _unary(op)) for op in _UNARY_OPS}
    | {
        "add": _entry("input other alpha", _elementwise(ops.add)),
        "sub": _entry("input other alpha", _elementwise(ops.sub)),
        "subtract": _entry("input other alpha", _elementwise(ops.sub)),
        "rsub": _entry("input other alpha", _reflected_sub),
        "mul": _entry("input other", _elementwise(ops.mul)),
        "multiply": _entry("input other", _elementwise(ops.mul)),
        "div": _entry("input other", _elementwise(ops.div)),
        "true_divide": _entry("input other", _elementwise(ops.div)),
        "truediv": _entry("input other", _elementwise(ops.div)),
        "maximum": _entry("input other", _elementwise(ops.maximum)),
        "minimum": _entry("input other", _elementwise(lambda a, b: ops.binary("minimum", a, b))),
        "pow": _entry("input exponent", _pow),
        "reciprocal": _entry("input", lambda input: Array(ops.div(1, input.node), input.layout)),
        "log2": _entry("input", _log2),
        "logsigmoid": _entry("input", _unary("logsigmoid")),
        "softplus": _entry("input beta threshold", _softplus),
        "sum": _entry("input dim keepdim dtype", _reduce(ops.sum)),
        "mean": _entry("input dim keepdim dtype", _reduce(_mean)),
        "max": _entry("input dim keepdim other", _extremum("max")),
        "min": _entry("input dim keepdim other", _extremum("min")),
        "amax": _entry("input dim keepdim", _extremum("max")),
        "amin": _entry("input dim keepdim", _extremum("min")),
        "var": _entry("input dim correction keepdim unbiased", _std(False)),
        "std": _entry("input dim correction keepdim unbiased", _std(True)),
        "logsumexp": _entry("input dim keepdim", _lse),
        "clamp": _entry("input min max", _clamp),
        "clip": _entry("input min max", _clamp),
        "clamp_min": _entry("input min", _clamp),
        "clamp_max": _entry("input max", lambda input, max: _clamp(input, None, max)),
        "where": _entry("condition input other", _where),
        "one_hot": _entry("input num_classes", _one_hot),
        "matmul": _entry("input other", _matmul),
        "mm": _entry("input mat2", _product("mat2")),
        "dot": _entry("input tensor", _product("tensor")),
        "mv": _entry("input vec", _product("vec")),
        "gather": _entry("input dim index", gathered),
        "take_along_dim": _entry("input indices dim", lambda input, indices, dim: gathered(input, dim, indices)),
        "index_select": _entry("input dim index", chosen),
        "getitem": _entry("input index", advanced),
        "reshape": _entry("input shape", viewed),
        "view": _entry("input size", _viewed),
        "flatten": _entry("input start_dim end_dim", flattened),
        "squeeze": _entry("input dim", squeezed),
        "unsqueeze": _entry("input dim", unsqueezed),
        "transpose": _entry("input dim0 dim1", lambda input, dim0, dim1: permuted(input, _swapped(input, dim0, dim1))),
        "permute": _entry("input dims", permuted),
        "T": _entry("input", lambda input: permuted(input, range(len(input.layout))[::-1])),
        "t": _entry("input", lambda input: permuted(input, range(len(input.layout))[::-1])),
        "to": _entry("input dtype other", _to),
        "type": _entry("input dtype", _to),
        "float": _entry("input", lambda input: _to(input, "float32")),
        "double": _entry("input", lambda input: _to(input, "float64")),
        "long": _entry("input", lambda input: _to(input, "int64")),
        "bool": _entry("input", lambda input: Array(ops.compare("ne", input.node, 0), input.layout)),
        "detach": _entry("input", _detached),
        "clone": _entry("input", _identity),
        "contiguous": _entry("input", _identity),
        "requires_grad": _entry("input", _identity),
        "cpu": _entry("input", _identity),
    }
    | {op: _entry("input other", _compared(op)) for op in ("eq", "ne", "lt", "le", "gt", "ge")}
)


def _swapped(input: Array, a: int, b: int) -> tuple[int, ...]:
    order = list(range(len(input.layout)))
    order[a], order[b] = order[b], order[a]
    return tuple(order)
