"""Calls that load an attached file → its values: a program in the jail finds no files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import msgspec

from bot.reading.lexing import parsed
from bot.reading.question import Completion, Snippet
from bot.reading.snippets import name_of

_LOADERS = frozenset(("load", "loadtxt", "genfromtxt"))
_TABLES = frozenset(("read_csv", "read_table"))
_IMPORT = re.compile(r"\s*import pandas(?: as \w+)?\s*")


@dataclass(frozen=True, slots=True)
class _Edit:
    """Code that stands for a node of the program, and the file whose values it holds, where it does."""

    node: ast.expr
    code: str
    file: str = ""


def with_values(found: Snippet, loaded: Mapping[str, str]) -> Snippet:
    """The snippet with the values of the files, by name, that its calls of numpy, pandas (or json) load."""
    tree = parsed(found.source) if loaded and any(name in found.source for name in loaded) else None
    if tree is None:
        return found
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    edits = [_Edit(node, loaded[name], name) for node in calls if (name := _file(node, loaded))]
    if not edits:
        return found
    source = _edited(found.source, [*edits, *_columns(tree, loaded)])
    given = tuple(Completion("file", each.file, ast.unparse(each.node)) for each in edits)
    numpy = Completion("import", "np", "import numpy as np")
    missing = () if numpy in found.completions else (numpy,)
    return msgspec.structs.replace(found, source=source, completions=(*found.completions, *missing, *given))


def _edited(source: str, edits: list[_Edit]) -> str:
    """The source with the edits within single lines, from the last to the first."""
    lines = source.split("\n")
    for edit in sorted(edits, key=lambda each: (each.node.lineno, each.node.col_offset), reverse=True):
        node = edit.node
        if node.lineno == node.end_lineno:
            line = lines[node.lineno - 1].encode()
            changed = line[: node.col_offset] + edit.code.encode() + line[node.end_col_offset :]
            lines[node.lineno - 1] = changed.decode()
    return "\n".join("" if _IMPORT.fullmatch(line) else line for line in lines)


def _file(call: ast.Call, loaded: Mapping[str, str]) -> str | None:
    """The file that the call loads, where it is one of these."""
    opened = call.args[0] if call.args else None
    if isinstance(opened, ast.Call) and name_of(opened.func) == "open" and opened.args:
        opened = opened.args[0]
    if not (isinstance(opened, ast.Constant) and isinstance(opened.value, str)):
        return None
    name = PurePosixPath(opened.value.replace("\\", "/")).name
    if name not in loaded:
        return None
    return name if name_of(call.func) in (_TABLES if _is_table(name, loaded) else _LOADERS) else None


def _is_table(name: str, loaded: Mapping[str, str]) -> bool:
    """Whether it is text with headings, of which numpy makes no array."""
    return PurePosixPath(name).suffix.lower() in (".csv", ".tsv") and loaded[name].startswith("{")


def _columns(tree: ast.Module, loaded: Mapping[str, str]) -> Iterator[_Edit]:
    """Columns of a table that is bound to a name, `df.p.values` or `df["p"].to_numpy()`, as entries of a dictionary."""
    tables = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _reads_table(node.value, loaded)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    inner: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and node not in inner and (code := _column(node, tables)):
            inner |= set(ast.walk(node))
            yield _Edit(node, code)


def _reads_table(call: ast.Call, loaded: Mapping[str, str]) -> bool:
    name = _file(call, loaded)
    return name is not None and _is_table(name, loaded)


def _column(node: ast.expr, tables: set[str]) -> str | None:
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr="to_numpy"), args=[]):
            return _column(owner, tables)
        case ast.Attribute(value=ast.Name(id=table), attr=heading) if table in tables and heading != "values":
            return f"{table}[{heading!r}]"
        case ast.Subscript(value=ast.Name(id=table), slice=ast.Constant(value=str(heading))) if table in tables:
            return f"{table}[{heading!r}]"
        case ast.Attribute(value=owner, attr="values"):
            return _column(owner, tables)
        case _:
            return None
