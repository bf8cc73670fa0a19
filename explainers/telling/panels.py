"""What stands beside the derivation: the probabilities that a loss sees, the differences it squares, the one knob."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from explainers.cards.card import Bar, Bars, Block, Curve, Grid, Mark
from explainers.derivation import Forward
from explainers.digits import shown
from explainers.explanation import Explanation
from explainers.forms import splitted
from explainers.graph.evaluation import evaluate
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import Axis, Binary, LogSumExp, Node, Softmax, Take, topological
from explainers.locale import Translator
from explainers.messages import said
from explainers.reading import Reading
from explainers.telling.alignments import picture
from explainers.telling.curves import curve, place
from explainers.telling.texts import text

Floats = npt.NDArray[np.float64]
MOST_BARS = 4
LEAST_STEPS = 3


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
        curve(explanation, reading, translator),
    )
    return tuple(panel for panel in made if panel is not None)


def _training(explanation: Explanation, translator: Translator) -> Curve | None:
    """The loss of each backward pass, step by step, as long as it is finite."""
    losses = explanation.recording.losses
    lost = next((k for k, loss in enumerate(losses) if not np.isfinite(loss)), len(losses))
    if lost < LEAST_STEPS:
        return None
    points = tuple((float(k), loss) for k, loss in enumerate(losses[:lost], start=1))
    end = points[-1]
    return Curve(text(said("Loss per step of training"), translator), points, Mark(*end, shown(end[1])))


def _forward(explanation: Explanation, translator: Translator) -> Grid | None:
    """The forward table of a sum over alignments."""
    found = next((step for step in explanation.derivation.steps if isinstance(step, Forward)), None)
    return None if found is None else picture(found, translator, beside=True)


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
    kept = _kept(row, target)
    return Bars(title, tuple(_bar(row, k, k == target, translator) for k in kept) + _rest(row, kept, translator))


def _row(node: Node, along: Axis, reading: Reading, item: Node) -> Floats | None:
    """The node's values along one axis at the shown element."""
    values = np.asarray(evaluate(node, reading.values, FloatArithmetic()))
    at = dict(zip(item.axes, place(reading), strict=True))
    if any(axis is not along and axis not in at for axis in node.axes):
        return None
    return values[tuple(slice(None) if axis is along else at[axis] for axis in node.axes)]


def _target(item: Node, along: Axis, reading: Reading) -> int | None:
    """The class that the shown element picks; None where it is ignored under an index that is no class."""
    pick = next((n for n in topological(item) if isinstance(n, Take) and n.along is along), None)
    if not isinstance(pick, Take):
        return None
    at = dict(zip(item.axes, place(reading), strict=True))
    index = np.asarray(evaluate(pick.index, reading.values, FloatArithmetic()))
    if not all(axis in at for axis in pick.index.axes):
        return None
    picked = int(index[tuple(at[axis] for axis in pick.index.axes)])
    return picked if 0 <= picked < along.size else None


def _kept(row: Floats, target: int | None) -> list[int]:
    if len(row) <= MOST_BARS:
        return list(range(len(row)))
    largest = np.argpartition(-row, MOST_BARS)[:MOST_BARS]
    others = [int(k) for k in largest[np.argsort(-row[largest])] if int(k) != target]
    return sorted([*([target] if target is not None else []), *others[: MOST_BARS - 2]])


def _bar(row: Floats, k: int, hit: bool, translator: Translator) -> Bar:
    name = said("class {index} ✓", index=k) if hit else said("class {index}", index=k)
    return Bar(name.say(translator), float(row[k]), percent(float(row[k])), hit)


def _rest(row: Floats, kept: list[int], translator: Translator) -> tuple[Bar, ...]:
    gone = np.ones(len(row), dtype=bool)
    gone[kept] = False
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
