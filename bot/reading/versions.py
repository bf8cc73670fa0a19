"""Two programs of one message, taken as versions of each other: which statements and arguments differ."""

from __future__ import annotations

import ast
import copy
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.reading.lexing import parsed

MOST = 4
"""Programs that differ in more are taken as two programs."""

_ALIKE = 0.5
"""Least share of two programs' text that is the same, as `difflib.SequenceMatcher.ratio` has it."""

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What of the first program is another thing in the second: "" where it was added or left out.

    `source` is the first program with this change alone.
    """

    before: str
    after: str
    source: str


@dataclass(frozen=True, slots=True)
class _Edit:
    """`new` instead of the nodes start to stop of the list at `place`, or of the node there where `stop` is None."""

    place: Place
    new: ast.AST | list[ast.AST]
    before: str
    after: str
    start: int = 0
    stop: int | None = None


def changes(first: str, second: str) -> tuple[Change, ...]:
    """What leads from the first program to the second; () where they are the same, or too different to compare."""
    one, other = parsed(first), parsed(second)
    if one is None or other is None:
        return ()
    texts = (ast.unparse(one), ast.unparse(other))
    if difflib.SequenceMatcher(None, *texts, autojunk=False).ratio() < _ALIKE:
        return ()
    edits = [*_between_bodies((), one.body, other.body)]
    if len(edits) > MOST:
        return ()
    return tuple(Change(edit.before, edit.after, _applied(one, edit)) for edit in edits)


def _between_bodies(place: Place, one: Sequence[ast.stmt], other: Sequence[ast.stmt]) -> Iterator[_Edit]:
    mine, theirs = ([(at, node) for at, node in enumerate(body) if not _imports(node)] for body in (one, other))
    texts = [[ast.unparse(node) for _, node in body] for body in (mine, theirs)]
    matcher = difflib.SequenceMatcher(None, *texts, autojunk=False)
    for kind, start, stop, begin, end in matcher.get_opcodes():
        if kind == "equal":
            continue
        if stop - start == end - begin:
            for (at, node), (_, new) in zip(mine[start:stop], theirs[begin:end], strict=True):
                yield from _between((*place, "body", at), node, new)
            continue
        before, after = "; ".join(texts[0][start:stop]), "; ".join(texts[1][begin:end])
        first = mine[start][0] if start < len(mine) else len(one)
        last = mine[stop - 1][0] + 1 if stop > start else first
        yield _Edit((*place, "body"), [node for _, node in theirs[begin:end]], before, after, first, last)


def _imports(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _between(place: Place, one: ast.AST, other: ast.AST) -> Iterator[_Edit]:
    """The smallest differing nodes that can stand for each other: numbers of a list are told as the list."""
    if ast.dump(one) == ast.dump(other):
        return
    match one, other:
        case (ast.Call(), ast.Call()) if len(one.args) == len(other.args) and _alike(one.func, other.func):
            yield from _between((*place, "func"), one.func, other.func)
            for at, pair in enumerate(zip(one.args, other.args, strict=True)):
                yield from _between((*place, "args", at), *pair)
            yield from _between_keywords(place, one, other)
        case (ast.FunctionDef(), ast.FunctionDef()) if ast.dump(one.args) == ast.dump(other.args):
            yield from _between_bodies(place, one.body, other.body)
        case (ast.Assign() | ast.Expr() | ast.Return() | ast.AugAssign(), _) if _same_but_value(one, other):
            (where, value), (_, new) = _value(place, one), _value(place, other)
            if value is not None and new is not None:
                yield from _between(where, value, new)
        case (ast.BinOp(), ast.BinOp()) if type(one.op) is type(other.op):
            yield from _between((*place, "left"), one.left, other.left)
            yield from _between((*place, "right"), one.right, other.right)
        case _:
            yield _Edit(place, other, ast.unparse(one), ast.unparse(other))


def _alike(one: ast.expr, other: ast.expr) -> bool:
    """Whether the same is called, two functions by name, or two methods of the same: of a result it is another step."""
    of_same = isinstance(one, ast.Attribute) and isinstance(other, ast.Attribute) and _same(one.value, other.value)
    return of_same or _same(one, other) or (_is_name(one) and _is_name(other))


def _same(one: ast.expr, other: ast.expr) -> bool:
    return ast.dump(one) == ast.dump(other)


def _is_name(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _value(place: Place, statement: ast.AST) -> tuple[Place, ast.expr | None]:
    """What a statement computes, and where it stands: a print is looked into."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[value], keywords=[])):
            return (*place, "value", "args", 0), value
        case ast.Assign(value=value) | ast.Expr(value=value) | ast.AugAssign(value=value) | ast.Return(value=value):
            return (*place, "value"), value
        case _:
            return place, None


def _same_but_value(one: ast.AST, other: ast.AST) -> bool:
    """Statements of one kind which bind the same, if anything."""
    targets = [[ast.dump(each) for each in getattr(node, "targets", [])] for node in (one, other)]
    target = [ast.dump(node.target) for node in (one, other) if isinstance(node, ast.AugAssign)]
    return type(one) is type(other) and targets[0] == targets[1] and len(set(target)) < 2


def _between_keywords(place: Place, one: ast.Call, other: ast.Call) -> Iterator[_Edit]:
    mine, theirs = ({word.arg: (at, word) for at, word in enumerate(call.keywords)} for call in (one, other))
    for name, (at, word) in mine.items():
        if name not in theirs:
            yield _Edit((*place, "keywords"), [], ast.unparse(word), "", at, at + 1)
        elif ast.dump(word.value) != ast.dump(theirs[name][1].value):
            new = theirs[name][1]
            yield _Edit((*place, "keywords"), [new], ast.unparse(word), ast.unparse(new), at, at + 1)
    for name, (_, word) in theirs.items():
        if name not in mine:
            end = len(one.keywords)
            yield _Edit((*place, "keywords"), [word], "", ast.unparse(word), end, end)


def _applied(tree: ast.Module, edit: _Edit) -> str:
    changed = copy.deepcopy(tree)
    *path, last = edit.place
    owner: object = changed
    for step in path:
        owner = owner[step] if isinstance(owner, list) and isinstance(step, int) else getattr(owner, str(step))
    if edit.stop is not None:
        found = getattr(owner, str(last))
        found[edit.start : edit.stop] = edit.new
    elif isinstance(owner, list) and isinstance(last, int):
        owner[last] = edit.new
    else:
        setattr(owner, str(last), edit.new)
    return ast.unparse(ast.fix_missing_locations(changed))
