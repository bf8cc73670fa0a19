"""Calls of the losses over classes, and of softmax beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.explainers.losses.calls.strategies import (
    DTYPES,
    KINDS,
    LOGITS,
    MASKED,
    REDUCTIONS,
    SOFT,
    WEIGHTS,
    Calls,
    LossCall,
    tensor,
)

SMOOTHINGS = st.sampled_from([{}, {}, *({"label_smoothing": epsilon} for epsilon in (0.0, 0.1, 1.0))])


@st.composite
def class_shapes(draw: st.DrawFn) -> tuple[tuple[int, ...], int]:
    """The shape of logits, and where in it the classes are."""
    c, n, d, e = draw(st.integers(1, 4)), draw(st.integers(0, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    shapes = {"unbatched": ((c,), 0), "batch": ((n, c), 1), "sequence": ((n, c, d), 1), "image": ((n, c, d, e), 1)}
    return shapes[draw(KINDS)]


@st.composite
def class_weights(draw: st.DrawFn, c: int, dtype: torch.dtype) -> dict[str, Any]:
    return {"weight": draw(tensor((c,), dtype, WEIGHTS))} if draw(st.booleans()) else {}


@st.composite
def indices(draw: st.DrawFn, shape: tuple[int, ...], at: int, bytes_too: bool = True) -> dict[str, Any]:
    """A target of class indices, and an ignored one: absent, present, everywhere, or not an index at all.

    torch takes uint8 for them only where K = 0, and not beside label smoothing with weights.
    """
    left, c = shape[:at] + shape[at + 1 :], shape[at]
    held = draw(arrays.arrays(np.int64, left, elements=st.integers(0, c - 1)))
    kinds = ["default", "a class", "beside", "everywhere", *(["uint8"] if bytes_too and len(shape) < 3 else [])]
    match draw(st.sampled_from(kinds)):
        case "a class":
            return {"target": torch.from_numpy(held), "ignore_index": draw(st.integers(0, c - 1))}
        case "beside":
            mask = draw(arrays.arrays(np.bool_, left))
            ignored = draw(st.sampled_from([-100, -1, c, 7]))
            return {"target": torch.from_numpy(np.where(mask, ignored, held)), "ignore_index": ignored}
        case "everywhere":
            return {"target": torch.full(left, -100), "ignore_index": -100}
        case "uint8":
            return {"target": torch.from_numpy(held).to(torch.uint8)}
        case _:
            return {"target": torch.from_numpy(held)}


@st.composite
def _nll_loss(draw: st.DrawFn) -> LossCall:
    (shape, at), dtype = draw(class_shapes()), draw(DTYPES)
    input = draw(tensor(shape, dtype, LOGITS))
    if len(shape) > 3:  # torch's own backward refuses another way in memory then
        input = input.contiguous()
    weight, target = draw(class_weights(shape[at], dtype)), draw(indices(shape, at))
    return LossCall("nll_loss", {"input": input, **target, **weight, **draw(REDUCTIONS)})


@st.composite
def _cross_entropy(draw: st.DrawFn) -> LossCall:
    (shape, at), dtype = draw(class_shapes()), draw(DTYPES)
    input = draw(tensor(shape, dtype, LOGITS))
    smoothing = draw(SMOOTHINGS)
    rest = {**draw(class_weights(shape[at], dtype)), **draw(REDUCTIONS), **smoothing}
    if draw(st.integers(0, 2)) == 0:
        soft = draw(tensor(shape, dtype, SOFT))
        return LossCall("cross_entropy", {"input": input, "target": soft, **rest})
    target = draw(indices(shape, at, bytes_too=not smoothing))
    if not smoothing and "ignore_index" not in target and draw(st.booleans()):
        input = _off_target(input, target["target"], at, draw(st.integers(0, 3)))
    return LossCall("cross_entropy", {"input": input, **target, **rest})


def _off_target(input: torch.Tensor, target: torch.Tensor, at: int, chosen: int) -> torch.Tensor:
    """The logits with one class at −inf wherever it is not the target."""
    classes = torch.arange(input.shape[at]).reshape((-1, *(1,) * (input.dim() - at - 1)))
    off = (classes == chosen) & (target.long().unsqueeze(at) != chosen)
    return torch.where(off, -torch.inf, input)


@st.composite
def _along(draw: st.DrawFn, name: str) -> LossCall:
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4))
    input = draw(tensor(shape, draw(DTYPES), MASKED))
    dtype = draw(st.sampled_from([{}, {}, {"dtype": torch.float64}]))
    width = max(len(shape), 1)
    return LossCall(name, {"input": input, "dim": draw(st.integers(-width, width - 1)), **dtype})


def calls() -> Calls:
    return {
        "cross_entropy": _cross_entropy(),
        "nll_loss": _nll_loss(),
        "log_softmax": _along("log_softmax"),
        "softmax": _along("softmax"),
        "softmin": _along("softmin"),
    }
