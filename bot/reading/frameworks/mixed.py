"""A program that holds lines of torch and lines of another framework → the program of each."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bot.reading.frameworks.names import ROOTS
from bot.reading.lexing import parsed

_OF_TORCH = frozenset(("torch", "nn", "F"))
_OF_BOTH = frozenset(("np", "numpy", "metrics", "K"))
_OF_OTHERS = ROOTS - _OF_BOTH


@dataclass(frozen=True, slots=True)
class Apart:
    """Source of one of the programs, and the indices of its lines in the whole."""

    source: str
    lines: tuple[int, ...]


def apart(source: str) -> tuple[Apart, Apart] | None:
    """torch's program and the other framework's, each with the lines that are of neither.

    None where the source is of one framework, where a line is of both, or where two statements share a line.
    """
    tree = parsed(source)
    if tree is None or not _roots(tree) & _OF_TORCH or not _roots(tree) & _OF_OTHERS:
        return None
    others = _OF_OTHERS | _imported(tree)
    ours = {line for each in tree.body if _roots(each) & _OF_TORCH for line in _lines(each)}
    theirs = {line for each in tree.body if _roots(each) & others for line in _lines(each)}
    return None if ours & theirs else (_without(source, theirs), _without(source, ours))


def numpy_alone(source: str) -> bool:
    """Whether a program imports numpy and needs no other framework."""
    tree = parsed(source)
    if tree is None:
        return False
    imported = any(isinstance(each, ast.Import) and _roots(each) == frozenset(("numpy",)) for each in tree.body)
    return imported and not _roots(tree) & (ROOTS | _OF_TORCH) - {"np", "numpy"}


def names_another(source: str) -> bool:
    """Whether a program names a framework that is neither torch nor numpy."""
    tree = parsed(source)
    return tree is not None and bool(_roots(tree) & _OF_OTHERS)


def _roots(node: ast.AST) -> frozenset[str]:
    return frozenset(_named(node))


def _named(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        match each:
            case ast.Name(id=name):
                yield name
            case ast.Import(names=aliases):
                yield from (alias.name.partition(".")[0] for alias in aliases)
            case ast.ImportFrom(module=str(module)):
                yield module.partition(".")[0]
            case _:
                pass


def _imported(tree: ast.Module) -> frozenset[str]:
    """Names that are imported from another framework: "log_loss" of sklearn.metrics."""
    modules = (each for each in ast.walk(tree) if isinstance(each, ast.ImportFrom))
    of_others = (each for each in modules if (each.module or "").partition(".")[0] in _OF_OTHERS)
    return frozenset(alias.asname or alias.name for each in of_others for alias in each.names)


def _lines(statement: ast.stmt) -> range:
    return range(statement.lineno - 1, statement.end_lineno or statement.lineno)


def _without(source: str, left_out: Collection[int]) -> Apart:
    kept = [(at, line) for at, line in enumerate(source.split("\n")) if at not in left_out]
    return Apart("\n".join(line for _, line in kept), tuple(at for at, _ in kept))
