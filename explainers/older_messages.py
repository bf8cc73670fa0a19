"""Programs for messages of older versions of torch, which says the same in other words today, if at all."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

Match = re.Match[str]

_SHAPE: Final = r"\[([\d x]+)\]"
_MOST: Final = 10**6  # elements of a stand-in
_CRITERIA: Final = {"MSE": "mse_loss", "Abs": "l1_loss", "SmoothL1": "smooth_l1_loss"}


def _regression(found: Match) -> str | None:
    """A regression loss of input and target in the shapes that the message names."""
    shapes = [tuple(int(size) for size in re.findall(r"\d+", text)) for text in found.groups()[:2]]
    if any(not shape or math.prod(shape) > _MOST for shape in shapes):
        return None
    given, wanted = (", ".join(map(str, shape)) for shape in shapes)
    loss = _CRITERIA.get(found[3] or "MSE", "mse_loss")
    return f"pred = torch.randn({given})\ntarget = torch.randn({wanted})\nF.{loss}(pred, target)"


def _batch(_found: Match) -> str:
    return "logits = torch.randn(4, 3)\ntarget = torch.randint(0, 3, (8,))\nF.cross_entropy(logits, target)"


def _column(_found: Match) -> str:
    return "logits = torch.randn(4, 3)\ntarget = torch.randint(0, 3, (4, 1))\nF.cross_entropy(logits, target)"


def labels_of_dtype(found: Match) -> str:
    """Labels of classes in another dtype than int64, which the message names."""
    dtype = found[1].lower()
    return f"logits = torch.randn(4, 3)\ntarget = torch.tensor([0, 2, 1, 1]).{dtype}()\nF.cross_entropy(logits, target)"


OLDER: Final[tuple[tuple[re.Pattern[str], Callable[[Match], str | None]], ...]] = (
    (
        re.compile(
            rf"input and target shapes do not match: input {_SHAPE}, target {_SHAPE}"
            r"(?:.*?(MSE|Abs|SmoothL1)Criterion)?",
            re.DOTALL,
        ),
        _regression,
    ),
    (re.compile(r"THIndexTensor_\(size\)\(target, 0\) == batch_size"), _batch),
    (re.compile(r"^(?:\w+: )?multi-target not supported"), _column),
    (
        re.compile(r"torch\.LongTensor but found type torch\.(Float|Double|Half|Int|Short)Tensor for argument #2"),
        labels_of_dtype,
    ),
    (re.compile(r"scalar type Long but got scalar type (Int|Short) for argument #2"), labels_of_dtype),
)
