"""Calls of the functions next to losses."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.explainers.losses.calls.strategies import (
    DTYPES,
    LOGITS,
    Calls,
    LossCall,
    tensor,
)

SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4) | st.just((0, 2))


@st.composite
def _elementwise(draw: st.DrawFn, name: str) -> LossCall:
    return LossCall(name, {"input": draw(tensor(draw(SHAPES), draw(DTYPES), LOGITS))})


@st.composite
def _softplus(draw: st.DrawFn) -> LossCall:
    rest = {"beta": draw(st.sampled_from([1, 0.5, 2.0])), "threshold": draw(st.sampled_from([20, 1.0]))}
    return LossCall("softplus", {**draw(_elementwise("softplus")).arguments, **rest})


@st.composite
def _logsumexp(draw: st.DrawFn) -> LossCall:
    shape = draw(arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    dims = draw(st.sets(st.integers(0, len(shape) - 1), min_size=1).map(tuple))
    rest = {"dim": dims, "keepdim": draw(st.booleans())}
    return LossCall("logsumexp", {"input": draw(tensor(shape, draw(DTYPES), LOGITS)), **rest})


@st.composite
def _one_hot(draw: st.DrawFn) -> LossCall:
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=2, min_side=1, max_side=3))
    held = torch.from_numpy(draw(arrays.arrays(np.int64, shape, elements=st.integers(0, 3))))
    return LossCall("one_hot", {"input": held, "num_classes": draw(st.sampled_from([-1, 4, 6]))})


def calls() -> Calls:
    return {
        "sigmoid": _elementwise("sigmoid"),
        "logsigmoid": _elementwise("logsigmoid"),
        "softplus": _softplus(),
        "logsumexp": _logsumexp(),
        "one_hot": _one_hot(),
    }
