"""Cross entropy found in a formula by its form: a log Σ exp less one of its scores, or shares times a log-softmax.

Scores and targets may be computed, so that a formula over embeddings is known for the cross entropy of their products.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explainers.forms import splitted
from explainers.graph import ops
from explainers.graph.evaluation import Values, evaluate
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import (
    Axes,
    Axis,
    Binary,
    Constant,
    Coordinate,
    Input,
    LogSumExp,
    Node,
    OneHot,
    Sum,
    Take,
    Unary,
    is_floating,
    topological,
)
from explainers.graph.rewriting import Rewriter

MOST_TRIED = 4
_NEAR = 1e-6


@dataclass(frozen=True)
class Likelihood:
    """The cross entropy that a formula is: how it is reduced, its label smoothing, and the formula's factor.

    `target` is the code of the targets where they are no tensor of class indices, or "probabilities".
    """

    reduction: str
    smoothing: float = 0.0
    factor: float = 1.0
    target: str | None = None


def likelihood(root: Node, values: Values, rewriter: Rewriter) -> Likelihood | None:
    """The cross entropy that a root in normal form is; None where it has not its form."""
    split = splitted(root)
    item, sign = _signed(split.item)
    for classes, smoothing, target in _forms(item, sign, values, rewriter):
        over = tuple(axis for axis in split.over if axis not in classes)
        if item.axes and not split.over:
            return Likelihood("none", smoothing, 1.0, target)
        items = math.prod(axis.size for axis in over)
        if split.divisor is None:
            return Likelihood("sum" if items > 1 else "mean", smoothing, 1.0, target)
        if isinstance(split.divisor, Constant) and split.divisor.value:
            return Likelihood("mean", smoothing, items / float(split.divisor.value), target)
    return None


def _signed(item: Node) -> tuple[Node, int]:
    return (item.x, -1) if isinstance(item, Unary) and item.op == "neg" else (item, 1)


def _forms(item: Node, sign: int, values: Values, rewriter: Rewriter) -> Iterator[tuple[Axes, float, str | None]]:
    """The axes of the classes that are added up in the items, with the label smoothing and the target."""
    match item:
        case Binary("sub", LogSumExp(u, (c,)), picked) if sign == 1:
            if (index := _index(u, picked, c, rewriter)) is not None:
                yield (), 0.0, _written(index)
        case Sum(Binary("mul") as product, (c,)):
            if (shares := _shares(product, c, sign, rewriter)) is not None:
                yield (), *_of_shares(shares, c, values)
        case Binary("mul"):
            found = ((c, shares) for c in item.axes if (shares := _shares(item, c, sign, rewriter)) is not None)
            yield from (((c,), *_of_shares(shares, c, values)) for c, shares in found)
        case _:
            pass


def _index(scores: Node, picked: Node, classes: Axis, rewriter: Rewriter) -> Node | None:
    """The index along the classes at which the scores are what is picked, None where they are not."""
    takes = [n for n in topological(picked) if isinstance(n, Take) and n.along.size == classes.size]
    indices = [n.index for n in reversed(takes[-MOST_TRIED:])]
    across = [axis for axis in scores.axes if axis is not classes and axis.size == classes.size]
    indices += [ops.coordinate(axis) for axis in across]
    return next((i for i in indices if rewriter.rewrite(ops.take(scores, i, classes)) is picked), None)


def _written(index: Node) -> str | None:
    match index:
        case Coordinate(along):
            return f"torch.arange({along.size})"
        case Constant(value):
            return str(int(value))
        case _:
            return None


def _shares(product: Node, classes: Axis, sign: int, rewriter: Rewriter) -> Node | None:
    """What a log-softmax along the classes is multiplied with, where minus the product is added up; not what is
    computed from its own scores, as in an entropy."""
    assert isinstance(product, Binary)
    for shares, log in ((product.a, product.b), (product.b, product.a)):
        if not _given(shares).isdisjoint(_given(log)):
            continue
        match log:
            case Binary("sub", LogSumExp(u, (c,)), v) if sign == 1 and _is_renamed(u, c, v, classes, rewriter):
                return shares
            case Binary("sub", v, LogSumExp(u, (c,))) if sign == -1 and _is_renamed(u, c, v, classes, rewriter):
                return shares
            case _:
                pass
    return None


def _is_renamed(u: Node, c: Axis, v: Node, classes: Axis, rewriter: Rewriter) -> bool:
    """Whether v is u over the classes: a sum may have another name for the axis that it is over."""
    if c is classes:
        return u is v
    free = c.size == classes.size and classes not in u.axes
    return free and rewriter.rewrite(ops.rename(u, c, classes)) is v


def _given(node: Node) -> set[int]:
    """The tensors of real numbers that a node is computed from."""
    return {n.tensor for n in topological(node) if isinstance(n, Input) and is_floating(n)}


def _of_shares(shares: Node, classes: Axis, values: Values) -> tuple[float, str | None]:
    """The label smoothing that shares of 0/1 labels are; else they are probabilities."""
    labels = [n for n in topological(shares) if isinstance(n, OneHot)]
    given = [n for n in topological(shares) if isinstance(n, Input) and is_floating(n)]
    if len(labels) != 1 or classes not in shares.axes or any(np.ptp(values[n.tensor]) for n in given):
        return 0.0, "probabilities"
    held = np.moveaxis(np.asarray(evaluate(shares, values, FloatArithmetic())), shares.axes.index(classes), -1)
    cold, hot = float(held.min()), float(held.max())
    once = (np.isclose(held, hot).sum(-1) == 1).all() and (np.isclose(held, hot) | np.isclose(held, cold)).all()
    if not once or abs(hot + (classes.size - 1) * cold - 1) > _NEAR:
        return 0.0, "probabilities"
    smoothing = float(f"{cold * classes.size:.6g}")
    return (smoothing, None) if 0 <= smoothing < 1 else (0.0, "probabilities")
