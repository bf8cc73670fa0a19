"""Plain float64 arrays: for plots, floors, what-ifs and thumbnails, never for a certificate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from explainers.graph.arithmetic import Floats, Integers
from explainers.graph.contraction import contracted
from explainers.graph.interval_alignments import by_row, by_time, directed, table_of_floats
from explainers.graph.interval_blocks import laid_out
from explainers.graph.nodes import BinaryOp, CompareOp, UnaryOp
from explainers.graph.special_functions import SPECIAL, of_floats


class FloatArithmetic:
    """numpy float64; non-finite results follow IEEE 754 silently, as torch's do."""

    def leaf(self, values: npt.NDArray[Any]) -> Floats:
        return laid_out(values)

    def number(self, value: Fraction | float, dtype: str) -> Floats:
        return np.asarray(float(value))

    def nearest(self, value: Fraction | float, dtype: str) -> Floats:
        return self.number(value, dtype)

    def rounded(self, x: Floats, dtype: str) -> Floats:
        return x

    def unary(self, op: UnaryOp, x: Floats, dtype: str) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray(_UNARY[op](x))

    def binary(self, op: BinaryOp, a: Floats, b: Floats, dtype: str) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray(_BINARY[op](a, b))

    def compare(self, op: CompareOp, a: Floats, b: Floats) -> Integers:
        return _COMPARE[op](a, b).astype(np.int8)

    def where(self, condition: Integers, a: Floats, b: Floats) -> Floats:
        return np.where(condition == 1, a, b)

    def sum(self, x: Floats, dims: tuple[int, ...], dtype: str) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray(x.sum(axis=dims))

    def dot(self, a: Floats, b: Floats, dims: tuple[int, ...], dtype: str) -> Floats:
        with np.errstate(all="ignore"):
            found = contracted(a, b, dims)
            return self.sum(np.asarray(a * b), dims, dtype) if found is None else found

    def logsumexp(self, x: Floats, dims: tuple[int, ...], dtype: str) -> Floats:
        return log_sum_exp(x, dims)

    def extremum(self, op: str, x: Floats, dims: tuple[int, ...]) -> Floats:
        return np.asarray(x.max(axis=dims) if op == "max" else x.min(axis=dims))

    def alignment_table(self, scores: Floats, skips: Integers, begins: Integers, dtype: str, *, onward: bool) -> Floats:
        found = table_of_floats(by_time(scores, begins, onward), *directed(skips, begins, onward))
        return by_row(found, scores.shape, onward)

    def sum_in_turn(self, parts: Sequence[Floats], rows: int, dtype: str) -> Floats:
        return log_sum_exp(np.stack(parts), (0,))

    def take(self, x: Floats, index: Integers, dim: int) -> Floats:
        size = x.shape[dim]
        lead = np.broadcast_shapes(x.shape[:dim], index.shape[:dim])
        source, picked = np.broadcast_to(x, (*lead, size)), np.broadcast_to(index, (*lead, 1))
        found = np.take_along_axis(source, np.clip(picked, 0, size - 1), dim)
        return np.where((picked >= 0) & (picked < size), found, 0.0)

    def concatenate(self, parts: Sequence[Floats], dim: int) -> Floats:
        return np.concatenate(parts, axis=dim)

    def reshape(self, x: Floats, order: tuple[int, ...], shape: tuple[int, ...]) -> Floats:
        return x.transpose(order).reshape(shape)

    def broadcast(self, x: Floats, shape: tuple[int, ...]) -> Floats:
        return np.broadcast_to(x, shape)


def log_sum_exp(x: Floats, dims: int | tuple[int, ...]) -> Floats:
    """log Σ exp over dimensions, each sum shifted by its largest number; −inf of no numbers."""
    with np.errstate(all="ignore"):
        top = x.max(axis=dims, keepdims=True, initial=-np.inf)
        shift = np.where(np.isfinite(top), top, 0.0)
        total = np.asarray(np.exp(x - shift).sum(axis=dims))
        return np.log(total) + shift.reshape(total.shape)


def _sigmoid(x: Floats) -> Floats:
    return np.exp(-np.logaddexp(0.0, -x))


_UNARY: dict[UnaryOp, Callable[[Floats], Floats]] = {
    "neg": np.negative,
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "square": np.square,
    "abs": np.abs,
    "sign": lambda x: np.sign(np.nan_to_num(x, nan=0.0)),
    "sigmoid": _sigmoid,
    "logsigmoid": lambda x: -np.logaddexp(0.0, -x),
    "softplus": lambda x: np.logaddexp(0.0, x),
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "atan": np.arctan,
    "erf": np.vectorize(math.erf, otypes=[np.float64]),
    **{op: of_floats(op) for op in SPECIAL},
}
_BINARY: dict[BinaryOp, Callable[[Floats, Floats], Floats]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "clamp_min": np.maximum,
    "clamp_max": np.minimum,
}
_COMPARE: dict[CompareOp, Callable[[Floats, Floats], npt.NDArray[np.bool_]]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
