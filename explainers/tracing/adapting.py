"""Programs written for another machine or an older torch, run here: on the CPU, in few steps, by today's names.

What is adapted changes no number that the program would show, and its name is noted: a device ("cuda"), the `[0]` that
torch 0.3 needed to read a single number.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Final

import torch
import torch.nn.functional as F

from explainers.tracing.internals import unwatched
from explainers.tracing.mode import Tracer

MOST_CALLS: Final = 1000
MOST_SECONDS: Final = 2.5
"""Of the processor's time, not of the clock's: a loop is ended by its calls, at the same round each time, and only one
of slow calls by the time that they take."""
_UNSAFE: Final = (
    "torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to autocast.\n"
    "Many models use a sigmoid layer right before the binary cross entropy layer.\n"
    "In this case, combine the two layers using torch.nn.functional.binary_cross_entropy_with_logits\n"
    "or torch.nn.BCEWithLogitsLoss.  binary_cross_entropy_with_logits and BCEWithLogits are\nsafe to autocast."
)
"""What torch raises on a GPU (aten/src/ATen/autocast_mode.h)."""
LOOP: Final = "__rounds__"
_WAITING: Final = ("synchronize", "set_device", "empty_cache", "reset_peak_memory_stats")
_TYPES: Final = ("FloatTensor", "LongTensor", "DoubleTensor", "HalfTensor", "IntTensor", "ByteTensor", "BoolTensor")
_TRANSFORMS: Final = ("vmap", "grad", "grad_and_value", "jacrev", "jacfwd", "hessian", "jvp", "vjp")


@contextlib.contextmanager
def adapted(tracer: Tracer) -> Generator[None]:
    """Inside, for a source that speaks of them, what waits for a GPU does nothing, and torch.func is noticed."""
    text = tracer.source.text
    changes: list[tuple[Any, str, object]] = [(torch.cuda, name, _idle()) for name in _WAITING if name in text]
    changes += [(torch.cuda, name, getattr(torch, name)) for name in _TYPES if f"cuda.{name}" in text]
    for name in _TRANSFORMS if "func" in text else ():
        changes.append((torch.func, name, _noticed(getattr(torch.func, name), name, tracer)))
    if "vmap" in text:
        changes.append((torch, "vmap", _noticed(torch.vmap, "vmap", tracer)))
    if "autocast" in text and ("BCELoss" in text or "binary_cross_entropy" in text):
        changes += _as_on_a_gpu()
    if "manual_seed" in text:
        changes += [(owner, "manual_seed", _seeding(owner.manual_seed, tracer)) for owner in (torch, torch.random)]
    held = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    try:
        for owner, name, value in changes:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in held:
            setattr(owner, name, value)


def _as_on_a_gpu() -> list[tuple[Any, str, object]]:
    """Of autocast for a GPU, which is off without one, that it refuses binary_cross_entropy of probabilities."""
    autocast, within, loss = torch.autocast, list[bool](), F.binary_cross_entropy
    built, enter, leave = autocast.__init__, autocast.__enter__, autocast.__exit__

    def init(self: Any, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: Any = None) -> None:
        built(self, device_type, dtype, enabled, cache_enabled)
        self.wanted = enabled and device_type == "cuda"

    def entered(self: Any) -> Any:
        within.append(self.wanted)
        return enter(self)

    def left(self: Any, *error: Any) -> Any:
        within.pop()
        return leave(self, *error)

    @functools.wraps(loss)
    def refused(*arguments: Any, **options: Any) -> Any:
        if any(within):
            raise RuntimeError(_UNSAFE)
        return loss(*arguments, **options)

    changes = (("__init__", init), ("__enter__", entered), ("__exit__", left))
    return [*((autocast, name, value) for name, value in changes), (F, "binary_cross_entropy", refused)]


def _idle() -> Callable[..., None]:
    """A function that does nothing: nothing waits on a CPU."""
    return lambda *_, **__: None


def _seeding(seed: Callable[..., Any], tracer: Tracer) -> Callable[..., Any]:
    """The function that seeds, of which the tracer is told: a state that it leads to may be one that was met before."""

    @functools.wraps(seed)
    def seeded(*arguments: Any, **options: Any) -> Any:
        tracer.was_seeded()
        return seed(*arguments, **options)

    return seeded


def _noticed(transform: Callable[..., Any], name: str, tracer: Tracer) -> Callable[..., Any]:
    """A transform whose results are written down as its own: what it runs inside cannot be watched."""

    @functools.wraps(transform)
    def made(*arguments: Any, **options: Any) -> Any:
        function = transform(*arguments, **options)
        return _hidden(function, name, tracer) if callable(function) else function

    return made


def _hidden(function: Callable[..., Any], name: str, tracer: Tracer) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        with unwatched():
            return tracer.note(function, f"torch.func.{name}", arguments, options)

    return run


class Rounds:
    """Ends training loops early: once a program has made enough calls, or trained long enough."""

    def __init__(self, tracer: Tracer) -> None:
        self.cut: tuple[int, int] | None = None
        self._tracer = tracer
        self._started: float | None = None

    def __call__(self, rounds: Iterable[Any], line: int) -> Iterator[Any]:
        """The rounds of the loop in a line, as long as there is room."""
        self._started = self._started or time.process_time()
        for number, item in enumerate(rounds):
            past = len(self._tracer.calls) > MOST_CALLS or time.process_time() - self._started > MOST_SECONDS
            if number and past:
                self.cut = self.cut or (line, number)
                return
            yield item


def with_rounds(tree: ast.Module) -> ast.Module:
    """The program with its training loops (they step an optimizer or go backward) in the hands of `Rounds`."""
    return ast.fix_missing_locations(_Loops().visit(tree))


class _Loops(ast.NodeTransformer):
    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        if any(_trains(inner) for inner in ast.walk(node)):
            call = ast.Call(ast.Name(LOOP, ast.Load()), [node.iter, ast.Constant(node.lineno)], [])
            node.iter = ast.copy_location(call, node.iter)
        return node


def _trains(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="backward" | "step")):
            return True
        case _:
            return False
