"""What the formulas of one derivation share: numbers, named quantities with theirs, and what the letters stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import arb

from explainers.composition import Composition
from explainers.forms import Forms, symbols
from explainers.graph.display import Display
from explainers.graph.evaluation import Values
from explainers.graph.exact import Exact, Known, Place
from explainers.graph.lowering import CannotLower, Meaning
from explainers.graph.nodes import Input
from explainers.quantities import quantities


@dataclass(frozen=True)
class Page:
    """Numbers, quantities with theirs, letters that are taken."""

    values: Values
    known: Known
    quantities: Mapping[str, Exact]
    reserved: frozenset[str]
    meaning: Meaning

    @staticmethod
    def of(found: Forms, values: Values, exactly: Known) -> Page:
        """That of a derivation at the recorded numbers."""
        nodes = quantities(found.named)
        held = {node.name: entries for node, entries in zip(nodes, exactly.of(*nodes), strict=True)}
        known = meaning(found.composition, values)
        letters = {name: _looked_up(entries) for name, entries in held.items()}
        return Page(
            values, exactly, held, symbols(found) | set(held), replace(known, inputs={**known.inputs, **letters})
        )

    def display(self) -> Display:
        """A display with letters."""
        return Display(None, self.reserved, quantities=self.quantities)

    def numbers(self) -> Display:
        """A display with numbers."""
        return Display(self.values, quantities=self.quantities, known=self.known)


def _looked_up(entries: Exact) -> Any:
    def element(place: Place) -> arb:
        if len(place) != len(entries.shape):
            raise CannotLower("a quantity without a place")
        return entries.at(place)

    return element


def meaning(composition: Composition, values: Values) -> Meaning:
    """What the letters of a composition's formulas stand for."""
    return Meaning(
        {a.node.symbol: _lookup(a.node, values) for a in composition.inputs.values() if isinstance(a.node, Input)}
    )


def _lookup(node: Input, values: Values) -> Any:
    held = np.asarray(values[node.tensor]).reshape(tuple(axis.size for axis in node.axes))

    def element(place: Place) -> arb | int:
        if len(place) != held.ndim or not all(0 <= k < size for k, size in zip(place, held.shape, strict=True)):
            raise CannotLower(f"{node.symbol} has no element {place}")
        return arb(float(held[place])) if held.dtype.kind == "f" else int(held[place])

    return element
