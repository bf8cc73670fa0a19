"""Calls of CTC, of the linear layer with cross-entropy, and of adaptive softmax."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.explainers.losses.calls.strategies import (
    DTYPES,
    NAMED,
    SINGLE_OR_DOUBLE,
    Calls,
    LossCall,
    tensor,
)

SCORES = st.floats(-4, 4, width=32)


@st.composite
def _ctc(draw: st.DrawFn) -> LossCall:
    t, n, c, s = (draw(st.integers(low, 4)) for low in (1, 1, 2, 0))
    log_probs = draw(tensor((t, n, c), draw(SINGLE_OR_DOUBLE), SCORES)).log_softmax(-1)
    blank = draw(st.sampled_from([0, c - 1]))
    labels = st.integers(0, c - 1).filter(lambda label: label != blank)
    spans, lengths = (
        draw(arrays.arrays(np.int64, n, elements=st.integers(least, most))) for least, most in ((1, t), (0, s))
    )
    of = draw(st.sampled_from(["rows", "in a row", "one"]))
    rest: dict[str, Any] = {"blank": blank, **draw(NAMED), "zero_infinity": draw(st.booleans())}
    if of == "one":
        target = torch.from_numpy(draw(arrays.arrays(np.int64, s, elements=labels)))
        given = {"log_probs": log_probs[:, 0], "targets": target}
        sizes = {"input_lengths": torch.tensor(t), "target_lengths": torch.tensor(s)}
        return LossCall("ctc_loss", {**given, **sizes, **rest})
    shape = (n, s) if of == "rows" else int(lengths.sum())
    target = torch.from_numpy(draw(arrays.arrays(np.int64, shape, elements=labels)))
    sizes = {"input_lengths": torch.from_numpy(spans), "target_lengths": torch.from_numpy(lengths)}
    return LossCall("ctc_loss", {"log_probs": log_probs, "targets": target, **sizes, **rest})


@st.composite
def _linear(draw: st.DrawFn) -> LossCall:
    n, c, f, dtype = draw(st.integers(0, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(DTYPES)
    shape, left = draw(st.sampled_from([((n, f), (n,)), ((f,), ())]))
    held = {"input": draw(tensor(shape, dtype, SCORES)), "linear_weight": draw(tensor((c, f), dtype, SCORES))}
    target = torch.from_numpy(draw(arrays.arrays(np.int64, left, elements=st.integers(0, c - 1))))
    bias = {"linear_bias": draw(tensor((c,), dtype, SCORES))} if draw(st.booleans()) else {}
    weight = {"weight": draw(tensor((c,), dtype, st.floats(0.5, 4, width=32)))} if draw(st.booleans()) else {}
    rest = {"label_smoothing": draw(st.sampled_from([0.0, 0.1])), **draw(NAMED)}
    return LossCall("linear_cross_entropy", {**held, "target": target, **bias, **weight, **rest})


@st.composite
def _adaptive(draw: st.DrawFn) -> LossCall:
    n, c, f, dtype = draw(st.integers(1, 4)), draw(st.integers(2, 9)), draw(st.integers(1, 3)), draw(DTYPES)
    cutoffs = sorted(draw(st.sets(st.integers(1, c - 1), min_size=1, max_size=3)))
    ends = (*cutoffs, c)
    shape, left = draw(st.sampled_from([((n, f), (n,)), ((f,), ())]))
    head = (cutoffs[0] + len(cutoffs), f)
    tail: list[tuple[Any, Any]] = []
    for start, end in pairwise(ends):
        hidden = draw(st.integers(0, 2))
        tail.append((draw(tensor((hidden, f), dtype, SCORES)), draw(tensor((end - start, hidden), dtype, SCORES))))
    bias = {"head_bias": draw(tensor(head[:1], dtype, SCORES))} if draw(st.booleans()) else {}
    held = {"input": draw(tensor(shape, dtype, SCORES)), "head_weight": draw(tensor(head, dtype, SCORES))}
    target = torch.from_numpy(draw(arrays.arrays(np.int64, left, elements=st.integers(0, c - 1))))
    rest = {"tail": tuple(tail), "cutoffs": tuple(ends)}
    return LossCall("AdaptiveLogSoftmaxWithLoss", {**held, "target": target, **rest, **bias})


def calls() -> Calls:
    return {"ctc_loss": _ctc(), "linear_cross_entropy": _linear(), "AdaptiveLogSoftmaxWithLoss": _adaptive()}
