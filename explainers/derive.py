"""Builds the steps: splits the loss into its elements, shows the one that matters, and adds the parts up again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from flint import arb

from explainers.composition import Composition
from explainers.derivation import Combination, Definition, Derivation, Gradient, Step, Substitution
from explainers.graph import unevaluated as un
from explainers.graph.arrays import Array
from explainers.graph.deciding import decided
from explainers.graph.derivative import gradient
from explainers.graph.display import Display
from explainers.graph.evaluation import Values
from explainers.graph.exact import Exact, Place, along, exact
from explainers.graph.familiar import familiar_rules
from explainers.graph.labels import Labels
from explainers.graph.lowering import CannotLower, Meaning
from explainers.graph.nodes import Axes, Axis, Binary, Constant, Input, Node, Sum
from explainers.graph.plain_backward import without_plain_backward
from explainers.graph.rewrites import rules
from explainers.graph.rewriting import Rewriter
from explainers.graph.twin import NoTwin, Twin, twin
from explainers.graph.vectors import layout, readable
from explainers.lettering import lettered

SHOWN_ROWS = 3
LARGEST_TWIN = 1000


@dataclass(frozen=True)
class Split:
    """A loss as elements over some axes: their sum, over `divisor` where it is a mean."""

    item: Node
    over: Axes
    divisor: Node | None


@dataclass(frozen=True)
class Forms:
    """A composition in normal form, with the derivative of that form and of the program as it ran.

    `rewriter` made the normal form: another graph over the same inputs is the same formula if it makes it the same
    node.
    """

    composition: Composition
    root: Node
    gradients: Mapping[Input, Node]
    as_run: Mapping[Input, Node]
    rewriter: Rewriter


def forms(composition: Composition, values: Values, real: Collection[int], wrt: Collection[int]) -> Forms:
    """The normal form of a composition, branches decided, and its gradients; its inputs under letters that are clear.

    `real` names the tensors whose gradient is computed, `wrt` those of them whose gradient is shown as a formula.
    """
    composition = lettered(composition)
    rewriter = Rewriter(rules())
    root = without_plain_backward(rewriter.rewrite(decided(composition.root, values)), rewriter)
    floats = tuple(a.node for id, a in composition.inputs.items() if id in real and isinstance(a.node, Input))
    known = {x: interned for x in floats if x.tensor in wrt and isinstance(interned := rewriter.rewrite(x), Input)}
    inner = gradient(root, tuple(known.values()))
    shown = {x: rewriter.rewrite(decided(inner[interned], values)) for x, interned in known.items()}
    return Forms(composition, root, shown, gradient(composition.root, floats), rewriter)


def derivation(found: Forms, values: Values, equals: str | None) -> Derivation:
    """The typed steps of a composition at the recorded numbers."""
    split = splitted(found.root)
    (items,) = exact((split.item,), values)
    steps: list[Step] = []
    display = Display(reserved=_symbols(found))
    if 0 not in items.shape:
        shown = _shown(items)
        steps.append(_definition(found, split, display, values, shown[0]))
        steps += [_substitution(split, values, place, items.at(place)) for place in shown]
        if split.over:
            steps.append(_combination(found, split, values, items, shown))
    steps += _gradients(found, Display(None, display.reserved, display.letters, labelling=Labels(brief=True)), values)
    letters = {a.node.symbol: id for id, a in found.composition.inputs.items() if isinstance(a.node, Input)}
    return Derivation(tuple(steps), letters, equals)


def splitted(root: Node) -> Split:
    """Σ item / divisor, Σ item, or the root as its own elements."""
    match root:
        case _ if root.axes:
            return Split(root, (), None)
        case Binary("div", Sum(item, over), divisor):
            return Split(item, over, divisor)
        case Sum(item, over):
            return Split(item, over, None)
        case _:
            return Split(root, (), None)


def meaning(composition: Composition, values: Values) -> Meaning:
    """What the letters of a composition's formulas stand for."""
    return Meaning(
        {a.node.symbol: _lookup(a.node, values) for a in composition.inputs.values() if isinstance(a.node, Input)}
    )


def _symbols(found: Forms) -> frozenset[str]:
    """The letters of the inputs, which no index may have."""
    return frozenset(a.node.symbol for a in found.composition.inputs.values() if isinstance(a.node, Input))


def _lookup(node: Input, values: Values) -> Any:
    held = np.asarray(values[node.tensor]).reshape(tuple(axis.size for axis in node.axes))

    def element(place: Place) -> arb | int:
        if len(place) != held.ndim or not all(0 <= k < size for k, size in zip(place, held.shape, strict=True)):
            raise CannotLower(f"{node.symbol} has no element {place}")
        return arb(float(held[place])) if held.dtype.kind == "f" else int(held[place])

    return element


def _shown(items: Exact) -> list[Place]:
    """The elements that are shown: all of a few, else the one that matters most (a non-finite one before all)."""
    if int(np.prod(items.shape)) <= SHOWN_ROWS:
        return list(np.ndindex(items.shape))
    sizes = np.nan_to_num(np.abs(items.middles()), nan=np.inf)
    return [tuple(int(k) for k in np.unravel_index(int(np.argmax(sizes)), items.shape))]


def _definition(found: Forms, split: Split, display: Display, values: Values, at: Place) -> Definition:
    place = display.at_letters(split.item.axes)
    written = tuple(display.element(form, place) for form in _readings(split.item))
    whole = _whole(split, display) if split.over else None
    here = {display.letters[axis]: k for axis, k in zip(split.item.axes, at, strict=True)}
    letters = tuple(display.letters[axis] for axis in split.item.axes)
    labelled = replace(meaning(found.composition, values), labels=display.labels)
    return Definition(letters, whole, tuple(dict.fromkeys(written)), labelled.at(here))


def _whole(split: Split, display: Display) -> Any:
    """How the elements make the loss: (1/N) Σ ℓᵢ."""
    letters = [display.letter(axis) for axis in split.over]
    item = sympy.Indexed(sympy.IndexedBase("ell"), *letters)
    total = un.total(item, *((k, 0, axis.size - 1) for k, axis in zip(letters, split.over, strict=True)))
    if split.divisor is None:
        return total
    below = display.element(split.divisor, {})
    if isinstance(split.divisor, Constant) and isinstance(split.divisor.value, Fraction):
        return un.times(un.over(sympy.Integer(1), below), total)
    return un.over(total, below)


def _readings(item: Node) -> tuple[Node, ...]:
    """The form people learn first (probabilities under a log), then the normal form."""
    return Rewriter(familiar_rules()).rewrite(item), item


def _substitution(split: Split, values: Values, place: tuple[int, ...], value: arb) -> Substitution:
    display = Display(values)
    at: dict[Axis, Any] = {axis: sympy.Integer(k) for axis, k in zip(split.item.axes, place, strict=True)}
    written = [display.element(form, at) for form in _readings(split.item)]
    if not display.omitted and (simpler := un.evaluated(written[-1])).count_ops() < written[-1].count_ops():
        written.append(simpler)
    totals = {gap: _omitted(x, places, values) for gap, (x, places) in display.omitted.items()}
    found = Meaning(labels=display.labels, omitted=totals)
    return Substitution(place, tuple(dict.fromkeys(written)), value, found)


def _omitted(x: Node, places: tuple[dict[Axis, Any], ...], values: Values) -> arb:
    """The exact total of the terms behind a "…"."""
    (everything,) = exact((x,), values)
    total = arb(0)
    for place in places:
        total += everything.at(tuple(int(place[axis]) for axis in x.axes))
    return total


def _combination(found: Forms, split: Split, values: Values, items: Exact, shown: list[Place]) -> Combination:
    (loss,) = exact((found.root,), values)
    divisor = None if split.divisor is None else exact((split.divisor,), values)[0].at(())
    parts = tuple(items.at(place) for place in shown)
    count = int(np.prod(items.shape)) - len(shown)
    return Combination(tuple(shown), parts, items.total(shown) if count else arb(0), count, divisor, loss.at(()))


def _gradients(found: Forms, display: Display, values: Values) -> list[Step]:
    wrt = tuple(found.gradients)
    shown = exact(tuple(found.gradients[x] for x in wrt), values)
    as_run = exact(tuple(found.as_run[x] for x in wrt), values)
    known = meaning(found.composition, values)
    return [
        _gradient(x, found.gradients[x], display, known, (along(mine, found.gradients[x].axes, x.axes), again))
        for x, mine, again in zip(
            wrt, shown, (along(a, found.as_run[x].axes, x.axes) for x, a in zip(wrt, as_run, strict=True)), strict=True
        )
    ]


def _gradient(x: Input, node: Node, display: Display, known: Meaning, numbers: tuple[Exact, Exact]) -> Gradient:
    """One formula, its indices left out where no reader needs them."""
    place = display.at_letters(x.axes)
    vector = readable(node, x.axes)
    formula = display.element(node, {} if vector else place)
    positions = layout(node, x.axes) if vector else None
    labelled = replace(known, labels=display.labels)
    return Gradient(x.symbol, x.tensor, formula, tuple(place.values()), positions, *numbers, labelled)


def page_twin(found: Forms, values: Values, heading: str) -> Twin | None:
    """The whole formula as a runnable script; None for an array, for what is too large to print, or has no script."""
    if found.root.axes or sum(np.asarray(v).size for v in values.values()) > LARGEST_TWIN:
        return None
    inputs = {
        a.node.symbol: np.asarray(values[id]).reshape(tuple(axis.size for axis in a.axes)).astype(_printed(a))
        for id, a in found.composition.inputs.items()
        if isinstance(a.node, Input)
    }
    try:
        return twin(Display(reserved=_symbols(found)).element(found.root, {}), inputs, heading)
    except NoTwin:
        return None


def _printed(array: Array) -> str:
    return "float64" if array.floating else "int64"
