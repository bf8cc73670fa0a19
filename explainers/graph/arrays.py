"""Arrays as torch sees them: a node plus the order of its dimensions, and the unification of axes by broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from explainers.graph import ops
from explainers.graph.nodes import Axis, Input, Node, Rename, topological
from explainers.graph.scalars import promoted
from explainers.recording import FLOATING

Layout = tuple[Axis | None, ...]


@dataclass(frozen=True)
class Array:
    """A tensor of a program: `layout` names its dimensions in order, None for one of length 1.

    `values` are known for integer arrays handed in, so that a program can be decided by them.
    """

    node: Node
    layout: Layout = ()
    values: npt.NDArray[np.generic] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """torch's shape."""
        return tuple(1 if axis is None else axis.size for axis in self.layout)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The named axes in the order of dimensions."""
        return tuple(axis for axis in self.layout if axis is not None)

    @property
    def floating(self) -> bool:
        """Whether it holds real numbers."""
        return self.node.dtype in FLOATING or self.node.dtype == "scalar"

    def holds(self, value: int) -> bool:
        """Whether an integer array is known to hold the value somewhere."""
        return self.values is not None and bool((self.values == value).any())

    def dims(self, dim: int | Sequence[int] | None) -> tuple[int, ...]:
        """Dimensions counted from the front; None means all of them."""
        if dim is None:
            return tuple(range(len(self.layout)))
        wanted = (dim,) if isinstance(dim, int) else tuple(dim)
        return tuple(d % len(self.layout) if self.layout else 0 for d in wanted) or tuple(range(len(self.layout)))

    def reduced(self, dims: Sequence[int], keepdim: bool = False) -> Layout:
        """The layout without some dimensions, or with length 1 there."""
        if keepdim:
            return tuple(None if d in dims else axis for d, axis in enumerate(self.layout))
        return tuple(axis for d, axis in enumerate(self.layout) if d not in dims)

    def along(self, dims: Iterable[int]) -> tuple[Axis, ...]:
        """The named axes at some dimensions."""
        return tuple(axis for d in dims if self.layout and (axis := self.layout[d]) is not None)


def aligned(array: Array, layout: Layout) -> Node:
    """The array's node with its axes renamed to the layout's, dimension by dimension from the right."""
    pairs = zip(reversed(array.layout), reversed(layout), strict=False)
    moves = [(mine, theirs) for mine, theirs in pairs if mine and theirs and mine is not theirs]
    node = array.node
    for k, (mine, theirs) in enumerate(moves):  # a transpose swaps names: what would clash steps aside first
        if theirs in array.node.axes:
            moves[k] = (Axis(mine.name, mine.size), theirs)
            node = ops.rename(node, mine, moves[k][0])
    for mine, theirs in moves:
        node = ops.rename(node, mine, theirs)
    return node


def broadcast(arrays: Sequence[Array]) -> tuple[tuple[Node, ...], Layout]:
    """Nodes on common axes and the layout of the result, as torch broadcasts shapes from the right.

    A real tensor without dimensions does not raise the dtype of those that have some, as in an operation of torch.
    """
    return expanded(_without_dimensions_last(arrays))


def _without_dimensions_last(arrays: Sequence[Array]) -> Sequence[Array]:
    dtypes = [a.node for a in arrays if a.layout and a.node.dtype in FLOATING]
    if not dtypes or len(dtypes) == len(arrays):
        return arrays
    dtype = promoted(*dtypes)
    gives_way = (not a.layout and a.node.dtype in FLOATING and promoted(a.node, *dtypes) != dtype for a in arrays)
    return [replace(a, node=ops.cast(a.node, dtype)) if way else a for a, way in zip(arrays, gives_way, strict=True)]


def in_its_dtype(function: Callable[[Node], Node], array: Array, node: Node) -> Node:
    """The function of an array that `broadcast` made this node of: taken before a tensor without dimensions gives its
    own dtype up."""
    gave_way = array.node.dtype in FLOATING and array.node.dtype != node.dtype
    return ops.cast(function(array.node), node.dtype) if gave_way else function(node)


def expanded(arrays: Sequence[Array]) -> tuple[tuple[Node, ...], Layout]:
    """Nodes on common axes, each in its own dtype, as torch.broadcast_tensors repeats them."""
    width = max((len(a.layout) for a in arrays), default=0)
    layout: list[Axis | None] = [None] * width
    for array in arrays:
        for k, axis in enumerate(reversed(array.layout), start=1):
            if layout[-k] is None and axis is not None:
                layout[-k] = axis if axis not in layout else Axis(axis.name, axis.size)
    return tuple(aligned(a, tuple(layout)) for a in arrays), tuple(layout)


def unified(roots: Iterable[Node]) -> dict[Axis, Axis]:
    """Which axes of inputs are one and the same, judged by the renames that a first reading of a program needed.

    Axes are merged unless that would give one input the same axis twice.
    """
    nodes = [node for root in roots for node in topological(root)]
    inputs = [node for node in nodes if isinstance(node, Input)]
    leaves = {axis for node in inputs for axis in node.axes}
    merged: dict[Axis, Axis] = {axis: axis for axis in leaves}
    for node in nodes:
        if isinstance(node, Rename) and node.old in leaves and node.new in leaves:
            _merge(merged, inputs, merged[node.new], merged[node.old])
    return merged


def _merge(merged: dict[Axis, Axis], inputs: Sequence[Input], kept: Axis, gone: Axis) -> None:
    trial = {axis: kept if to is gone else to for axis, to in merged.items()}
    if all(len({trial[axis] for axis in x.axes}) == len(x.axes) for x in inputs):
        merged.update(trial)
