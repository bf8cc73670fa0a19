"""Builds the steps: splits the loss into its elements, shows the one that matters, and adds the parts up again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy
from flint import arb
from sympy.core.facts import InconsistentAssumptions

from explainers.aligning import aligned, sums
from explainers.derivation import Combination, Definition, Derivation, Gradient, Quantity, Step, Substitution
from explainers.forms import LONGEST_ROOT, Forms, Split, splitted
from explainers.graph import unevaluated as un
from explainers.graph.display import Display
from explainers.graph.evaluation import Values, evaluate
from explainers.graph.exact import Exact, Known, Place
from explainers.graph.familiar import familiar_rules
from explainers.graph.floats import FloatArithmetic
from explainers.graph.lowering import Meaning
from explainers.graph.nodes import Axis, Constant, Input, Named, Node, Take, topological
from explainers.graph.rewriting import Rewriter
from explainers.graph.vectors import layout, readable
from explainers.page import Page
from explainers.quantities import quantities, size, weight

LONGEST_FORMULA = 400
LONGEST_TRIED = 4000  # of which branches that are decided may leave little
LONGEST_DECIDED = 60
SHOWN_ROWS = 3
LONGEST_UNDEFINED = 60
LONGEST_PUT = 120
LONGEST_SIMPLIFIED = 60
LONGEST_GRADIENT = 60
LONGEST_AGAIN = 24


def derivation(found: Forms, values: Values, equals: str | None, known: Known | None = None) -> Derivation:
    """The typed steps of a composition at the recorded numbers."""
    known, split = known or Known(values), splitted(found.named)
    (items, *_) = known.of(split.item, *_numbers(found, split))
    page = Page.of(found, values, known)
    steps: list[Step] = []
    if 0 not in items.shape:
        shown = _shown(items)
        display = page.display()
        definition = _definition(found, split, display, page, shown[0], equals)
        at = _picked(found.named, page, dict(zip(split.item.axes, shown[0], strict=True)))
        for node in quantities(found.named):
            if 0 not in page.quantities[node.name].shape:
                steps.append(_quantity(node, page, at, display))
        steps.append(definition)
        steps += aligned(split.item, values, dict(zip(split.item.axes, _largest(items), strict=True)), known)
        steps += [_substitution(split, page, place, items.at(place)) for place in shown]
        if split.over:
            steps.append(_combination(found, split, known, items, shown))
    steps += _gradients(found, page)
    letters = {a.node.symbol: id for id, a in found.composition.inputs.items() if isinstance(a.node, Input)}
    return Derivation(tuple(steps), letters, equals, found.names)


def _numbers(found: Forms, split: Split) -> Iterator[Node]:
    """Everything whose numbers the steps show."""
    yield from quantities(found.named)
    yield from sums(split.item)
    yield found.root
    if split.divisor is not None:
        yield split.divisor


def _quantity(node: Named, page: Page, at: dict[Axis, int], display: Display) -> Quantity:
    """One quantity: its formula, and its numbers where the shown element of the loss stands."""
    entries = page.quantities[node.name]
    place = _nearest(node, entries, at)
    letters = display.at_letters(node.axes)
    formula = display.element(node.x, letters)
    numbers = page.numbers()
    put = None
    if weight(node.x) <= LONGEST_PUT:
        put = numbers.element(node.x, {axis: sympy.Integer(k) for axis, k in zip(node.axes, place, strict=True)})
    totals = {gap: _omitted(x, places, page.known) for gap, (x, places) in numbers.omitted.items()}
    known = Meaning(page.meaning.inputs, {**display.labels, **numbers.labels}, totals)
    return Quantity(node.name, tuple(letters.values()), formula, place, put, entries, known)


def _picked(root: Node, page: Page, at: dict[Axis, int]) -> dict[Axis, int]:
    """The shown element's place, and along other axes what it picks there: the class of its target."""
    for node in reversed(topological(root)):
        if isinstance(node, Take) and node.along not in at and all(axis in at for axis in node.index.axes):
            index = np.asarray(evaluate(node.index, page.values, FloatArithmetic()))
            found = int(index[tuple(at[axis] for axis in node.index.axes)])
            at |= {node.along: found} if 0 <= found < node.along.size else {}
    return at


def _nearest(node: Named, entries: Exact, at: dict[Axis, int]) -> Place:
    """The place at the shown element's indices; along other axes where the quantity is largest, and stays there."""
    sizes = np.nan_to_num(np.abs(entries.middles()), nan=np.inf)
    fixed = tuple(slice(at[axis], at[axis] + 1) if axis in at else slice(None) for axis in node.axes)
    inner = np.unravel_index(int(np.argmax(sizes[fixed])), sizes[fixed].shape)
    place = tuple(int(k) + at.get(axis, 0) for axis, k in zip(node.axes, inner, strict=True))
    at |= dict(zip(node.axes, place, strict=True))
    return place


def _shown(items: Exact) -> list[Place]:
    """The elements that are shown: all of a few, else the one that matters most (a non-finite one before all)."""
    if int(np.prod(items.shape)) <= SHOWN_ROWS:
        return list(np.ndindex(items.shape))
    return [_largest(items)]


def _largest(items: Exact) -> Place:
    """The element that matters most, a non-finite one before all."""
    sizes = np.nan_to_num(np.abs(items.middles()), nan=np.inf)
    return tuple(int(k) for k in np.unravel_index(int(np.argmax(sizes)), items.shape))


def _definition(found: Forms, split: Split, display: Display, page: Page, at: Place, equals: str | None) -> Definition:
    place = display.at_letters(split.item.axes)
    readings = (*_readings(split.item), *_in_one(found, split, equals)) if size(split.item) <= LONGEST_ROOT else ()
    written = tuple(display.element(form, place) for form in readings)
    whole = _whole(split, display) if split.over else None
    here = {display.letters[axis]: k for axis, k in zip(split.item.axes, at, strict=True)}
    letters = tuple(display.letters[axis] for axis in split.item.axes)
    labelled = replace(page.meaning, labels=display.labels)
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


def _in_one(found: Forms, split: Split, equals: str | None) -> tuple[Node, ...]:
    """The whole formula without its quantities, where that is short and adds up over the same elements."""
    plain = splitted(found.root)
    fits = set(plain.over) == set(split.over) and set(plain.item.axes) == set(split.item.axes)
    same = fits and plain.divisor is split.divisor and bool(quantities(split.item))
    return (plain.item,) if same and equals is not None and size(plain.item) <= LONGEST_AGAIN else ()


def _readings(item: Node) -> tuple[Node, ...]:
    """The form people learn first (probabilities under a log), then the normal form."""
    return Rewriter(familiar_rules()).rewrite(item), item


def _substitution(split: Split, page: Page, place: tuple[int, ...], value: arb) -> Substitution:
    display = page.numbers()
    if weight(split.item) > (LONGEST_UNDEFINED if value.is_nan() else LONGEST_TRIED):
        return Substitution(place, (), value, Meaning())
    at: dict[Axis, Any] = {axis: sympy.Integer(k) for axis, k in zip(split.item.axes, place, strict=True)}
    written = [display.element(form, at) for form in _readings(split.item)]
    if weight(split.item) > LONGEST_FORMULA and max(form.count_ops() for form in written) > LONGEST_DECIDED:
        return Substitution(place, (), value, Meaning())
    if not display.omitted and not value.is_nan() and (simpler := _simpler(written[-1])) is not None:
        written.append(simpler)
    totals = {gap: _omitted(x, places, page.known) for gap, (x, places) in display.omitted.items()}
    found = Meaning(labels=display.labels, omitted=totals)
    return Substitution(place, tuple(dict.fromkeys(written)), value, found)


def _simpler(written: Any) -> Any:
    """The formula with equal terms collected, where that makes it shorter; sympy is not let loose on a long one.

    Of 0 times a number that is not multiplied out, sympy finds facts that contradict each other, or none, as the order
    has it in which it asks.
    """
    try:
        return _shorter(written)
    except InconsistentAssumptions:
        return None


def _shorter(written: Any) -> Any:
    before = written.count_ops()
    rooted = any(not power.exp.is_Integer for power in written.atoms(sympy.Pow))
    if before > LONGEST_SIMPLIFIED or rooted or written.has(sympy.Max, sympy.Min):
        return None
    simpler = un.evaluated(written)
    real = not simpler.has(sympy.I, sympy.zoo, sympy.nan)
    return simpler if real and simpler.count_ops() < before else None


def _omitted(x: Node, places: npt.NDArray[np.int64], known: Known) -> arb:
    """The exact total of the terms behind a "…", which stand at the places along the axes of `x`."""
    return known.total_of(x, places)


def _combination(found: Forms, split: Split, known: Known, items: Exact, shown: list[Place]) -> Combination:
    (loss,) = known.of(found.root)
    divisor = None if split.divisor is None else known.of(split.divisor)[0].at(())
    parts = tuple(items.at(place) for place in shown)
    count = int(np.prod(items.shape)) - len(shown)
    return Combination(tuple(shown), parts, items.total(shown) if count else arb(0), count, divisor, loss.at(()))


def _gradients(found: Forms, page: Page) -> list[Step]:
    display, known = page.display(), page.known
    return [
        _gradient(x, node, display, page.meaning, (known.entries(node, x.axes), known.entries(found.as_run[x], x.axes)))
        for x, node in found.gradients.items()
    ]


def _gradient(x: Input, node: Node, display: Display, known: Meaning, numbers: tuple[Exact, Exact]) -> Gradient:
    """One formula, its indices left out where no reader needs them; none where it is too long to be read."""
    place = display.at_letters(x.axes)
    if size(node) > LONGEST_GRADIENT:
        return Gradient(x.symbol, x.tensor, None, tuple(place.values()), None, *numbers, known)
    vector = readable(node, x.axes)
    formula = display.element(node, {} if vector else place)
    positions = layout(node, x.axes) if vector else None
    labelled = replace(known, labels=display.labels)
    return Gradient(x.symbol, x.tensor, formula, tuple(place.values()), positions, *numbers, labelled)
