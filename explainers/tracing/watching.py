"""Watching torch code of the same process: a with-block, or a single call."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable
from difflib import get_close_matches
from types import FrameType, TracebackType
from typing import Any, Final, Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import nn

from explainers.recording import Recording
from explainers.tracing.callables import find
from explainers.tracing.mode import Tracer
from explainers.tracing.raising import raised
from explainers.tracing.source import Source
from explainers.tracing.trimming import Program, assemble
from explainers.tracing.values import is_recordable

RECORDING: Final = "_whyloss_recording"
"""Where an exception that left a watched block keeps what led to it."""

_SOURCE_LIMIT: Final = 256 * 1024  # characters; a longer file is not copied into recordings


class Run:
    """The torch calls of a with-block, recordable from any tensor that it made or met."""

    def __init__(self, tracer: Tracer, max_bytes: int) -> None:
        self._tracer = tracer
        self._max_bytes = max_bytes
        self._variables: dict[str, object] = {}

    def recording(self, subject: torch.Tensor) -> Recording:
        """What led to `subject`. Raises ValueError for a tensor that no call of the block made or met."""
        return self._recording(subject, self._variables)

    def failed(self, error: Exception, filename: str) -> Recording:
        """What was run until the block raised; the exception is that of this file's innermost line."""
        ended_by = raised(error, self._tracer, filename)
        program = Program(self._text(), self._variables, raised=ended_by)
        return assemble(self._tracer, program, max_bytes=self._max_bytes)

    def finish(self, variables: dict[str, object]) -> None:
        """Remember the variables of the block at its end."""
        self._variables = {
            name: value for name, value in variables.items() if isinstance(value, (torch.Tensor, nn.Module))
        }

    def _recording(self, subject: torch.Tensor, variables: dict[str, object]) -> Recording:
        id = self._tracer.ledger.id_of(subject)
        if id is None:
            raise ValueError("this tensor was not computed while we watched")
        return assemble(self._tracer, Program(self._text(), variables), subject=id, max_bytes=self._max_bytes)

    def _text(self) -> str:
        text = self._tracer.source.text
        return text if len(text) <= _SOURCE_LIMIT else ""


R = TypeVar("R", bound=Run)


class watch(Generic[R]):  # a with-statement's name, like contextlib.suppress
    """`with watch() as run: loss = …` records the torch calls of the block; values and exceptions are untouched.

    Spans are those of the file of the with-statement. The encoded recording stays within `max_bytes`; `run_type` is
    the class of what the block is given.
    """

    def __init__(self, *, max_bytes: int = 8 * 2**20, run_type: type[R] = Run) -> None:
        self._max_bytes = max_bytes
        self._run_type = run_type
        self._frame: FrameType | None = None
        self._tracer: Tracer | None = None
        self._run: R | None = None

    def __enter__(self) -> R:
        """Start watching the frame that the with-statement is in."""
        here = inspect.currentframe()
        assert here is not None and here.f_back is not None  # CPython has frames
        self._frame = here.f_back
        filename = self._frame.f_code.co_filename
        text = "".join(linecache.getlines(filename, self._frame.f_globals))
        self._tracer = Tracer(Source(text, filename, self._frame), self._max_bytes)
        self._run = self._run_type(self._tracer, self._max_bytes)
        self._tracer.__enter__()
        return self._run

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop watching, and let an exception pass, with the recording of what led to it."""
        assert self._tracer is not None and self._frame is not None and self._run is not None
        self._tracer.__exit__(kind, error, traceback)
        self._run.finish(dict(self._frame.f_locals))
        if isinstance(error, Exception):
            setattr(error, RECORDING, self._run.failed(error, self._frame.f_code.co_filename))
        self._tracer.failure = None
        self._tracer.source.forget_frame()
        self._frame = None


def record_call(
    function: Callable[..., Any] | str, *args: object, max_bytes: int = 8 * 2**20, **kwargs: object
) -> Recording:
    """One call as a Recording whose subject is what it returns.

    `function` is a callable (a loss module too) or a name, looked up in torch.nn.functional and then in torch.nn,
    where `kwargs` go to the module's constructor. Raises ValueError for an unknown name, TypeError where the call
    returns no tensor, and what torch raises where torch refuses the call.
    """
    if isinstance(function, str):
        function, kwargs = _resolved(function, kwargs)
    tracer = Tracer(_source(function), max_bytes)
    run = Run(tracer, max_bytes)
    with tracer:
        result = function(*args, **kwargs)
    if isinstance(result, tuple) and isinstance(getattr(result, "loss", None), torch.Tensor):
        result = getattr(result, "loss")  # noqa: B009
    if not isinstance(result, torch.Tensor):
        raise TypeError(f"the call returned a {type(result).__name__}, not a tensor")
    if not is_recordable(result):
        raise TypeError(f"the call returned a tensor that holds no plain numbers: {result.dtype} on {result.device}")
    if tracer.ledger.id_of(result) is None:
        tracer.ledger.meet(result)
    run.finish(_parameters(function, args, kwargs))
    return run.recording(result)


def _source(function: Callable[..., Any]) -> Source:
    """The file of a function of one's own; torch's are long, and their insides are nobody's program."""
    home = getattr(function, "__module__", None) or ""
    filename = getattr(getattr(function, "__code__", None), "co_filename", "")
    own = bool(filename) and home.split(".")[0] != "torch"
    return Source("".join(linecache.getlines(filename)) if own else "", filename if own else "")


def _parameters(function: Callable[..., Any], args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, object]:
    """The arguments under the names that the function's signature gives them (torch calls some of them `input_`), and
    a module's parameters under their paths; the keyword arguments where it has no signature."""
    module = function if isinstance(function, nn.Module) else None
    held: dict[str, object] = {} if module is None else dict(module.named_parameters())
    try:
        signature = inspect.signature(function if module is None else module.forward)
        given = signature.bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        return {**held, **kwargs}
    return {**held, **{name.rstrip("_") or name: value for name, value in given.items()}}


def _resolved(name: str, kwargs: dict[str, object]) -> tuple[Callable[..., Any], dict[str, object]]:
    function = getattr(F, name, None)
    if callable(function) and not name.startswith("_"):
        return function, kwargs
    module = getattr(nn, name, None)
    if isinstance(module, type) and issubclass(module, nn.Module):
        return module(**kwargs), {}
    of_torch = find(f"torch.{name}")  # what torch.nn.functional lacks, as logsumexp
    if of_torch is not None:
        return of_torch, kwargs
    known = {each.lower(): each for home in (F, nn) for each in dir(home) if not each.startswith("_")}
    near = get_close_matches(name.lower(), known, 1)
    nearest = f"the nearest name is {known[near[0]]!r}" if near else "try a name such as 'cross_entropy'"
    raise ValueError(f"torch.nn.functional and torch.nn have no {name!r}; {nearest}")
