"""Inputs that lie exactly where two pieces of a loss meet: the slopes on both sides, and the one that torch takes.

A branch that ties at the recorded numbers (a clamp at its bound, |0|, equal maxima) names the inputs that move it. The
slopes beside such an input come from the gradient's own graph at x ± h and x ± 2h, whose difference takes the curvature
out; the number between them is the one that torch's backward gave. Where a condition parts two pieces, the value itself
may jump as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from explainers.graph import ops
from explainers.graph.deciding import meets
from explainers.graph.derivative import gradient
from explainers.graph.evaluation import Values, evaluate, evaluate_all
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import (
    Binary,
    Extremum,
    Input,
    Node,
    StopGradient,
    Unary,
    Where,
    is_floating,
    topological,
)
from explainers.reading import Reading
from explainers.recording import Tensor

MOST_ELEMENTS: Final = 10_000
MOST_TRIED: Final = 8
STEP: Final = 2.0**-30
SAME: Final = 1e-6
RISE: Final = 1e-5
LEAP: Final = 1e-3
BEND: Final = 1e-3
GAP: Final = 1e-11
_ORDERED: Final = ("lt", "le", "gt", "ge")
Place = tuple[int, ...]


@dataclass(frozen=True)
class Kink:
    """An entry x of an input tensor at which the slope of the loss jumps, or two pieces of it meet with one slope.

    `gap` is how much higher the value is right above it than right below it.
    `alike` further entries of the tensor lie at a jump where torch takes the same side, `others` where it takes another
    one; entries beyond the first few that tie are not tried, and `untried` counts them.
    """

    tensor: int
    at: Place
    x: float
    below: float
    above: float
    taken: float
    alike: int = 0
    others: int = 0
    untried: int = 0
    gap: float = 0.0

    @property
    def smooth(self) -> bool:
        """Whether both sides have the same slope, and no gap lies between them."""
        return _close(self.below, self.above) and not self.gap


def kink(reading: Reading, autograd: Mapping[int, Tensor]) -> Kink | None:
    """The first entry of an input that lies at a kink, one that is smooth if there is no other; None where none does,
    or where torch gave no gradient."""
    if sum(np.asarray(values).size for values in reading.values.values()) > MOST_ELEMENTS:
        return None
    smooth: Kink | None = None
    for of_tensor, untried in _kinks(reading, autograd):
        first, *further = [found for found in of_tensor if not found.smooth] or [None]
        if first is not None:
            same = [side_of(found) == side_of(first) for found in further if found is not None]
            return replace(first, alike=sum(same), others=len(same) - sum(same), untried=untried)
        smooth = smooth or next(iter(of_tensor), None)
    return smooth


def _kinks(reading: Reading, autograd: Mapping[int, Tensor]) -> Iterator[tuple[list[Kink], int]]:
    """The kinks of each input among the first of its entries that tie, and how many more of these there are."""
    root = reading.forms.composition.root
    tied = [] if any(isinstance(n, StopGradient) for n in topological(root)) else _tied(root, reading.values)
    for x in reading.forms.gradients if tied else ():
        given = autograd.get(x.tensor)
        if given is not None and given.data is not None:
            taken = given.array().astype(np.float64).reshape(_shape(x))
            places = list(_moving(x, tied, reading.values))
            jumps = [_jump(reading, x, at, float(taken[at])) for at in places[:MOST_TRIED]]
            found = [replace(jump, at=_own(jump.at, x, given.shape)) for jump in jumps if jump is not None]
            yield found, len(places[MOST_TRIED:])


def _own(at: Place, x: Input, sizes: tuple[int, ...]) -> Place:
    """A place along the axes of an input, which has none of length 1, in the tensor's own shape."""
    flat = int(np.ravel_multi_index(at, _shape(x))) if at else 0
    return tuple(int(k) for k in np.unravel_index(flat, sizes)) if sizes else ()


def _jump(reading: Reading, x: Input, at: Place, taken: float) -> Kink | None:
    """The slopes beside an entry; None where neither they nor the curvatures differ, or where one is not finite."""
    if not np.isfinite(_held(reading.values, x)[at]):
        return None
    below, above = (_beside(reading, x, at, side) for side in (-1, 1))
    if not np.isfinite([below.slope, above.slope, taken]).all():
        return None
    gap = above.gap - below.gap
    bend = abs(below.curvature - above.curvature) > BEND * max(1.0, abs(below.curvature), abs(above.curvature))
    if _close(below.slope, above.slope) and not gap and not (bend and _close(taken, below.slope)):
        return None
    return Kink(x.tensor, at, float(_held(reading.values, x)[at]), below.slope, above.slope, taken, gap=gap)


def _tied(root: Node, values: Values) -> list[Node]:
    """What decides the branches that tie somewhere, 0 there."""
    asked = [ties for node in topological(root) for ties in _ties(node)]
    with np.errstate(all="ignore"):
        held = evaluate_all(tuple(asked), values, FloatArithmetic()) if asked else ()
    return [node for node, numbers in zip(asked, held, strict=True) if (np.asarray(numbers) == 0).any()]


def _ties(node: Node) -> Iterator[Node]:
    """What is 0 where a branch ties."""
    match node:
        case Where(condition) if is_floating(node):
            yield from meets(condition, _ORDERED)
        case Binary("maximum" | "minimum" | "clamp_min" | "clamp_max", a, b) if is_floating(node):
            yield ops.sub(a, b)
        case Unary("relu" | "abs", x) if is_floating(x):
            yield x
        case Extremum(_, x, over) if is_floating(x):
            hit = ops.compare("eq", x, node)
            several = ops.compare("gt", ops.sum(ops.cast(hit, x.dtype), over), 1)
            yield ops.where(several, ops.sub(x, StopGradient(node, node.axes, node.dtype)), 1)
        case _:
            pass


def _moving(x: Input, tied: list[Node], values: Values) -> Iterator[Place]:
    """The entries of an input that move what ties."""
    touched = np.zeros(_shape(x), dtype=bool)
    for node in tied:
        at_ties = ops.where(ops.compare("eq", node, 0), node, 0)
        touched |= _spread(gradient(at_ties, (x,))[x], x, values) != 0
    return (tuple(int(k) for k in place) for place in np.argwhere(touched))


@dataclass(frozen=True)
class _Side:
    slope: float
    curvature: float
    gap: float = 0.0


def _beside(reading: Reading, x: Input, at: Place, side: int) -> _Side:
    """The slope and the curvature of the loss on one side of an entry; no finite slope where the value itself leaps.

    Where a backward of torch's own is not the derivative of the forward, the slope is that of the loss itself.
    """
    h = side * STEP * max(1.0, abs(float(_held(reading.values, x)[at])))
    start, first, second = (_loss_at(reading, x, at, k * h) for k in (0, 1, 2))
    near, far = (_gradient_at(reading, x, at, k * h) for k in (1, 2))
    slope, curvature = 2 * near - far, (far - near) / h
    limit = 2 * first - second + h * h * curvature  # where the piece on this side ends
    gap = limit - start if abs(limit - start) > GAP * max(1.0, abs(start), abs(near)) else 0.0
    if gap and not _is_parted(reading.forms.composition.root):
        return _Side(np.inf, 0.0) if abs(first - start) > LEAP * max(1.0, abs(start), abs(near)) else _Side(slope, 0.0)
    rise = (second - first) / h - 1.5 * h * curvature
    room = RISE * max(1.0, abs(start), abs(slope))
    return _Side(slope if abs(slope - rise) <= room else float(f"{rise:.6g}"), curvature, gap)


def _is_parted(root: Node) -> bool:
    """Whether a condition parts the loss into pieces that need not meet."""
    return any(isinstance(n, Where) and is_floating(n) for n in topological(root))


def _loss_at(reading: Reading, x: Input, at: Place, by: float) -> float:
    root, values = reading.forms.composition.root, _moved(reading.values, x, at, by)
    with np.errstate(all="ignore"):
        return float(np.sum(evaluate(root, values, FloatArithmetic())))


def _gradient_at(reading: Reading, x: Input, at: Place, by: float) -> float:
    return float(_spread(reading.forms.as_run[x], x, _moved(reading.values, x, at, by))[at])


def _moved(values: Values, x: Input, at: Place, by: float) -> Values:
    held = _held(values, x).copy()
    held[at] += by
    return {**values, x.tensor: held}


def _spread(node: Node, x: Input, values: Values) -> npt.NDArray[np.float64]:
    """A gradient in the order of an input's axes, repeated along those that it does not vary along."""
    with np.errstate(all="ignore"):
        numbers = np.asarray(evaluate(node, values, FloatArithmetic()), dtype=np.float64)
    order = [node.axes.index(axis) for axis in x.axes if axis in node.axes]
    sizes = tuple(axis.size if axis in node.axes else 1 for axis in x.axes)
    return np.broadcast_to(numbers.transpose(order).reshape(sizes), _shape(x))


def _held(values: Values, x: Input) -> npt.NDArray[np.float64]:
    return np.asarray(values[x.tensor], dtype=np.float64).reshape(_shape(x))


def _shape(x: Input) -> Place:
    return tuple(axis.size for axis in x.axes)


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= SAME * max(1.0, abs(a), abs(b))


def side_of(found: Kink) -> str:
    """Where torch's slope lies: "below", "above", "middle", "between" or "neither"."""
    low, high = sorted((found.below, found.above))
    if _close(found.taken, found.below):
        return "below"
    if _close(found.taken, found.above):
        return "above"
    if _close(2 * found.taken, low + high):
        return "middle"
    return "between" if low < found.taken < high else "neither"
