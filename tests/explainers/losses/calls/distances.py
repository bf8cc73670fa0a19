"""Calls of distances and angles, and of the losses made of them."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.explainers.losses.calls.strategies import (
    DTYPES,
    NAMED,
    REDUCTIONS,
    VECTORS,
    Calls,
    LossCall,
    tensor,
)

POWERS = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, float("inf")])
SIGNS = st.sampled_from([1.0, -1.0, 0.0])
SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3) | st.just((0, 2))


@st.composite
def repeated(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts to this one, mostly itself: a side of 1, for these keep the number of dimensions."""
    return tuple(1 if draw(st.integers(0, 9)) == 0 else side for side in shape)


@st.composite
def _embedding(draw: st.DrawFn) -> LossCall:
    n, d, dtype = draw(st.integers(0, 3)), draw(st.integers(1, 4)), draw(DTYPES)
    shape, left = draw(st.sampled_from([((n, d), (n,)), ((n, d), (n,)), ((d,), ())]))
    pair = {name: draw(tensor(shape, dtype, VECTORS)) for name in ("input1", "input2")}
    target = draw(tensor(left, draw(st.sampled_from([dtype, torch.int64])), SIGNS))
    rest = {"margin": draw(st.sampled_from([0, 0.5, -0.5])), **draw(REDUCTIONS)}
    return LossCall("cosine_embedding_loss", {**pair, "target": target, **rest})


@st.composite
def _triplet(draw: st.DrawFn) -> LossCall:
    shape, dtype = draw(SHAPES), draw(DTYPES)
    three = {name: draw(tensor(draw(repeated(shape)), dtype, VECTORS)) for name in ("anchor", "positive", "negative")}
    rest = {"margin": draw(st.sampled_from([0.5, 1.0, 10.0])), "swap": draw(st.booleans())}
    if draw(st.booleans()):
        return LossCall("triplet_margin_with_distance_loss", {**three, **rest, **draw(NAMED)})
    rest |= {"p": draw(POWERS), "eps": draw(st.sampled_from([1e-6, 1e-3]))}
    return LossCall("triplet_margin_loss", {**three, **rest, **draw(REDUCTIONS)})


@st.composite
def _pair(draw: st.DrawFn, name: str) -> LossCall:
    shape, dtype = draw(SHAPES | st.just(())), draw(DTYPES)
    first = draw(tensor(shape, dtype, VECTORS))
    pair = {
        "x1": first,
        "x2": first.clone() if draw(st.integers(0, 4)) == 0 else draw(tensor(draw(repeated(shape)), dtype, VECTORS)),
    }
    if name == "cosine_similarity":
        width = max(len(shape), 1)
        dim = draw(st.integers(-width, width - 1))
        return LossCall(name, {**pair, "dim": dim, "eps": draw(st.sampled_from([1e-8, 0.1]))})
    rest = {"p": draw(POWERS), "eps": draw(st.sampled_from([1e-6, 1e-3])), "keepdim": draw(st.booleans())}
    return LossCall(name, {**pair, **rest})


@st.composite
def _unit(draw: st.DrawFn) -> LossCall:
    shape, dtype = draw(SHAPES | st.just(())), draw(DTYPES)
    width = max(len(shape), 1)
    dims = [dim for dim in range(-width, width) if not shape or shape[dim]]  # torch has no norm of nothing for every p
    rest = {"p": draw(POWERS), "dim": draw(st.sampled_from(dims))}
    eps = draw(st.sampled_from([1e-12, 0.1]))
    return LossCall("normalize", {"input": draw(tensor(shape, dtype, VECTORS)), **rest, "eps": eps})


def calls() -> Calls:
    return {
        "cosine_embedding_loss": _embedding(),
        "triplet_margin_loss": _triplet().filter(lambda call: call.name == "triplet_margin_loss"),
        "triplet_margin_with_distance_loss": _triplet().filter(lambda call: call.name != "triplet_margin_loss"),
        "cosine_similarity": _pair("cosine_similarity"),
        "pairwise_distance": _pair("pairwise_distance"),
        "normalize": _unit(),
    }
