"""Changes of one place in a program's own computation of a loss: those that the ratio of the values speaks for."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import dataclass

from explainers.diagnoses.source_edits import Source, last_name
from explainers.messages import Message, said

_ALONG = frozenset(("sum", "mean", "max", "softmax", "log_softmax", "logsumexp", "std", "var", "prod", "amax"))
_KEEPING = frozenset(("sum", "max", "mean", "amax"))
_CUTS = frozenset(("clip", "clamp", "clamp_min"))
_SPREADS = frozenset(("std", "var"))
_LOGS = frozenset(("log2", "log10"))
_MODULES = frozenset(("np", "numpy", "torch", "F", "math", "nn"))
_EPSILON = 1e-3
_NEAR = 2e-3


@dataclass(frozen=True)
class Edit:
    """The program with one place changed, the line of that place, and what the change does."""

    source: str
    line: int
    what: Message


def edits(source: Source, ratio: float, avoided: tuple[int, int] | None) -> Iterator[Edit]:
    """The changes that could bring an own value to the library's, `ratio` times as large; `avoided` is the library
    call's place in the text."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.expr):
            continue
        start, end = source.piece(node)
        if avoided is not None and avoided[0] <= start and end <= avoided[1]:
            continue
        for text, what in _changes(source, node, ratio):
            yield Edit(source.replaced((start, end), text), node.lineno, what)


def _changes(source: Source, node: ast.expr, ratio: float) -> Iterator[tuple[str, Message]]:
    """What may stand in the place of one expression."""
    match node:
        case ast.Call():
            yield from _of_call(source, node, ratio)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=ast.Constant(value=float() as eps)):
            if 0 < eps <= _EPSILON:
                yield source.written(left), said("without the small number {epsilon}", epsilon=f"{eps:g}")
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=2 | 2.0)) if _near(ratio, 2):
            yield source.written(left), said("without the factor ½")
        case ast.BinOp(left=ast.Constant(value=0.5), op=ast.Mult(), right=right) if _near(ratio, 2):
            yield source.written(right), said("without the factor ½")
        case ast.BinOp(op=ast.Sub()) if _is_compared(source, node):
            yield f"({source.written(node)}).abs()", said("with the absolute value of the difference")
        case ast.BinOp(left=left, op=ast.Div(), right=right) if _is_bare_sum(right) and _has_exp(source, left):
            yield f"{source.written(left)} / {_along_rows(source, right)}", said("with a sum along each row")
        case _:
            pass


def _of_call(source: Source, node: ast.Call, ratio: float) -> Iterator[tuple[str, Message]]:
    name, text, start = last_name(node.func), source.written(node), source.piece(node)[0]
    axis = _axis(node)
    if axis is not None and isinstance(axis[1], int):
        low, high = source.piece(axis[0])
        other = -1 if axis[1] == 0 else 0
        turned = text[: low - start] + str(other) + text[high - start :]
        yield turned, said("along axis {axis}", axis=other)
        if name in _KEEPING and not any(k.arg in ("keepdim", "keepdims") for k in node.keywords):
            kept = "keepdim=True" if _in_torch(source, node) else "keepdims=True"
            yield f"{turned[:-1]}, {kept})", said("along axis {axis}", axis=other)
    if name in ("mean", "sum") and _is_whole(ratio) and axis is None:
        other_name = "sum" if name == "mean" else "mean"
        low, high = source.function_name(node)
        yield text[: low - start] + other_name + text[high - start :], said("with the {name}", name=other_name)
    if name in _CUTS and (inner := _inner(node)) is not None:
        yield source.written(inner), said("without {function}", function=name)
    if name in _SPREADS:
        yield from _other_spread(source, node, text)
    if name in _LOGS:
        low, high = source.function_name(node)
        yield text[: low - start] + "log" + text[high - start :], said("with the natural logarithm")
    if name == "sqrt" and (inner := _inner(node)) is not None:
        yield source.written(inner), said("without {function}", function=name)
    if name == "print" and len(node.args) == 1 and _near(ratio, -1):
        yield f"print(-({source.written(node.args[0])}))", said("with a minus sign")


def _other_spread(source: Source, node: ast.Call, text: str) -> Iterator[tuple[str, Message]]:
    """numpy divides by n and torch by n − 1, unless they are told otherwise."""
    if any(k.arg in ("ddof", "correction", "unbiased") for k in node.keywords):
        return
    first = node.args[0] if node.args and _owner(node) in _MODULES else None
    option = "correction=0" if _in_torch(source, node) else "ddof=1"
    comma = ", " if node.args or first is not None else ""
    yield f"{text[:-1]}{comma}{option})", said("with {option}", option=option)


def _axis(node: ast.Call) -> tuple[ast.expr, object] | None:
    """The axis that a reduction is written along, and its number where it is one."""
    if last_name(node.func) not in _ALONG:
        return None
    place = 1 if _owner(node) in _MODULES else 0
    found = next((k.value for k in node.keywords if k.arg in ("axis", "dim")), None)
    if found is None and len(node.args) > place:
        found = node.args[place]
    if found is None:
        return None
    try:
        return found, ast.literal_eval(found)
    except ValueError:
        return found, None


def _owner(node: ast.Call) -> str | None:
    """The module that a function is called by, None for a method."""
    match node.func:
        case ast.Attribute(value=ast.Name(id=name)) if name in _MODULES:
            return name
        case _:
            return None


def _in_torch(source: Source, node: ast.Call) -> bool:
    """Whether a function is torch's and not numpy's, as far as its name tells."""
    return _owner(node) == "torch" or (_owner(node) is None and "np." not in source.text)


def _inner(node: ast.Call) -> ast.expr | None:
    """What a function is applied to."""
    if _owner(node) is not None:
        return node.args[0] if node.args else None
    return node.func.value if isinstance(node.func, ast.Attribute) else None


def _is_bare_sum(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and last_name(node.func) == "sum" and _axis(node) is None and not node.keywords


def _has_exp(source: Source, node: ast.expr) -> bool:
    """Whether something is e to the power of something, or a name that is bound to such."""
    if any(isinstance(n, ast.Call) and last_name(n.func) == "exp" for n in ast.walk(node)):
        return True
    return isinstance(node, ast.Name) and any(_binds_exp(n, node.id) for n in ast.walk(source.tree))


def _is_compared(source: Source, node: ast.expr) -> bool:
    """Whether a name that is bound to it is compared with something, as the difference in a Huber loss is."""
    names = {
        target.id
        for each in ast.walk(source.tree)
        if isinstance(each, ast.Assign) and each.value is node
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    compared = (each.left for each in ast.walk(source.tree) if isinstance(each, ast.Compare))
    return any(isinstance(left, ast.Name) and left.id in names for left in compared)


def _binds_exp(node: ast.AST, name: str) -> bool:
    """Whether a statement gives a name what a function called exp returns."""
    match node:
        case ast.Assign(targets=[ast.Name(id=bound)], value=ast.Call(func=function)):
            return bound == name and last_name(function) == "exp"
        case _:
            return False


def _along_rows(source: Source, node: ast.expr) -> str:
    assert isinstance(node, ast.Call)
    options = "dim=-1, keepdim=True" if _in_torch(source, node) else "axis=-1, keepdims=True"
    return f"{source.written(node)[:-1]}{', ' if node.args else ''}{options})"


def _near(ratio: float, wanted: float) -> bool:
    return math.isclose(ratio, wanted, rel_tol=_NEAR)


def _is_whole(ratio: float) -> bool:
    """Whether one value is a whole number of times the other."""
    size = abs(ratio) if abs(ratio) >= 1 else 1 / abs(ratio) if ratio else 0.0
    return size > 1.5 and _near(size, round(size))
