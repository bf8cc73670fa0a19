"""Which library loss a hand-written formula is: the same node, once both are in normal form."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import Parameter, signature

import numpy as np

from explainers.derive import Forms, Split, splitted
from explainers.graph.arrays import Array
from explainers.graph.deciding import decided
from explainers.graph.evaluation import Values, evaluate
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import Input, Node, topological
from explainers.graph.plain_backward import without_plain_backward
from explainers.losses.registry import Loss, Registry
from explainers.torch_indexing import Unsupported

NEAR = 1e-5


@dataclass(frozen=True)
class Equal:
    """A library loss with the tensors (by id) and the reduction under which it is the same formula."""

    loss: Loss
    tensors: Mapping[str, int]
    reduction: str


def library_loss(found: Forms, values: Values, registry: Registry) -> Equal | None:
    """The first library loss over the formula's own inputs that has the same normal form; None where there is none."""
    used = {node.tensor for node in topological(found.root) if isinstance(node, Input)}
    candidates = [id for id, array in found.composition.inputs.items() if array.shape and id in used]
    for loss in registry.losses.values():
        names = required(loss)
        for chosen in itertools.permutations(candidates) if loss.is_loss and len(names) == len(candidates) else ():
            for reduction in _reductions(splitted(found.root)):
                tensors = dict(zip(names, chosen, strict=True))
                if _same(found, values, loss, tensors, reduction):
                    return Equal(loss, tensors, reduction)
    return None


def required(loss: Loss) -> tuple[str, ...]:
    """The arguments that torch's function does not do without."""
    parameters = signature(loss.program).parameters.values()
    return tuple(p.name for p in parameters if p.default is Parameter.empty)


def _reductions(split: Split) -> tuple[str, ...]:
    """The reductions that a root of this kind can come from; a single element is any of them."""
    if not split.over:
        return ("mean",) if not split.item.axes else ("none",)
    return ("mean",) if split.divisor is not None else ("sum",)


def _same(found: Forms, values: Values, loss: Loss, tensors: Mapping[str, int], reduction: str) -> bool:
    inputs = {name: found.composition.inputs[id] for name, id in tensors.items()}
    if not next(iter(inputs.values())).floating:
        return False
    try:
        program: Array = loss.program(**inputs, reduction=reduction)
        if not _near(program.node, found.root, values):
            return False
        normal = found.rewriter.rewrite(decided(program.node, values))
        return without_plain_backward(normal, found.rewriter) is found.root
    except (ValueError, IndexError, TypeError, Unsupported):  # as torch refuses these tensors, in one way or another
        return False


def _near(one: Node, other: Node, values: Values) -> bool:
    """Whether both come to about the same numbers: the cheap question before the exact one."""
    if set(one.axes) != set(other.axes):
        return False
    a, b = (np.sort(evaluate(node, values, FloatArithmetic()), axis=None) for node in (one, other))
    return bool(np.allclose(a, b, rtol=NEAR, atol=NEAR, equal_nan=True))
