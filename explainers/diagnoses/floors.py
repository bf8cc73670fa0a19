"""The least value of a loss over what an argument may be, computed on its own graph.

For a loss f that is convex in the argument, the gap g·x − min g·y over the region bounds f(x) − min f from above
(Frank and Wolfe, 1956), so a small gap is the proof of the floor; it is 0 exactly where the Karush-Kuhn-Tucker
conditions hold.
"""

from __future__ import annotations

from dataclasses import dataclass
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

LARGEST = 2**16  # elements of the widest array in the graph
WORK = 300_000  # such elements over all rounds, so that a wide graph gives up sooner
ROUNDS = range(20, 300)
EVALUATIONS = 4  # a round on average; a kink that a search zigzags across takes many more
GAP = 1e-9
ROOM = 8.0
_HALVINGS = 60


@dataclass(frozen=True)
class FloorQuestion:
    """The least value of the loss while `argument` stays in the region; `within` says the region in words."""

    argument: str
    region: Region
    within: Message


@dataclass(frozen=True)
class Floor:
    """The least value (−inf: unbounded below), exact to within `gap`; not `attained` means only approached.

    `point` is the argument there, empty where there is none.
    """

    value: float
    attained: bool
    within: Message
    gap: float = 0.0
    point: tuple[float, ...] = ()


@dataclass(frozen=True)
class Minimum:
    """A point, the loss there, and by how much the loss could still be lower."""

    x: Floats
    value: float
    gap: float


@dataclass(frozen=True)
class LossGraph:
    """A scalar loss as a function of one of its tensor arguments, with its gradient; `width` elements at its widest."""

    root: Node
    slope: Node
    input: Input
    shape: tuple[int, ...]
    values: Values
    width: int

    @property
    def rounds(self) -> int:
        """How many steps a search may take."""
        return min(max(WORK // max(self.width, 1), ROUNDS.start), ROUNDS.stop)

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
    if not isinstance(found, Composition) or ops.count(found.root.axes) != 1 or not once or id not in found.inputs:
        return None
    node, root = found.inputs[id].node, ops.sum(found.root, found.root.axes)
    width = max(ops.count(part.axes) for part in topological(root))
    if not isinstance(node, Input) or width > LARGEST:
        return None
    shape = scene.given(argument).shape
    return LossGraph(root, gradient(root, (node,))[node], node, shape, found.values(alone), width)


def floor(scene: Scene, question: FloorQuestion) -> Floor | None:
    """The answer to a question about a floor, None where it could not be found within the gap."""
    loss = loss_graph(scene, question.argument)
    if loss is None:
        return None
    match question.region:
        case Box() | Simplex() as region:
            lowest = least(loss, region)
            if lowest is None:
                return None
            inside = not region.open or bool((lowest.x > 0).all() and (lowest.x < 1).all())
            return Floor(lowest.value, inside, question.within, lowest.gap, tuple(lowest.x.reshape(-1).tolist()))
        case Everywhere():
            return _unconfined(loss, question.within)
        case _:
            assert_never(question.region)


def least(loss: LossGraph, region: Bounded, near: Floats | None = None) -> Minimum | None:
    """The least value over a bounded region; None where it is not finite or the gap stays open.

    Starts at the corner that the gradient points to, or within the region (at `near`, if given) where that is lower;
    from there projected gradient steps with Barzilai and Borwein's lengths, halved until they descend enough.
    """
    within = _Point.of(loss, centre(region, loss.shape) if near is None else near)
    corner = _Point.of(loss, extreme(region, within.slope))
    here = within if within.value < corner.value else corner
    length, left = 1.0, EVALUATIONS * loss.rounds
    for _ in range(loss.rounds):
        gap = float((here.slope * (here.x - extreme(region, here.slope))).sum())
        if not (np.isfinite(here.value) and np.isfinite(gap)):
            return None
        if gap <= GAP * max(1.0, abs(here.value)):
            return Minimum(here.x, here.value, max(gap, 0.0))
        there, spent = _descended(loss, region, here, length)
        left -= spent
        if there is None or left < 0:
            return None
        length = _barzilai_borwein(there.x - here.x, there.slope - here.slope)
        here = there
    return None


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
    for spent in range(1, _HALVINGS + 1):
        there = _Point.of(loss, nearest(region, here.x - length * here.slope))
        if there.value <= here.value + 1e-4 * float((here.slope * (there.x - here.x)).sum()) + rounding:
            return there, spent
        length /= 2
    return None, _HALVINGS


def _barzilai_borwein(moved: Floats, turned: Floats) -> float:
    bend = float((moved * turned).sum())
    return float((moved * moved).sum()) / bend if bend > 0 else 1e6


def _unconfined(loss: LossGraph, within: Message) -> Floor | None:
    """The infimum over all numbers, from boxes of growing size.

    The least value over [−r, r] falls convexly with r: where doubling r lowers it by more than doubling r did before,
    it falls without bound; where it does not fall at all, it is attained.
    """
    near = least(loss, Box(-ROOM, ROOM))
    mid = least(loss, Box(-2 * ROOM, 2 * ROOM), near.x) if near else None
    far = least(loss, Box(-8 * ROOM, 8 * ROOM), mid.x) if mid else None
    if near is None or mid is None or far is None:
        return None
    if far.value < mid.value - GAP and mid.value - far.value >= near.value - mid.value:
        return Floor(float("-inf"), False, within)
    attained = near.value - far.value <= 2 * GAP
    point = tuple(near.x.reshape(-1).tolist()) if attained else ()
    limit = 0.0 if abs(far.value) <= GAP and not attained else far.value  # what a box of this size leaves of a limit 0
    return Floor(limit, attained, within, far.gap, point)


def _spread(slope: Floats, have: Axes, want: Axes) -> Floats:
    """A gradient over some of the input's axes, repeated along the others."""
    order = [have.index(axis) for axis in want if axis in have]
    sizes = tuple(axis.size if axis in have else 1 for axis in want)
    return np.broadcast_to(slope.transpose(order).reshape(sizes), tuple(axis.size for axis in want))
