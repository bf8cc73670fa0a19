"""The step of a program's own arithmetic that makes nan of numbers that are none: 0 times inf, inf less inf, 0 by 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from explainers.digits import shown
from explainers.explanation import Explanation
from explainers.messages import Message, said
from explainers.recording import Call, Recording, Ref
from explainers.torch_ops import short_name

_SIGNS: Mapping[str, str] = MappingProxyType(
    {"mul": "*", "div": "/", "true_divide": "/", "sub": "-", "add": "+", "rsub": "-"}
)
Floats = npt.NDArray[np.float64]


def of_nan(explanation: Explanation) -> Iterator[Message]:
    """For a value that holds nan, the first operation that made one, with its numbers at that place."""
    value, recording = explanation.subject, explanation.recording
    held = None if value is None else _array(recording, value.id)
    if held is None or not np.isnan(held).any() or recording.raised is not None:
        return
    for call in recording.calls:
        if (step := _step(recording, call)) is not None and call.span is not None:
            yield said("The first nan arises in line {line}: {step} = nan.", line=call.span.line, step=step)
            return


def _step(recording: Recording, call: Call) -> str | None:
    """`0 * -inf` for a product of these numbers; None for what makes no nan, or makes it of one."""
    sign, made = _SIGNS.get(short_name(call.function)), next(iter(call.outputs), None)
    result = _array(recording, made) if made is not None else None
    operands = [_operand(recording, call.argument(name)) for name in ("input", "other")]
    if sign is None or result is None or not np.isnan(result).any() or call.argument("alpha") not in (None, 1):
        return None
    known = [each for each in operands if each is not None and not np.isnan(each).any()]
    if len(known) != len(operands):
        return None
    at = tuple(int(k) for k in np.argwhere(np.isnan(result))[0])
    one, other = (shown(float(np.broadcast_to(each, result.shape)[at])) for each in known)
    if short_name(call.function) == "rsub":
        one, other = other, one
    return f"{one} {sign} {other}" if sign in "*/" or not other.startswith("-") else f"{one} {sign} ({other})"


def _operand(recording: Recording, value: object) -> Floats | None:
    if isinstance(value, int | float):
        return np.asarray(float(value))
    return _array(recording, value.id) if isinstance(value, Ref) else None


def _array(recording: Recording, id: int) -> Floats | None:
    tensor = recording.tensors.get(id)
    if tensor is None or tensor.data is None or tensor.dtype.startswith("complex"):
        return None
    return tensor.array().astype(np.float64)
