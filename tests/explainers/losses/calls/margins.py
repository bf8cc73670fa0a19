"""Calls of the losses with a margin."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.explainers.losses.calls.strategies import (
    DTYPES,
    GRID,
    LOGITS,
    NUMBERS,
    REDUCTIONS,
    SINGLE_OR_DOUBLE,
    SOFT,
    WEIGHTS,
    Calls,
    LossCall,
    beside,
    broadcasting,
    tensor,
)

SIGNS = st.sampled_from([1.0, -1.0]) | st.sampled_from([0.0, 2.0])
NUMBERS_OR_GRID = st.sampled_from([NUMBERS, GRID])
MARGINS = st.sampled_from([0, 0.1, 0.5, 1.0])


@st.composite
def _signs(draw: st.DrawFn, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """1 or −1, sometimes as integers, sometimes something else."""
    return draw(tensor(shape, draw(st.sampled_from([dtype, torch.int64])), SIGNS))


@st.composite
def _ranking(draw: st.DrawFn) -> LossCall:
    shape, dtype = draw(arrays.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)), draw(DTYPES)
    numbers = draw(NUMBERS_OR_GRID)
    other = tuple(1 if draw(st.integers(0, 4)) == 0 else side for side in shape)
    pair = {"input1": draw(tensor(shape, dtype, numbers)), "input2": draw(tensor(other, dtype, numbers))}
    rest = {"target": draw(_signs(shape, dtype)), "margin": draw(MARGINS), **draw(REDUCTIONS)}
    return LossCall("margin_ranking_loss", {**pair, **rest})


@st.composite
def _signed(draw: st.DrawFn, name: str, margins: bool) -> LossCall:
    (left, right), dtype = draw(broadcasting()), draw(DTYPES)
    if torch.broadcast_shapes(left, right) != left and name == "soft_margin_loss":
        left, right = torch.broadcast_shapes(left, right), left  # its output has the input's shape
    input = draw(tensor(left, dtype, draw(st.sampled_from([LOGITS, GRID]))))
    rest = {"margin": draw(MARGINS)} if margins else {}
    return LossCall(name, {"input": input, "target": draw(_signs(right, dtype)), **rest, **draw(REDUCTIONS)})


@st.composite
def _multi_margin(draw: st.DrawFn) -> LossCall:
    n, c, dtype = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(SINGLE_OR_DOUBLE)
    shape, left = draw(st.sampled_from([((n, c), (n,)), ((c,), ()), ((c,), (1,))]))
    input = draw(tensor(shape, dtype, draw(NUMBERS_OR_GRID)))
    target = torch.from_numpy(draw(arrays.arrays(np.int64, left, elements=st.integers(0, c - 1))))
    weight = {"weight": draw(tensor((c,), dtype, WEIGHTS))} if draw(st.booleans()) else {}
    rest = {"p": draw(st.sampled_from([1, 2])), "margin": draw(MARGINS), **weight, **draw(REDUCTIONS)}
    return LossCall("multi_margin_loss", {"input": input, "target": target, **rest})


@st.composite
def _label_lists(draw: st.DrawFn) -> LossCall:
    n, c, dtype = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(SINGLE_OR_DOUBLE)
    shape = draw(st.sampled_from([(n, c), (c,)]))
    input = draw(tensor(shape, dtype, draw(NUMBERS_OR_GRID)))
    labels = draw(arrays.arrays(np.int64, shape, elements=st.integers(-1, c - 1)))
    ended = labels if draw(st.booleans()) else np.where(np.minimum.accumulate(labels, axis=-1) < 0, -1, labels)
    rest = draw(REDUCTIONS)
    return LossCall("multilabel_margin_loss", {"input": input, "target": torch.from_numpy(ended), **rest})


@st.composite
def _soft_labels(draw: st.DrawFn) -> LossCall:
    shape, dtype = draw(arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)), draw(DTYPES)
    input, target = draw(tensor(shape, dtype, LOGITS)), draw(tensor(shape, dtype, SOFT))
    weight = draw(beside(shape, dtype, "weight"))
    return LossCall("multilabel_soft_margin_loss", {"input": input, "target": target, **weight, **draw(REDUCTIONS)})


def calls() -> Calls:
    return {
        "margin_ranking_loss": _ranking(),
        "hinge_embedding_loss": _signed("hinge_embedding_loss", True),
        "soft_margin_loss": _signed("soft_margin_loss", False),
        "multi_margin_loss": _multi_margin(),
        "multilabel_margin_loss": _label_lists(),
        "multilabel_soft_margin_loss": _soft_labels(),
    }
