"""The operands of a call as they were written, and the asker's program with one of them changed."""

from __future__ import annotations

import ast
import re

from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Piece, Source, argument, modules_around
from explainers.recording import Call, Tensor

LONGEST = 30
_SIMPLE = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.List, ast.Constant)
_METHOD = re.compile(r"\{\}(?:\.\w+\([^()]*\))+")
_CALLED = re.compile(r"[\w\])]\s*\($")
_LEAST = 1e-6
_WITH_WEIGHTS = frozenset({"linear_cross_entropy", "AdaptiveLogSoftmaxWithLoss"})
_FORWARD = ("input", "target")
"""What the modules with weights of their own are called with."""
_BLOCKS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.With, ast.Try)


def written(scene: Scene, name: str) -> ast.expr | None:
    """What was written for an argument of the scene's call; None where it was not written out there."""
    source, place = Source(scene.recording.source), position(scene.call, name)
    node = source.at(scene.call.span)
    if modules_around(scene.call) and scene.name in _WITH_WEIGHTS:
        place = _FORWARD.index(name) if name in _FORWARD else None
    if place is None or len(modules_around(scene.call)) > 1:
        return None
    match node:
        case ast.Call() if _is_method(source, scene.call, node):
            assert isinstance(node.func, ast.Attribute)
            return node.func.value if place == 0 else argument(node, place - 1, name)
        case ast.Call():
            return argument(node, place, name)
        case _:
            return _of_operator(node, place)


def position(call: Call, name: str) -> int | None:
    """Where an argument stands in the signature."""
    return next((k for k, a in enumerate(call.arguments) if a.name == name), None)


def known_as(scene: Scene, name: str) -> str:
    """The asker's word for an argument: the variable, else what they wrote if it is short, else the parameter."""
    tensor = scene.tensor(name)
    if tensor is not None and tensor.name is not None:
        return tensor.name
    node = written(scene, name)
    text = Source(scene.recording.source).written(node) if node is not None else ""
    return text if 0 < len(text) <= LONGEST and "\n" not in text else name


def replaced(scene: Scene, **texts: str | None) -> str | None:
    """The program with other text for arguments, `{}` in it standing for what was written; None where one is hidden.

    An argument whose text is None stays as it is.
    """
    source = Source(scene.recording.source)
    pieces: list[tuple[Piece, str]] = []
    for name, text in texts.items():
        node = written(scene, name)
        if text is not None and node is None:
            return None
        if text is not None and node is not None:
            changed = text.replace("{}", atom(source, node))
            pieces.append((_with_parentheses(source, node) if _METHOD.fullmatch(text) else source.piece(node), changed))
    return rewritten(source, pieces)


def bounded_before(scene: Scene, name: str, least: float = _LEAST) -> str | None:
    """The program with a line before the scene's call that gives its operand, a variable, a least value everywhere."""
    node = written(scene, name)
    if not isinstance(node, ast.Name):
        return None
    return line_before(Source(scene.recording.source), scene.call, f"{node.id} = {node.id}.clamp(min={least:g})")


def line_before(source: Source, call: Call, text: str) -> str | None:
    """The program with a line before the statement that a call is in; None where that shares its line."""
    line = call.span.line if call.span is not None else 0
    statements = [s for s in ast.walk(source.tree) if isinstance(s, ast.stmt) and not isinstance(s, _BLOCKS)]
    around = [s for s in statements if s.lineno <= line <= (s.end_lineno or 0)]
    if not around or source.shares_line(around[-1]):
        return None
    start = source.piece(around[-1])[0]
    return source.replaced((start, start), f"{text}\n{' ' * around[-1].col_offset}")


def rewritten(source: Source, pieces: list[tuple[Piece, str]]) -> str:
    """The program with several pieces replaced, none inside another."""
    for piece, text in sorted(pieces, reverse=True):
        source = Source(source.replaced(piece, text))
    return source.text


def atom(source: Source, node: ast.expr) -> str:
    """A node's text, in parentheses where something written behind it would bind tighter."""
    text = source.written(node)
    return text if isinstance(node, _SIMPLE) else f"({text})"


def _with_parentheses(source: Source, node: ast.expr) -> Piece:
    """A node's piece with the parentheses that group it: `(a - b).mean()`, but not those of the call `f(a - b)`."""
    start, end = source.piece(node)
    before, behind = source.text[:start].rstrip(), source.text[end:]
    grouped = before.endswith("(") and behind.lstrip().startswith(")")
    if not grouped or _CALLED.search(before):
        return start, end
    return len(before) - 1, end + behind.index(")") + 1


def with_option(scene: Scene, module: str, name: str, value: str) -> str | None:
    """The program with a keyword argument given to the loss function, or to the module that called it."""
    source = Source(scene.recording.source)
    node = source.at(scene.call.span)
    if modules_around(scene.call):
        built = source.constructors(module)
        node = built[0] if len(built) == 1 else None
    if not isinstance(node, ast.Call):
        return None
    given = next((k for k in node.keywords if k.arg == name), None)
    if given is not None:
        return source.replaced(source.piece(given.value), value)
    _, end = source.piece(node)
    comma = ", " if node.args or node.keywords else ""
    return source.replaced((end - 1, end - 1), f"{comma}{name}={value}")


def tensors(scene: Scene) -> dict[str, Tensor]:
    """The tensors among the arguments, by parameter."""
    ids = ((a.name, scene.call.ref(a.name)) for a in scene.call.arguments)
    return {name: scene.recording.tensors[id] for name, id in ids if id is not None}


def _is_method(source: Source, call: Call, node: ast.Call) -> bool:
    """Whether it is called on its first operand: `x.view(3)`, but not `F.relu(x)` and not `self.act(x)`."""
    return (
        isinstance(node.func, ast.Attribute)
        and not modules_around(call)
        and not source.is_torch(node.func.value)
        and node.func.attr != "apply"
    )


def _of_operator(node: ast.expr | ast.stmt | None, place: int) -> ast.expr | None:
    match node:
        case ast.BinOp(left=left, right=right) | ast.Compare(left=left, comparators=[right]):
            sides = (left, right)
        case ast.Subscript(value=left, slice=right) | ast.AugAssign(target=left, value=right):
            sides = (left, right)
        case ast.UnaryOp(operand=only):
            sides = (only,)
        case _:
            sides = ()
    return sides[place] if place < len(sides) else None
