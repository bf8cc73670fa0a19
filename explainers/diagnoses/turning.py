"""Where finite numbers turned into nan or inf: the first call of a program that did it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from explainers.recording import Call, Items, Recording, Tensor, Value

Flags = npt.NDArray[np.bool_]


def first_turn(recording: Recording, makers: Mapping[int, Call]) -> Call | None:
    """The earliest call that made nan or inf out of numbers that had none, and whose result reaches the subject.

    An inf that was handed in (a mask) is no turn, but the nan that is made of it is. None where all is finite or
    nothing was recorded that turned.
    """
    turned = [call for call in _spoiled(recording, makers) if turns(recording, call)]
    return min(turned, key=lambda call: call.index, default=None)


def turns(recording: Recording, call: Call) -> bool:
    """Whether a call's result has nan although its operands have none, or inf although they are all finite."""
    given = list(_operands(recording, call))
    made = [np.asarray(array) for id in _made(call) if (array := numbers(recording.tensors.get(id))) is not None]
    nan = any(np.isnan(a).any() for a in made) and not any(np.isnan(a).any() for a in given)
    inf = any(np.isinf(a).any() for a in made) and all(np.isfinite(a).all() for a in given)
    return nan or inf


def is_spoiled(tensor: Tensor | None) -> bool:
    """Whether a tensor is known to hold nan or inf."""
    held = numbers(tensor)
    return held is not None and not np.isfinite(held).all()


def numbers(tensor: Tensor | None) -> npt.NDArray[np.float64] | None:
    """A floating tensor's elements in float64, None for others and where they were left out."""
    if tensor is None or tensor.data is None or not tensor.floating:
        return None
    return tensor.array().astype(np.float64)


def _spoiled(recording: Recording, makers: Mapping[int, Call]) -> Iterator[Call]:
    """The calls between the subject and what it was made of, along tensors that hold nan or inf."""
    waiting = [id for id in (recording.subject,) if id is not None and is_spoiled(recording.tensors.get(id))]
    seen = set(waiting)
    while waiting:
        call = makers.get(waiting.pop())
        if call is None:
            continue
        yield call
        before = {id for id in _read(call) if id not in seen and is_spoiled(recording.tensors.get(id))}
        seen |= before
        waiting.extend(before)


def _made(call: Call) -> tuple[int, ...]:
    return (*call.outputs, *(new for _, new in call.mutated))


def _read(call: Call) -> tuple[int, ...]:
    return (*call.inputs(), *(old for old, _ in call.mutated))


def _operands(recording: Recording, call: Call) -> Iterator[npt.NDArray[np.float64]]:
    """The numbers that a call was given, those outside tensors too."""
    for id in _read(call):
        held = numbers(recording.tensors.get(id))
        if held is not None:
            yield held
    yield np.array([x for argument in call.arguments for x in _floats(argument.value)], dtype=np.float64)


def _floats(value: Value) -> Iterable[float]:
    match value:
        case float():
            return (value,)
        case Items(_, items):
            return tuple(x for item in items for x in _floats(item))
        case _:
            return ()
