"""A mean divides the gradient as it divides the loss: who computes one term's gradient by hand finds a share of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np

from explainers.divisors import ELEMENTWISE, OF_CLASSES, reduction_of, rows_of
from explainers.messages import Message, said
from explainers.recording import Call, Recording, Tensor

_LOOKED_AT = frozenset({"torch.Tensor.grad", "torch.autograd.grad"})
_SLOPES: Mapping[str, str] = MappingProxyType(
    {
        "cross_entropy": "softmax(x) - y",
        "binary_cross_entropy_with_logits": "σ(x) - y",
        "mse_loss": "2 (x - y)",
        "l1_loss": "sign(x - y)",
        "nll_loss": "-y",
    }
)
"""Losses → the gradient of one term by the input, y one-hot where it is a class index."""


def divided_gradient(recording: Recording, call: Call | None, name: str) -> Iterator[Message]:
    """That a mean divides the gradient as well, where a program looks at one, and how to have it undivided."""
    if call is None or name not in _SLOPES or reduction_of(call) != "mean" or _is_changed(call):
        return
    target, scores = recording.known(call.ref("target")), recording.known(call.ref("input"))
    looked_at = any(each.function in _LOOKED_AT for each in recording.calls) and len(recording.losses) <= 1
    count = _terms(name, call, scores, target) if looked_at and target is not None and scores is not None else 0
    if count > 1 and scores is not None:
        yield said(
            "The mean divides the gradient, too: that by {input} is ({slope})/{count}. Multiplied by {count}, or with "
            "reduction='sum', it is {slope}.",
            input=scores.name or "input",
            slope=_SLOPES[name],
            count=count,
        )


def _is_changed(call: Call) -> bool:
    return any(call.argument(name) not in (None, 0) for name in ("weight", "pos_weight", "label_smoothing"))


def _terms(name: str, call: Call, scores: Tensor, target: Tensor) -> int:
    """What the mean divides by; 0 where the gradient of a term is another than its formula."""
    if name in ELEMENTWISE:
        return scores.elements if scores.shape == target.shape else 0
    if target.floating:
        return rows_of(scores) if _are_shares(target) else 0
    if target.data is None or name not in OF_CLASSES:
        return 0
    ignored = call.argument("ignore_index")
    return int((target.array().astype(np.int64) != (ignored if isinstance(ignored, int) else -100)).sum())


def _are_shares(target: Tensor) -> bool:
    if target.data is None or not target.shape:
        return False
    return bool(np.allclose(target.array().astype(np.float64).sum(axis=min(1, len(target.shape) - 1)), 1, atol=1e-4))
