"""torch's own backward formulas that are the derivative after all: they matter to rounding only, not to a formula."""

from __future__ import annotations

from explainers.graph.derivative import gradient, unbroadcast
from explainers.graph.nodes import Input, Node, WithGradient, is_floating, operands, topological
from explainers.graph.rewriting import Rewriter, rebuild


def without_plain_backward(root: Node, rewriter: Rewriter) -> Node:
    """A root in normal form without the backward formulas that have the same normal form as the derivative.

    What is left are torch's departures from it (BCE beside its clamp).
    """
    done: dict[Node, Node] = {}
    for node in topological(root):
        parts = tuple(done[n] for n in operands(node))
        plain = isinstance(node, WithGradient) and _is_derivative(node, rewriter)
        done[node] = parts[0] if plain else rebuild(node, parts)
    return rewriter.rewrite(done[root])


def _is_derivative(node: WithGradient, rewriter: Rewriter) -> bool:
    """Whether each local derivative is that of the value; where one ancestor is computed from another, whether they
    come to the same for each input. Not so where no gradient passes."""
    ancestors = [x for x, _ in node.partials]
    if any(a in topological(b) for i, a in enumerate(ancestors) for j, b in enumerate(ancestors) if i != j):
        inputs = [x for x in topological(node) if isinstance(x, Input) and is_floating(x)]
        ours, theirs = gradient(node.value, inputs), gradient(node, inputs)
        return all(rewriter.rewrite(ours[x]) is rewriter.rewrite(theirs[x]) for x in inputs)
    found = gradient(node.value, ancestors)
    return bool(ancestors) and all(
        rewriter.rewrite(found[x]) is rewriter.rewrite(unbroadcast(local, x.axes, node.axes))
        for x, local in node.partials
    )
