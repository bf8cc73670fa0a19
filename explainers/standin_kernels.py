"""Programs that stop as a pasted message says that torch has no kernel for a dtype."""

from __future__ import annotations

import re
from typing import Final

NOT_IMPLEMENTED: Final = re.compile(r"['\"](\w+)['\"] not implemented for '(\w+)'")
_DTYPES: Final = {
    "Int": "int",
    "Short": "short",
    "Char": "char",
    "Byte": "byte",
    "Long": "long",
    "Bool": "bool",
    "Half": "half",
    "Float": "float",
    "Double": "double",
}
"""torch's names of dtypes in messages, and the methods that convert to them."""


def without_kernel(found: re.Match[str]) -> str | None:
    """A loss that torch has not for a dtype: the message names its kernel and the dtype."""
    kernel, dtype = found[1], _DTYPES.get(found[2])
    if dtype is None or (kernel.startswith("nll_loss") and dtype == "half"):
        return None  # its dtype is that of the scores: in older versions nll_loss had no half precision
    if kernel.startswith("nll_loss"):
        labels = f"target = torch.tensor([0, 2, 1, 1]).{dtype}()"
        return f"logits = torch.randn(4, 3)\n{labels}\nF.cross_entropy(logits, target)"
    if "softmax" in kernel:
        return f"scores = torch.tensor([[2, 0, 1]]).{dtype}()\nF.cross_entropy(scores, torch.tensor([0]))"
    if kernel.startswith("binary_cross_entropy"):
        return f"p = torch.rand(3)\ny = torch.tensor([1, 0, 1]).{dtype}()\nF.binary_cross_entropy(p, y)"
    return None
