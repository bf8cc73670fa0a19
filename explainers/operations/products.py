"""Products summed over shared axes: einsum, and the matrix products as what they are in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from functools import reduce
from string import ascii_letters
from typing import Any

from explainers.graph import ops
from explainers.graph.arrays import Array
from explainers.graph.nodes import Axis, Node
from explainers.messages import said
from explainers.operations.entries import Operation, elementwise, entry
from explainers.torch_indexing import Unsupported, permuted


def product_operations() -> Mapping[str, Operation]:
    """By torch's short name."""
    return {
        "einsum": entry("equation operands", einsum),
        "matmul": entry("input other", matmul),
        "mm": entry("input mat2:other", matmul),
        "bmm": entry("input mat2:other", matmul),
        "dot": entry("input tensor:other", matmul),
        "vdot": entry("input other", matmul),
        "mv": entry("input vec:other", matmul),
        "inner": entry("input other", _inner),
        "outer": entry("input vec2:other", _outer),
        "ger": entry("input vec2:other", _outer),
        "addmm": entry("input mat1:a mat2:b beta alpha", _addmm),
        "addmv": entry("input mat:a vec:b beta alpha", _addmm),
        "baddbmm": entry("input batch1:a batch2:b beta alpha", _addmm),
        "addr": entry("input vec1 vec2 beta alpha", _addr),
        "linear": entry("input weight bias", _linear),
        "bilinear": entry("input1 input2 weight bias", _bilinear),
        "tensordot": entry("a b dims", _tensordot),
        "trace": entry("input", lambda input: einsum("ii->", (input,))),
    }


def einsum(equation: str, operands: Sequence[Array]) -> Array:
    """Products over shared letters, summed over those that the result lacks; one twice is a diagonal."""
    if "..." in equation:
        return einsum(_spelled(equation, operands), operands)
    if not re.fullmatch(r"[A-Za-z, ]*(->[A-Za-z ]*)?", equation):
        raise Unsupported(said("this equation of einsum"))
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow:
        counted = {c: left.count(c) for c in sorted(set(left) - {","})}
        right = "".join(c for c, times in counted.items() if times == 1)
    letters: dict[str, Axis | None] = {}
    nodes = [_lettered(operand, term, letters) for operand, term in zip(operands, terms, strict=True)]
    gone = tuple(axis for letter, axis in letters.items() if axis is not None and letter not in right)
    return Array(ops.sum(reduce(ops.mul, nodes), gone), tuple(letters[c] for c in right))


def _spelled(equation: str, operands: Sequence[Array]) -> str:
    """The equation with letters of its own for what "..." stands for."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    widths = [
        len(x.layout) - len(t.replace("...", "")) if "..." in t else 0 for x, t in zip(operands, terms, strict=True)
    ]
    free = [c for c in ascii_letters if c not in equation][: max(widths)]
    spelled = [t.replace("...", "".join(free[len(free) - w :])) for t, w in zip(terms, widths, strict=True)]
    if not arrow:
        counted = {c: left.count(c) for c in sorted(set(left) - {",", "."})}
        right = "..." + "".join(c for c, times in counted.items() if times == 1)
    return f"{','.join(spelled)}->{right.replace('...', ''.join(free))}"


def _lettered(operand: Array, term: str, letters: dict[str, Axis | None]) -> Node:
    """An operand with the axis of each letter at its dimensions."""
    node, own, moves = operand.node, list(operand.layout), dict[Axis, Axis]()
    for axis, letter in zip(own, term, strict=True):
        if axis is None:
            letters.setdefault(letter, None)
            continue
        wanted = letters.get(letter)
        if wanted is None:
            taken = {a for a in letters.values() if a is not None} | {a for a in own if a is not None and a is not axis}
            wanted = letters[letter] = axis if axis not in taken else Axis(axis.name, axis.size)
        if wanted is not axis:
            moves[axis] = wanted
    return _moved(node, moves)


def _moved(node: Node, moves: Mapping[Axis, Axis]) -> Node:
    """Axes renamed all at once: first to names nobody has, then to the wanted ones (one name twice is a diagonal)."""
    aside = {axis: Axis(axis.name, axis.size) for axis in moves}
    for axis, free in aside.items():
        node = ops.rename(node, axis, free)
    for axis, free in aside.items():
        wanted = moves[axis]
        if wanted in node.axes and free in node.axes:
            node = ops.take(node, ops.coordinate(wanted), free)
        else:
            node = ops.rename(node, free, wanted)
    return node


def matmul(input: Array, other: Array) -> Array:
    """torch.matmul: products summed over the last dimension of one and the first matrix dimension of the other; what
    stands before those broadcasts."""
    m, n = len(input.layout), len(other.layout)
    if not m or not n:
        raise Unsupported(said("a product of a number without dimensions"))
    batch = max(m - 2, n - 2, 0)
    free = ascii_letters[3 : 3 + batch]
    first = ("" if m == 1 else free[batch - (m - 2) :] + "a") + "b"
    second = (free[batch - (n - 2) :] if n > 2 else "") + ("b" if n == 1 else "bc")
    result = free + ("a" if m > 1 else "") + ("c" if n > 1 else "")
    return einsum(f"{first},{second}->{result}", (input, other))


def _outer(input: Array, other: Array) -> Array:
    return einsum("i,j->ij", (input, other))


def _inner(input: Array, other: Array) -> Array:
    if not input.layout or not other.layout:
        return elementwise(ops.mul)(input, other)
    letters = iter(ascii_letters[1:])
    first = "".join(itertools.islice(letters, len(input.layout) - 1))
    second = "".join(itertools.islice(letters, len(other.layout) - 1))
    return einsum(f"{first}a,{second}a->{first}{second}", (input, other))


def _addmm(input: Array, a: Array, b: Array, beta: float = 1, alpha: float = 1) -> Array:
    return elementwise(lambda x, y: ops.add(ops.mul(beta, x), ops.mul(alpha, y)))(input, matmul(a, b))


def _addr(input: Array, vec1: Array, vec2: Array, beta: float = 1, alpha: float = 1) -> Array:
    return elementwise(lambda x, y: ops.add(ops.mul(beta, x), ops.mul(alpha, y)))(input, _outer(vec1, vec2))


def _linear(input: Array, weight: Array, bias: Array | None = None) -> Array:
    """x Wᵀ + b."""
    product = matmul(input, permuted(weight, range(len(weight.layout))[::-1]))
    return product if bias is None else elementwise(ops.add)(product, bias)


def _bilinear(input1: Array, input2: Array, weight: Array, bias: Array | None = None) -> Array:
    """xᵀ A y + b for each of the outputs."""
    batch = ascii_letters[3 : 2 + len(input1.layout)]
    product = einsum(f"{batch}a,{batch}b,cab->{batch}c", (input1, input2, weight))
    return product if bias is None else elementwise(ops.add)(product, bias)


def _tensordot(a: Array, b: Array, dims: Any = 2) -> Array:
    if isinstance(dims, int):
        dims = (range(len(a.layout) - dims, len(a.layout)), range(dims))
    left = [c for c, _ in zip(ascii_letters, a.layout, strict=False)]
    right = [c for c, _ in zip(reversed(ascii_letters), b.layout, strict=False)]
    for p, q in zip(*dims, strict=True):
        right[q] = left[p]
    kept = [c for c in [*left, *right] if not (c in left and c in right)]
    return einsum(f"{''.join(left)},{''.join(right)}->{''.join(kept)}", (a, b))
