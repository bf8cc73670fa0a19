"""Places of an array's elements: which elements a cut sum leaves out, and where one of a reshaped array came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy

from explainers.graph import unevaluated as un
from explainers.graph.nodes import Axes, Axis, Node, Reshape
from explainers.graph.ops import count

Expr = Any
Place = Mapping[Axis, Expr]


def between(x: Node, over: Axes, place: Place, shown: int) -> npt.NDArray[np.int64]:
    """The places of the terms behind the first ones and before the last, along the axes of `x`."""
    hidden = count(over) - shown - 1
    along = dict(zip(over, np.indices([axis.size for axis in over]).reshape(len(over), -1), strict=True))
    places = np.empty((hidden, len(x.axes)), dtype=np.int64)
    for column, axis in enumerate(x.axes):
        places[:, column] = along[axis][shown:-1] if axis in along else int(str(place[axis]))
    return places


def unravelled(node: Reshape, place: Place) -> Place:
    """Where an element of a reshaped array came from: its number in row-major order, counted out anew."""
    indices = [place.get(axis) for axis in node.new]
    if any(index is None for index in indices):
        return {**place, **dict.fromkeys(node.old)}
    number = _number(indices, node.new)
    if len(node.old) == 1:
        return {**place, node.old[0]: number}
    found: dict[Axis, Expr] = {}
    for axis in reversed(node.old):
        first = axis is node.old[0]
        found[axis] = number if first else _whole("mod", number, axis.size)
        number = number if first else _whole("div", number, axis.size)
    return {**place, **found}


def _number(indices: list[Any], axes: Axes) -> Expr:
    """The row-major number of a place."""
    if all(isinstance(index, sympy.Integer) for index in indices):
        return sympy.Integer(int(np.ravel_multi_index([int(i) for i in indices], [axis.size for axis in axes])))
    terms: list[Expr] = []
    for k, index in enumerate(indices):
        below = count(axes[k + 1 :])
        if index != 0:
            terms.append(index if below == 1 else un.times(sympy.Integer(below), index))
    return un.plus(terms)


def _whole(op: str, number: Expr, size: int) -> Expr:
    """The quotient or the remainder of a division of whole numbers."""
    if isinstance(number, sympy.Integer):
        return sympy.Integer(int(number) // size if op == "div" else int(number) % size)
    return un.call(op, number, sympy.Integer(size))
