"""The lines of a program as a computation: what its expressions gave, from a result back to the data.

What a loop does round by round is put together: the rounds of one expression are the rows of one array, and a running
sum is what it comes to in the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from explainers.notes import Note, Notes
from explainers.parting.terms import Computation, Term, upstream

_COUNTING = frozenset(
    ("eye", "identity", "zeros", "ones", "zeros_like", "ones_like", "empty", "empty_like", "full", "arange", "one_hot")
)
_ARITHMETIC = frozenset(("+", "-", "*", "/", "**", "@"))
_ROUGH = frozenset(("float16", "bfloat16", "float32"))
_WHOLE = ("int", "uint", "bool")


def computation(notes: Notes, value: float, radius: float, line: int | None) -> Computation | None:
    """What leads to the last single number in these notes that is the value within the radius, best in this line."""
    found = [k for k, note in enumerate(notes.notes) if _is(note, value, radius)]
    there = [k for k in found if notes.places[notes.notes[k].place].line == line]
    at = next(iter([*reversed(there), *reversed(found)]), None)
    if at is None:
        return None
    terms = _terms(notes, at)
    return Computation(upstream(terms[notes.notes[at].place]), terms[notes.notes[at].place])


def _is(note: Note, value: float, radius: float) -> bool:
    held = note.array()
    return held.size == 1 and abs(float(held.reshape(())) - value) <= max(radius, 1e-9 * abs(value))


def _terms(notes: Notes, at: int) -> Mapping[int, Term]:
    """A term for each place that a note needs."""
    needed = _needed(notes, at)
    by_place: dict[int, list[int]] = defaultdict(list)
    for k in needed:
        by_place[notes.notes[k].place].append(k)
    order = sorted(by_place, key=lambda place: by_place[place][-1])
    made: dict[int, Term] = {}
    for place in order:
        before = {notes.notes[o].place for k in by_place[place] for o in _operands(notes, k)} - {place}
        operands = tuple(made[p] for p in order if p in before and p in made)
        made[place] = _term(notes, by_place[place], operands)
    return made


def _needed(notes: Notes, at: int) -> list[int]:
    found, waiting = {at}, [at]
    while waiting:
        for operand in _operands(notes, waiting.pop()):
            if operand not in found:
                found.add(operand)
                waiting.append(operand)
    return sorted(found)


def _operands(notes: Notes, k: int) -> Sequence[int]:
    """What a note was computed from; of a list that a loop filled, the rounds that filled it."""
    note = notes.notes[k]
    place = notes.places[note.place]
    if place.function or not note.shape or note.shape[0] < 2:
        return [o for o in note.operands if o < k]
    rounds: dict[int, list[int]] = defaultdict(list)
    for j, other in enumerate(notes.notes[:k]):
        if other.shape == note.shape[1:] and other.place != note.place:
            rounds[other.place].append(j)
    whole = next((found for found in rounds.values() if _stacked(notes, found) == note.data), None)
    return [o for o in note.operands if o < k] if whole is None else whole


def _stacked(notes: Notes, found: Sequence[int]) -> bytes:
    return b"".join(notes.notes[j].data for j in found)


def _term(notes: Notes, runs: Sequence[int], operands: tuple[Term, ...]) -> Term:
    last = notes.notes[runs[-1]]
    place = notes.places[last.place]
    return Term(
        _value(notes, runs),
        operands,
        _is_real(last, place.function, operands),
        place.line,
        place.text,
        place.target,
        place.function,
        rough=last.dtype in _ROUGH or any(o.rough and o.real for o in operands),
    )


def _value(notes: Notes, runs: Sequence[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The rounds of an expression as rows; only the last of what goes on from its own round before."""
    held = [notes.notes[k] for k in runs]
    accumulates = any(_reaches(notes, b, a) for a, b in pairwise(runs))
    if len(held) < 2 or accumulates or any(note.shape != held[0].shape for note in held):
        return held[-1].array()
    return np.stack([note.array() for note in held])


def _reaches(notes: Notes, later: int, earlier: int) -> bool:
    """Whether a round is computed from the one before."""
    waiting, seen = [later], {later}
    while waiting:
        for o in notes.notes[waiting.pop()].operands:
            if o == earlier:
                return True
            if o > earlier and o not in seen:
                seen.add(o)
                waiting.append(o)
    return False


def _is_real(note: Note, function: str, operands: tuple[Term, ...]) -> bool:
    """Whether numbers come from the data: not a count, a label or a mask, nor computed from such alone."""
    if note.dtype.startswith(_WHOLE):
        return False
    if any(term.real for term in operands):
        return True
    if function in _COUNTING or function in _ARITHMETIC:
        return False
    whole = bool((note.array() == np.round(note.array())).all())
    return not (operands and whole)
