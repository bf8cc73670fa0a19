"""Shorter forms of a formula that is too wide: middle terms give way to "…", a coloured term never does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args

from explainers.cards.notation import ELLIPSIS, Coloured, Grid, Listing, Node, Terms


def elided(node: Node, keep: int) -> Node:
    """The tree with at most about `keep` terms, entries or rows in each place; itself where nothing is longer."""
    match node:
        case Terms(terms=terms):
            kept = _kept([_holds_colour(term) for _, term in terms], keep)
            shown = ((False, ELLIPSIS) if i is None else (terms[i][0], elided(terms[i][1], keep)) for i in kept)
            return Terms(tuple(shown))
        case Listing(items=items):
            kept = _kept([_holds_colour(item) for item in items], keep)
            return Listing(tuple(ELLIPSIS if i is None else elided(items[i], keep) for i in kept))
        case Grid(rows=rows):
            return _elided_grid(rows, keep)
        case _:
            return _mapped(node, keep)


def longest(node: Node) -> int:
    """The most terms, entries, rows or columns that stand in one place of the tree: `elided` changes nothing where it
    keeps them all.
    """
    match node:
        case Terms(terms=terms):
            own = len(terms)
        case Listing(items=items):
            own = len(items)
        case Grid(rows=rows):
            own = max(len(rows), *map(len, rows), 0)
        case _:
            own = 0
    return max([own, *map(longest, _children(node))])


def _children(value: Any) -> Iterator[Node]:
    for held in value if isinstance(value, tuple) else [getattr(value, part.name) for part in fields(value)]:
        if isinstance(held, tuple):
            yield from _children(held)
        elif isinstance(held, get_args(Node)):
            yield held


def _elided_grid(rows: tuple[tuple[Node, ...], ...], keep: int) -> Grid:
    down = _kept([any(map(_holds_colour, row)) for row in rows], keep)
    across = _kept([any(map(_holds_colour, column)) for column in zip(*rows, strict=True)], keep)
    return Grid(
        tuple(tuple(ELLIPSIS if i is None or j is None else elided(rows[i][j], keep) for j in across) for i in down)
    )


def _kept(coloured: list[bool], keep: int) -> list[int | None]:
    """Indices to show in order, None for a gap: the first ones, the last one, and up to `keep` coloured ones."""
    count = len(coloured)
    if count <= keep + 1:
        return list(range(count))
    marked = [i for i, is_coloured in enumerate(coloured) if is_coloured][:keep]
    shown = sorted({*range(keep - 1), count - 1, *marked})
    kept: list[int | None] = []
    for before, i in zip([-1, *shown], shown, strict=False):
        kept += [None] * (i != before + 1)
        kept.append(i)
    return kept


def _holds_colour(node: Any) -> bool:
    if isinstance(node, tuple):
        return any(map(_holds_colour, node))
    if isinstance(node, Coloured):
        return True
    return is_dataclass(node) and any(_holds_colour(getattr(node, part.name)) for part in fields(node))


def _mapped(node: Any, keep: int) -> Any:
    """The same node over elided parts, whatever its kind."""
    changes = {part.name: _child(getattr(node, part.name), keep) for part in fields(node)}
    return replace(node, **changes)


def _child(value: Any, keep: int) -> Any:
    if isinstance(value, tuple):
        return tuple(_child(part, keep) for part in value)
    return elided(value, keep) if isinstance(value, get_args(Node)) else value
