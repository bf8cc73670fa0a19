"""Which library loss a hand-written formula is: the same node, once both are in normal form."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from explainers.derive import Forms, Split, splitted
from explainers.graph.arrays import Array
from explainers.graph.deciding import decided
from explainers.graph.evaluation import Values
from explainers.graph.plain_backward import without_plain_backward
from explainers.losses.registry import Loss, Registry


@dataclass(frozen=True)
class Equal:
    """A library loss with the tensors (by id) and the reduction under which it is the same formula."""

    loss: Loss
    input: int
    target: int
    reduction: str


def library_loss(found: Forms, values: Values, registry: Registry) -> Equal | None:
    """The first library loss over two of the inputs that has the same normal form; None where there is none."""
    candidates = [id for id, array in found.composition.inputs.items() if array.shape]
    for loss in registry.losses.values():
        for input, target in itertools.permutations(candidates, 2):
            for reduction in _reductions(splitted(found.root)):
                if _same(found, values, loss, (input, target), reduction):
                    return Equal(loss, input, target, reduction)
    return None


def _reductions(split: Split) -> tuple[str, ...]:
    """The reductions that a root of this kind can come from; a single element is any of them."""
    if not split.over:
        return ("mean",) if not split.item.axes else ("none",)
    return ("mean",) if split.divisor is not None else ("sum",)


def _same(found: Forms, values: Values, loss: Loss, pair: tuple[int, int], reduction: str) -> bool:
    inputs = found.composition.inputs
    if not loss.is_loss or not inputs[pair[0]].floating:
        return False
    try:
        program: Array = loss.program(input=inputs[pair[0]], target=inputs[pair[1]], reduction=reduction)
        normal = found.rewriter.rewrite(decided(program.node, values))
        return without_plain_backward(normal, found.rewriter) is found.root
    except (ValueError, IndexError):
        return False
