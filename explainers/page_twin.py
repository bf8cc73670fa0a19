"""The formula of a page as Python that prints its value."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from explainers.forms import Forms, symbols
from explainers.graph.arrays import Array
from explainers.graph.display import Display
from explainers.graph.evaluation import Values
from explainers.graph.nodes import Input
from explainers.graph.twin import NoTwin, Twin, twin
from explainers.quantities import size

_LARGEST = 1000
_LONGEST = 400


def page_twin(found: Forms, values: Values, heading: str) -> Twin | None:
    """The whole formula as a runnable script; None for an array, for what is too large to print, or has no script."""
    large = sum(np.asarray(v).size for v in values.values()) > _LARGEST or size(found.root) > _LONGEST
    if found.root.axes or large:
        return None
    inputs = {
        a.node.symbol: np.asarray(values[id]).reshape(tuple(axis.size for axis in a.axes)).astype(_printed(a))
        for id, a in found.composition.inputs.items()
        if isinstance(a.node, Input)
    }
    try:
        display = Display(reserved=symbols(found))
        formula = display.element(found.root, {})
        meant = {label: number for label, number in display.labels.items() if isinstance(number, Fraction)}
        return twin(formula, inputs, heading, meant)
    except NoTwin:
        return None


def _printed(array: Array) -> str:
    return "float64" if array.floating else "int64"
