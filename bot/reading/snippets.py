"""Pieces of code → snippets that run: joined where one needs the other, completed, mapped to the message's lines."""

import ast
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.reading.lexing import parsed
from bot.reading.losses import MODULES, functions
from bot.reading.names import completed, foreign_names, unbound
from bot.reading.pieces import Piece, Sort
from bot.reading.question import Completion, Origin, Snippet
from bot.reading.repairs import unreturned
from bot.reading.statements import bound_names
from bot.reading.tracebacks import raised

_HUGE = 2**24

_MAKERS = frozenset((
    "tensor", "Tensor", "FloatTensor", "LongTensor", "DoubleTensor", "array", "asarray", "Variable",
    "Parameter", "as_tensor",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """Code that belongs together: source lines, the message line of each, and what was repaired."""

    source: tuple[str, ...]
    line_map: tuple[int, ...]
    origin: Origin
    repairs: tuple[Completion, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(self.source)


def blocks(found: Sequence[Piece], fenced: bool) -> list[Block]:
    """Blocks of one region: in free text a sentence ends one; in a fence nothing does."""
    result: list[Block] = []
    run: list[Piece] = []
    for piece in found:
        if piece.sort is Sort.PROSE and not fenced:
            result += _block(run, fenced)
            run = []
        else:
            run.append(piece)
    return [*result, *_block(run, fenced)]


def _block(run: Sequence[Piece], fenced: bool) -> list[Block]:
    kept, repairs = _without_raised(run)
    if not any(piece.sort is Sort.CODE for piece in kept):
        return []
    numbered = [numbered for piece in kept if piece.sort in (Sort.CODE, Sort.BLANK) for numbered in _numbered(piece)]
    while numbered and not numbered[0][0].strip():
        numbered.pop(0)
    while numbered and not numbered[-1][0].strip():
        numbered.pop()
    source, line_map = zip(*numbered, strict=True)
    if body := unreturned("\n".join(source)):
        source, repairs = tuple(body[0].split("\n")), (*repairs, *body[1])
    prompted = any(piece.prompted for piece in kept)
    origin = Origin.TRANSCRIPT if prompted else Origin.FENCE if fenced else Origin.UNFENCED
    repairs += tuple(repair for piece in run for repair in piece.repairs)
    return [Block(tuple(source), tuple(line_map), origin, tuple(dict.fromkeys(repairs)))]


def _numbered(piece: Piece) -> list[tuple[str, int]]:
    texts = piece.source.split("\n") if piece.sort is Sort.CODE else [""] * len(piece.lines)
    last = len(piece.lines) - 1
    return [(text, piece.lines[min(at, last)].number) for at, text in enumerate(texts)]


def _without_raised(run: Sequence[Piece]) -> tuple[list[Piece], tuple[Completion, ...]]:
    """A prompt goes on after an exception, a program does not: what raised is left out where something follows."""
    solid = [piece for piece in run if piece.sort is not Sort.BLANK]
    last = max((at for at, piece in enumerate(solid) if piece.sort is Sort.CODE), default=-1)
    dropped = [
        piece for at, piece in enumerate(solid[:-1]) if piece.prompted and _stopped(solid[at + 1]) and last > at + 1
    ]
    errors = [raised("\n".join(line.text for line in p.lines)) for p in solid if _stopped(p)]
    name = next((error.type for error in errors if error), "error")
    gone = {id(piece) for piece in dropped}
    said = tuple(Completion("left-out", name, piece.source) for piece in dropped)
    return [piece for piece in run if id(piece) not in gone], said


def _stopped(piece: Piece) -> bool:
    """Whether it is the print of an exception, and not of a warning, after which the statement went on."""
    if piece.sort is not Sort.ERROR:
        return False
    error = raised("\n".join(line.text for line in piece.lines))
    return error is None or not error.type.endswith("Warning")


def merged(parts: Sequence[Block]) -> list[Block]:
    """Join a block with the one before that binds a name it needs; definitions that come later go first."""
    result: list[Block] = []
    binder: dict[str, int] = {}
    seeker: dict[str, int] = {}
    for part in parts:
        needed, bound = unbound(part.text), bound_names(part.text)
        before = max((binder[name] for name in needed if name in binder), default=None)
        supplied = bound if is_data(part.text) else defined(part.text)
        after = min((seeker[name] for name in supplied if name in seeker), default=None)
        at = before if before is not None else after if after is not None else len(result)
        if at == len(result):
            result.append(part)
        else:
            result[at] = _joined(result[at], part) if before is not None else _joined(part, result[at])
        binder |= dict.fromkeys(bound, at)
        seeker |= {name: at for name in needed if name not in binder}
    return result


def defined(source: str) -> frozenset[str]:
    """Functions and classes that the source defines at the top level."""
    tree = parsed(source)
    kinds = (ast.FunctionDef, ast.ClassDef)
    return frozenset(node.name for node in tree.body if isinstance(node, kinds)) if tree else frozenset()


def _joined(first: Block, second: Block) -> Block:
    return Block(
        (*first.source, *second.source),
        (*first.line_map, *second.line_map),
        first.origin,
        tuple(dict.fromkeys((*first.repairs, *second.repairs))),
    )


def snippet(block: Block) -> Snippet:
    """The block with the imports and names it lacks."""
    names, _ = completed(unbound(block.text))
    return Snippet(block.text, block.origin, block.line_map, (*names, *block.repairs), is_shown(block.text))


def missing_names(source: str) -> tuple[str, ...]:
    """Names that the source needs and nobody defines."""
    return (*completed(unbound(source))[1], *foreign_names(source))


def lacked(found: Snippet) -> tuple[str, ...]:
    """Names that the snippet needs and that neither it, its completions nor anybody else defines."""
    given = {each.name for each in found.completions if each.what == "name"}
    return tuple(name for name in missing_names(found.source) if name not in given)


def is_shown(source: str) -> bool:
    """Whether a statement at the top level shows a value."""
    tree = parsed(source)
    return bool(tree) and any(
        isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant) for node in tree.body
    )


def is_data(source: str) -> bool:
    """Whether the source only writes values down: assignments of numbers, lists, tensors and loss modules."""
    tree = parsed(source)
    if tree is None or not all(isinstance(n, ast.Assign | ast.Import | ast.ImportFrom) for n in tree.body):
        return False
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return all(name_of(call.func) in _MAKERS or name_of(call.func) in MODULES for call in calls) and not any(
        isinstance(node, ast.BinOp) for node in ast.walk(tree)
    )


def shows_names(source: str) -> bool:
    """Whether the source only shows what names hold, `print(x)` or `x`, and computes nothing."""
    tree = parsed(source)
    return tree is not None and bool(tree.body) and all(map(_shows_name, tree.body))


def _shows_name(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Name() | ast.Call(func=ast.Name(id="print"), args=[ast.Name()])):
            return True
        case _:
            return False


def is_huge(source: str) -> bool:
    """Whether a call makes a tensor of more elements than a sandbox may hold several of."""
    tree = parsed(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree else []
    return any(math.prod(_sizes(call)) > _HUGE for call in calls)


def _sizes(call: ast.Call) -> list[int]:
    given = [each for arg in call.args for each in (arg.elts if isinstance(arg, ast.Tuple | ast.List) else [arg])]
    return [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, int)]


@functools.lru_cache(maxsize=32)
def names_loss(source: str) -> bool:
    """Whether the source calls or defines something that is a loss by its name, or starts a backward pass."""
    tree = parsed(source)
    if tree is None:
        return any(name in source for name in (*MODULES, *functions(), "loss", "Loss"))
    named = ast.Call | ast.FunctionDef | ast.ClassDef
    names = [name_of(node) for node in ast.walk(tree) if isinstance(node, named) or _is_loss_read(node)]
    names += [node.targets[0].id for node in tree.body if (isinstance(node, ast.Assign) and _is_reduced(node.value)
              and isinstance(node.targets[0], ast.Name))]  # fmt: skip
    known = functions() | MODULES.keys() | {"backward"}
    return any(name in known or "loss" in name.lower() or "criterion" in name.lower() for name in names)


def _is_reduced(node: ast.expr) -> bool:
    """Whether it is the mean or the sum of a formula: "-(target * log_p).mean()"."""
    if isinstance(node, ast.UnaryOp):
        return _is_reduced(node.operand)
    match node:
        case ast.Call(func=ast.Attribute(value=ast.BinOp() | ast.UnaryOp(), attr="mean" | "sum")):
            return True
        case _:
            return False


def _is_loss_read(node: ast.AST) -> bool:
    """The loss that a model returns beside its scores, as those of transformers do: `outputs.loss`."""
    return isinstance(node, ast.Attribute) and node.attr == "loss"


def is_losing(found: Snippet) -> bool:
    """Whether it computes a loss by name, or one of another framework that was translated."""
    foreign = any(each.what == "framework" and each.name != "numpy" for each in found.completions)
    return foreign or names_loss(found.source)


def name_of(node: ast.AST) -> str:
    """The last name of what is called, read or defined, "" where it has none."""
    match node:
        case ast.Call(func=func):
            return name_of(func)
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case _:
            return ""


def subject_of(found: Sequence[Snippet]) -> int | None:
    """The main snippet: one that names a loss, lacks the least, and shows something; the first of equals."""
    if not found:
        return None
    ranks = [(not is_losing(s), len(lacked(s)), not s.shown, at) for at, s in enumerate(found)]
    return min(ranks)[3]
