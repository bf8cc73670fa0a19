"""The nodes of an array-op graph: a closed union of frozen values whose number does not depend on the data.

Arrays have *named* axes instead of positions: two arrays broadcast over the axes they do not share, and an axis of
length 1 is no axis at all. A node is compared by identity; `rewriting.Interner` makes equal structures one object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Literal

import numpy as np
import numpy.typing as npt

from explainers.recording import FLOATING

UnaryOp = Literal[
    "neg",
    "exp",
    "log",
    "log1p",
    "expm1",
    "sqrt",
    "square",
    "abs",
    "sign",
    "sigmoid",
    "logsigmoid",
    "softplus",
    "relu",
    "tanh",
    "sin",
    "cos",
    "atan",
    "erf",
    "erfc",
    "asin",
    "acos",
    "lgamma",
    "digamma",
    "trigamma",
    "tetragamma",
    "erfinv",
    "i0",
    "i1",
]
BinaryOp = Literal["add", "sub", "mul", "div", "pow", "maximum", "minimum", "clamp_min", "clamp_max"]
CompareOp = Literal["eq", "ne", "lt", "le", "gt", "ge"]


@dataclass(frozen=True, eq=False)
class Axis:
    """One named direction of an array ("n" over the batch, "c" over the classes) with its length, at least 2 or 0."""

    name: str
    size: int


Axes = tuple[Axis, ...]


@dataclass(frozen=True, eq=False)
class Input:
    """An array handed in: a tensor of the recording (its id in `tensor`) under the letter that formulas show."""

    symbol: str
    axes: Axes
    dtype: str
    tensor: int


@dataclass(frozen=True, eq=False)
class Table(Input):
    """Numbers that the program decided on (the places that a mask picks, what a loop counts with), held here; `tensor`
    is negative."""

    held: npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Constant:
    """A Python number in the program, exact; in floating arithmetic it is rounded once to the dtype it meets.

    `whole` says that it is an int, which leaves an integer array an integer one.
    """

    value: Fraction | float
    axes: Axes = ()
    dtype: str = "scalar"
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Unary:
    """An elementwise function of one array."""

    op: UnaryOp
    x: Node
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class Binary:
    """An elementwise function of two arrays, broadcast by axis."""

    op: BinaryOp
    a: Node
    b: Node
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class Compare:
    """An elementwise comparison, decided by the exact values."""

    op: CompareOp
    a: Node
    b: Node
    axes: Axes
    dtype: str = "bool"


@dataclass(frozen=True, eq=False)
class Where:
    """`a` where the condition holds, else `b`; the branch not taken takes no part, not even as 0 · inf."""

    condition: Node
    a: Node
    b: Node
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class Sum:
    """The sum over some axes."""

    x: Node
    over: Axes
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class LogSumExp:
    """log Σ exp over some axes, one step of the float program (torch subtracts the maximum first); of +inf it is inf,
    but `fused` into a log-softmax nan."""

    x: Node
    over: Axes
    axes: Axes
    dtype: str
    fused: bool = False


@dataclass(frozen=True, eq=False)
class Softmax:
    """exp(x) / Σ exp(x) along some axes."""

    x: Node
    over: Axes
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class Extremum:
    """The largest or smallest element along some axes; ties share the gradient evenly, as torch.amax does."""

    op: Literal["max", "min"]
    x: Node
    over: Axes
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class AlignmentSum:
    """log Σ exp Σₜ x[t, π(t)] over the alignments π of some labels with time steps; −inf where there is none.

    An alignment has a label or the `blank` for each of `steps` time steps, and reads as the first `length` labels once
    repeats and then blanks are left out. `labels` are whole numbers along `places` (None for a single one).
    """

    x: Node
    labels: Node
    steps: Node
    length: Node
    time: Axis | None
    classes: Axis | None
    places: Axis | None
    blank: int
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class Occupancy(AlignmentSum):
    """The share that the alignments with a class at a time step have in e^AlignmentSum, for each of both; 0 behind the
    last step."""


@dataclass(frozen=True, eq=False)
class Take:
    """x[…, index, …]: one element along an axis, picked by an integer array; 0 where the index is out of range (torch
    refuses such an index unless the loss ignores it)."""

    x: Node
    index: Node
    along: Axis
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class OneHot:
    """1 where the coordinate along the axis equals the index, else 0."""

    index: Node
    along: Axis
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class Rename:
    """The same array with one axis under another name."""

    x: Node
    old: Axis
    new: Axis
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class Reshape:
    """The same elements, row by row, along `new` axes in place of the `old` ones."""

    x: Node
    old: Axes
    new: Axes
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class Concat:
    """Arrays one behind the other along an axis; each fills its own axis's length, or one place where that is None."""

    parts: tuple[Node, ...]
    spans: tuple[Axis | None, ...]
    along: Axis
    axes: Axes
    dtype: str

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each part begins."""
        return (0, *accumulate(1 if span is None else span.size for span in self.spans[:-1]))


@dataclass(frozen=True, eq=False)
class Coordinate:
    """0, 1, 2, … along an axis, as integers."""

    along: Axis
    axes: Axes
    dtype: str = "int64"


@dataclass(frozen=True, eq=False)
class Cast:
    """The same numbers in another dtype."""

    x: Node
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class StopGradient:
    """The same numbers, with no gradient (detach)."""

    x: Node
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class WithGradient:
    """A value whose backward is torch's own formula where that is not the derivative of the forward one.

    `partials` pairs an ancestor with the local derivative torch uses for it.
    """

    value: Node
    partials: tuple[tuple[Node, Node], ...]
    axes: Axes
    dtype: str


@dataclass(frozen=True, eq=False)
class Named:
    """An intermediate quantity under the name the user gave it."""

    name: str
    x: Node
    axes: Axes
    dtype: str


Node = (
    Input
    | Constant
    | Unary
    | Binary
    | Compare
    | Where
    | Sum
    | LogSumExp
    | Softmax
    | Extremum
    | AlignmentSum
    | Take
    | OneHot
    | Rename
    | Reshape
    | Concat
    | Coordinate
    | Cast
    | StopGradient
    | WithGradient
    | Named
)


def operands(node: Node) -> tuple[Node, ...]:
    """The nodes that a node is computed from, in order."""
    match node:
        case Input() | Constant() | Coordinate():
            return ()
        case Binary(_, a, b) | Compare(_, a, b):
            return (a, b)
        case Where(condition, a, b):
            return (condition, a, b)
        case AlignmentSum(x, labels, steps, length):
            return (x, labels, steps, length)
        case Take(x, index):
            return (x, index)
        case OneHot(index):
            return (index,)
        case Concat(parts):
            return parts
        case WithGradient(value, partials):
            return (value, *(n for pair in partials for n in pair))
        case _:
            return (node.x,)


def topological(root: Node, parts: Callable[[Node], tuple[Node, ...]] = operands) -> list[Node]:
    """Every node that the root needs, operands before what uses them, each once."""
    order: list[Node] = []
    seen: set[Node] = set()
    stack: list[tuple[Node, Iterator[Node]]] = [(root, iter(parts(root)))]
    seen.add(root)
    while stack:
        node, rest = stack[-1]
        following = next((n for n in rest if n not in seen), None)
        if following is None:
            order.append(node)
            stack.pop()
        else:
            seen.add(following)
            stack.append((following, iter(parts(following))))
    return order


def is_floating(node: Node) -> bool:
    """Whether the node holds real numbers (a Python number counts), not integers or truth values."""
    return node.dtype in FLOATING or node.dtype == "scalar"
