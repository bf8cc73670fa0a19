"""Which of the values that a program shows is explained, where the message leaves it open.

A program that prints its loss beside a library's, or beside its parts, is asked about because of the value that
something is the matter with.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import engine
from explainers.diagnoses.diagnosis import Rules
from explainers.losses.registry import Registry
from explainers.recording import Recording, scalar
from explainers.torch_ops import short_name

_COPIES = frozenset(("float", "double", "to", "type", "detach", "clone", "cpu", "contiguous"))

MOST = 3
"""Further values that are looked at."""


def about_what_is_wrong(recording: Recording, claims: tuple[Claim, ...], registry: Registry, rules: Rules) -> Recording:
    """The recording about another value that it shows, where a diagnosis fires on that one and a lesser or none on its
    subject; the recording as it is where its program goes backward, or the asker's numbers name the subject alone.
    """
    subject = recording.subject
    if subject is None or recording.raised is not None or recording.losses or not _is_single(recording, subject):
        return recording
    open_to = [id for id in _shown(recording, claims) if not _named_alone(recording, claims, subject, id)][:MOST]
    weights = {id: _weight(recording, id, claims, registry, rules) for id in (subject, *open_to)} if open_to else {}
    best = max(weights, key=lambda id: weights[id], default=subject)  # of equals the first, which is the subject
    if best == subject:
        return recording
    others = tuple(subject if id == best else id for id in recording.others)
    return msgspec.structs.replace(recording, subject=best, others=others)


def as_computed(recording: Recording, registry: Registry) -> Recording:
    """The recording about the loss itself where its subject is that in another dtype, or a copy of it: the same numbers
    as float32 that were computed in float16."""
    subject = recording.subject
    while subject is not None and (made := recording.producer(subject)) is not None and made.inputs():
        source = made.inputs()[0]
        if short_name(made.function) not in _COPIES or not _same_numbers(recording, subject, source):
            break
        subject = source
    made = None if subject in (None, recording.subject) else recording.producer(subject)
    if made is None or subject is None or registry.of(made.function) is None:
        return recording
    shown = tuple(
        msgspec.structs.replace(each, tensor=subject) if each.tensor == recording.subject else each
        for each in recording.shown
    )
    others = tuple(id for id in recording.others if id != subject)
    return msgspec.structs.replace(recording, subject=subject, shown=shown, others=others)


def _same_numbers(recording: Recording, one: int, other: int) -> bool:
    held = [recording.tensors.get(id) for id in (one, other)]
    known = [each.array() for each in held if each is not None and each.data is not None and each.floating]
    return len(known) == 2 and np.array_equal(*(each.astype(np.float64) for each in known), equal_nan=True)


def _shown(recording: Recording, claims: tuple[Claim, ...]) -> Iterator[int]:
    """The single finite numbers among the further values that the program shows, or that a prompt showed the asker."""
    shown = {each.tensor for each in recording.shown}
    single = (id for id in recording.others if _is_single(recording, id))
    return (id for id in single if id in shown or _is_printed(recording, claims, id))


def _is_printed(recording: Recording, claims: tuple[Claim, ...], id: int) -> bool:
    number = scalar(recording.tensors[id])
    return number is not None and any(claim.agrees(number) for claim in _printed(claims))


def _printed(claims: tuple[Claim, ...]) -> list[Claim]:
    return [claim for claim in claims if claim.kind == "printed" and not isinstance(claim.value, tuple)]


def _is_single(recording: Recording, id: int) -> bool:
    number = scalar(recording.tensors[id]) if id in recording.tensors else None
    return number is not None and bool(np.isfinite(number))


def _named_alone(recording: Recording, claims: tuple[Claim, ...], subject: int, other: int) -> bool:
    """Whether a number that the asker shows is the subject's, and none is the other's."""
    printed = _printed(claims)
    mine, theirs = scalar(recording.tensors[subject]), scalar(recording.tensors[other])
    assert mine is not None and theirs is not None
    return any(c.agrees(mine) for c in printed) and not any(c.agrees(theirs) for c in printed)


def _weight(recording: Recording, id: int, claims: tuple[Claim, ...], registry: Registry, rules: Rules) -> int:
    """2 where a mistake is suspected, 1 where a rule has anything else to say, 0 where none has."""
    fired = engine.suspected_of(recording, id, claims, registry, rules)
    return max((1 if rule.harmless else 2 for rule, _ in fired), default=0)
