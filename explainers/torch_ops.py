"""torch's operations over named-axis arrays: what a recorded call means as a graph.

Each entry names the arguments in the order of torch's signature (a call may carry names or positions "0", "1", …) and
returns an Array. `Unsupported` says why a use of it cannot be derived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, get_args

from explainers.graph import ops
from explainers.graph.arrays import Array, broadcast
from explainers.graph.nodes import Axis, Node, UnaryOp
from explainers.messages import said
from explainers.operations.activations import activation_operations
from explainers.operations.diagonals import diagonal_operations
from explainers.operations.elementwise import elementwise_operations, reciprocal
from explainers.operations.entries import FLOATS, Operation, array, entry, real
from explainers.operations.matrices import matrix_operations
from explainers.operations.ordering import ordering_operations
from explainers.operations.products import product_operations
from explainers.operations.rearranging import rearranging_operations
from explainers.operations.reductions import reduction_operations
from explainers.operations.scattering import scattering_operations
from explainers.operations.selecting import deciding_operations, selecting_operations
from explainers.operations.windows import largest_of_windows, window_operations
from explainers.operations.writing import writing_operations
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

__all__ = [
    "Operation", "Unsupported", "decision", "decisions", "operation", "operations", "ordering", "orderings",
    "short_name",
]  # fmt: skip


def operation(function: str) -> Operation | None:
    """The meaning of a torch function by its canonical name, None where the table lacks it."""
    return operations().get(short_name(function))


def decision(function: str) -> Operation | None:
    """The meaning of a function that returns places beside the elements it found there, handed them as `places`."""
    return _DECIDING.get(short_name(function))


def ordering(function: str) -> Operation | None:
    """The meaning of a function that goes by the order of its numbers, handed them as `held` by argument."""
    return _ORDERING.get(short_name(function))


def short_name(function: str) -> str:
    """torch's name without its owner and the underscore of an in-place method."""
    return function.rsplit(".", 1)[-1].strip("_")


def operations() -> Mapping[str, Operation]:
    """The whole table, by torch's short name."""
    return _TABLE


def orderings() -> Mapping[str, Operation]:
    """What `ordering` knows, by torch's short name."""
    return _ORDERING


def decisions() -> Mapping[str, Operation]:
    """What `decision` knows, by torch's short name."""
    return _DECIDING


def _elementwise(build: Callable[[Node, Node], Node]) -> Callable[..., Array]:
    def apply(input: Any, other: Any, alpha: float = 1) -> Array:
        (a, b), layout = broadcast((array(input), array(other)))
        return Array(build(a, b if alpha == 1 else ops.mul(alpha, b)), layout)

    return apply


def _div(input: Any, other: Any) -> Array:
    """a / b; torch takes a number over an array as that often the reciprocal."""
    if not isinstance(input, Array) and isinstance(other, Array) and other.floating:
        return _elementwise(ops.mul)(reciprocal(other), input)
    return _elementwise(ops.div)(input, other)


def _reflected_sub(input: Any, other: Any, alpha: float = 1) -> Array:
    return _elementwise(ops.sub)(other, input, alpha)


def _unary(op: UnaryOp) -> Callable[..., Array]:
    return lambda input: Array(ops.unary(op, real(input)), input.layout)


def _log2(input: Array) -> Array:
    x = real(input)
    return Array(ops.div(ops.log(x), ops.cast(ops.log(ops.constant(2)), x.dtype)), input.layout)


def _softplus(input: Array, beta: float = 1, threshold: float = 20) -> Array:
    """log(1 + e^βx) / β, and x itself where βx is past the threshold."""
    x = real(input)
    scaled = ops.mul(beta, x)
    soft = ops.div(ops.unary("softplus", scaled), beta)
    return Array(ops.where(ops.compare("gt", scaled, threshold), x, soft), input.layout)


def _reduce(build: Callable[[Node, tuple[Axis, ...]], Node]) -> Callable[..., Array]:
    def apply(input: Array, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Array:
        dims = input.dims(dim)
        node = input.node if dtype in (None, input.node.dtype) else ops.cast(input.node, str(dtype))
        return Array(build(node, input.along(dims)), input.reduced(dims, keepdim))

    return apply


def _mean(node: Node, over: tuple[Axis, ...]) -> Node:
    return ops.mean(node, over)


def _extremum(op: str) -> Callable[..., Array]:
    def apply(input: Array, dim: Any = None, keepdim: bool = False, other: Any = None) -> Array:
        if isinstance(dim, Array) or other is not None:
            (a, b), layout = broadcast((input, array(other if other is not None else dim)))
            return Array(ops.maximum(a, b) if op == "max" else ops.binary("minimum", a, b), layout)
        dims = input.dims(dim)
        return Array(ops.extremum(op, input.node, input.along(dims)), input.reduced(dims, keepdim))

    return apply


def _lse(input: Array, dim: Any, keepdim: bool = False) -> Array:
    dims = input.dims(dim)
    over = input.along(dims)
    if len(over) > 1:
        return Array(ops.log(ops.sum(ops.exp(input.node), over)), input.reduced(dims, keepdim))
    return Array(ops.logsumexp(input.node, over[0] if over else None), input.reduced(dims, keepdim))


def _pow(input: Any, exponent: Any) -> Array:
    (a, b), layout = broadcast((array(input), array(exponent)))
    return Array(ops.square(a) if ops.is_number(b, 2) else ops.binary("pow", a, b), layout)


def _clamp(input: Array, min: Any = None, max: Any = None) -> Array:
    node, layout = input.node, input.layout
    if min is not None:
        (node, limit), layout = broadcast((Array(node, layout), array(min)))
        node = ops.binary("clamp_min", node, limit)
    if max is not None:
        (node, limit), layout = broadcast((Array(node, layout), array(max)))
        node = ops.binary("clamp_max", node, limit)
    return Array(node, layout)


def _where(condition: Array, input: Any, other: Any) -> Array:
    (c, a, b), layout = broadcast((condition, array(input), array(other)))
    return Array(ops.where(c, a, b), layout)


def _one_hot(input: Array, num_classes: int = -1) -> Array:
    if input.values is None:
        raise Unsupported(said("one_hot of an index that was computed"))
    size = num_classes if num_classes > 0 else int(input.values.max()) + 1
    axis = Axis("c", size) if size != 1 else None
    return Array(ops.one_hot(input.node, axis, "int64"), (*input.layout, axis))


def _viewed(input: Array, size: Any) -> Array:
    return viewed(input, size)


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


_NOT_TORCHS = ("softplus", "logsigmoid", "trigamma", "tetragamma")
_UNARY_OPS: tuple[UnaryOp, ...] = tuple(op for op in get_args(UnaryOp) if op not in _NOT_TORCHS)
_TABLE: Mapping[str, Operation] = MappingProxyType(
    {
        **{op: entry("input", _unary(op)) for op in _UNARY_OPS},
        "add": entry("input other alpha", _elementwise(ops.add)),
        "sub": entry("input other alpha", _elementwise(ops.sub)),
        "subtract": entry("input other alpha", _elementwise(ops.sub)),
        "rsub": entry("input other alpha", _reflected_sub),
        "mul": entry("input other", _elementwise(ops.mul)),
        "multiply": entry("input other", _elementwise(ops.mul)),
        "div": entry("input other", _div),
        "true_divide": entry("input other", _elementwise(ops.div)),
        "truediv": entry("input other", _elementwise(ops.div)),
        "maximum": entry("input other", _elementwise(ops.maximum)),
        "minimum": entry("input other", _elementwise(lambda a, b: ops.binary("minimum", a, b))),
        "pow": entry("input exponent", _pow),
        "log2": entry("input", _log2),
        "logsigmoid": entry("input", _unary("logsigmoid")),
        "softplus": entry("input beta threshold", _softplus),
        "sum": entry("input dim keepdim dtype", _reduce(ops.sum)),
        "mean": entry("input dim keepdim dtype", _reduce(_mean)),
        "max": entry("input dim keepdim other", _extremum("max")),
        "min": entry("input dim keepdim other", _extremum("min")),
        "amax": entry("input dim keepdim", _extremum("max")),
        "amin": entry("input dim keepdim", _extremum("min")),
        "logsumexp": entry("input dim keepdim", _lse),
        "clamp": entry("input min max", _clamp),
        "clip": entry("input min max", _clamp),
        "clamp_min": entry("input min", _clamp),
        "clamp_max": entry("input max", lambda input, max: _clamp(input, None, max)),
        "where": entry("condition input other", _where),
        "one_hot": entry("input num_classes", _one_hot),
        "gather": entry("input dim index", gathered),
        "take_along_dim": entry("input indices dim", lambda input, indices, dim: gathered(input, dim, indices)),
        "index_select": entry("input dim index", chosen),
        "getitem": entry("input index", advanced),
        "reshape": entry("input shape", viewed),
        "view": entry("input size", _viewed),
        "flatten": entry("input start_dim end_dim", flattened),
        "squeeze": entry("input dim", squeezed),
        "unsqueeze": entry("input dim", unsqueezed),
        "transpose": entry("input dim0 dim1", lambda input, dim0, dim1: permuted(input, _swapped(input, dim0, dim1))),
        "permute": entry("input dims", permuted),
        "T": entry("input", lambda input: permuted(input, range(len(input.layout))[::-1])),
        "t": entry("input", lambda input: permuted(input, range(len(input.layout))[::-1])),
        "to": entry("input dtype other", _to),
        "type": entry("input dtype", _to),
        "float": entry("input", lambda input: _to(input, "float32")),
        "double": entry("input", lambda input: _to(input, "float64")),
        "long": entry("input", lambda input: _to(input, "int64")),
        "bool": entry("input", lambda input: Array(ops.compare("ne", input.node, 0), input.layout)),
        "detach": entry("input", _detached),
        "data": entry("input", _detached),
        "clone": entry("input", _identity),
        "contiguous": entry("input", _identity),
        "requires_grad": entry("input requires_grad", lambda input, requires_grad=True: input),
        "cpu": entry("input", _identity),
        **{op: entry("input other", _compared(op)) for op in ("eq", "ne", "lt", "le", "gt", "ge")},
        **elementwise_operations(),
        **activation_operations(),
        **product_operations(),
        **matrix_operations(),
        **reduction_operations(),
        **rearranging_operations(),
        **selecting_operations(),
        **scattering_operations(),
        **diagonal_operations(),
        **window_operations(),
        **writing_operations(),
    }
)
_DECIDING: Mapping[str, Operation] = MappingProxyType(deciding_operations())
_ORDERING: Mapping[str, Operation] = MappingProxyType({**ordering_operations(), **largest_of_windows()})


def _swapped(input: Array, a: int, b: int) -> tuple[int, ...]:
    order = list(range(len(input.layout)))
    order[a], order[b] = order[b], order[a]
    return tuple(order)
