"""Intermediate quantities: what a program gives a name, or what its formula would say more than once.

A formula of many operations is read from the inside out, quantity by quantity, under the program's own names. Which
are worth a line is decided by how much they say: a bare input under another name is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from explainers.graph import ops
from explainers.graph.display import LONGEST_SUM
from explainers.graph.nodes import (
    Binary,
    Cast,
    Constant,
    Coordinate,
    Extremum,
    Input,
    LogSumExp,
    Named,
    Node,
    Rename,
    Reshape,
    Softmax,
    StopGradient,
    Sum,
    Take,
    Unary,
    WithGradient,
    is_floating,
    operands,
    topological,
)
from explainers.graph.rewriting import rebuild

MOST = 8
LEAST_SHARED = 5
_PLAIN = (Input, Constant, Coordinate, Named)


def with_names(root: Node, letters: Mapping[Node, str]) -> Node:
    """The graph with each quantity under its letter; the root itself is the loss, whatever it is called."""
    done: dict[Node, Node] = {}
    for node in topological(root):
        made = rebuild(node, tuple(done[n] for n in operands(node)))
        named = node in letters and node is not root and is_floating(node) and not isinstance(made, _PLAIN)
        done[node] = ops.named(letters[node], made) if named else made
    return done[root]


def worthwhile(root: Node, item: Node) -> Node:
    """The graph with those of its quantities that are worth a line: they say something, and are not too many."""
    kept = _kept(root, item)
    done: dict[Node, Node] = {}
    for node in topological(root):
        made = rebuild(node, tuple(done[n] for n in operands(node)))
        done[node] = made.x if isinstance(made, Named) and node not in kept else made
    return done[root]


def _kept(root: Node, item: Node) -> set[Node]:
    """The named nodes that stay: not the root or its item, not what is only another name, at most so many."""
    shown = _shown(root)
    found = [n for n in shown if isinstance(n, Named) and n is not item and not _is_bare(n.x)]
    used = Counter(part for node in shown for part in _parts(node))
    found.sort(key=lambda n: (used[n] > 1, size(n.x)), reverse=True)
    return set(found[:MOST])


def _parts(node: Node) -> tuple[Node, ...]:
    """The operands that the formula of a node shows: not torch's own backward."""
    return (node.value,) if isinstance(node, WithGradient) else operands(node)


def _shown(root: Node) -> list[Node]:
    """What the formula of the root is made of, operands first."""
    held, waiting = {root}, [root]
    while waiting:
        waiting += [part for part in _parts(waiting.pop()) if part not in held and not held.add(part)]
    return [node for node in topological(root) if node in held]


def weight(node: Node) -> int:
    """How many terms the formula of one element holds with its numbers put in, sums written out as far as shown."""
    found: dict[Node, int] = {}
    for n in _shown(node):
        inner = 0 if isinstance(n, Named) and n is not node else sum(found[part] for part in _parts(n))
        repeated = min(LONGEST_SUM, ops.count(n.over)) if isinstance(n, Sum | LogSumExp | Softmax | Extremum) else 1
        found[n] = min(10**9, max(1, inner * repeated * (2 if isinstance(n, Softmax) else 1)))
    return found[node]


def _is_bare(x: Node) -> bool:
    """Whether a quantity is only an input, turned, cut, cast or with another sign."""
    match x:
        case Unary("neg", inner) | Rename(inner) | Reshape(inner) | Cast(inner) | StopGradient(inner):
            return _is_bare(inner)
        case Take(inner, index):
            return _is_bare(inner) and _is_bare(index)
        case Binary(_, a, b):
            return isinstance(a, Constant) and isinstance(b, Constant)
        case _:
            return isinstance(x, _PLAIN)


def size(node: Node) -> int:
    """How many operations the formula of a node holds when it is written out, a quantity counting as one letter."""
    found: dict[Node, int] = {}
    for n in _shown(node):
        inner = 0 if isinstance(n, Named) and n is not node else sum(found[part] for part in _parts(n))
        found[n] = min(10**9, inner + (0 if isinstance(n, (*_PLAIN, Cast, StopGradient, Rename, Reshape)) else 1))
    return found[node]


def shared(root: Node, item: Node, spare: Sequence[str]) -> Node:
    """The graph with what stands twice in the formula and is long named once, under spare letters, from the inside
    out."""
    left = list(spare)
    while left:
        times = _occurrences(root)
        found = [n for n in _shown(root) if times[n] > 1 and n not in (root, item) and _is_long(n)]
        if not found:
            return root
        new: dict[Node, Node] = {}
        letter = left.pop(0)
        for node in topological(root):
            made = rebuild(node, tuple(new[n] for n in operands(node)))
            new[node] = ops.named(letter, made) if node is found[0] else made
        root, item = new[root], new[item]
    return root


def scores(root: Node) -> list[Node]:
    """What the log-sum-exps and softmaxes of a graph are of, where that is computed itself."""
    found = (node.x for node in topological(root) if isinstance(node, LogSumExp | Softmax))
    return [x for x in dict.fromkeys(found) if size(x) > 1]


def _is_long(node: Node) -> bool:
    return is_floating(node) and not isinstance(node, _PLAIN) and size(node) >= LEAST_SHARED


def _occurrences(root: Node) -> Counter[Node]:
    """How often the formula of each node is written: a log-sum-exp and a softmax each write their argument once or
    twice, a quantity writes its own once."""
    times: Counter[Node] = Counter({root: 1})
    for node in reversed(_shown(root)):
        count = 1 if isinstance(node, Named) else times[node]
        for part in _parts(node):
            times[part] += count * (2 if isinstance(node, Softmax) else 1)
    return times


def quantities(root: Node) -> tuple[Named, ...]:
    """The quantities of a graph, each after those that it is made of."""
    return tuple(n for n in _shown(root) if isinstance(n, Named))
