"""The least value of a loss in words, and where it is reached."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses.floors import Floor
from explainers.diagnoses.wording import entry, number, row
from explainers.digits import shown
from explainers.explanation import Explanation
from explainers.losses.registry import Loss
from explainers.messages import Message, said
from explainers.reading import Reading, is_given
from explainers.recording import Tensor

NEGLIGIBLE = 1e-12
SMALL = 1e-6  # what a search leaves of a 0
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def least(explanation: Explanation, floor: Floor) -> tuple[Message, ...]:
    """The least value there is, or that there is none, and where the argument is then."""
    if floor.value == float("-inf"):
        return (said("There is no least value {within}: the loss falls without end.", within=floor.within),)
    value = shown(0.0 if abs(floor.value) <= max(floor.gap, NEGLIGIBLE) else floor.value)
    named = {"within": floor.within, "value": value}
    if not floor.attained:
        near = said(
            "The loss comes as near to {value} as you like {within}, but never reaches it: there is no minimum.",
            **named,
        )
        summed = said("The sum of its values comes as near to {value} as you like {within}, but never reaches it.",
                      **named)  # fmt: skip
        return (summed if floor.summed else near, *_where(explanation, floor))
    one = said("The least value (the minimum) {within} is {value}.", **named)
    return (said("The least sum of its values {within} is {value}.", **named) if floor.summed else one,
            *_where(explanation, floor))  # fmt: skip


def unfound(explanation: Explanation, loss: Loss) -> Message | None:
    """Why there is no least value of a loss for which one can be searched; None where it can for no argument."""
    call, reading = explanation.call, explanation.reading
    if call is None or not loss.convex_in:
        return None
    argument = loss.convex_in[0]
    if not isinstance(reading, Reading):
        return said("No least value is given, since its formula is not known.")
    if not _is_finite(explanation.subject):
        return said("No least value is given, since the value here is no finite number.")
    if call.inputs().count(call.ref(argument)) > 1:
        return said("No least value is given, since {name} is another argument as well.",
                    name=_name(explanation, argument))  # fmt: skip
    if not is_given(reading, call, loss):
        return said(
            "No least value is given: {name} is computed here, and which values it can take depends on what it is "
            "computed from.",
            name=_name(explanation, argument),
        )
    return said("No least value is given: none was proven before the search for it was ended.")


def _is_finite(value: Tensor | None) -> bool:
    return value is not None and bool(np.isfinite(value.array()).all())


def _where(explanation: Explanation, floor: Floor) -> tuple[Message, ...]:
    """Where it is reached: at another argument, else at the first row of what was found."""
    if not floor.point or not np.isfinite(floor.value):
        return ()
    name, x = _name(explanation, floor.argument), np.array(floor.point).reshape(floor.shape)
    same = _same_as(explanation, floor, x)
    if same is not None:
        return (said("It is reached where {name} is {other}.", name=name, other=same),)
    where, shown_row = _row_of(x)
    place = {"name": name + where, "row": shown_row}
    if floor.attained:
        return (said("It is reached at {name} = {row}, for example.", **place),)
    return (said("It falls on towards {name} = {row}, for example.", **place),)


def _row_of(x: Floats) -> tuple[str, str]:
    """The place and the numbers of the first row whose entries differ, which says more than one of equal ones."""
    x = np.where(np.abs(x) < SMALL, 0.0, x)
    if not x.ndim:
        return "", _with_infinity(number(float(x)))
    rows = x.reshape(-1, x.shape[-1])
    k = int(np.argmax(rows.max(1) != rows.min(1)))
    return entry([int(i) for i in np.unravel_index(k, x.shape[:-1])] if x.ndim > 1 else ()), _with_infinity(
        row(rows[k])
    )


def _with_infinity(text: str) -> str:
    return text.replace("inf", "∞").replace("-∞", "−∞")


def _same_as(explanation: Explanation, floor: Floor, x: Floats) -> str | None:
    """The name of another argument that the argument is equal to there."""
    call = explanation.call
    for given in call.arguments if call is not None else ():
        id = call.ref(given.name) if call is not None else None
        held = None if id is None or given.name == floor.argument else explanation.recording.tensors[id]
        if held is None or held.data is None or held.shape != floor.shape or not held.floating:
            continue
        if np.allclose(held.array().astype(np.float64), x, rtol=1e-6, atol=1e-6):
            return _name(explanation, given.name)
    return None


def _name(explanation: Explanation, argument: str) -> str:
    """The asker's word for an argument of the loss."""
    call = explanation.call
    id = call.ref(argument) if call is not None else None
    return (explanation.recording.tensors[id].name if id is not None else None) or argument
