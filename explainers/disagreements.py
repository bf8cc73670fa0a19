"""Printed numbers that no run gave: one that the value is not, several of which some are others, a tensor's entries."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from explainers.claims import Claim
from explainers.diagnoses.expectations import elements, flat
from explainers.digits import shown
from explainers.explanation import Explanation
from explainers.recording import Shown, Tensor

_GRADIENTS = frozenset({"torch.Tensor.grad", "torch.autograd.grad"})


@dataclass(frozen=True)
class Entry:
    """One entry of a printed tensor, by its place in row-major order, and what torch gives there."""

    place: str
    claimed: str
    value: str


def disagreement(explanation: Explanation) -> Claim | None:
    """A printed number of the asker's that no run gave, None where there is none, it agrees or a change explains it.

    nan and infinity, which are words, are numbers here.
    """
    printed = _printed(explanation)
    value = single(explanation.value)
    if not printed or value is None:
        return None
    held = _held(explanation, value)
    return None if any(claim.agrees(v) for claim in printed for v in held) else printed[0]


def nowhere_finite(explanation: Explanation) -> Claim | None:
    """A nan or an infinity that the asker shows, where every number here is finite."""
    value = single(explanation.value)
    stated = next((claim for claim in _printed(explanation) if isinstance(claim.value, str)), None)
    if stated is None or value is None:
        return None
    return stated if all(map(math.isfinite, _held(explanation, value))) else None


def _held(explanation: Explanation, value: float) -> list[float]:
    """Every number that some run gave."""
    return [
        value,
        *entries(o.value for o in explanation.others),
        *entries(explanation.gradient.values()),
        *(number for s in explanation.recording.shown if (number := _number(explanation, s)) is not None),
        *(c.value for d in explanation.diagnoses for c in d.counterfactuals if c.value is not None),
    ]


def entries(values: Iterable[Any]) -> Iterator[float]:
    """All numbers in values that may be nested."""
    for value in values:
        if isinstance(value, tuple | list):
            yield from entries(value)
        elif isinstance(value, float | int):
            yield float(value)


def single(value: Any) -> float | None:
    """The one number of a value, also in brackets; None where there are several, or none."""
    while isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    return float(value) if isinstance(value, float | int) else None


def shown_otherwise(explanation: Explanation) -> tuple[tuple[str, str, str], ...]:
    """What the asker shows, what it is of, and what it is here, where they show as many numbers as the program does."""
    recording = explanation.recording
    printed = _printed(explanation)
    numbers = [(s, number) for s in recording.shown if (number := _number(explanation, s)) is not None]
    if len(printed) != len(numbers) or len(printed) < 2:
        return ()
    pairs = ((claim, s, number) for claim, (s, number) in zip(printed, numbers, strict=True))
    return tuple(
        (claim.text or str(claim.value), _written(explanation, s), shown(number))
        for claim, s, number in pairs
        if not claim.agrees(number)
    )


def shown_nowhere(explanation: Explanation) -> tuple[str, ...]:
    """The printed numbers that the program shows nowhere, where it shows at least as many as are printed, and others
    of them are right: a number that is printed twice is claimed once."""
    printed = _printed(explanation)
    numbers = [n for s in explanation.recording.shown if (n := _number(explanation, s)) is not None]
    missing = [c for c in printed if not any(c.agrees(n) for n in numbers)]
    if not 2 <= len(printed) <= len(numbers) or len(missing) == len(printed) or shown_otherwise(explanation):
        return ()
    told = [c.value for d in explanation.diagnoses for c in d.counterfactuals if c.value is not None]
    return tuple(c.text or str(c.value) for c in missing if not any(c.agrees(v) for v in told))


def entry_otherwise(explanation: Explanation) -> Entry | None:
    """The first entry of a printed tensor that is not the value's, where most of the others are: the same tensor.

    None where the program gives the tensor as printed, here or elsewhere.
    """
    subject = explanation.subject
    printed = [c for c in explanation.claims if c.kind == "printed" and not c.ours and isinstance(c.value, tuple)]
    if subject is None or subject.data is None or subject.elements < 2:
        return None
    of_its_size = [c for c in printed if len(_parts(c)) == subject.elements]
    if len(of_its_size) != 1 or any(_agree(of_its_size[0], held).all() for held in _tensors(explanation)):
        return None
    alike = _agree(of_its_size[0], subject)
    if not alike.mean() > 0.5:
        return None
    first = int(alike.argmin())
    place = ", ".join(str(int(k)) for k in np.unravel_index(first, subject.shape))
    stated = _parts(of_its_size[0])[first].value
    return Entry(f"[{place}]", stated if isinstance(stated, str) else f"{stated:g}", shown(elements(subject)[first]))


def in_shown_gradient(explanation: Explanation, claim: Claim) -> bool:
    """Whether a number is an entry of a gradient that the program shows: what is said of it is not of the loss."""
    recording = explanation.recording
    makers = ((id, recording.producer(id)) for id in (s.tensor for s in recording.shown) if id is not None)
    shown = (recording.known(id) for id, call in makers if call is not None and call.function in _GRADIENTS)
    return any(claim.agrees(x) for t in shown if t is not None and t.data is not None for x in elements(t))


def _printed(explanation: Explanation) -> list[Claim]:
    """The single numbers that the asker shows."""
    return [c for c in explanation.claims if c.kind == "printed" and not c.ours and not isinstance(c.value, tuple)]


def _parts(claim: Claim) -> list[Claim]:
    """A claim for each number of a nested one."""
    assert isinstance(claim.value, tuple)
    return [msgspec.structs.replace(claim, value=one) for one in flat(claim.value)]


def _agree(claim: Claim, held: Tensor) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which entries are as printed; none of a tensor of another size."""
    parts, found = _parts(claim), elements(held)
    same = len(parts) == len(found)
    return np.array([same and p.agrees(f) for p, f in zip(parts, found, strict=False)] or [False])


def _tensors(explanation: Explanation) -> Iterator[Tensor]:
    """The value, and whatever else the program shows."""
    recording = explanation.recording
    ids = [s.tensor for s in recording.shown]
    known = (recording.known(id) for id in ids)
    yield from (t for t in (explanation.subject, *known) if t is not None and t.data is not None)


def _number(explanation: Explanation, s: Shown) -> float | None:
    """The one number that was shown, None where there are several."""
    tensor = None if s.tensor is None else explanation.recording.tensors.get(s.tensor)
    if tensor is None or tensor.data is None:
        return s.number
    return float(np.asarray(tensor.array(), dtype=np.float64).reshape(-1)[0]) if tensor.elements == 1 else None


def _written(explanation: Explanation, s: Shown) -> str:
    """The line that shows it."""
    lines = explanation.recording.source.splitlines()
    return lines[s.line - 1].strip() if s.line is not None and s.line <= len(lines) else s.text
