"""Calls that load an attached file → its values: a program in the jail finds no files."""

import ast
from collections.abc import Mapping
from pathlib import PurePosixPath

import msgspec

from bot.reading.lexing import parsed
from bot.reading.question import Completion, Snippet
from bot.reading.snippets import name_of

_LOADERS = frozenset(("load", "loadtxt", "genfromtxt"))


def with_values(found: Snippet, loaded: Mapping[str, str]) -> Snippet:
    """The snippet with the values of the files, by name, that its calls of numpy (or json) load."""
    tree = parsed(found.source) if loaded and any(name in found.source for name in loaded) else None
    if tree is None:
        return found
    calls = [(node, name) for node in ast.walk(tree) if isinstance(node, ast.Call) and (name := _file(node, loaded))]
    lines = found.source.split("\n")
    for node, name in sorted(calls, key=lambda each: (each[0].lineno, each[0].col_offset), reverse=True):
        if node.lineno == node.end_lineno:
            line = lines[node.lineno - 1].encode()
            changed = line[: node.col_offset] + loaded[name].encode() + line[node.end_col_offset :]
            lines[node.lineno - 1] = changed.decode()
    given = tuple(Completion("file", name, ast.unparse(node)) for node, name in calls)
    numpy = Completion("import", "np", "import numpy as np")
    missing = () if not calls or numpy in found.completions else (numpy,)
    return msgspec.structs.replace(found, source="\n".join(lines), completions=(*found.completions, *missing, *given))


def _file(call: ast.Call, loaded: Mapping[str, str]) -> str | None:
    """The file that the call loads, where it is one of these."""
    opened = call.args[0] if call.args else None
    if isinstance(opened, ast.Call) and name_of(opened.func) == "open" and opened.args:
        opened = opened.args[0]
    if name_of(call.func) not in _LOADERS or not (isinstance(opened, ast.Constant) and isinstance(opened.value, str)):
        return None
    name = PurePosixPath(opened.value.replace("\\", "/")).name
    return name if name in loaded else None
