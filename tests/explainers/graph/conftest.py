"""A third arithmetic, torch's own float32, so that enclosures are judged by what torch computes step by step."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from explainers.graph.arithmetic import Integers
from explainers.graph.nodes import BinaryOp, CompareOp, UnaryOp

_COMPARE = {"eq": torch.eq, "ne": torch.ne, "lt": torch.lt, "le": torch.le, "gt": torch.gt, "ge": torch.ge}
_UNARY = {
    "logsigmoid": torch.nn.functional.logsigmoid,
    "softplus": torch.nn.functional.softplus,
    **{name: getattr(torch, name) for name in ("neg", "exp", "log", "log1p", "expm1", "sqrt", "square", "abs", "sign")},
    **{name: getattr(torch, name) for name in ("sigmoid", "relu", "tanh", "sin", "cos", "atan", "erf", "erfc")},
    **{name: getattr(torch, name) for name in ("asin", "acos", "lgamma", "digamma", "i0")},
    "trigamma": partial(torch.polygamma, 1),
    "tetragamma": partial(torch.polygamma, 2),
    "erfinv": torch.erfinv,
    "i1": torch.special.i1,
}


class TorchArithmetic:
    """Tensors of one dtype. Zeros lose their sign before a division or power: no enclosure knows it."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype

    def leaf(self, values: npt.NDArray[Any]) -> torch.Tensor:
        return torch.tensor(values).to(self.dtype)

    def number(self, value: Fraction | float, dtype: str) -> torch.Tensor:
        return torch.tensor(float(value), dtype=self.dtype)

    def nearest(self, value: Fraction | float, dtype: str) -> torch.Tensor:
        return self.number(value, dtype)

    def rounded(self, x: torch.Tensor, dtype: str) -> torch.Tensor:
        return x

    def unary(self, op: UnaryOp, x: torch.Tensor, dtype: str) -> torch.Tensor:
        return _UNARY[op](x)

    def binary(self, op: BinaryOp, a: torch.Tensor, b: torch.Tensor, dtype: str) -> torch.Tensor:
        match op:
            case "div":
                return a / (b + 0.0)
            case "pow":
                return torch.pow(a + 0.0, b)
            case "clamp_min":
                return torch.clamp(*torch.broadcast_tensors(a, b))
            case "clamp_max":
                return torch.clamp(torch.broadcast_tensors(a, b)[0], max=b)
            case _:
                return getattr(torch, op)(a, b)

    def compare(self, op: CompareOp, a: torch.Tensor, b: torch.Tensor) -> Integers:
        return _COMPARE[op](a, b).to(torch.int8).numpy()

    def where(self, condition: Integers, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.where(torch.tensor(condition == 1), a, b)

    def sum(self, x: torch.Tensor, dims: tuple[int, ...], dtype: str) -> torch.Tensor:
        return torch.sum(x, dims)

    def dot(self, a: torch.Tensor, b: torch.Tensor, dims: tuple[int, ...], dtype: str) -> torch.Tensor:
        return torch.sum(a * b, dims)

    def logsumexp(self, x: torch.Tensor, dims: tuple[int, ...], dtype: str) -> torch.Tensor:
        return torch.logsumexp(x, dims)

    def extremum(self, op: str, x: torch.Tensor, dims: tuple[int, ...]) -> torch.Tensor:
        return torch.amax(x, dims) if op == "max" else torch.amin(x, dims)

    def take(self, x: torch.Tensor, index: Integers, dim: int) -> torch.Tensor:
        size = x.shape[dim]
        lead = np.broadcast_shapes(x.shape[:dim], index.shape[:dim])
        picked = torch.tensor(np.broadcast_to(index, (*lead, 1)).copy())
        found = torch.gather(x.expand(*lead, size), dim, picked.clamp(0, size - 1))
        return torch.where((picked >= 0) & (picked < size), found, 0.0)

    def concatenate(self, parts: Sequence[torch.Tensor], dim: int) -> torch.Tensor:
        return torch.cat(list(parts), dim)

    def reshape(self, x: torch.Tensor, order: tuple[int, ...], shape: tuple[int, ...]) -> torch.Tensor:
        return x.permute(order).reshape(shape)

    def broadcast(self, x: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        return x.expand(shape)


@pytest.fixture(scope="session")
def torch_float32() -> TorchArithmetic:
    return TorchArithmetic(torch.float32)


@pytest.fixture(scope="session")
def torch_float64() -> TorchArithmetic:
    return TorchArithmetic(torch.float64)
