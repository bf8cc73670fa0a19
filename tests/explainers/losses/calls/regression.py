"""Calls of the losses between numbers."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st

from tests.explainers.losses.calls.strategies import (
    DTYPES,
    GRID,
    NAMED,
    NUMBERS,
    REDUCTIONS,
    WEIGHTS,
    Calls,
    LossCall,
    broadcasting,
    tensor,
)

BETAS = st.sampled_from([0, 0.1, 0.5, 1, 2.0, 3])


@st.composite
def _differences(draw: st.DrawFn, name: str, weighted: bool, knob: dict[str, Any] | None = None) -> LossCall:
    (left, right), dtype = draw(broadcasting()), draw(DTYPES)
    second = draw(st.sampled_from([dtype, dtype, torch.float32])) if name in ("mse_loss", "l1_loss") else dtype
    numbers = draw(st.sampled_from([NUMBERS, GRID]))
    held = {"input": draw(tensor(left, dtype, numbers)), "target": draw(tensor(right, second, numbers))}
    whole = torch.broadcast_shapes(left, right)
    use = weighted and whole == left and draw(st.integers(0, 2)) == 0  # torch wants the input's own shape
    weight = {"weight": draw(tensor(whole, dtype, WEIGHTS))} if use else {}
    flags = draw(REDUCTIONS) if name != "huber_loss" else draw(NAMED)
    return LossCall(name, {**held, **weight, **flags, **{k: draw(v) for k, v in (knob or {}).items()}})


def calls() -> Calls:
    return {
        "mse_loss": _differences("mse_loss", True),
        "l1_loss": _differences("l1_loss", True),
        "smooth_l1_loss": _differences("smooth_l1_loss", False, {"beta": BETAS}),
        "huber_loss": _differences("huber_loss", True, {"delta": BETAS.filter(bool)}),
    }
