"""What stands beside the derivation: the probabilities that a loss sees, the differences it squares, the one knob."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import sympy

from explainers.cards.card import Bar, Bars, Block, Curve, Grid, Mark, Math
from explainers.derivation import Forward
from explainers.derive import splitted
from explainers.digits import shown
from explainers.explanation import Explanation
from explainers.graph.evaluation import evaluate
from explainers.graph.exact import exact
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import Axis, Binary, Input, LogSumExp, Node, Softmax, Take, operands, topological
from explainers.graph.rewriting import rebuild
from explainers.locale import Translator
from explainers.messages import said
from explainers.reading import Reading
from explainers.telling.alignments import picture
from explainers.telling.texts import text

Floats = npt.NDArray[np.float64]
MOST_BARS = 4
POINTS = 73
MOST_ELEMENTS = 20_000
REACH = 5.0
LEAST_STEPS = 3
NEGLIGIBLE = 1e-12


def panels(explanation: Explanation, translator: Translator) -> tuple[Block, ...]:
    """The panels that this formula has, the most telling first."""
    if not isinstance(explanation.reading, Reading):
        return ()
    reading = explanation.reading
    if any(np.asarray(values).size == 0 for values in reading.values.values()):
        return ()
    made = (
        _training(explanation, translator),
        _forward(explanation, translator),
        _bars(reading, translator),
        _differences(reading, translator),
        _curve(explanation, reading, translator),
    )
    return tuple(panel for panel in made if panel is not None)


def _training(explanation: Explanation, translator: Translator) -> Curve | None:
    """The loss of each backward pass, step by step."""
    losses = explanation.recording.losses
    if len(losses) < LEAST_STEPS or not np.isfinite(losses).all():
        return None
    points = tuple((float(k), loss) for k, loss in enumerate(losses, start=1))
    end = points[-1]
    return Curve(text(said("Loss per step of training"), translator), points, Mark(*end, shown(end[1])))


def _forward(explanation: Explanation, translator: Translator) -> Grid | None:
    """The forward table of a sum over alignments."""
    found = next((step for step in explanation.derivation.steps if isinstance(step, Forward)), None)
    return None if found is None else picture(found, translator, beside=True)


def place(reading: Reading) -> tuple[int, ...]:
    """The element of the loss that the panels look at: the one that matters most."""
    (items,) = exact((splitted(reading.forms.root).item,), reading.values)
    sizes = np.nan_to_num(np.abs(items.middles()), nan=np.inf)
    return tuple(int(k) for k in np.unravel_index(int(np.argmax(sizes)), sizes.shape)) if sizes.size else ()


def _bars(reading: Reading, translator: Translator) -> Bars | None:
    """Softmax of the logits in the shown row, the target's class marked."""
    item = splitted(reading.forms.root).item
    node = next((n for n in topological(item) if isinstance(n, LogSumExp | Softmax) and len(n.over) == 1), None)
    if not isinstance(node, LogSumExp | Softmax):
        return None
    (along,) = node.over
    row = _row(Softmax(node.x, node.over, node.x.axes, node.x.dtype), along, reading, item)
    if row is None or not np.isfinite(row).all():
        return None
    target = _target(item, along, reading)
    title = text(said("Softmax of the logits"), translator)
    return Bars(
        title, tuple(_bar(row, k, k == target, translator) for k in _kept(row, target)) + _rest(row, target, translator)
    )


def _row(node: Node, along: Axis, reading: Reading, item: Node) -> Floats | None:
    """The node's values along one axis at the shown element."""
    values = np.asarray(evaluate(node, reading.values, FloatArithmetic()))
    at = dict(zip(item.axes, place(reading), strict=True))
    if any(axis is not along and axis not in at for axis in node.axes):
        return None
    return values[tuple(slice(None) if axis is along else at[axis] for axis in node.axes)]


def _target(item: Node, along: Axis, reading: Reading) -> int | None:
    """The class that the shown element picks."""
    pick = next((n for n in topological(item) if isinstance(n, Take) and n.along is along), None)
    if not isinstance(pick, Take):
        return None
    at = dict(zip(item.axes, place(reading), strict=True))
    index = np.asarray(evaluate(pick.index, reading.values, FloatArithmetic()))
    return int(index[tuple(at[axis] for axis in pick.index.axes)]) if all(a in at for a in pick.index.axes) else None


def _kept(row: Floats, target: int | None) -> list[int]:
    if len(row) <= MOST_BARS:
        return list(range(len(row)))
    others = [int(k) for k in np.argsort(-row) if int(k) != target]
    return sorted([*([target] if target is not None else []), *others[: MOST_BARS - 2]])


def _bar(row: Floats, k: int, hit: bool, translator: Translator) -> Bar:
    name = said("class {index} ✓", index=k) if hit else said("class {index}", index=k)
    return Bar(name.say(translator), float(row[k]), percent(float(row[k])), hit)


def _rest(row: Floats, target: int | None, translator: Translator) -> tuple[Bar, ...]:
    gone = np.ones(len(row), dtype=bool)
    gone[_kept(row, target)] = False
    if not gone.any():
        return ()
    left = float(row[gone].sum())
    return (Bar(said("{count} others", count=int(gone.sum())).say(translator), left, percent(left)),)


def percent(share: float) -> str:
    """57.6 %; never a rounded 100 or 0 where some is missing or left."""
    text = f"{100 * share:.1f}"
    if text == "100.0" and share < 1:
        return "> 99.9 %"
    return "< 0.1 %" if text == "0.0" and share > 0 else f"{text} %"


def _differences(reading: Reading, translator: Translator) -> Grid | None:
    """All pairs of a broadcast difference, the wanted ones (the diagonal) marked."""
    item = splitted(reading.forms.root).item
    node = next((n for n in topological(item) if isinstance(n, Binary) and n.op == "sub" and _crossed(n)), None)
    if node is None or len(node.axes) != 2 or max(a.size for a in node.axes) > 6:
        return None
    values = np.asarray(evaluate(node, reading.values, FloatArithmetic()))
    rows = tuple(tuple(shown(float(x)) for x in row) for row in values)
    diagonal = frozenset((k, k) for k in range(min(values.shape)))
    return Grid(text(said("All pairs of input and target"), translator), rows, diagonal)


def _crossed(node: Binary) -> bool:
    return bool(set(node.a.axes) - set(node.b.axes)) and bool(set(node.b.axes) - set(node.a.axes))


def _curve(explanation: Explanation, reading: Reading, translator: Translator) -> Curve | None:
    """The loss while one entry of the input moves: the target's logit, else the entry with the steepest gradient."""
    knob = _knob(explanation, reading)
    if knob is None or reading.forms.composition.root.axes or _elements(reading) > MOST_ELEMENTS:
        return None
    node, at = knob
    held = np.asarray(reading.values[node.tensor], dtype=np.float64).reshape(tuple(a.size for a in node.axes))
    here = float(held[at])
    xs = _positions(explanation, node, here)
    ys = _moved(reading, node, held, at, xs)
    if not np.isfinite(ys).all():
        return None
    entry = _entry(node, at)
    value = float(np.asarray(explanation.value, dtype=np.float64).reshape(-1)[0])
    title = text(said("Loss against {entry}", entry=Math(entry)), translator)
    note = (
        text(said("0 only as {entry} → ∞", entry=Math(entry)), translator)
        if _only_in_the_limit(explanation, ys)
        else ()
    )
    return Curve(title, tuple(zip(xs.tolist(), ys.tolist(), strict=True)), Mark(here, value, shown(value)), note)


def _positions(explanation: Explanation, node: Input, here: float) -> Floats:
    """Where the knob goes: around where it is, a probability between 0 and 1."""
    loss, call = explanation.loss, explanation.call
    if loss is not None and loss.of_probabilities and call is not None and call.ref(loss.convex_in[0]) == node.tensor:
        return np.linspace(0.0, 1.0, POINTS + 2)[1:-1]
    return np.linspace(here - REACH, here + REACH, POINTS)


def _elements(reading: Reading) -> int:
    return sum(np.asarray(values).size for values in reading.values.values())


def _knob(explanation: Explanation, reading: Reading) -> tuple[Input, tuple[int, ...]] | None:
    for node in reading.forms.gradients:
        slope = explanation.gradients[node.tensor].middles()
        if not slope.size or not np.isfinite(slope).all():
            continue
        steepest = np.unravel_index(int(np.argmax(np.abs(slope))), slope.shape)
        return node, tuple(int(k) for k in steepest)
    return None


def _entry(node: Input, at: tuple[int, ...]) -> Any:
    base = sympy.IndexedBase(node.symbol)
    return sympy.Indexed(base, *map(sympy.Integer, at)) if at else sympy.Symbol(node.symbol)


def _moved(reading: Reading, node: Input, held: Floats, at: tuple[int, ...], xs: Floats) -> Floats:
    """The loss at every position of the knob, in one evaluation: the input gets one more axis."""
    knob = Axis("knob", len(xs))
    moved = Input(node.symbol, (knob, *node.axes), node.dtype, node.tensor)
    values = np.broadcast_to(held, (len(xs), *held.shape)).copy()
    values[(slice(None), *at)] = xs
    done: dict[Node, Node] = {}
    root = reading.forms.composition.root
    for n in topological(root):
        done[n] = moved if n is node else rebuild(n, tuple(done[o] for o in operands(n)))
    return np.asarray(evaluate(done[root], {**reading.values, node.tensor: values}, FloatArithmetic())).reshape(-1)


def _only_in_the_limit(explanation: Explanation, ys: Floats) -> bool:
    """Whether the loss falls along the knob towards a least value of 0 that no finite input attains."""
    floors = [f for f in explanation.floors if not f.attained and abs(f.value) <= NEGLIGIBLE]
    return bool(floors) and bool((np.diff(ys) < 0).all()) and ys[-1] < 0.55 * ys[0]
