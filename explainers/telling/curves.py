"""The one knob: how a loss, or the element of it that matters most, goes while one entry of an input moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy

from explainers.cards.card import Curve, Mark, Math, Text
from explainers.digits import shown
from explainers.explanation import Explanation
from explainers.forms import splitted
from explainers.graph import ops
from explainers.graph.derivative import gradient
from explainers.graph.evaluation import evaluate
from explainers.graph.exact import exact
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import Axis, Input, Node, is_floating, operands, topological
from explainers.graph.rewriting import rebuild
from explainers.kinks import Kink
from explainers.locale import Translator
from explainers.messages import said
from explainers.reading import Reading
from explainers.telling.least_values import NEGLIGIBLE
from explainers.telling.subgradients import told
from explainers.telling.texts import text

Floats = npt.NDArray[np.float64]
Place = tuple[int, ...]
POINTS = 73
MOST_ELEMENTS = 20_000
REACH = 5.0


def place(reading: Reading) -> Place:
    """The element of the loss that the panels look at: the one that matters most."""
    (items,) = exact((splitted(reading.forms.root).item,), reading.values)
    return _largest(items.middles())


def curve(explanation: Explanation, reading: Reading, translator: Translator) -> Curve | None:
    """The loss while the entry with the steepest gradient moves, or one that lies at a kink; of several numbers, the
    one that matters most.

    None where no entry moves it, where it is too large to be computed again and again, and where it is not a number
    along the way.
    """
    if is_too_large(reading):
        return None
    value, element = _subject(explanation, reading)
    bent = explanation.kink if not element else None
    knob = _knob(_slopes(explanation, reading, value, element)) if bent is None else _bent(explanation, reading, bent)
    if knob is None:
        return None
    node, at = knob
    held = np.asarray(reading.values[node.tensor], dtype=np.float64).reshape(tuple(a.size for a in node.axes))
    points = _points(explanation, reading, value, (node, at, held))
    if points is None:
        return None
    here, there = float(held[at]), _value(explanation, reading, element)
    entry = Math(_entry(node.symbol, at))
    mark = Mark(here, there, shown(there))
    note = text(said("0 only as {entry} → ∞", entry=entry), translator) if _falls(explanation, points[1]) else ()
    caption = () if bent is None else text(told(explanation, bent), translator)
    title, along = _title(element, entry, translator), zip(*(p.tolist() for p in points), strict=True)
    return Curve(title, tuple(along), mark, note, caption)


def _title(element: Place, entry: Math, translator: Translator) -> Text:
    if not element:
        return text(said("Loss against {entry}", entry=entry), translator)
    return text(said("{value} against {entry}", value=Math(_entry("ell", element)), entry=entry), translator)


def _subject(explanation: Explanation, reading: Reading) -> tuple[Node, Place]:
    """The node of one number that is plotted, and which element it is; () where the whole has one number alone."""
    node = reading.forms.composition.root
    if not node.axes:
        return node, ()
    at = _largest(np.asarray(evaluate(node, reading.values, FloatArithmetic()), dtype=np.float64))
    for axis, index in zip(node.axes, at, strict=True):
        node = ops.take(node, ops.constant(index), axis)
    return node, at


def _largest(values: Floats) -> Place:
    """Where the largest number in size is; nan counts as infinite."""
    sizes = np.nan_to_num(np.abs(values), nan=np.inf)
    return tuple(int(k) for k in np.unravel_index(int(np.argmax(sizes)), sizes.shape)) if sizes.size else ()


def _value(explanation: Explanation, reading: Reading, element: Place) -> float:
    """torch's own number there."""
    sizes = tuple(axis.size for axis in reading.forms.composition.root.axes)
    return float(np.asarray(explanation.value, dtype=np.float64).reshape(sizes)[element])


def _slopes(explanation: Explanation, reading: Reading, value: Node, element: Place) -> Mapping[Input, Floats]:
    """How steeply each input moves it: the asked ones of the whole, all that move an element of it."""
    if not element:
        return {node: explanation.gradients[node.tensor].middles() for node in reading.forms.gradients}
    inputs = tuple(n for n in topological(value) if isinstance(n, Input) and is_floating(n))
    found = gradient(value, inputs)
    with np.errstate(all="ignore"):
        slopes = {node: _spread(found[node], node, reading) for node in inputs}
    return {node: slope for node, slope in slopes.items() if slope.any()}


def _spread(slope: Node, node: Input, reading: Reading) -> Floats:
    """A gradient in the order of its input's axes, repeated along those that it does not vary along."""
    numbers = np.asarray(evaluate(slope, reading.values, FloatArithmetic()), dtype=np.float64)
    order = [slope.axes.index(axis) for axis in node.axes if axis in slope.axes]
    sizes = tuple(axis.size if axis in slope.axes else 1 for axis in node.axes)
    return np.broadcast_to(numbers.transpose(order).reshape(sizes), tuple(axis.size for axis in node.axes))


def _knob(slopes: Mapping[Input, Floats]) -> tuple[Input, Place] | None:
    return next(((node, _largest(s)) for node, s in slopes.items() if s.size and np.isfinite(s).all()), None)


def _bent(explanation: Explanation, reading: Reading, found: Kink) -> tuple[Input, Place]:
    """The input at a kink, and its entry along the input's axes, which have none of length 1."""
    node = next(node for node in reading.forms.gradients if node.tensor == found.tensor)
    sizes = explanation.recording.tensors[found.tensor].shape
    return node, tuple(k for k, size in zip(found.at, sizes, strict=True) if size != 1)


def _points(
    explanation: Explanation, reading: Reading, value: Node, knob: tuple[Input, Place, Floats]
) -> tuple[Floats, Floats] | None:
    """Positions of the knob and the loss there: around where it is, or, where it is a probability or has no
    logarithm there, between 0 and 1; none around what is not finite."""
    node, at, held = knob
    if not np.isfinite(held[at]):
        return None
    between = np.linspace(0.0, 1.0, POINTS + 2)[1:-1]
    around = np.linspace(held[at] - REACH, held[at] + REACH, POINTS)
    shares = bool(((held >= 0) & (held <= 1)).all())
    for xs in (between,) if _probability(explanation, node) else (around, between) if shares else (around,):
        with np.errstate(all="ignore"):
            ys = _moved(reading, value, knob, xs)
        if np.isfinite(ys).all():
            return xs, ys
    return None


def _probability(explanation: Explanation, node: Input) -> bool:
    """Whether torch refuses numbers outside of [0, 1] for this input."""
    loss, call = explanation.loss, explanation.call
    return (
        loss is not None and loss.of_probabilities and call is not None and call.ref(loss.convex_in[0]) == node.tensor
    )


def is_too_large(reading: Reading) -> bool:
    """Whether it is too large to be computed again and again."""
    return elements(reading) > MOST_ELEMENTS


def elements(reading: Reading) -> int:
    """How many numbers its inputs have in all."""
    return sum(np.asarray(values).size for values in reading.values.values())


def _entry(symbol: str, at: Place) -> Any:
    base = sympy.IndexedBase(symbol)
    return sympy.Indexed(base, *map(sympy.Integer, at)) if at else sympy.Symbol(symbol)


def _moved(reading: Reading, value: Node, knob: tuple[Input, Place, Floats], xs: Floats) -> Floats:
    """The loss at every position of the knob, in one evaluation: the input gets one more axis."""
    node, at, held = knob
    axis = Axis("knob", len(xs))
    moved = Input(node.symbol, (axis, *node.axes), node.dtype, node.tensor)
    values = np.broadcast_to(held, (len(xs), *held.shape)).copy()
    values[(slice(None), *at)] = xs
    done: dict[Node, Node] = {}
    for n in topological(value):
        done[n] = moved if n is node else rebuild(n, tuple(done[o] for o in operands(n)))
    ys = np.asarray(evaluate(done[value], {**reading.values, node.tensor: values}, FloatArithmetic())).reshape(-1)
    return np.broadcast_to(ys, xs.shape)


def _falls(explanation: Explanation, ys: Floats) -> bool:
    """Whether the loss falls along the knob towards a least value of 0 that no finite input attains."""
    floors = [f for f in explanation.floors if not f.attained and abs(f.value) <= NEGLIGIBLE]
    return bool(floors) and bool((np.diff(ys) < 0).all()) and ys[-1] < 0.55 * ys[0]
