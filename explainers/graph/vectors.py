"""Vector notation: when a gradient may be written without indices, and how such a formula is read entry by entry.

∇_z ℓ = softmax(z) − 1_y leaves out every index. That is clear only where each array lies along the axes of the
differentiated input as torch broadcasts it, and softmax and one-hot run along its last axis; anywhere else the gradient
is written entry by entry.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from explainers.graph import unevaluated as un
from explainers.graph.nodes import (
    AlignmentSum,
    Axes,
    Concat,
    Constant,
    Coordinate,
    Extremum,
    Input,
    LogSumExp,
    Named,
    Node,
    Occupancy,
    OneHot,
    Rename,
    Reshape,
    Softmax,
    Sum,
    Take,
    WithGradient,
    is_floating,
    operands,
    topological,
)
from explainers.graph.symbols import OverAlignments

Expr = Any
Layout = dict[str, tuple[int, ...]]


def readable(node: Node, axes: Axes) -> bool:
    """Whether the node may be written without indices by a reader who knows that it lies along these axes."""
    waiting, seen = [node], {node}
    while waiting:
        current = waiting.pop()
        following = _followed(current, axes)
        if following is None:
            return False
        waiting += [part for part in following if part not in seen]
        seen.update(following)
    return True


def _followed(node: Node, axes: Axes) -> tuple[Node, ...] | None:
    """The operands that must be readable for the node to be; None where it is not."""
    match node:
        case Constant():
            return ()
        case Input() | Named():
            return () if _broadcasts(node, axes) else None
        case Occupancy():
            return None
        case Sum() | LogSumExp() | Extremum() | AlignmentSum():
            return None if node.axes else ()  # over everything, which is written with letters of its own
        case Softmax(x, over):
            return (x,) if over == axes[-1:] else None
        case OneHot(index, along):
            return () if along is axes[-1] and readable(index, axes[:-1]) else None
        case Take(Input(axes=held) | Named(axes=held), index, along):
            return () if held == (along,) and index.axes == axes[:-1] and readable(index, axes[:-1]) else None
        case Take() | Rename() | Reshape() | Concat() | Coordinate():
            return None
        case WithGradient(value):
            return (value,)
        case _:
            return operands(node)


def _broadcasts(node: Input | Named, axes: Axes) -> bool:
    """Whether torch would lay the input along the axes so; a class index has one number per row."""
    aligned = node.axes == axes[len(axes) - len(node.axes) :]
    return aligned or (not is_floating(node) and node.axes == axes[:-1])


def layout(node: Node, axes: Axes) -> Layout:
    """For each input that a readable formula names, the positions among the axes that its own axes have."""
    letters = (
        (n.symbol if isinstance(n, Input) else n.name, n.axes)
        for n in topological(node)
        if isinstance(n, Input | Named)
    )
    return {letter: tuple(axes.index(a) for a in own) for letter, own in letters if all(a in axes for a in own)}


def entry(formula: Expr, letters: tuple[Expr, ...], lengths: tuple[int, ...], layout: Layout) -> Expr:
    """A formula in vector notation as the formula of one entry, its indices put back.

    `letters` and `lengths` are those of the axes that the formula lies along. Sums carry their own letters already.
    """
    match formula:
        case sympy.Sum() | OverAlignments():
            return formula
        case sympy.Symbol():
            indices = tuple(letters[k] for k in layout.get(formula.name, ()))
            return sympy.Indexed(sympy.IndexedBase(formula.name), *indices) if indices else formula
        case AppliedUndef() if formula.func.__name__ == "softmax":
            return _softmax(formula.args[0], letters, lengths, layout)
        case AppliedUndef() if formula.func.__name__ == "one_hot":
            return sympy.KroneckerDelta(letters[-1], entry(formula.args[0], letters, lengths, layout))
        case _ if not formula.args:
            return formula
        case _:
            return _rebuilt(formula, [entry(argument, letters, lengths, layout) for argument in _parts(formula)])


def _softmax(x: Expr, letters: tuple[Expr, ...], lengths: tuple[int, ...], layout: Layout) -> Expr:
    running = sympy.Dummy(integer=True)
    below = un.exp(entry(x, (*letters[:-1], running), lengths, layout))
    return un.over(un.exp(entry(x, letters, lengths, layout)), un.total(below, (running, 0, lengths[-1] - 1)))


def _parts(formula: Expr) -> tuple[Expr, ...]:
    if isinstance(formula, sympy.Indexed):
        return formula.indices
    return tuple(part for pair in formula.args for part in pair.args) if _has_cases(formula) else formula.args


def _rebuilt(formula: Expr, parts: list[Expr]) -> Expr:
    if isinstance(formula, sympy.Indexed):
        return sympy.Indexed(formula.base, *parts)
    if _has_cases(formula):
        return un.cases(*zip(parts[::2], parts[1::2], strict=True))
    return formula.func(*parts, evaluate=False)


def _has_cases(formula: Expr) -> bool:
    return isinstance(formula, sympy.Piecewise)
