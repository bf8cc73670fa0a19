"""Running a snippet as a Python prompt would, watched: its bare last expression is shown, its exception is a result."""

from __future__ import annotations

import ast
import contextlib
import inspect
import linecache
import random
import warnings
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from explainers.recording import Raised, Recording, Warned
from explainers.tracing.adapting import LOOP, Rounds, adapted, with_rounds
from explainers.tracing.mode import Tracer
from explainers.tracing.noting import NOTE, Noter, with_notes
from explainers.tracing.raising import MESSAGE_LIMIT, raised
from explainers.tracing.showing import BoundedText, Transcript, builtins_with
from explainers.tracing.source import Source
from explainers.tracing.trimming import Claims, Program, assemble

FILENAME: Final = "<snippet>"
_WARNINGS_LIMIT: Final = 50


def record(
    source: str,
    *,
    claims: Claims = (),
    seed: int = 0,
    max_bytes: int = 8 * 2**20,
    namespace: Mapping[str, object] | None = None,
    echo: Callable[[str], object] | None = None,
    noter: Noter | None = None,
) -> Recording:
    """Run a snippet and give what it did.

    `claims` are printed numbers with the radius that their digits leave open; they choose the subject. The random
    generators start from `seed`, so that an unseeded program runs again alike (though not on the numbers that
    `torch.manual_seed(seed)` would give). `namespace` holds the names the snippet finds; by default `torch`, `nn` and
    `F`. The encoded recording stays within `max_bytes`. What is printed is also given to `echo` at once, so that it is
    not lost with a program that never ends. A `noter` collects what every expression gives. What the snippet raises is
    recorded, never raised, except KeyboardInterrupt.
    """
    place = Source(source, FILENAME)
    names = {"torch": torch, "nn": nn, "F": F} if namespace is None else namespace
    with _seeded(seed) as generator_state:
        tracer = Tracer(place, max_bytes, generator_state)
        transcript = Transcript(tracer, place)
        scope: dict[str, Any] = {"__name__": "__main__", **names, "__builtins__": builtins_with(transcript.print)}
        stdout, warned = BoundedText(echo), list[Warned]()
        rounds = Rounds(tracer)
        scope["__builtins__"] |= {LOOP: rounds, NOTE: noter}
        with _lines_of(source), contextlib.redirect_stdout(stdout), _warnings(place, warned), adapted(tracer):
            ended_by = _run(source, scope, tracer, transcript, noter)
    variables = {name: value for name, value in scope.items() if name not in names or names[name] is not value}
    return assemble(
        tracer,
        Program(source, variables, tuple(transcript.shown), ended_by, tuple(warned), stdout.getvalue(), rounds.cut),
        claims=claims,
        max_bytes=max_bytes,
    )


def _run(
    source: str, scope: dict[str, Any], tracer: Tracer, transcript: Transcript, noter: Noter | None
) -> Raised | None:
    try:
        body, last = _compiled(source, noter)
        with tracer:
            exec(body, scope)
            value = eval(last[0], scope) if last else None
        if last and value is not None:
            transcript.show((value,), last[1])
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a SystemExit ends the program, not us
        return raised(error, tracer, FILENAME)
    return None


def _compiled(source: str, noter: Noter | None) -> tuple[Any, tuple[Any, int] | None]:
    """The code of all statements but a bare last expression, and that expression with its line."""
    parsed = ast.parse(source, FILENAME)
    tree = with_rounds(parsed if noter is None else with_notes(parsed, noter))
    match tree.body:
        case [*_, ast.Expr() as last]:
            body = ast.Module(tree.body[:-1], tree.type_ignores)
            return compile(body, FILENAME, "exec"), (compile(ast.Expression(last.value), FILENAME, "eval"), last.lineno)
        case _:
            return compile(tree, FILENAME, "exec"), None


@contextlib.contextmanager
def _seeded(seed: int) -> Generator[torch.Tensor]:
    """Seed all generators, one draw further than `torch.manual_seed(seed)`, so that the program's own seeding shows."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed also walks the stack, for accelerators
    torch.rand(1)
    try:
        yield torch.get_rng_state()
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


@contextlib.contextmanager
def _lines_of(source: str) -> Generator[None]:
    """Let tracebacks and `inspect` find the snippet's lines."""
    linecache.cache[FILENAME] = (len(source), None, source.splitlines(keepends=True), FILENAME)
    try:
        yield
    finally:
        linecache.cache.pop(FILENAME, None)


@contextlib.contextmanager
def _warnings(source: Source, warned: list[Warned]) -> Generator[None]:
    """Collect each warning once with the line of the snippet that caused it, also those torch gives once a process."""
    always = torch.is_warn_always_enabled()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = _collector(source, warned)
        torch.set_warn_always(True)
        try:
            yield
        finally:
            torch.set_warn_always(always)


def _collector(source: Source, warned: list[Warned]) -> Callable[..., None]:
    def collect(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
        position = source.locate(inspect.currentframe())[0]
        line = position[0] if position else (lineno if filename == FILENAME else None)
        warning = Warned(category.__name__, str(message)[:MESSAGE_LIMIT], line)
        if warning not in warned and len(warned) < _WARNINGS_LIMIT:
            warned.append(warning)

    return collect
