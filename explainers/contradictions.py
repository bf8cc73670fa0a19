"""What the asker says of a loss that the run does not show: that it stays the same, does not fall, is negative, nan."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

from explainers.digits import shown
from explainers.explanation import Explanation
from explainers.messages import Message, said

LEAST_STEPS: Final = 3
NOTICEABLE: Final = 0.02
"""By how much of the first loss the last one has to differ, so that nobody would call them the same."""


def contradicted(explanation: Explanation) -> Message | None:
    """What the run shows in the place of a behaviour that was stated; None where it shows that, or nothing was said."""
    stated = {claim.value for claim in explanation.claims if claim.kind == "behaviour"}
    return next((found for word in stated if (found := _against(explanation, str(word))) is not None), None)


def _against(explanation: Explanation, word: str) -> Message | None:
    match word:
        case "always-same":
            return _moves(explanation)
        case "not-decreasing":
            return _falls(explanation)
        case "negative":
            value = _of_all(explanation, lambda x: x >= 0)
            return None if value is None else said("This code gives {value}, which is not negative.", value=value)
        case "nan" | "inf":
            value = _of_all(explanation, math.isfinite)
            return None if value is None else said("This code gives {value}, not {claimed}.", value=value, claimed=word)
        case _:
            return None


def _moves(explanation: Explanation) -> Message | None:
    losses = explanation.recording.losses
    first, last = _ends(losses)
    if not abs(last - first) > NOTICEABLE * abs(first):
        return None
    return said(
        "The loss does not stay the same here: in {count} steps it goes from {first} to {last}.",
        count=len(losses),
        first=shown(first),
        last=shown(last),
    )


def _falls(explanation: Explanation) -> Message | None:
    losses = explanation.recording.losses
    first, last = _ends(losses)
    if not first - last > NOTICEABLE * abs(first):
        return None
    return said(
        "The loss does decrease here: in {count} steps it falls from {first} to {last}.",
        count=len(losses),
        first=shown(first),
        last=shown(last),
    )


def _ends(losses: tuple[float, ...]) -> tuple[float, float]:
    """The first and the last loss; the same number twice where there are too few steps to speak of a course."""
    return (losses[0], losses[-1]) if len(losses) >= LEAST_STEPS else (0.0, 0.0)


def _of_all(explanation: Explanation, holds: Callable[[float], bool]) -> str | None:
    """The value, where it and all that the program shows, its losses and gradients for nan, hold to something."""
    value = explanation.value
    if not isinstance(value, float | int):
        return None
    return shown(float(value)) if all(map(holds, _numbers(explanation))) else None


def _numbers(explanation: Explanation) -> Iterator[float]:
    recording = explanation.recording
    assert explanation.subject is not None
    yield from explanation.subject.array().reshape(-1).astype(float).tolist()
    yield from recording.losses
    for one in recording.shown:
        tensor = recording.tensors.get(one.tensor) if one.tensor is not None else None
        if tensor is not None and tensor.data is not None:
            yield from tensor.array().reshape(-1).astype(float).tolist()
        elif one.number is not None:
            yield one.number
