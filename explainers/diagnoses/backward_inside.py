"""Why an entry of torch's gradient is not finite: the step of its formula that makes it so, on the recorded numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from explainers.diagnoses.inside import step_written
from explainers.diagnoses.wording import number
from explainers.graph.evaluation import Values, evaluate_all
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import (
    AlignmentSum,
    Axis,
    Cast,
    Concat,
    Extremum,
    LogSumExp,
    Named,
    Node,
    Rename,
    Reshape,
    Softmax,
    StopGradient,
    Sum,
    Take,
    Where,
    WithGradient,
    is_floating,
    operands,
    topological,
)
from explainers.graph.rounding import largest, smallest
from explainers.messages import Message, said

MOST_ELEMENTS: Final = 10_000
MOST_STEPS: Final = 400
Place = Mapping[Axis, int]
Entry = tuple[Node, Place]
Held = Mapping[Node, Any]


def made_by(root: Node, at: Place, values: Values) -> Message | None:
    """The step behind an entry that is nan or infinite, or, where float64 would hold it, the one that leaves the range
    of its dtype; None where it can't be told."""
    if sum(np.asarray(v).size for v in values.values()) > MOST_ELEMENTS:
        return None
    nodes = tuple(topological(root, _followed))
    with np.errstate(all="ignore"):
        held = dict(zip(nodes, map(np.asarray, evaluate_all(nodes, values, FloatArithmetic())), strict=True))
    start = (root, {axis: k for axis, k in at.items() if axis in root.axes})
    if math.isfinite(_entry(start, held)):
        return _out_of_range(start, held)
    node, place = _born(start, held)
    step = step_written(node, dict(place), dict(held))
    made = number(_entry((node, place), held))
    return None if step is None else said("The step that makes it so is {step} = {made}.", step=step, made=made)


def _followed(node: Node) -> tuple[Node, ...]:
    """What the numbers of a node are computed from: not the derivatives that its backward has."""
    return (node.value,) if isinstance(node, WithGradient) else operands(node)


def _entry(of: Entry, held: Held) -> float:
    node, at = of
    return float(held[node][tuple(at[axis] for axis in node.axes)])


def _born(of: Entry, held: Held) -> Entry:
    """The entry down from this one at which nan or infinity arises."""
    for _ in range(MOST_STEPS):
        numbers = [(part, _entry(part, held)) for part in _parts(of, held)]
        alike = math.isnan if math.isnan(_entry(of, held)) else math.isinf
        before = next((part for part, value in numbers if alike(value)), None)
        if before is None:
            return of
        of = before
    return of


def _out_of_range(of: Entry, held: Held) -> Message | None:
    """The deepest step whose number its dtype does not hold, though float64 does."""
    for node, at in _deepest_first(of, held):
        made, dtype = abs(_entry((node, at), held)), node.dtype
        if (most := largest(dtype)) is None or not math.isfinite(made):
            continue
        step = step_written(node, dict(at), dict(held))
        facts = {"step": step, "made": number(_entry((node, at), held)), "dtype": dtype}
        if step is not None and made > most:
            return said("On the way {step} = {made}, but {dtype} ends at {largest}.", largest=number(most), **facts)
        if step is not None and 0 < made < smallest(dtype) / 2:
            return said("On the way {step} = {made}, which is 0 in {dtype}.", **facts)
    return None


def _deepest_first(of: Entry, held: Held) -> Iterator[Entry]:
    """What an entry is computed from, each step behind those before it."""
    seen: set[tuple[Node, tuple[int, ...]]] = set()
    stack: list[tuple[Entry, bool]] = [(of, False)]
    while stack and len(seen) < MOST_STEPS:
        (node, at), done = stack.pop()
        if done:
            yield node, at
            continue
        key = (node, tuple(at[axis] for axis in node.axes))
        if key not in seen:
            seen.add(key)
            stack.append(((node, at), True))
            stack += [(part, False) for part in _parts((node, at), held)]


def _parts(of: Entry, held: Held) -> Iterator[Entry]:
    """The entries that an entry is computed from: of a branch the side that is taken, of a row the telling one."""
    node, at = of
    match node:
        case Where(condition, a, b):
            taken = a if bool(held[condition][tuple(at[axis] for axis in condition.axes)]) else b
            yield taken, {axis: at[axis] for axis in taken.axes}
        case Sum(x, over) | LogSumExp(x, over) | Softmax(x, over) | Extremum(_, x, over):
            yield x, _telling(x, over, at, held)
        case Rename(x, old, new):
            yield x, {axis: at[new] if axis is old else at[axis] for axis in x.axes}
        case Take(x, index, along):
            picked = int(_entry((index, at), held))
            if 0 <= picked < along.size:
                yield x, {axis: picked if axis is along else at[axis] for axis in x.axes}
        case Named(_, x) | Cast(x) | StopGradient(x) | WithGradient(x):
            yield x, at
        case AlignmentSum() | Reshape() | Concat():
            return
        case _:
            yield from ((x, {axis: at[axis] for axis in x.axes}) for x in operands(node) if is_floating(x))


def _telling(x: Node, over: tuple[Axis, ...], at: Place, held: Held) -> Place:
    """Where a row holds what is nan, else what is largest in size."""
    row = held[x][tuple(slice(None) if axis in over else at[axis] for axis in x.axes)]
    sizes = np.where(np.isnan(row), np.inf, np.abs(row))
    best = np.argwhere(np.isnan(row))[0] if np.isnan(row).any() else np.unravel_index(int(np.argmax(sizes)), row.shape)
    along = iter(best)
    return {axis: int(next(along)) if axis in over else at[axis] for axis in x.axes}
