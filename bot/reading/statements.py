"""How sure it is that a line which parses as Python is code, not prose: "this is it" parses, too."""

import ast
import functools
import re
from enum import IntEnum

from bot.reading.lexing import parsed

_COMPOUND = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.AsyncFor, ast.While, ast.If, ast.With,
    ast.AsyncWith, ast.Try, ast.Match,
)  # fmt: skip
_PROSE_COMPARISONS = (ast.Is, ast.IsNot, ast.In, ast.NotIn)
_ON_PAPER = frozenset(
    ("mean", "avg", "average", "sum", "max", "min", "log", "ln", "log2", "log10", "exp", "sqrt", "sigmoid")
)
_SPACED_CALL = re.compile(r"\w\s+\(")
_KEYWORDED = re.compile(r"\b(?:if|else|for|in|and|or|not|is|lambda|return|yield|await|import|assert|print)\s+\(")


class Strength(IntEnum):
    """NONE: prose or output; WEAK: code if what stands around it is; STRONG: code by itself."""

    NONE = 0
    WEAK = 1
    STRONG = 2


@functools.lru_cache(maxsize=32)
def strength(source: str) -> Strength:
    """Strength of one dedented statement (or several on one line)."""
    tree = parsed(source)
    if tree is None:
        return Strength.NONE
    if not tree.body:
        return Strength.WEAK if source.strip() else Strength.NONE
    return max(_statement(node, source) for node in tree.body)


def _statement(node: ast.stmt, source: str) -> Strength:
    match node:
        case ast.Import() | ast.ImportFrom():
            return Strength.STRONG
        case ast.Assign(value=value):
            return Strength.WEAK if isinstance(_unsigned(value), ast.Constant | ast.Name) else Strength.STRONG
        case ast.AnnAssign(value=value, annotation=annotation, target=ast.Name() | ast.Attribute(value=ast.Name())):
            # "torch: F.mse_loss(a, b) = 5.0" is a sentence
            called = any(isinstance(node, ast.Call) for node in ast.walk(annotation))
            return Strength.STRONG if value and not called else Strength.NONE
        case ast.AnnAssign():  # and so is "0.4142. FaceNet: 2 - 4 + 1 = -1"
            return Strength.NONE
        case ast.AugAssign():
            return Strength.STRONG
        case ast.Expr(value=value) | ast.Return(value=ast.Call() as value):
            return _expression(value, source)
        case ast.Assert(test=test):
            return Strength.STRONG if isinstance(test, ast.Compare | ast.Call) else Strength.WEAK
        case ast.ClassDef(body=[ast.Expr()]) if "\n" not in source.strip():  # "class weights: torch.Size([20])"
            return Strength.NONE
        case _ if isinstance(node, _COMPOUND):
            return Strength.STRONG if "\n" in source.strip() or _holds_code(node) else Strength.NONE
        case _:
            return Strength.WEAK


def _expression(value: ast.expr, source: str) -> Strength:
    match value:
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return Strength.WEAK
        case ast.Constant() | ast.Yield() | ast.YieldFrom() | ast.Await():
            return Strength.NONE
        case ast.Compare(ops=ops) if any(isinstance(op, _PROSE_COMPARISONS) for op in ops):
            return Strength.NONE
        case _ if _has_spaced_call(source) or not _names(value).isascii():
            return Strength.NONE
        case ast.BoolOp():
            return Strength.WEAK
        case _ if _is_arithmetic(value):
            return Strength.WEAK
        case _:
            return Strength.STRONG if _holds_code(value) else Strength.WEAK


@functools.lru_cache(maxsize=8)
def _has_spaced_call(source: str) -> bool:
    """Asked for every statement of one line."""
    return _SPACED_CALL.search(_KEYWORDED.sub("(", source)) is not None


def _names(value: ast.expr) -> str:
    """All names of an expression; Python takes 損失(loss) for a call, people do not."""
    return " ".join(node.id for node in ast.walk(value) if isinstance(node, ast.Name))


def _is_arithmetic(value: ast.expr) -> bool:
    """Whether it is what people write on paper: functions by their bare names, of nothing but numbers."""
    nodes = list(ast.walk(value))
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    names = [node for node in nodes if isinstance(node, ast.Name)]
    own = all(isinstance(each, ast.Name) and each.id in _ON_PAPER for each in called)
    return bool(called) and own and len(names) == len(called) and any(isinstance(n, ast.Constant) for n in nodes)


def _holds_code(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Call | ast.Assign | ast.AugAssign) for inner in ast.walk(node))


def _unsigned(value: ast.expr) -> ast.expr:
    return value.operand if isinstance(value, ast.UnaryOp) else value


@functools.lru_cache(maxsize=32)
def bound_names(source: str) -> frozenset[str]:
    """Every name that the source binds, at any depth: an over-approximation that never asks for too much."""
    tree = parsed(source)
    return frozenset(_bound(tree)) if tree else frozenset()


def _bound(tree: ast.AST) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                names.append(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.append(name)
            case ast.alias(name=name, asname=asname):
                names.append(asname or name.partition(".")[0])
            case _:
                pass
    return names


def loaded_names(source: str) -> frozenset[str]:
    """Every name that the source reads, at any depth."""
    tree = parsed(source)
    if tree is None:
        return frozenset()
    return frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
