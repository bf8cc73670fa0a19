"""Alignments of labels with time steps as whole numbers and probabilities: one by one, and all together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from flint import arb


def interleaved(labels: Sequence[int], blank: int) -> tuple[int, ...]:
    """The states of an alignment: a blank before, between and behind the labels."""
    return (blank, *(state for label in labels for state in (label, blank)))


def before(states: Sequence[int], at: int) -> tuple[int, ...]:
    """The states that a state is reached from in one time step: itself, the one before, and past a blank the label
    before that, if it is another one."""
    skips = at > 1 and states[at] != states[at - 2]
    return (at, *((at - 1,) if at else ()), *((at - 2,) if skips else ()))


def forward_table(states: Sequence[int], steps: int, factor: Callable[[int, int], arb]) -> list[list[arb]]:
    """α by time step and state: the sum over all ways there of the product of their factors."""
    rows: list[list[arb]] = []
    for t in range(steps):
        said = {state: factor(t, state) for state in set(states)}
        ways = [_so_far(rows, states, s) for s in range(len(states))]
        rows.append([way if way == 0 else way * said[state] for way, state in zip(ways, states, strict=True)])
    return rows


def _so_far(rows: list[list[arb]], states: Sequence[int], at: int) -> arb:
    if not rows:
        return arb(int(at < 2))
    return sum((rows[-1][s] for s in before(states, at)), arb(0))


def usable(states: Sequence[int], steps: int) -> list[list[bool]]:
    """By time step and state, whether some alignment passes there."""
    count = len(states)
    after = [[s for s in range(count) if at in before(states, s)] for at in range(count)]
    ahead: list[list[bool]] = []
    for t in range(steps):
        ahead.append([any(ahead[-1][s] for s in before(states, at)) if t else at < 2 for at in range(count)])
    back = [at >= count - 2 for at in range(count)]
    found: list[list[bool]] = []
    for row in reversed(ahead):
        found.append([a and b for a, b in zip(row, back, strict=True)])
        back = [any(back[s] for s in after[at]) for at in range(count)]
    return found[::-1]


def alignments(states: Sequence[int], steps: int) -> Iterator[tuple[int, ...]]:
    """Every alignment as the states that it passes."""
    open_ = usable(states, steps)
    after = [[s for s in range(len(states)) if at in before(states, s)] for at in range(len(states))]

    def on(path: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(path) == steps:
            yield path
            return
        for s in after[path[-1]] if path else range(len(states)):
            if open_[len(path)][s]:
                yield from on((*path, s))

    yield from on(()) if steps else ()


def likeliest(states: Sequence[int], factors: Sequence[Sequence[arb]]) -> tuple[int, ...]:
    """The alignment whose product of factors is the largest, judged by their midpoints; () where there is none."""
    steps, open_ = len(factors), usable(states, len(factors))
    best: list[dict[int, tuple[arb, tuple[int, ...]]]] = []
    for t in range(steps):
        row: dict[int, tuple[arb, tuple[int, ...]]] = {}
        for at in (s for s in range(len(states)) if open_[t][s]):
            ways = [best[-1][s] for s in before(states, at) if s in best[-1]] if t else [(arb(1), ())]
            size, path = max(ways, key=lambda way: way[0].mid())
            row[at] = arb((size * factors[t][at]).mid()), (*path, at)
        best.append(row)
    return max(best[-1].values(), key=lambda way: way[0])[1] if best and best[-1] else ()


def count(states: Sequence[int], steps: int) -> int:
    """How many alignments there are."""
    ways = [int(s < 2) for s in range(len(states))] if steps else []
    for _ in range(steps - 1):
        ways = [sum(ways[s] for s in before(states, at)) for at in range(len(states))]
    return sum(ways[-2:])
