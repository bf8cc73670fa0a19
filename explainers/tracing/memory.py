"""ctc_loss with labels that are no classes: torch checks none of them, reads beside its memory and writes there in the
backward, which may end the process. The value is torch's own; its gradient, which means nothing, is nan instead."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """torch's function, without its backward where that would write beside its memory."""
    rest = (targets, input_lengths, target_lengths, blank, reduction, zero_infinity)
    if _has_strangers(log_probs, targets, target_lengths):
        return _Unwritten.apply(log_probs, F.ctc_loss(log_probs.detach(), *rest))
    return F.ctc_loss(log_probs, *rest)


class _Unwritten(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, log_probs: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        ctx.like = log_probs
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        return torch.full_like(ctx.like, torch.nan), None


def _has_strangers(log_probs: Any, targets: Any, target_lengths: Any) -> bool:
    """Whether a label that counts is no class."""
    if not isinstance(log_probs, torch.Tensor) or not isinstance(targets, torch.Tensor) or not log_probs.dim():
        return False
    try:
        counts = torch.as_tensor(target_lengths).reshape(-1)
        labels = targets if targets.dim() == 2 else targets.reshape(1, -1)
        ends = counts if targets.dim() == 2 else counts.sum().reshape(1)
        used = torch.arange(labels.shape[1]) < ends[:, None]
        held = labels[used.expand_as(labels)]
    except (RuntimeError, TypeError, ValueError):
        return False  # torch itself says what is the matter
    return bool(((held < 0) | (held >= log_probs.shape[-1])).any())
