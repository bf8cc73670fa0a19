"""The letters of a formula's inputs, chosen so that none can be read as something else.

An input keeps the name that it has in the program, or the letter of its role, unless that already has a meaning in a
formula (e, ℓ, π, σ, δ, the index letters i … n, a function's name), looks like an entry (x1, z_2, x_i), or is no plain
name (`_`, ŷ). Then it gets the first free letter of a fixed row; two inputs never share one.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from string import ascii_lowercase
from typing import Any

from explainers.cards.names import GREEK, LONGEST_NAME
from explainers.composition import Composition
from explainers.graph.nodes import Concat, Input, Node, WithGradient, topological
from explainers.loops import Label

INDICES = frozenset("ijklmn")
_MEANT = INDICES | {"e", "ell", "pi", "Pi", "sigma", "Sigma", "delta"}
_FUNCTIONS = frozenset(
    (
        *("softmax", "one_hot", "sigmoid", "tanh", "sin", "cos", "asin", "acos", "atan", "erf", "erfc", "sign", "exp"),
        *("log", "ln", "max", "min", "abs", "sqrt", "relu", "nan", "inf", "oo", "if", "otherwise", "true", "false"),
        *("loggamma", "digamma", "trigamma", "tetragamma", "erfinv"),
    )
)
_FREE = (*"xuvwzabpqrgh", "alpha", "beta", "gamma", "theta", "phi", "psi", "omega", "xi", "eta", "rho", "tau", "mu")
_PLAIN = re.compile(r"[A-Za-z]\w*", re.ASCII)
_ENTRY = re.compile(rf"([A-Za-z]|ell|{'|'.join(sorted(GREEK))})_?(\d+)|.*_([A-Za-z]|\d+)")


def lettered(composition: Composition) -> Composition:
    """The same composition with letters that mislead nobody."""
    held = {id: array.node for id, array in composition.inputs.items() if isinstance(array.node, Input)}
    chosen = letters({id: node.symbol for id, node in held.items()})
    used = (*held.values(), *(x for x in topological(composition.root) if isinstance(x, Input)))  # a table stands twice
    new: dict[Node, Node] = {
        x: replace(x, symbol=chosen[x.tensor]) for x in used if x.symbol != chosen.get(x.tensor, x.symbol)
    }
    if not new:
        return composition
    done = _substituted(composition.root, new)
    inputs = {id: replace(array, node=new.get(array.node, array.node)) for id, array in composition.inputs.items()}
    names = {done[node]: name for node, name in composition.names.items()}
    subject = replace(composition.subject, node=done[composition.root])
    return replace(composition, subject=subject, inputs=inputs, names=names)


def quantity_letters(composition: Composition) -> tuple[dict[Node, str], dict[str, str]]:
    """A letter for each quantity of a lettered composition, told apart from its inputs and from each other, and the
    name that each letter stands for where that is another one."""
    taken = {array.node.symbol for array in composition.inputs.values() if isinstance(array.node, Input)}
    wanted = dict(composition.names)
    clear: dict[Node, str] = {}
    for node in reversed(topological(composition.root)):  # what comes last keeps its name
        name = wanted[node].name if node in wanted else None
        if name is not None and is_clear(name) and name not in taken:
            clear[node] = name
            taken.add(name)
    free = _free(taken)
    found = {node: clear.get(node) or next(free) for node in topological(composition.root) if node in wanted}
    times = Counter(label.name for label in wanted.values()) + Counter(taken)
    told = {node: label.name if times[label.name] == 1 else label.code for node, label in wanted.items()}
    told |= _counted([node for node in found if told[node] == wanted[node].code], wanted)
    return found, {letter: told[node] for node, letter in found.items() if letter != wanted[node].name}


def _counted(nodes: Sequence[Node], wanted: Mapping[Node, Label]) -> dict[Node, str]:
    """What one line of a loop makes time and again under one name: the name, with the how manyeth time it is."""
    again = Counter(wanted[node] for node in nodes)
    turns = Counter[Label]()
    told: dict[Node, str] = {}
    for node in nodes:
        label = wanted[node]
        turns[label] += 1
        if again[label] > 1:
            told[node] = f"{label.name} ({turns[label]})"
    return told


def spare_letters(taken: Iterable[str], count: int) -> list[str]:
    """Letters that nothing has yet."""
    return list(itertools.islice(_free(set(taken)), count))


def letters(wanted: Mapping[int, str]) -> dict[int, str]:
    """The letter of each input: the one it wants where that is clear, else a free one."""
    first = {name: id for id, name in reversed(list(wanted.items()))}
    clear = {id: name for id, name in wanted.items() if is_clear(name) and first[name] == id}
    free = _free(set(clear.values()))
    return {id: clear.get(id) or next(free) for id in wanted}


def is_clear(name: str) -> bool:
    """Whether a name is read as that of an array and nothing else."""
    base = name.partition("_")[0]
    return (
        _PLAIN.fullmatch(name) is not None
        and len(name) <= LONGEST_NAME
        and base not in _MEANT
        and name not in _FUNCTIONS
        and _ENTRY.fullmatch(name) is None
    )


def _free(taken: Iterable[str]) -> Iterator[str]:
    """The row of letters; after its end x with a word below, which no index looks like."""
    words = ("".join(pair) for size in itertools.count(2) for pair in itertools.product(ascii_lowercase, repeat=size))
    return (name for name in itertools.chain(_FREE, (f"x_{word}" for word in words)) if name not in taken)


def _substituted(root: Node, new: Mapping[Node, Node]) -> dict[Any, Node]:
    """What each node becomes over other inputs, every node else as it was."""
    done: dict[Any, Node] = {}
    for node in topological(root):
        done[node] = new[node] if node in new else _over(node, done)
    return done


def _over(node: Node, done: Mapping[Any, Node]) -> Node:
    if isinstance(node, Input):
        return node
    held = {field.name: getattr(node, field.name) for field in fields(node)}
    changed: dict[str, Any] = {name: done[part] for name, part in held.items() if done.get(part, part) is not part}
    if isinstance(node, WithGradient):
        partials = tuple((done[x], done[local]) for x, local in node.partials)
        changed |= {"partials": partials} if partials != node.partials else {}
    if isinstance(node, Concat):
        parts = tuple(done[x] for x in node.parts)
        changed |= {"parts": parts} if parts != node.parts else {}
    return replace(node, **changed) if changed else node
