"""A graph at some places of its axes: the same formula over the entries of its inputs that those places need.

Along the axes of the root, every node keeps one axis that counts the places; what a sum, a maximum or an index goes
over is kept whole. So a few entries of an array of a million cost what they alone cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import assert_never

import numpy as np
import numpy.typing as npt

from explainers.graph import ops
from explainers.graph.evaluation import Values
from explainers.graph.layouts import shape
from explainers.graph.nodes import (
    AlignmentSum,
    Axes,
    Axis,
    Binary,
    Cast,
    Compare,
    Concat,
    Constant,
    Coordinate,
    Extremum,
    Input,
    LogSumExp,
    Named,
    Node,
    OneHot,
    Rename,
    Reshape,
    Softmax,
    StopGradient,
    Sum,
    Take,
    Unary,
    Where,
    WithGradient,
    topological,
)

LONGEST = 500
_Indices = Mapping[Axis, npt.NDArray[np.int64]]


class _Elsewhere(Exception):
    """A node whose places can't be told from those of its operands."""


def at_places(
    root: Node, places: Sequence[tuple[int, ...]] | npt.NDArray[np.int64], values: Values
) -> tuple[Node, dict[int, npt.NDArray[np.generic]]] | None:
    """The root with one axis, of at least two entries: its elements at the places, and again the first if it is alone;
    with the values of the new graph's inputs. None where a node on the way stands against it. `places` may be an array
    with one in each row."""
    if not len(places) or len(topological(root)) > LONGEST:
        return None
    given = np.asarray(places, dtype=np.int64).reshape(len(places), -1)
    rows = given if len(given) > 1 else np.repeat(given, 2, axis=0)
    walk = _Places(Axis("at", len(rows)), values)
    try:
        found = walk.at(root, {axis: rows[:, k] for k, axis in enumerate(root.axes)})
    except _Elsewhere:
        return None
    return found, walk.values


class _Places:
    """The inputs are cut once for each set of places; new ones have ids that no tensor has.

    A cut input has the places as its first dimension, so a node that keeps its operand's dimensions keeps them as they
    are then, not as they were.
    """

    def __init__(self, axis: Axis, values: Values) -> None:
        self._axis = axis
        self.values: dict[int, npt.NDArray[np.generic]] = dict(values)
        self._done: dict[tuple[object, ...], tuple[Node, _Indices]] = {}  # which keeps the arrays that keys name by id

    def at(self, node: Node, indices: _Indices) -> Node:
        """The node along the places instead of the axes that have an index."""
        own = {axis: index for axis, index in indices.items() if axis in node.axes}
        if not own:
            return node
        key = (node, *((axis, id(index)) for axis, index in own.items()))
        if key not in self._done:
            self._done[key] = self._made(node, own), own
        return self._done[key][0]

    def _made(self, node: Node, at: _Indices) -> Node:
        axes = tuple(dict.fromkeys(self._axis if axis in at else axis for axis in node.axes))
        match node:
            case Input(symbol, own, dtype, tensor):
                return self._input(
                    symbol, dtype, _cut(np.asarray(self.values[tensor]).reshape(shape(own)), own, at), own, at
                )
            case Coordinate(along):
                return self._input(along.name, node.dtype, at[along], (along,), at)
            case Binary(_, a, b) | Compare(_, a, b):
                return replace(node, a=self.at(a, at), b=self.at(b, at), axes=axes)
            case Where(condition, a, b):
                return replace(node, condition=self.at(condition, at), a=self.at(a, at), b=self.at(b, at), axes=axes)
            case Sum(x, over) | LogSumExp(x, over) | Extremum(_, x, over):
                inner = self.at(x, _without(at, over))
                return replace(node, x=inner, axes=tuple(axis for axis in inner.axes if axis not in over))
            case Softmax(x, over):
                if not any(axis in at for axis in over):
                    inner = self.at(x, at)
                    return replace(node, x=inner, axes=inner.axes)
                total = self.at(ops.logsumexp(x, over), _without(at, over))
                return ops.exp(ops.sub(self.at(x, at), total))
            case Take(x, index, along):
                return replace(node, x=self.at(x, _without(at, (along,))), index=self.at(index, at), axes=axes)
            case OneHot(index, along, _, dtype):
                if along not in at:
                    return replace(node, index=self.at(index, at), axes=axes)
                here = self._input(along.name, "int64", at[along], (along,), at)
                return Cast(ops.compare("eq", self.at(index, at), here), axes, dtype)
            case Rename(x, old, new):
                turned = {old if axis is new else axis: index for axis, index in at.items()}
                return self.at(x, turned) if new in at else _renamed(node, self.at(x, at))
            case Reshape(x, old, new):
                return self._reshaped(node, x, (old, new), at)
            case Unary(_, x) | Cast(x):
                return replace(node, x=self.at(x, at), axes=axes)
            case StopGradient(x) | Named(_, x):
                inner = self.at(x, at)
                return replace(node, x=inner, axes=inner.axes)
            case WithGradient(value):
                return self.at(value, at)
            case Constant() | Concat() | AlignmentSum():
                raise _Elsewhere
            case _:
                assert_never(node)

    def _input(self, symbol: str, dtype: str, cut: npt.NDArray[np.generic], axes: Axes, at: _Indices) -> Input:
        """A new input of the entries, whose first dimension counts the places."""
        id = min((*self.values, 0)) - 1
        self.values[id] = cut
        return Input(symbol, (self._axis, *(axis for axis in axes if axis not in at)), dtype, id)

    def _reshaped(self, node: Reshape, x: Node, between: tuple[Axes, Axes], at: _Indices) -> Node:
        old, new = between
        if not any(axis in at for axis in new):
            axes = tuple(dict.fromkeys(self._axis if axis in at else axis for axis in node.axes))
            return replace(node, x=self.at(x, at), axes=axes)
        if not all(axis in at for axis in new) or not old:
            raise _Elsewhere
        flat = np.ravel_multi_index(tuple(at[axis] for axis in new), shape(new))
        places = np.unravel_index(flat, shape(old))
        return self.at(x, {**_without(at, new), **dict(zip(old, places, strict=True))})


def _renamed(node: Rename, x: Node) -> Rename:
    """The dimensions of a renamed array are those of the array itself."""
    return replace(node, x=x, axes=tuple(node.new if axis is node.old else axis for axis in x.axes))


def _without(at: _Indices, gone: Axes) -> _Indices:
    return {axis: index for axis, index in at.items() if axis not in gone}


def _cut(held: npt.NDArray[np.generic], axes: Axes, at: _Indices) -> npt.NDArray[np.generic]:
    """The entries at the places, these as the first dimension, the axes without an index behind it."""
    picked = [k for k, axis in enumerate(axes) if axis in at]
    kept = [k for k in range(len(axes)) if k not in picked]
    return held.transpose((*picked, *kept))[tuple(at[axes[k]] for k in picked)]
