"""Python's numbers in a program, held exactly, and the dtype that they and arrays give together."""

from __future__ import annotations

from fractions import Fraction

from explainers.graph.nodes import BinaryOp, Constant, Node

Number = int | float | Fraction
_RANK = ("scalar", "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")


def constant(value: Number) -> Constant:
    """A Python number; a finite float is the decimal that its digits say (0.1 is a tenth), rounded once in use."""
    if isinstance(value, float):
        return Constant(Fraction(repr(value)) if _finite(value) else value)
    return Constant(Fraction(value), whole=isinstance(value, int))


def as_node(x: Node | Number) -> Node:
    """The node itself, or a number as a Constant."""
    return constant(x) if isinstance(x, (int, float, Fraction)) else x


def is_number(node: Node, value: int) -> bool:
    """Whether the node is this Python number."""
    return isinstance(node, Constant) and node.value == value


def folded(op: BinaryOp, a: Constant, b: Constant) -> Constant | None:
    """Exact arithmetic on two Python numbers; None where it would not be exact."""
    if not isinstance(a.value, Fraction) or not isinstance(b.value, Fraction):
        return None
    match op:
        case "add":
            return constant(a.value + b.value)
        case "sub":
            return constant(a.value - b.value)
        case "mul":
            return constant(a.value * b.value)
        case "div" if b.value:
            return constant(a.value / b.value)
        case _:
            return None


def promoted(*nodes: Node) -> str:
    """torch's result dtype: the highest one; a Python number gives way to any array, a float makes integers real."""
    rank = max(_RANK.index(n.dtype) for n in nodes)
    if 0 < rank <= _RANK.index("int64") and any(n.dtype == "scalar" and not _is_whole(n) for n in nodes):
        return "float32"
    names = {n.dtype for n in nodes}
    return "float32" if {"float16", "bfloat16"} <= names and rank <= _RANK.index("bfloat16") else _RANK[rank]


def _is_whole(node: Node) -> bool:
    """Whether a Python number is an int; an array of Python numbers (1 where a condition holds) is of real ones."""
    return isinstance(node, Constant) and node.whole


def summed(dtype: str) -> str:
    """The dtype of a sum: integers and truth values add up in int64."""
    return "int64" if dtype in ("bool", "uint8", "int8", "int16", "int32") else dtype


def _finite(value: float) -> bool:
    return value - value == 0
