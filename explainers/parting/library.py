"""A library's loss unfolded to a computation: the values that its formula goes through, the fused ones written out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from explainers.forms import splitted
from explainers.frontier import DontKnow
from explainers.graph.evaluation import evaluate_all
from explainers.graph.familiar import familiar_rules
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import (
    Axes,
    Binary,
    Input,
    LogSumExp,
    Node,
    Softmax,
    Take,
    Unary,
    WithGradient,
    is_floating,
    operands,
    topological,
)
from explainers.graph.rewriting import Rewriter
from explainers.losses.registry import Registry
from explainers.messages import Message, said
from explainers.others import formula
from explainers.parting.fused import sigmoid, softmax
from explainers.parting.smoothed import smoothed
from explainers.parting.terms import Computation, Term, floats
from explainers.recording import Recording

MOST_ELEMENTS = 4096


def unfolded(recording: Recording, id: int, registry: Registry) -> Computation | None:
    """The values on the way to a tensor that a loss of the library made; None where its formula is not known."""
    found = formula(recording, id, registry)
    if isinstance(found, DontKnow):
        return None
    terms: dict[Node, Term] = {}
    made: list[Term] = []
    item = splitted(found.forms.root).item
    learnt = Rewriter(familiar_rules()).rewrite(item)
    for root in (found.forms.root, found.forms.composition.root, learnt):
        nodes = [node for node in topological(root) if node not in terms]
        real = tuple(node for node in nodes if is_floating(node))
        values = evaluate_all(real, found.values, FloatArithmetic())
        held = {node: floats(value) for node, value in zip(real, values, strict=True)}
        if any(value.size > MOST_ELEMENTS for value in held.values()):
            return None
        for node in nodes:
            term = Term(
                held.get(node, np.zeros(())),
                tuple(terms[part] for part in _parts(node)),
                real=node in held and not (isinstance(node, Input) and not is_floating(node)),
                name=_name(node, item),
            )
            terms[node] = term
            made += [term, *(_inside(node, term) if node in held else ())]
    made += _partly(terms[item], item.axes)
    made += smoothed(recording, id, made)
    result = terms[found.forms.composition.root]
    return Computation(tuple(term for term in made if term.real), result, terms[item])


def _parts(node: Node) -> tuple[Node, ...]:
    """What the value of a node is computed from: not torch's own backward."""
    return (node.value,) if isinstance(node, WithGradient) else operands(node)


def _name(node: Node, item: Node) -> Message | None:
    match node:
        case _ if node is item:
            return said("the loss of each element")
        case LogSumExp():
            return said("log Σ exp")
        case Softmax():
            return said("the softmax")
        case Binary("sub", _, LogSumExp()):
            return said("the log-softmax")
        case Take(Binary("sub", _, LogSumExp())):
            return said("the log-softmax at the target")
        case Unary("sigmoid"):
            return said("the sigmoid")
        case Unary("logsigmoid"):
            return said("the logarithm of the sigmoid")
        case _:
            return None


def _inside(node: Node, term: Term) -> Iterator[Term]:
    """What a fused operation goes through."""
    match node:
        case LogSumExp(x, over) | Softmax(x, over):
            yield from softmax(term.operands[0], tuple(x.axes.index(axis) for axis in over))
        case Unary("sigmoid" | "logsigmoid" | "softplus"):
            yield from sigmoid(term.operands[0])
        case Take(Binary("sub", _, LogSumExp())):
            with np.errstate(all="ignore"):
                yield Term(np.exp(term.value), term.operands, name=said("the softmax at the target"))
        case _:
            return


def _partly(item: Term, axes: Axes) -> Iterator[Term]:
    """The elements added up or averaged along some of their axes, and all of them added up."""
    for count in range(1, len(axes) + 1):
        for along in itertools.combinations(range(len(axes)), count):
            yield Term(
                item.value.sum(along), (item,), name=said("the sum of all elements") if count == len(axes) else None
            )
            if count < len(axes):
                yield Term(item.value.mean(along), (item,))
