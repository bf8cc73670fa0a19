"""Whole numbers that pass what their dtype holds, and start again at its other end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from explainers.recording import Call, Recording, Ref, Tensor

Integers = npt.NDArray[np.int64]
NARROW: Final = frozenset({"uint8", "int8", "int16", "int32"})

_EXACT: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "torch.add": lambda a, b, alpha: a + alpha * b,
        "torch.Tensor.add_": lambda a, b, alpha: a + alpha * b,
        "torch.sub": lambda a, b, alpha: a - alpha * b,
        "torch.Tensor.sub_": lambda a, b, alpha: a - alpha * b,
        "torch.rsub": lambda a, b, alpha: b - alpha * a,
        "torch.mul": lambda a, b, _: a * b,
        "torch.Tensor.mul_": lambda a, b, _: a * b,
        "torch.pow": lambda a, b, _: a**b,
        "torch.square": lambda a, _b, _: a * a,
        "torch.neg": lambda a, _b, _: -a,
        "torch.matmul": lambda a, b, _: a @ b,
        "torch.mm": lambda a, b, _: a @ b,
        "torch.bmm": lambda a, b, _: a @ b,
        "torch.dot": lambda a, b, _: a @ b,
    }
)
"""What these functions compute of whole numbers, in int64, which holds it for operands of the narrow dtypes."""

_SECOND: Final = ("other", "mat2", "tensor", "exponent")
_CASTS: Final = frozenset({f"torch.Tensor.{name}" for name in ("to", "type", "byte", "char", "short", "int")})


@dataclass(frozen=True)
class Wrapped:
    """A call whose result its dtype can't hold: one place of it, what belongs there, and what is there instead."""

    call: Call
    dtype: str
    index: tuple[int, ...]
    exact: int
    held: int
    count: int

    @property
    def least(self) -> int:
        """The smallest number of the dtype."""
        return int(np.iinfo(self.dtype).min)

    @property
    def most(self) -> int:
        """The largest number of the dtype."""
        return int(np.iinfo(self.dtype).max)


def wrapped(call: Call, recording: Recording) -> Wrapped | None:
    """What a call's result lost to its narrow dtype; None where it holds what belongs there, or that is not known."""
    made = next((recording.tensors.get(id) for id in (*call.outputs, *(new for _, new in call.mutated))), None)
    if made is None or made.dtype not in NARROW or made.data is None:
        return None
    exact, held = _exact(call, recording), made.array().astype(np.int64)
    if exact is None or exact.shape != held.shape or not (lost := exact != held).any():
        return None
    at = tuple(int(k) for k in np.argwhere(lost)[0])
    return Wrapped(call, made.dtype, at, int(exact[at]), int(held[at]), int(lost.sum()))


def _exact(call: Call, recording: Recording) -> Integers | None:
    a = _whole(call.argument("input"), recording)
    if a is None:
        return None
    if call.function in _CASTS:
        return a
    b = next((found for name in _SECOND if (found := _whole(call.argument(name), recording)) is not None), None)
    alpha, compute = call.argument("alpha"), _EXACT.get(call.function)
    if compute is None or (b is None and call.function not in ("torch.neg", "torch.square")):
        return None
    try:
        return np.asarray(compute(a, b, alpha if isinstance(alpha, int) else 1), dtype=np.int64)
    except ValueError:  # a negative power, which torch refuses too
        return None


def _whole(value: object, recording: Recording) -> Integers | None:
    """An operand of whole numbers; None for others."""
    if isinstance(value, int):
        return np.asarray(value, dtype=np.int64)
    tensor: Tensor | None = recording.tensors.get(value.id) if isinstance(value, Ref) else None
    if tensor is None or tensor.data is None or tensor.dtype.startswith("complex"):
        return None
    held = tensor.array()
    if tensor.floating and not np.isfinite(held.astype(np.float64)).all():
        return None
    return np.trunc(held.astype(np.float64)).astype(np.int64) if tensor.floating else held.astype(np.int64)
