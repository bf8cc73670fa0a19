"""The least value of a loss over what an argument may be, computed on its own graph.

For a loss f that is convex in the argument, the gap g·x − min g·y over the region bounds f(x) − min f from above
(Frank and Wolfe, 1956), so a small gap is the proof of the floor; it is 0 exactly where the Karush-Kuhn-Tucker
conditions hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import assert_never

import msgspec
import numpy as np

from explainers.composition import Composition, compose
from explainers.diagnoses.regions import Bounded, Box, Everywhere, Region, Simplex, centre, extreme, nearest
from explainers.diagnoses.scene import Floats, Scene
from explainers.graph import ops
from explainers.graph.derivative import gradient
from explainers.graph.evaluation import Values, evaluate_all
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import Axes, Input, Node, topological
from explainers.messages import Message

LARGEST = 2**16  # elements of the widest array in the graph of a search
WIDEST = 2**18  # and of one of which only points are tried that many losses are least at
FAR = 64.0  # where e^-x is nothing beside GAP
WORK = 20_000_000  # elements that are computed in one search, so that a wide graph gives up sooner
NODE = 1_500  # what a node costs beside its elements, in elements
EVALUATIONS = range(20, 1_000)
GAP = 1e-9
ROOM = 8.0
HALVINGS = 60


@dataclass(frozen=True)
class FloorQuestion:
    """The least value of the loss while `argument` stays in the region; `within` says the region in words."""

    argument: str
    region: Region
    within: Message


@dataclass(frozen=True)
class Floor:
    """The least value (−inf: unbounded below), exact to within `gap`; not `attained` means only approached.

    `point` is the argument there, of this `shape`, with infinite entries where it is approached as they grow without
    end; empty where there is none. `summed` says that the loss is several numbers, and the value the least sum.
    `call` and `region` are those of the question.
    """

    value: float
    attained: bool
    within: Message
    gap: float = 0.0
    point: tuple[float, ...] = ()
    argument: str = ""
    shape: tuple[int, ...] = ()
    summed: bool = False
    call: int | None = None
    region: Region | None = None


@dataclass(frozen=True)
class Minimum:
    """A point, the loss there, and by how much the loss could still be lower."""

    x: Floats
    value: float
    gap: float


@dataclass(frozen=True)
class LossGraph:
    """A loss, or the sum of one that is several numbers, as a function of one of its tensor arguments.

    With its gradient; `cost` is that of one evaluation, in elements.
    """

    root: Node
    slope: Node
    input: Input
    shape: tuple[int, ...]
    values: Values
    cost: int
    summed: bool = False
    wide: bool = False

    @property
    def evaluations(self) -> int:
        """How many of them a search may take."""
        return min(max(WORK // max(self.cost, 1), EVALUATIONS.start), EVALUATIONS.stop)

    def likely(self) -> Iterator[Floats]:
        """Where many losses are least: at another argument of this shape, at its logarithm, or at its log odds."""
        for id, held in self.values.items():
            same = [n for n in held.shape if n != 1] == [n for n in self.shape if n != 1]
            if id != self.input.tensor and same and held.dtype.kind in "fiu":
                x = held.astype(np.float64).reshape(self.shape)
                yield x
                with np.errstate(all="ignore"):
                    yield np.log(x)
                    yield np.log(x) - np.log1p(-x)

    def at(self, x: Floats) -> tuple[float, Floats]:
        """The loss and its gradient, of the argument's shape."""
        values = {**self.values, self.input.tensor: x}
        value, slope = evaluate_all((self.root, self.slope), values, FloatArithmetic())
        return float(value) + 0.0, _spread(slope, self.slope.axes, self.input.axes).reshape(self.shape)


def loss_graph(scene: Scene, argument: str) -> LossGraph | None:
    """The scene's loss as a function of an argument.

    None where it has no graph, is no single number, is not known to be convex in it, or is not what was asked about.
    """
    loss, id = scene.registry.of(scene.call.function), scene.call.ref(argument)
    if (
        loss is None
        or id is None
        or argument not in loss.convex_in
        or scene.recording.subject not in scene.call.outputs
    ):
        return None
    once = scene.call.inputs().count(id) == 1
    alone = msgspec.structs.replace(scene.recording, calls=(scene.call,))
    found = compose(alone, scene.call.outputs[0], scene.registry)
    if not isinstance(found, Composition) or not once or id not in found.inputs:
        return None
    node, root = found.inputs[id].node, ops.sum(found.root, found.root.axes)
    sizes = [ops.count(part.axes) for part in topological(root)]
    if not isinstance(node, Input) or max(sizes) > WIDEST:
        return None
    shape, slope = scene.given(argument).shape, gradient(root, (node,))[node]
    cost = sum(NODE + ops.count(part.axes) for part in {*topological(root), *topological(slope)})
    several, wide = ops.count(found.root.axes) != 1, max(sizes) > LARGEST
    return LossGraph(root, slope, node, shape, found.values(alone), cost, several, wide)


def floor(scene: Scene, question: FloorQuestion) -> Floor | None:
    """The answer to a question about a floor, None where it could not be found within the gap."""
    loss = loss_graph(scene, question.argument)
    if loss is None:
        return None
    match question.region:
        case Box() | Simplex() as region:
            lowest = None if loss.wide else least(loss, region)
            if lowest is None:
                return None
            inside = not region.open or bool((lowest.x > 0).all() and (lowest.x < 1).all())
            found = Floor(lowest.value, inside, question.within, lowest.gap, _flat(lowest.x))
        case Everywhere():
            found = _unconfined(loss, question.within)
        case _:
            assert_never(question.region)
    asked = {"argument": question.argument, "region": question.region, "call": scene.call.index}
    return None if found is None else replace(found, shape=loss.shape, summed=loss.summed, **asked)


def answered(scene: Scene, question: FloorQuestion, known: tuple[Floor, ...]) -> Floor | None:
    """The answer, taken from what was searched before where that is the same question in other words."""
    same = (
        found
        for found in known
        if (found.call, found.argument, found.region) == (scene.call.index, question.argument, question.region)
    )
    found = next(same, None)
    return floor(scene, question) if found is None else replace(found, within=question.within)


def _flat(x: Floats) -> tuple[float, ...]:
    return tuple((x.reshape(-1) + 0.0).tolist())


def least(loss: LossGraph, region: Bounded, near: Floats | None = None) -> Minimum | None:
    """The least value over a bounded region; None where it is not finite or the gap stays open.

    Starts at the corner that the gradient points to, within the region (at `near`, if given), or where such losses
    tend to be least, whichever is lowest; from there projected gradient steps with Barzilai and Borwein's lengths,
    halved until they descend enough.
    """
    within = _Point.of(loss, centre(region, loss.shape) if near is None else near)
    corner = _Point.of(loss, extreme(region, within.slope))
    likely = (_Point.of(loss, nearest(region, np.nan_to_num(x))) for x in loss.likely())
    here = min((corner, within, *likely), key=lambda point: point.value if np.isfinite(point.value) else np.inf)
    length, left = 1.0, loss.evaluations
    while left > 0:
        gap = _gap(region, here)
        if not (np.isfinite(here.value) and np.isfinite(gap)):
            return None
        if gap <= GAP * max(1.0, abs(here.value)):
            return Minimum(here.x, here.value, max(gap, 0.0))
        there, spent = _descended(loss, region, here, length)
        left -= spent
        if there is None:
            return None
        length = _barzilai_borwein(there.x - here.x, there.slope - here.slope)
        here = there
    return None


def _gap(region: Bounded, here: _Point) -> float:
    with np.errstate(invalid="ignore"):  # inf · 0 of an infinite label
        return float((here.slope * (here.x - extreme(region, here.slope))).sum())


@dataclass(frozen=True)
class _Point:
    x: Floats
    value: float
    slope: Floats

    @staticmethod
    def of(loss: LossGraph, x: Floats) -> _Point:
        return _Point(x, *loss.at(x))


def _descended(loss: LossGraph, region: Bounded, here: _Point, length: float) -> tuple[_Point | None, int]:
    """A projected step that lowers the loss by Armijo's condition, up to rounding; None where there is none.

    With it the number of evaluations that it took.
    """
    rounding = 4 * float(np.finfo(np.float64).eps) * max(1.0, abs(here.value))
    for spent in range(1, HALVINGS + 1):
        there = _Point.of(loss, nearest(region, here.x - length * here.slope))
        if there.value <= here.value + 1e-4 * float((here.slope * (there.x - here.x)).sum()) + rounding:
            return there, spent
        length /= 2
    return None, HALVINGS


def _barzilai_borwein(moved: Floats, turned: Floats) -> float:
    bend = float((moved * turned).sum())
    return float((moved * moved).sum()) / bend if bend > 0 else 1e6


def _unconfined(loss: LossGraph, within: Message) -> Floor | None:
    """The infimum over all numbers, from boxes of growing size.

    The least value over [−r, r] falls convexly with r: where doubling r lowers it by more than doubling r did before,
    it falls without bound; where it does not fall at all, it is attained.
    """
    if (known := _known(loss, within)) is not None or loss.wide:
        return known
    near = least(loss, Box(-ROOM, ROOM))
    if (
        near is not None
        and not _falls_on(loss, near, ROOM)
        and _gap(Box(-8 * ROOM, 8 * ROOM), _Point.of(loss, near.x)) <= GAP * max(1.0, abs(near.value))
    ):
        return Floor(near.value, True, within, near.gap, _flat(_plainest(loss, near)))
    mid = least(loss, Box(-2 * ROOM, 2 * ROOM), _pushed(near.x, ROOM, 2)) if near else None
    far = least(loss, Box(-8 * ROOM, 8 * ROOM), _pushed(mid.x, 2 * ROOM, 4)) if mid else None
    if near is None or mid is None or far is None:
        return None
    if far.value < mid.value - GAP and mid.value - far.value >= near.value - mid.value:
        return Floor(float("-inf"), False, within)
    attained = near.value - far.value <= 2 * GAP and not _falls_on(loss, far, 8 * ROOM)
    limit = 0.0 if abs(far.value) <= GAP and not attained else far.value  # what a box of this size leaves of a limit 0
    return Floor(limit, attained, within, far.gap, _flat(_plainest(loss, near) if attained else _endless(far.x)))


def _known(loss: LossGraph, within: Message) -> Floor | None:
    """The least value without a search: of a convex loss it is that of a point where such losses tend to be least, if
    the gap is closed there over a far larger box. Infinite entries of the point are only approached."""
    for x in chain(loss.likely(), _of_scores(loss), _outermost(loss)):
        ends, endless = np.clip(x, -FAR, FAR) if np.isinf(x).any() else x, np.isinf(x)
        if endless.any() and not loss.wide and _is_flat(loss, x):
            continue
        here = _Point.of(loss, ends)
        size = 8 * max(FAR, float(np.abs(ends).max(initial=0.0)))
        if np.isfinite(here.value) and _gap(Box(-size, size), here) <= GAP * max(1.0, abs(here.value)):
            limit = 0.0 if endless.any() and abs(here.value) <= GAP else here.value
            return Floor(limit, not endless.any(), within, 0.0, _flat(x))
    return None


def _is_flat(loss: LossGraph, x: Floats) -> bool:
    """Whether the loss falls no more long before the infinite entries of a point: it is least at finite ones."""
    return not loss.at(np.clip(x, -FAR / 2, FAR / 2))[1].any()


def _of_scores(loss: LossGraph) -> Iterator[Floats]:
    """Where a loss of scores is least, which is linear in them beside log Σ exp, or beside log(1 + exp).

    Its slope is s · softmax(x) − q along the classes, or s · σ(x) − q: q and s are what is left where one score is far
    above the others, or all are far from 0, and the slope is 0 where x is log q, or log(q / (s − q)).
    """
    classes = min(1, len(loss.shape) - 1)
    with np.errstate(all="ignore"):
        if loss.shape and loss.shape[classes] > 1:
            first, second = (np.zeros(loss.shape), np.zeros(loss.shape))
            for k, x in enumerate((first, second)):
                x[(slice(None),) * classes + (k,)] = 2 * FAR
            share = -loss.at(first)[1]
            share[(slice(None),) * classes + (0,)] = -loss.at(second)[1][(slice(None),) * classes + (0,)]
            yield _plain(np.log(np.maximum(share, 0.0)), classes)
        below, above = (loss.at(np.full(loss.shape, end))[1] for end in (-FAR, FAR))
        yield np.log(np.maximum(-below, 0.0)) - np.log(np.maximum(above, 0.0))


def _plain(scores: Floats, classes: int) -> Floats:
    """The same scores in smaller numbers: the least of a row is 0, or the largest where the others are infinite."""
    least, largest = (reduce(scores, axis=classes, keepdims=True) for reduce in (np.min, np.max))
    return scores - np.where(np.isfinite(least), least, np.where(np.isfinite(largest), largest, 0.0))


def _outermost(loss: LossGraph) -> Iterator[Floats]:
    """Every entry of a loss that is too wide for a search infinitely far to where it falls from 0, unless it is 0 where
    they are far enough."""
    if loss.wide:
        slope = loss.at(np.zeros(loss.shape))[1]
        far = np.where(slope == 0, 0.0, -np.copysign(FAR, slope))
        yield np.where(loss.at(far)[1] == 0, far, np.copysign(np.inf, far))


def _falls_on(loss: LossGraph, found: Minimum, end: float) -> bool:
    """Whether the loss still falls outwards at an entry that lies at the end of its box."""
    slope = loss.at(found.x)[1]
    return bool(((np.abs(found.x) >= end) & (found.x * slope < 0)).any())


def _pushed(x: Floats, end: float, times: float) -> Floats:
    """A point of a box whose entries at its ends are taken to those of a larger one."""
    return np.where(np.abs(x) >= end, times * x, x)


def _plainest(loss: LossGraph, found: Minimum) -> Floats:
    """A point as low as the one that was found, in smaller numbers.

    With the least entry of each row at 0, where the loss sees differences alone, as of scores; halved while it stays
    as low, as past a margin.
    """

    def is_as_low(x: Floats) -> bool:
        return loss.at(x)[0] <= found.value + GAP * max(1.0, abs(found.value))

    x = found.x
    if x.size and x.ndim:
        moved = x - x.min(axis=min(1, x.ndim - 1), keepdims=True)
        x = moved if is_as_low(moved) else x
    while np.abs(x).max(initial=0.0) > 1 and is_as_low(x / 2):
        x = x / 2
    return x


def _endless(x: Floats) -> Floats:
    """Entries at the end of the largest box as infinite: the loss falls on as they grow."""
    return np.where(np.abs(x) >= 8 * ROOM, np.copysign(np.inf, x), x)


def _spread(slope: Floats, have: Axes, want: Axes) -> Floats:
    """A gradient over some of the input's axes, repeated along the others."""
    order = [have.index(axis) for axis in want if axis in have]
    sizes = tuple(axis.size if axis in have else 1 for axis in want)
    return np.broadcast_to(slope.transpose(order).reshape(sizes), tuple(axis.size for axis in want))
