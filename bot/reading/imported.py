"""Programs that import another attached program → one program: the jail holds no files."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import msgspec

from bot.reading.lexing import parsed
from bot.reading.question import Completion, Snippet


def with_modules(found: Sequence[Snippet]) -> list[Snippet]:
    """The snippets, where one attached program imports another with that as a part of it and not beside it."""
    attached = {PurePosixPath(each.file).stem: each for each in found if each.file and each.file.endswith(".py")}
    whole = [_with_own(each, {name: of for name, of in attached.items() if of is not each}) for each in found]
    imported = {taken.name for each in whole for taken in each.completions if taken.what == "file"}
    return [each for each in whole if each.file is None or each.file not in imported]


def _with_own(found: Snippet, modules: Mapping[str, Snippet]) -> Snippet:
    """A program with the code of modules in place of the statements that import them, each at that one's line."""
    tree = parsed(found.source) if modules else None
    taken = {node.lineno: code for node in (tree.body if tree else ()) if (code := _in_place(node, modules))}
    if not taken:
        return found
    lines: list[str] = []
    numbers: list[int] = []
    for at, (line, number) in enumerate(zip(found.source.split("\n"), found.line_map, strict=True), start=1):
        written = taken[at].code.split("\n") if at in taken else [line]
        lines += written
        numbers += [number] * len(written)
    completions = (*found.completions, *taken.values())
    return msgspec.structs.replace(found, source="\n".join(lines), line_map=tuple(numbers), completions=completions)


def _in_place(node: ast.stmt, modules: Mapping[str, Snippet]) -> Completion | None:
    """The code of a module in place of the statement that imports it; None for any other statement."""
    match node:
        case ast.ImportFrom(module=str(module), names=names) if held := modules.get(module.rpartition(".")[2]):
            renamed = [f"{each.asname} = {each.name}" for each in names if each.asname]
            return Completion("file", held.file or "", "\n".join((held.source, *renamed)))
        case ast.Import(names=[ast.alias(name=module, asname=own)]) if held := modules.get(module):
            of_it = ", ".join(f"{name}={name}" for name in _defined(held.source))
            space = f"{own or module} = __import__('types').SimpleNamespace({of_it})"
            return Completion("file", held.file or "", f"{held.source}\n{space}")
        case _:
            return None


def _defined(source: str) -> list[str]:
    """The functions and classes of a module, and the names that it binds for good."""
    tree = ast.parse(source)
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [*defined, *(target.id for target in targets if isinstance(target, ast.Name))]
