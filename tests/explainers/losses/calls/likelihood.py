"""Calls of the negative log-likelihoods and of the divergence."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.explainers.losses.calls.strategies import (
    ALL,
    DTYPES,
    NAMED,
    NUMBERS,
    REDUCTIONS,
    Calls,
    LossCall,
    broadcasting,
    tensor,
)

COUNTS = st.sampled_from([0.0, 0.5, 1.0, 2.0]) | st.floats(0, 30, width=32)
PROBABILITIES = st.sampled_from([0.0, 1.0, 0.5]) | st.floats(0, 1, width=32)
VARIANCES = st.sampled_from([0.0, 1e-9, 1.0]) | st.floats(0, 9, width=32)
EPSILONS = st.sampled_from([1e-8, 1e-4, 0.1])


@st.composite
def _poisson(draw: st.DrawFn) -> LossCall:
    (left, right), dtype = draw(broadcasting()), draw(DTYPES)
    logarithms = draw(st.booleans())
    input = draw(tensor(left, dtype, st.floats(-20, 20, width=32) if logarithms else COUNTS))
    target = draw(tensor(right, draw(st.sampled_from([dtype, dtype, torch.int64, *ALL])), COUNTS))
    rest = {"log_input": logarithms, "full": draw(st.booleans()), "eps": draw(EPSILONS)}
    return LossCall("poisson_nll_loss", {"input": input, "target": target, **rest, **draw(REDUCTIONS)})


@st.composite
def _gaussian(draw: st.DrawFn) -> LossCall:
    shape, dtype = draw(arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)), draw(DTYPES)
    held = {"input": draw(tensor(shape, dtype, NUMBERS)), "target": draw(tensor(shape, dtype, NUMBERS))}
    of = draw(st.sampled_from(["number", "same", "shorter", "one"]))
    shapes = {"same": shape, "shorter": shape[:-1], "one": (*shape[:-1], 1)}
    number = draw(st.sampled_from([0.0, 1e-9, 0.5, 2.0]))
    var = number if of == "number" else draw(tensor(shapes[of], dtype, VARIANCES))
    rest = {"full": draw(st.booleans()), "eps": draw(st.sampled_from([1e-6, 1e-3, 0.1]))}
    return LossCall("gaussian_nll_loss", {**held, "var": var, **rest, **draw(NAMED)})


@st.composite
def _divergence(draw: st.DrawFn) -> LossCall:
    (left, right), dtype = draw(broadcasting()), draw(DTYPES)
    logarithms = draw(st.booleans())
    input = draw(tensor(left, dtype, st.floats(-20, 4, width=32)))
    other = draw(st.sampled_from([dtype, dtype, *ALL]))
    target = draw(tensor(right, other, st.floats(-20, 4, width=32) if logarithms else PROBABILITIES))
    flags = draw(REDUCTIONS | st.just({"reduction": "batchmean"}))
    return LossCall("kl_div", {"input": input, "target": target, **flags, "log_target": logarithms})


def calls() -> Calls:
    return {"poisson_nll_loss": _poisson(), "gaussian_nll_loss": _gaussian(), "kl_div": _divergence()}
