"""Calls of binary cross-entropy."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.explainers.losses.calls.strategies import (
    DTYPES,
    LOGITS,
    REDUCTIONS,
    SOFT,
    UNIT,
    Calls,
    LossCall,
    Numbers,
    beside,
    tensor,
)


@st.composite
def _binary(draw: st.DrawFn, name: str, inputs: Numbers, targets: Numbers, weights: tuple[str, ...]) -> LossCall:
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3) | st.just((0, 2)))
    dtype = draw(DTYPES)
    held = {"input": draw(tensor(shape, dtype, inputs)), "target": draw(tensor(shape, dtype, targets))}
    weighted = {k: v for w in weights for k, v in draw(beside(shape, dtype, w)).items()}
    return LossCall(name, {**held, **weighted, **draw(REDUCTIONS)})


def calls() -> Calls:
    return {
        "binary_cross_entropy": _binary("binary_cross_entropy", UNIT, UNIT, ("weight",)),
        "binary_cross_entropy_with_logits": _binary(
            "binary_cross_entropy_with_logits", LOGITS, SOFT, ("weight", "pos_weight")
        ),
    }
