"""torch's own backward formulas that are the derivative after all: they matter to rounding only, not to a formula."""

from __future__ import annotations

from collections.abc import Mapping

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
    pairs = [(found[x], unbroadcast(local, x.axes, node.axes)) for x, local in node.partials]
    letters = {x: Input(f"u{k}", x.axes, x.dtype, -1 - k) for k, x in enumerate(ancestors)}
    return bool(ancestors) and all(
        rewriter.rewrite(a) is rewriter.rewrite(b)
        or rewriter.rewrite(_over(letters, a)) is rewriter.rewrite(_over(letters, b))
        for a, b in pairs
    )


def _over(letters: Mapping[Node, Node], root: Node) -> Node:
    """A root over letters in the place of what they stand for, so that what that is made of hides nothing."""
    done: dict[Node, Node] = {}
    for node in topological(root):
        done[node] = letters.get(node) or rebuild(node, tuple(done[n] for n in operands(node)))
    return done[root]
