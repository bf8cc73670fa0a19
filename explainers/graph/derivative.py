"""The derivative walk: a vector-Jacobian rule per node, giving the gradient as another graph.

Rules are torch's: a tie in maximum halves, amax shares evenly, clamp passes at its bound, relu and abs are 0 at 0, and
`where` lets the gradient through the taken branch only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar, assert_never

from explainers.graph import ops
from explainers.graph.nodes import (
    AlignmentSum,
    Axes,
    Axis,
    Binary,
    Cast,
    Compare,
    Concat,
    Constant,
    Coordinate,
    Extremum,
    Input,
    LogSumExp,
    Named,
    Node,
    Occupancy,
    OneHot,
    Rename,
    Reshape,
    Softmax,
    StopGradient,
    Sum,
    Take,
    Unary,
    Where,
    WithGradient,
    is_floating,
    operands,
    topological,
)

Contribution = tuple[Node, Node]
N = TypeVar("N", bound=Node)


def gradient(output: Node, inputs: Sequence[N]) -> dict[N, Node]:
    """d(Σ output)/d(input) for each input (or other node), over at most its own axes (a missing axis means it is
    constant). Contributions are in the dtype of what they are added to, as torch's are."""
    adjoints: dict[Node, Node] = {output: ops.constant(1)}
    relevant = _depends(output, inputs)
    for node in reversed(topological(output)):
        seed = adjoints.get(node)
        if seed is None or node not in relevant:
            continue
        for operand, share in vector_jacobian(node, seed):
            if operand in relevant and is_floating(operand):
                # torch sums over what was repeated after the cast, or before it, which loses less.
                part = unbroadcast(_stored(share, operand.dtype), operand.axes, _spread(node, operand))
                adjoints[operand] = _accumulated(adjoints[operand], part, operand) if operand in adjoints else part
    return {x: ops.cast(adjoints.get(x, ops.constant(0)), x.dtype) for x in inputs}


def gradient_over(axes: Axes, form: Node, inputs: Sequence[N]) -> dict[N, Node]:
    """The same of the sum over these axes, where a simplified form may lack one: along it every element is alike."""
    copies = ops.count(axis for axis in axes if axis not in form.axes)
    return {x: ops.mul(copies, slope) for x, slope in gradient(form, inputs).items()}


def _spread(node: Node, operand: Node) -> Axes:
    """The axes along which an operand may have been repeated before it met the others."""
    match node:
        case Rename():
            return operand.axes
        case Reshape(_, old):
            return ops.union(operand.axes, old)
        case Concat(along=along):
            return ops.without(node.axes, (along,))
        case _:
            return node.axes


def _accumulated(so_far: Node, part: Node, operand: Node) -> Node:
    """The sum of two contributions; torch adds tensors, so two numbers are not folded exactly but rounded once."""
    if isinstance(so_far, Constant) and isinstance(part, Constant):
        return Binary("add", so_far, part, (), operand.dtype)
    return ops.add(so_far, part)


def _stored(share: Node, dtype: str) -> Node:
    """A contribution in the dtype of what it goes to: each step of a backward rounds, also one between Python numbers.

    Only 1 and 0 stay numbers, so that they fold away.
    """
    plain = isinstance(share, Constant) and share.value in (-1, 0, 1)
    return share if plain or dtype == "scalar" else ops.cast(share, dtype)


def unbroadcast(share: Node, kept: Axes, spread: Axes) -> Node:
    """The contribution summed over the axes along which the operand was repeated."""
    return ops.sum(share, tuple(axis for axis in ops.union(share.axes, spread) if axis not in kept))


def vector_jacobian(node: Node, g: Node) -> tuple[Contribution, ...]:
    """What an adjoint g of the node gives to each operand, before broadcasting is undone."""
    match node:
        case Unary():
            return ((node.x, _unary(node, g)),)
        case Binary():
            return _binary(node, g)
        case Where(condition, a, b):
            return (a, ops.where(condition, g, 0)), (b, ops.where(condition, 0, g))
        case Sum(x) | Named(_, x):
            return ((x, g),)
        case LogSumExp(x):
            return ((x, ops.mul(g, ops.exp(ops.sub(x, node)))),)
        case Softmax(x, over):
            return ((x, ops.mul(node, ops.sub(g, ops.sum(ops.mul(g, node), over)))),)
        case Extremum(_, x, over):
            hit = ops.cast(ops.compare("eq", x, node), x.dtype)
            return ((x, ops.mul(g, ops.div(hit, ops.sum(hit, over)))),)
        case Occupancy():
            raise TypeError("torch has no second derivative of CTC")
        case AlignmentSum(x):
            return ((x, ops.mul(g, ops.occupancy(node))),)
        case Take(x, index, along):
            return ((x, _scattered(g, index, along, x)),)
        case Rename(x, old, new):
            return ((x, ops.rename(g, new, old)),)
        case Reshape(x, old, new):
            return ((x, ops.reshape(g, new, old)),)
        case Concat(parts, spans, along):
            return tuple(
                (part, _slice(g, along, span, start))
                for part, span, start in zip(parts, spans, node.starts, strict=True)
            )
        case Cast(x):
            return ((x, ops.cast(g, x.dtype) if g.dtype != "scalar" else g),)
        case WithGradient(_, partials):
            return tuple((x, ops.mul(g, local)) for x, local in partials)
        case Input() | Constant() | Coordinate() | Compare() | OneHot() | StopGradient():
            return ()
        case _:
            assert_never(node)


def _slice(g: Node, along: Axis, span: Axis | None, start: int) -> Node:
    """The part of an adjoint that belongs to one of the arrays put together."""
    if along not in g.axes:
        return g
    return ops.take(g, ops.constant(start) if span is None else ops.add(ops.coordinate(span), start), along)


def _scattered(g: Node, index: Node, along: Axis, x: Node) -> Node:
    """g where the index points; torch writes nothing elsewhere, not even 0 · nan."""
    if isinstance(g, Constant):
        return ops.mul(g, ops.one_hot(index, along, x.dtype))
    return ops.where(ops.compare("eq", index, ops.coordinate(along)), g, 0)


def _unary(node: Unary, g: Node) -> Node:
    x = node.x
    match node.op:
        case "neg":
            return ops.neg(g)
        case "exp":
            return ops.mul(g, node)
        case "log":
            return ops.div(g, x)
        case "log1p":
            return ops.div(g, ops.add(x, 1))
        case "expm1":
            return ops.mul(g, ops.add(node, 1))
        case "sqrt":
            return ops.div(g, ops.mul(2, node))
        case "square":
            return ops.mul(g, ops.mul(2, x))
        case "abs":
            return ops.mul(g, ops.unary("sign", x))
        case "sign":
            return ops.constant(0)
        case "sigmoid":
            return ops.mul(g, ops.mul(node, ops.sub(1, node)))
        case "logsigmoid":
            return ops.mul(g, ops.sigmoid(ops.neg(x)))
        case "softplus":
            return ops.mul(g, ops.sigmoid(x))
        case "relu":
            return ops.where(ops.compare("gt", x, 0), g, 0)
        case "tanh":
            return ops.mul(g, ops.sub(1, ops.square(node)))
        case "sin":
            return ops.mul(g, ops.unary("cos", x))
        case "cos":
            return ops.neg(ops.mul(g, ops.unary("sin", x)))
        case "atan":
            return ops.div(g, ops.add(ops.square(x), 1))
        case "erf":
            bell = ops.exp(ops.neg(ops.square(x)))
            return ops.mul(g, ops.mul(2 / math.sqrt(math.pi), bell))
        case "erfc":
            bell = ops.exp(ops.neg(ops.square(x)))
            return ops.mul(g, ops.mul(-2 / math.sqrt(math.pi), bell))
        case "asin" | "acos":
            slope = ops.div(g, ops.unary("sqrt", ops.sub(1, ops.square(x))))
            return slope if node.op == "asin" else ops.neg(slope)
        case "lgamma":
            return ops.mul(g, ops.unary("digamma", x))
        case "digamma":
            return ops.mul(g, ops.unary("trigamma", x))
        case "trigamma":
            return ops.mul(g, ops.unary("tetragamma", x))
        case "tetragamma":
            raise TypeError("the fourth derivative of log Γ is not in the table")
        case "erfinv":
            return ops.mul(g, ops.mul(math.sqrt(math.pi) / 2, ops.exp(ops.square(node))))
        case "i0":
            return ops.mul(g, ops.unary("i1", x))
        case "i1":
            at_zero = ops.compare("eq", x, 0)
            return ops.mul(g, ops.sub(ops.unary("i0", x), ops.where(at_zero, 0.5, ops.div(node, x))))
        case _:
            assert_never(node.op)


def _binary(node: Binary, g: Node) -> tuple[Contribution, ...]:
    a, b = (_widened(x, node.dtype) if g.dtype == "scalar" else x for x in (node.a, node.b))
    return tuple(zip((node.a, node.b), _shares(node, g, a, b), strict=True))


def _widened(x: Node, dtype: str) -> Node:
    """An operand in the dtype of the result, in which a backward works also where it starts from a Python number."""
    return x if x.dtype == "scalar" or not is_floating(x) else ops.cast(x, dtype)


def _shares(node: Binary, g: Node, a: Node, b: Node) -> tuple[Node, Node]:
    match node.op:
        case "add":
            return g, g
        case "sub":
            return g, ops.neg(g)
        case "mul":
            return ops.mul(g, b), ops.mul(g, a)
        case "div":
            return ops.div(g, b), ops.neg(ops.mul(g, ops.div(node, b)))
        case "pow":
            lower = ops.binary("pow", a, ops.sub(b, 1))
            return ops.mul(g, ops.mul(b, lower)), ops.mul(g, ops.mul(node, ops.log(a)))
        case "maximum":
            return _larger(a, b, g), _larger(b, a, g)
        case "minimum":
            return _larger(b, a, g), _larger(a, b, g)
        case "clamp_min":
            return ops.where(ops.compare("ge", a, b), g, 0), ops.where(ops.compare("lt", a, b), g, 0)
        case "clamp_max":
            return ops.where(ops.compare("le", a, b), g, 0), ops.where(ops.compare("gt", a, b), g, 0)
        case _:
            assert_never(node.op)


def _larger(a: Node, b: Node, g: Node) -> Node:
    """g where a > b, half of it where they tie."""
    return ops.where(ops.compare("gt", a, b), g, ops.where(ops.compare("eq", a, b), ops.div(g, 2), 0))


def _depends(output: Node, inputs: Sequence[Node]) -> set[Node]:
    """The nodes whose value changes with one of the inputs."""
    found: set[Node] = set(inputs)
    for node in topological(output):
        if not isinstance(node, StopGradient) and any(n in found for n in operands(node)):
            found.add(node)
    return found
