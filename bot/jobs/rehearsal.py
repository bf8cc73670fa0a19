"""A small question: children rehearse on it before theirs arrives, explainers before they may open no file any more."""

from __future__ import annotations

from typing import Final

import numpy as np

from explainers.claims import Claim
from explainers.recording import Argument, Call, Recording, Ref, Shown, Span, Tensor
from explainers.reruns import RerunResult

MESSAGE: Final = """why is this tensor(0.5514) and not 0?
```py
scores = torch.tensor([[1.0, 0.0, 0.0]])
label = torch.tensor([0])
loss = nn.CrossEntropyLoss()(scores, label)
loss
```"""

CLAIMS: Final = (Claim("printed", 0.5514, 5e-5, "0.5514"), Claim("expected", 0.0, 0.0, "0"))
_SOURCE: Final = "F.cross_entropy(scores, label)"
_FUNCTION: Final = "torch.nn.functional.cross_entropy"
_VALUE: Final = np.log(np.float32(2) + np.exp(np.float32(1))) - np.float32(1)


def recording() -> Recording:
    """Cross entropy of one row of three logits, as the tracer would have recorded it."""
    arguments = (Argument("input", Ref(0)), Argument("target", Ref(1)))
    span = Span(1, 0, 1, len(_SOURCE), _SOURCE)
    return Recording(
        source=_SOURCE,
        tensors={
            0: Tensor(0, (1, 3), "float32", False, np.array([1, 0, 0], "<f4").tobytes(), "scores", True),
            1: Tensor(1, (1,), "int64", False, np.array([0], "<i8").tobytes(), "label", True),
            2: _value(),
        },
        calls=(Call(0, _FUNCTION, arguments, (2,), span=span),),
        shown=(Shown("tensor(0.5514)", 2, float(_VALUE), 1),),
        subject=2,
        names={"scores": 0, "label": 1},
    )


def results(labels: tuple[str, ...]) -> tuple[RerunResult, ...]:
    """The value again under every label; which numbers these are does not matter for a rehearsal."""
    return tuple(RerunResult(label, value=_value()) for label in labels)


def _value() -> Tensor:
    return Tensor(2, (), "float32", False, np.array(_VALUE, "<f4").tobytes(), None, False)
