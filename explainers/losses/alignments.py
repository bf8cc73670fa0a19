"""The alignments of a short target with time steps, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from explainers.graph.arrays import Array

MOST, LONGEST = 32, 40
NOTHING, ABSENT = -1, -2
"""What stands in an alignment behind its last time step, and in one that a target does not have."""
Lengths = Array | Sequence[int] | int


def alignments(
    targets: Array, input_lengths: Lengths, target_lengths: Lengths, blank: int, shape: tuple[int, ...]
) -> npt.NDArray[np.int64] | None:
    """Every alignment of every target: (N, K, T), or (K, T) of a single one; `shape` is that of the log-probabilities.

    None where some target has none or more than a few, or where the labels are not known.
    """
    spans, lengths = _numbers(input_lengths), _numbers(target_lengths)
    if targets.values is None or spans is None or lengths is None:
        return None
    rows = [_few(row, span, blank) for row, span in zip(_rows(np.asarray(targets.values), lengths), spans, strict=True)]
    if not rows or not all(rows):
        return None
    held = np.full((len(rows), max(map(len, rows)), shape[0]), ABSENT, dtype=np.int64)
    for n, row in enumerate(rows):
        held[n, : len(row)] = NOTHING
        for k, path in enumerate(row):
            held[n, k, : len(path)] = path
    return held if len(shape) > 2 else held[0]


def _few(labels: list[int], span: int, blank: int) -> list[tuple[int, ...]]:
    """All alignments of one target, none where they are more than a few."""
    found: list[tuple[int, ...]] = []
    if span > LONGEST:
        return found
    for path in paths(labels, span, blank):
        if len(found) == MOST:
            return []
        found.append(path)
    return found


def paths(labels: Sequence[int], span: int, blank: int) -> Iterator[tuple[int, ...]]:
    """Each way to say the labels in so many steps: one at a time, held as long as one likes, blanks in between."""
    states = [blank, *(state for label in labels for state in (label, blank))]

    def on(path: tuple[int, ...], at: int) -> Iterator[tuple[int, ...]]:
        if len(path) == span:
            if at >= len(states) - 2:
                yield path
            return
        skip = at + 2 < len(states) and states[at + 2] not in (blank, states[at])
        for to in (at, at + 1, at + 2)[: 3 if skip else 2]:
            if to < len(states) and (len(states) - 2 - to + 1) // 2 <= span - len(path):
                yield from on((*path, states[to]), to)

    starts = (0, 1) if len(states) > 1 else (0,)
    if not span:
        yield from [()] if len(states) == 1 else []
        return
    for start in starts:
        yield from on((states[start],), start)


def _rows(held: npt.NDArray[np.generic], lengths: list[int]) -> list[list[int]]:
    """The labels of each target, from rows or from one behind the other."""
    if held.ndim == 2:
        return [[int(v) for v in row[:length]] for row, length in zip(held, lengths, strict=True)]
    ends = np.cumsum([0, *lengths])
    return [[int(v) for v in held[start:end]] for start, end in pairwise(ends)]


def _numbers(given: Lengths) -> list[int] | None:
    if isinstance(given, Array):
        return None if given.values is None else [int(v) for v in np.asarray(given.values).reshape(-1)]
    return [given] if isinstance(given, int) else list(given)
