"""An exception of torch in one's own process: which call, with what arguments, and that call alone to be run again."""

from __future__ import annotations

import ast
import copy
import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from explainers.failed_calls import FailedCall, Written

if TYPE_CHECKING:
    from explainers.explanation import Explanation

_CALL = "_whyloss_call"
_PLAIN = (ast.Name, ast.Attribute, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript, ast.Slice)
_DATA = (ast.Tuple, ast.List, ast.keyword, ast.Call, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context)


@dataclass(frozen=True)
class Failure:
    """The exception's type and message, the call that raised it, and its tensors by name: "float32 of shape (3,)".

    `explanation` is that of the call run again alone, where it can be.
    """

    type: str
    message: str
    call: str
    tensors: Mapping[str, str]
    explanation: Explanation | None = None

    @property
    def verdict(self) -> str:
        """One sentence: the cause where it is known, else the call and its arguments."""
        if self.explanation is not None and self.explanation.diagnoses:
            return self.explanation.verdict
        given = "; ".join(f"{name} is {what}" for name, what in self.tensors.items())
        return f"{self.call} stops with {self.type}: {self.message}" + (f" Here {given}." if given else "")

    def __str__(self) -> str:
        """The whole answer, where there is one."""
        return str(self.explanation) if self.explanation is not None else self.verdict


def remember(
    error: BaseException, function: Callable[..., Any] | str, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> None:
    """Keep the call beside the exception it raised; the exception's traceback holds its arguments anyway."""
    setattr(error, _CALL, FailedCall.of(function, args, kwargs))


def describe(error: BaseException) -> Failure:
    """The failure behind an exception: the call that `explain` made, else the innermost frame that is not torch's."""
    failed = getattr(error, _CALL, None)
    remembered = (failed.function, failed.arguments) if isinstance(failed, FailedCall) else None
    function, named = remembered or _described(error.__traceback__)
    name = function if isinstance(function, str) else getattr(function, "__name__", type(function).__name__)
    return Failure(type(error).__name__, " ".join(str(error).split()), name, _tensors(named))


def written(error: BaseException) -> Written | None:
    """The failed call as one expression that may be run again: torch's own functions on the operands as they are.

    None where it would run anything else, or change something: a backward starts from copies.
    """
    failed = getattr(error, _CALL, None)
    if isinstance(failed, FailedCall):
        return failed.written()
    step = _innermost(error.__traceback__)
    node = _expression(step) if step is not None else None
    if step is None or node is None:
        return None
    backward = _is_backward(node)
    parts = [part for part in ast.walk(node) if not (backward and part is node)]
    if not all(_is_harmless(part, step.tb_frame) for part in parts):
        return None
    held = {part.id: _variable(step.tb_frame, part.id) for part in parts if isinstance(part, ast.Name)}
    return ast.unparse(node), {name: _copied(value) for name, value in held.items()} if backward else held


def _is_backward(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "backward"


def _copied(held: Any) -> object:
    """A tensor of the same numbers without its history, a module with parameters of its own; else the thing itself."""
    if hasattr(held, "requires_grad") and hasattr(held, "detach"):
        return held.detach().clone().requires_grad_(held.requires_grad)
    return copy.deepcopy(held) if hasattr(held, "parameters") else held


def _described(traceback: TracebackType | None) -> tuple[str, Mapping[str, object]]:
    step = _innermost(traceback)
    if step is None:
        return "the program", {}
    return f"line {step.tb_lineno} of {step.tb_frame.f_code.co_name}", step.tb_frame.f_locals


def _innermost(traceback: TracebackType | None) -> TracebackType | None:
    """The innermost step that is not torch's own code."""
    found: TracebackType | None = None
    while traceback is not None:
        if not traceback.tb_frame.f_globals.get("__name__", "").startswith("torch"):
            found = traceback
        traceback = traceback.tb_next
    return found


def _expression(step: TracebackType) -> ast.expr | None:
    """The expression that a step of a traceback was at."""
    line, end_line, start, end = list(step.tb_frame.f_code.co_positions())[step.tb_lasti // 2]
    rows = linecache.getlines(step.tb_frame.f_code.co_filename, step.tb_frame.f_globals)
    if line is None or end_line is None or start is None or end is None or end_line > len(rows):
        return None
    parts = [row.encode() for row in rows[line - 1 : end_line]]
    parts[-1] = parts[-1][:end]
    parts[0] = parts[0][start:]
    try:
        node = ast.parse(f"({b''.join(parts).decode()})", mode="eval").body
        return _called_at_once(rows[line - 1], node) or node
    except (SyntaxError, ValueError):
        return None


def _called_at_once(row: str, node: ast.expr) -> ast.expr | None:
    """The call of what an expression builds, where it is written on the same line: `nn.MSELoss()(a, b)`."""
    try:
        written = ast.parse(row.strip())
    except SyntaxError:
        return None
    calls = (part for part in ast.walk(written) if isinstance(part, ast.Call) and isinstance(part.func, ast.Call))
    return next((call for call in calls if ast.dump(call.func) == ast.dump(node)), None)


def _is_harmless(part: ast.AST, frame: FrameType) -> bool:
    """Whether a part of an expression runs nobody's code but torch's, and changes nothing."""
    if not isinstance(part, ast.Call):
        return isinstance(part, (*_PLAIN, *_DATA))
    match part.func:
        case ast.Attribute(attr=method) if method.endswith("_") or method == "backward":
            return False
        case ast.Attribute(value=ast.Name(id=owner)):
            held = _variable(frame, owner)
            return _is_torchs(held) or _is_torch_itself(held)
        case ast.Attribute(value=inner):  # what a tensor of theirs was made into
            owners = [_variable(frame, name.id) for name in ast.walk(inner) if isinstance(name, ast.Name)]
            return bool(owners) and all(_is_torch_itself(held) or hasattr(held, "requires_grad") for held in owners)
        case ast.Name(id=name):
            return _is_torchs(_variable(frame, name))
        case ast.Call():  # what that one returns, a loss module, is called; it is judged by itself
            return True
        case _:
            return False


def _is_torchs(held: object) -> bool:
    """A tensor, a loss module or a function of torch's own; no method that holds a tensor, which may change it."""
    if hasattr(getattr(held, "__self__", None), "requires_grad"):
        return False
    homes = (getattr(held, "__module__", None), type(held).__module__)
    return any(isinstance(home, str) and home.split(".")[0] == "torch" for home in homes)


def _is_torch_itself(held: object) -> bool:
    return isinstance(held, ModuleType) and held.__name__.split(".")[0] == "torch"


def _variable(frame: FrameType, name: str) -> object:
    return frame.f_locals.get(name, frame.f_globals.get(name))


def _tensors(named: Mapping[str, object]) -> dict[str, str]:
    """Tensors are known by their shape and dtype, so that this needs no torch."""
    return {
        name: f"{str(dtype).removeprefix('torch.')} of shape {tuple(shape)}"
        for name, value in named.items()
        if (dtype := getattr(value, "dtype", None)) is not None
        and isinstance(shape := getattr(value, "shape", None), tuple)
    }
