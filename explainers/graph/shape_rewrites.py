"""Where elements lie does not change what is computed from them: a merge of axes moves outward until a sum undoes it.

A merge (several axes into one) moves out of elementwise functions, a split (one axis into several) into them, so that
the two meet; a sum over merged axes is the sum over each of them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from explainers.graph import ops
from explainers.graph.nodes import (
    Axes,
    Axis,
    Binary,
    Cast,
    Compare,
    Concat,
    Extremum,
    Input,
    LogSumExp,
    Node,
    OneHot,
    Reshape,
    Softmax,
    StopGradient,
    Sum,
    Take,
    Unary,
    Where,
    operands,
)
from explainers.graph.rewriting import Rule, rebuild

_ELEMENTWISE = (Unary, Binary, Where, Compare, Cast, StopGradient)
MOST_PARTS = 8
_OVER = (Sum, LogSumExp, Softmax, Extremum)


def shape_rules() -> tuple[Rule, ...]:
    """The rewrites that bring reshapes to where nobody sees them."""
    return (
        Rule("a function of merged axes", "f(merged u) → merged f(u)", _merge_outward, _merged_function),
        Rule("a sum over merged axes", "Σₖ merged u → Σᵢ Σⱼ u", _over_merged, _merged_sum),
        Rule("a sum over what was put together", "Σ (u, v, …) → Σ u + Σ v + …", _over_parts, _stacked_sum),
        Rule("a sum beside merged axes", "Σ merged u → merged Σ u", _beside_merged, _merged_beside),
        Rule("indexing beside merged axes", "(merged u)[y] → merged u[split y]", _take_merged, _merged_take),
        Rule("a split of a function", "split f(u) → f(split u)", _split_inward, _split_function),
    )


def _is_merge(node: Node) -> bool:
    return isinstance(node, Reshape) and len(node.new) == 1


def _merge_outward(node: Node) -> Node | None:
    if not isinstance(node, (*_ELEMENTWISE, OneHot)):
        return None
    merge = next((part for part in operands(node) if isinstance(part, Reshape) and _is_merge(part)), None)
    if merge is None or (isinstance(node, OneHot) and node.along in (*merge.new, *merge.old)):
        return None
    if any(_meets(part, merge.new, merge.old) for part in operands(node) if part is not merge):
        return None
    parts = tuple(ops.reshape(part, merge.new, merge.old) for part in operands(node))
    return ops.reshape(rebuild(node, parts), merge.old, merge.new)


def _meets(x: Node, old: Axes, new: Axes) -> bool:
    """Whether an array has an axis already that it would be split along."""
    return bool(set(new) & set(ops.without(x.axes, old)))


def _over_merged(node: Node) -> Node | None:
    match node:
        case Sum(Reshape(x, old, (new,)), over) if new in over:
            return ops.sum(x, (*ops.without(over, (new,)), *old))
        case LogSumExp(Reshape(x, old, (new,)), over) if over == (new,) and set(old) <= set(x.axes):
            return replace(node, x=x, over=old, axes=ops.without(x.axes, old))
        case Extremum(op, Reshape(x, old, (new,)), over) if new in over:
            return ops.extremum(op, x, (*ops.without(over, (new,)), *old))
        case _:
            return None


def _over_parts(node: Node) -> Node | None:
    match node:
        case Sum(Concat(parts, spans, along), over) if along in over and len(parts) <= MOST_PARTS:
            rest = ops.without(over, (along,))
            sums = [ops.sum(x, (*rest, span) if span else rest) for x, span in zip(parts, spans, strict=True)]
            return reduce(ops.add, sums)
        case _:
            return None


def _beside_merged(node: Node) -> Node | None:
    if not isinstance(node, _OVER) or not isinstance(node.x, Reshape) or not _is_merge(node.x):
        return None
    x, old, new = node.x.x, node.x.old, node.x.new
    if set(node.over) & set(new):
        return None
    return ops.reshape(rebuild(node, (x,)), old, new)


def _take_merged(node: Node) -> Node | None:
    match node:
        case Take(Reshape(x, old, (new,)), index, along) if along is not new and not _meets(index, (new,), old):
            return ops.reshape(ops.take(x, ops.reshape(index, (new,), old), along), old, (new,))
        case Take(x, Reshape(index, old, (new,)), along) if along is not new and not _meets(x, (new,), old):
            return ops.reshape(ops.take(ops.reshape(x, (new,), old), index, along), old, (new,))
        case _:
            return None


def _split_inward(node: Node) -> Node | None:
    match node:
        case Reshape(x, (old,), new) if isinstance(x, _ELEMENTWISE):
            return rebuild(x, tuple(ops.reshape(part, (old,), new) for part in operands(x)))
        case Reshape(Sum(x, over), (old,), new) if not _meets(x, (old,), new):
            return ops.sum(ops.reshape(x, (old,), new), over)
        case _:
            return None


def _merged(x: Node, *axes: Axis) -> Node:
    return ops.reshape(x, axes, (Axis("m", ops.count(axes)),))


def _rows(x: Input, c: Axis) -> Node:
    """x along three axes, the two that are not c merged."""
    two = Axis("k", 2)
    return _merged(ops.mul(x, ops.coordinate(two)), *ops.without(x.axes, (c,)), two)


def _merged_function(x: Input, y: Input, c: Axis) -> Node:
    return ops.exp(_merged(x, *x.axes))


def _merged_sum(x: Input, y: Input, c: Axis) -> Node:
    merged = _merged(x, *x.axes)
    return ops.sum(merged, merged.axes)


def _stacked_sum(x: Input, y: Input, c: Axis) -> Node:
    two = Axis("k", 2)
    return ops.sum(ops.concat((ops.exp(x), x), (None, None), two), (two,))


def _merged_beside(x: Input, y: Input, c: Axis) -> Node:
    return ops.sum(_rows(x, c), (c,))


def _merged_take(x: Input, y: Input, c: Axis) -> Node:
    return ops.take(_rows(x, c), ops.constant(0), c)


def _split_function(x: Input, y: Input, c: Axis) -> Node:
    six = Axis("m", 6)
    return ops.reshape(ops.mul(ops.sum(x, x.axes), ops.coordinate(six)), (six,), (Axis("k", 2), Axis("l", 3)))
