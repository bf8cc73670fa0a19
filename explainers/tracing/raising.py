"""What a program raised: where, on which operands, and what it may have meant instead."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import types
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from types import FrameType, TracebackType
from typing import Any, Final, cast

import numpy as np
import torch

from explainers.recording import Operand, Raised, Span
from explainers.tracing.mode import Tracer
from explainers.tracing.source import Source

MESSAGE_LIMIT: Final = 4000
_OPERANDS_LIMIT: Final = 16
_ALIKE: Final = 0.6
_MODULE_FILE: Final = re.compile(r" \((?:/.*|unknown location)\)$")  # where modules lie is nobody's business


def raised(error: BaseException, tracer: Tracer, filename: str) -> Raised:
    """The exception as it ended the program of a file."""
    failed = tracer.failure[1] if tracer.failure is not None and tracer.failure[0] is error else None
    tracer.failure = None
    found = _innermost(error.__traceback__, filename)
    span = _span(error, found, tracer.source, filename)
    written = _expression(span)
    frame = found.tb_frame if found is not None else None
    return Raised(
        type(error).__name__,
        _message(error),
        span,
        failed,
        tuple(_operands(written, frame)),
        _lacked(error, written),
        _similar(error, written, frame),
        _accepts(written, frame),
    )


def _message(error: BaseException) -> str:
    try:
        said = str(error)[:MESSAGE_LIMIT]
        return _MODULE_FILE.sub("", said) if isinstance(error, ImportError) else said
    except Exception:  # the program's own exception class may refuse to be printed
        return ""


def _innermost(step: TracebackType | None, filename: str) -> TracebackType | None:
    """The innermost step of a traceback in a file."""
    found: TracebackType | None = None
    while step is not None:
        if step.tb_frame.f_code.co_filename == filename:
            found = step
        step = step.tb_next
    return found


def _span(error: BaseException, found: TracebackType | None, source: Source, filename: str) -> Span | None:
    if isinstance(error, SyntaxError) and error.filename == filename and error.lineno:
        text = (error.text or "").rstrip("\n")
        start = max((error.offset or 1) - 1, 0)
        return Span(
            error.lineno, start, error.end_lineno or error.lineno, max((error.end_offset or 0) - 1, start), text
        )
    return None if found is None else source.span(source.position(found.tb_frame.f_code, found.tb_lasti))


def _expression(span: Span | None) -> ast.AST | None:
    """The syntax of what raised; statements such as `x += y` are one too."""
    try:
        return ast.parse(span.text.strip()).body[0] if span is not None else None
    except (SyntaxError, ValueError, RecursionError, MemoryError, IndexError):
        return None


def _operands(written: ast.AST | None, frame: FrameType | None) -> Iterator[Operand]:
    """The plain variables of an expression that are neither modules nor callables."""
    names = dict.fromkeys(n.id for n in ast.walk(written) if isinstance(n, ast.Name)) if written is not None else {}
    for name in list(names)[:_OPERANDS_LIMIT] if frame is not None else ():
        value = _variable(frame, name)
        if value is not inspect.Parameter.empty and not isinstance(value, types.ModuleType) and not callable(value):
            yield _operand(name, value)


def _operand(name: str, value: object) -> Operand:
    match value:
        case torch.Tensor():
            return Operand(name, "Tensor", str(value.dtype).removeprefix("torch."), tuple(value.shape))
        case np.ndarray():
            return Operand(name, "ndarray", str(value.dtype), value.shape)
        case tuple() if type(value).__module__ == "torch.return_types":
            return Operand(name, f"torch.return_types.{type(value).__name__}", shape=(len(value),))
        case list() | tuple():
            return Operand(name, type(value).__name__, shape=(len(cast("Sequence[object]", value)),))
        case _:
            return Operand(name, type(value).__name__)


def _variable(frame: FrameType | None, name: str) -> object:
    """What a name stands for in a frame, Parameter.empty where it is none of its own."""
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            if name in scope:
                return scope[name]
        frame = None
    return inspect.Parameter.empty


def _lacked(error: BaseException, written: ast.AST | None) -> str | None:
    """The name, attribute or import that there is not."""
    if isinstance(error, ImportError) and isinstance(written, ast.ImportFrom) and error.name in sys.modules:
        return next((a.name for a in written.names if not hasattr(sys.modules[error.name], a.name)), None)
    if isinstance(error, KeyError):
        return error.args[0] if error.args and isinstance(error.args[0], str) else None
    name = getattr(error, "name", None) if isinstance(error, (NameError, AttributeError, ImportError)) else None
    return name if isinstance(name, str) else None


def _similar(error: BaseException, written: ast.AST | None, frame: FrameType | None) -> str | None:
    """The nearest name that there is to one that there is not: an attribute, a variable or a parameter."""
    match error:
        case AttributeError(name=str() as name, obj=obj) if not isinstance(obj, types.NoneType):
            return _nearest(name, _attributes(obj))
        case ImportError(name=str() as module) if module in sys.modules:
            return _nearest(_lacked(error, written) or "", dir(sys.modules[module]))
        case NameError(name=str() as name) if frame is not None:
            return _nearest(name, [*frame.f_locals, *frame.f_globals])
        case KeyError(args=(str() as key,)):
            return _nearest(key, _keys(written, frame))
        case TypeError() if (unknown := _unknown(written, _accepts(written, frame))) is not None:
            return _nearest(unknown, _accepts(written, frame))
        case _:
            return None


def _attributes(obj: object) -> list[str]:
    """The names of an object's attributes; of its class alone where it is half made and cannot tell its own."""
    try:
        return dir(obj)
    except Exception:
        return dir(type(obj))


def _keys(written: ast.AST | None, frame: FrameType | None) -> list[str]:
    """The keys of the dictionary that an expression such as `batch["labels"]` looks into."""
    node = written.value if isinstance(written, ast.Expr) else written
    held = _looked_up(node.value, frame) if isinstance(node, ast.Subscript) else None
    return [key for key in held if isinstance(key, str)] if isinstance(held, dict) else []


def _nearest(name: str, known: list[str] | tuple[str, ...]) -> str | None:
    """The most similar name, capitals and underscores aside."""
    plain: dict[str, str] = {}
    for each in known:
        if not each.startswith("_"):
            plain.setdefault(each.lower().replace("_", ""), each)
    found = get_close_matches(name.lower().replace("_", ""), plain, 1, _ALIKE)
    return plain[found[0]] if found else None


def _accepts(written: ast.AST | None, frame: FrameType | None) -> tuple[str, ...]:
    """The parameters of what an expression calls, where it calls a name or an attribute of a module; of `made(x).name`
    those of what made it."""
    call = written.value if isinstance(written, ast.Expr) else written
    call = call.value if isinstance(call, ast.Attribute) else call
    target = _looked_up(call.func, frame) if isinstance(call, ast.Call) else None
    if isinstance(target, torch.nn.Module):
        target = target.forward
    try:
        return tuple(name for name in inspect.signature(target).parameters) if callable(target) else ()
    except (TypeError, ValueError):
        return ()


def _looked_up(node: ast.expr, frame: FrameType | None) -> Any:
    """What a name, an attribute of a module, or a freshly built torch module's class stands for; else None."""
    match node:
        case ast.Name(id=name):
            found = _variable(frame, name)
            return None if found is inspect.Parameter.empty else found
        case ast.Attribute(value=owner, attr=name):
            module = _looked_up(owner, frame)
            return getattr(module, name, None) if isinstance(module, types.ModuleType) else None
        case ast.Call(func=built):
            kind = _looked_up(built, frame)
            return kind.forward if isinstance(kind, type) and issubclass(kind, torch.nn.Module) else None
        case _:
            return None


def _unknown(written: ast.AST | None, accepted: tuple[str, ...]) -> str | None:
    """The first keyword of a call that it does not accept."""
    call = written.value if isinstance(written, ast.Expr) else written
    keywords = [k.arg for k in call.keywords if k.arg] if isinstance(call, ast.Call) else []
    return next((k for k in keywords if accepted and k not in accepted), None)
