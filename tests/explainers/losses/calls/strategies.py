"""What the strategies of calls are made of: tensors of the numbers that hurt, shapes that broadcast, reductions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

Calls = Mapping[str, st.SearchStrategy["LossCall"]]
Numbers = st.SearchStrategy[float]
SPECIAL = st.sampled_from([0.0, 1.0, -1.0, 30.0, -30.0, 1000.0, -1000.0])
LOGITS = st.floats(-8, 8, width=32) | SPECIAL
NUMBERS = st.floats(-50, 50, width=32)
GRID = st.sampled_from([0.0, 0.5, 1.0, 1.5, -0.5, -1.0, 2.0])
"""Numbers that meet a kink."""
UNIT = st.sampled_from([0.0, 1.0, 0.5]) | st.floats(0, 1, width=32)
SOFT = UNIT | st.floats(-2, 2, width=32)
"""Targets; torch takes them beyond probabilities too."""
MASKED = LOGITS | st.just(-np.inf)
VECTORS = st.floats(-20, 20, width=32) | st.sampled_from([0.0, 1.0, -1.0])
WEIGHTS = st.sampled_from([0.0, 1.0, 2.5]) | st.floats(0, 4, width=32)
NON_FINITE = st.sampled_from([float("inf"), float("-inf"), float("nan")])
SINGLE_OR_DOUBLE = st.sampled_from([torch.float32, torch.float64])
"""For what torch has no half precision on a CPU."""
ALL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
DTYPES = SINGLE_OR_DOUBLE | st.sampled_from(ALL[:2])
FEW_SPECIAL = st.sampled_from(["non-finite", "tiny", *["as they are"] * 8])
FEW_TINY = st.sampled_from(["as they are", "tiny"])
LAYOUTS = st.sampled_from(["plain", "plain", "sliced", "transposed", "expanded"])
NAMED = st.sampled_from(["mean", "sum", "none"]).map(lambda name: {"reduction": name})
FLAGS = st.fixed_dictionaries({k: st.sampled_from([True, False, None]) for k in ("size_average", "reduce")})
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3) | st.just((0, 2))
KINDS = st.sampled_from(["unbatched", "batch", "batch", "batch", "sequence", "image"])


@dataclass(frozen=True)
class LossCall:
    """One call of a function of torch.nn.functional, by argument name."""

    name: str
    arguments: dict[str, Any]

    def upcast(self) -> LossCall:
        """The same call with every real tensor in float64."""
        return LossCall(self.name, {k: _double(v) for k, v in self.arguments.items()})


def _double(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_double, value))
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.double()
    return torch.float64 if isinstance(value, torch.dtype) else value


@lru_cache(maxsize=4096)
@st.composite
def tensor(draw: st.DrawFn, shape: tuple[int, ...], dtype: torch.dtype, numbers: Numbers) -> Any:
    """A tensor of these numbers, often one that is not contiguous; where they are any numbers, sometimes with
    infinities and with what is not a number, and sometimes next to the smallest numbers of the dtype."""
    kinds = _kinds(numbers) if dtype.is_floating_point else None
    kind = draw(kinds) if kinds is not None else "as they are"
    held = draw(_array(shape, _more(numbers, dtype, kind)))
    return _laid_out(torch.from_numpy(held).to(dtype), draw(LAYOUTS))


def _kinds(numbers: Numbers) -> st.SearchStrategy[str] | None:
    """What may be beside them; BCE refuses a probability that is not a number, and takes a tiny one."""
    if numbers in (WEIGHTS, UNIT):
        return FEW_TINY
    return FEW_SPECIAL if numbers in (LOGITS, NUMBERS, SOFT, MASKED, VECTORS) else None


# A strategy that is made anew for each draw is looked through anew: that took longer than the draw.


@lru_cache(maxsize=4096)
def _array(shape: tuple[int, ...], numbers: Numbers) -> st.SearchStrategy[Any]:
    return arrays.arrays(np.float64, shape, elements=numbers.map(lambda v: v + 0.0))


@lru_cache(maxsize=4096)
def _more(numbers: Numbers, dtype: torch.dtype, kind: str) -> Numbers:
    match kind:
        case "non-finite":
            return numbers | NON_FINITE
        case "tiny":
            tiny = torch.finfo(dtype).tiny
            return numbers | st.floats(0, 4).map(lambda part: tiny * part)
        case _:
            return numbers


def _laid_out(made: torch.Tensor, how: str) -> torch.Tensor:
    """The tensor as it is, or another way in memory: each second place, turned round, or one row repeated."""
    match how:
        case "sliced":
            return torch.stack([made, made], -1)[..., 0]
        case "transposed" if made.dim() > 1:
            return made.transpose(0, -1).contiguous().transpose(0, -1)
        case "expanded" if made.dim() and made.shape[0]:
            return made[:1].expand(made.shape)
        case _:
            return made


@st.composite
def _reductions(draw: st.DrawFn) -> dict[str, Any]:
    return draw(NAMED) if draw(st.integers(0, 4)) else {**draw(FLAGS), "reduction": "mean"}


REDUCTIONS = _reductions()
"""A reduction by its name, or by the flags it had before."""


@st.composite
def broadcasting(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast, alike half of the time."""
    shape = draw(SHAPES)
    if draw(st.booleans()):
        return shape, shape
    other = tuple(1 if draw(st.booleans()) else side for side in shape)[draw(st.integers(0, len(shape))) :]
    return (shape, other) if draw(st.booleans()) else (other, shape)


@st.composite
def beside(draw: st.DrawFn, shape: tuple[int, ...], dtype: torch.dtype, name: str) -> dict[str, Any]:
    """A weight that broadcasts to the shape, or none."""
    if draw(st.booleans()):
        return {}
    other = tuple(1 if draw(st.booleans()) else side for side in shape)[draw(st.integers(0, len(shape))) :]
    return {name: draw(tensor(other, dtype, WEIGHTS))}
