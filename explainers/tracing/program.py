"""Running a snippet as a Python prompt would, watched: its bare last expression is shown, its exception is a result."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import inspect
import linecache
import random
import re
import warnings
from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import Any, Final

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from explainers.recording import Raised, Recording, Warned
from explainers.tracing.adapting import LOOP, Rounds, adapted, with_rounds
from explainers.tracing.devices import on_a_gpu
from explainers.tracing.mode import Tracer
from explainers.tracing.noting import NOTE, Noter, with_notes
from explainers.tracing.plain import PLAIN_NUMBERS, Following, alike
from explainers.tracing.plain_source import PLAIN, followed
from explainers.tracing.raising import MESSAGE_LIMIT, raised
from explainers.tracing.showing import BoundedText, Transcript, builtins_with
from explainers.tracing.source import Source
from explainers.tracing.trimming import Claims, Program, assemble

FILENAME: Final = "<snippet>"
_WARNINGS_LIMIT: Final = 50
_SEEDING: Final = re.compile(r"\bseed\s*\(|\bseed_everything|\bset_seed")
Change = Callable[[ast.Module], ast.Module]


def record(
    source: str,
    *,
    claims: Claims = (),
    seed: int = 0,
    max_bytes: int = 8 * 2**20,
    namespace: Mapping[str, object] | None = None,
    echo: Callable[[str], object] | None = None,
    noter: Noter | None = None,
    follow: bool = True,
) -> Recording:
    """Run a snippet and give what it did.

    `claims` are printed numbers with the radius that their digits leave open; they choose the subject. The random
    generators start from `seed`, so that an unseeded program runs again alike (though not on the numbers that
    `torch.manual_seed(seed)` would give). `namespace` holds the names the snippet finds; by default `torch`, `nn` and
    `F`. The encoded recording stays within `max_bytes`. What is printed is also given to `echo` at once, so that it is
    not lost with a program that never ends. A `noter` collects what every expression gives. Unless `follow` is
    false, a loss in plain Python numbers is followed as tensors. What the snippet raises is
    recorded, never raised, except KeyboardInterrupt.
    """
    names = {"torch": torch, "nn": nn, "F": F} if namespace is None else namespace
    tracer, program = _ran(source, names, seed, max_bytes, echo=echo, noter=noter)
    found = assemble(tracer, program, claims=claims, max_bytes=max_bytes)
    if not follow or program.raised is not None or tracer.calls or not _computes(program):
        return found
    again = _followed(source, names, seed, max_bytes, program)
    plain = None if again is None else assemble(*again, claims=claims, max_bytes=max_bytes)
    return found if plain is None or plain.subject is None else plain


def _ran(
    source: str,
    names: Mapping[str, object],
    seed: int,
    max_bytes: int,
    *,
    echo: Callable[[str], object] | None = None,
    noter: Noter | None = None,
    following: Following | None = None,
) -> tuple[Tracer, Program]:
    """One run of a snippet; `following`, its plain numbers are tensors."""
    place = Source(source, FILENAME)
    with _seeded(seed) as generator_state:
        tracer = Tracer(place, max_bytes, generator_state)
        transcript = Transcript(tracer, place)
        scope: dict[str, Any] = {"__name__": "__main__", **names, "__builtins__": builtins_with(transcript.print)}
        stdout, warned = BoundedText(echo), list[Warned]()
        rounds = Rounds(tracer)
        scope["__builtins__"] |= {LOOP: rounds, NOTE: noter, PLAIN: following}
        changed = followed if following else partial(with_notes, noter=noter) if noter else _unchanged
        with _lines_of(source), contextlib.redirect_stdout(stdout), _warnings(place, warned), adapted(tracer):
            before = random.getstate(), np.random.get_state(legacy=False)["state"]["pos"]
            ended_by = _run(source, scope, tracer, transcript, changed)
            drawn = before != (random.getstate(), np.random.get_state(legacy=False)["state"]["pos"])
    tracer.random = tracer.random or (drawn and not _SEEDING.search(source))
    variables = {name: value for name, value in scope.items() if names.get(name) is not value or _is_tensor(value)}
    shown, printed = tuple(transcript.shown), stdout.getvalue()
    return tracer, Program(source, variables, shown, ended_by, tuple(warned), printed, rounds.cut)


def _computes(program: Program) -> bool:
    """Whether a program that calls no torch function shows a real number, or ends with one in a variable."""
    real = any(shown.number is not None and "." in shown.text for shown in program.shown)
    return real or any(isinstance(value, float) for value in program.variables.values())


def _followed(
    source: str, names: Mapping[str, object], seed: int, max_bytes: int, before: Program
) -> tuple[Tracer, Program] | None:
    """The program run once more with its numbers as tensors; None where it then shows anything else."""
    for whole in (torch.int64, torch.float64):
        tracer, program = _ran(source, names, seed, max_bytes, following=Following(whole))
        single = [shown for shown in program.shown if shown.number is not None]
        pairs = list(zip(before.shown, single, strict=False))
        agrees = len(single) == len(before.shown) and all(alike(a.number, b.number, a.text) for a, b in pairs)
        held = {name: value for name, value in before.variables.items() if isinstance(value, float)}
        agrees &= all(alike(value, _number(program.variables.get(name))) for name, value in held.items())
        if program.raised is None and agrees and any(call.inputs() for call in tracer.calls):
            shown = tuple(msgspec.structs.replace(b, text=a.text) for a, b in pairs)
            tracer.adapted[PLAIN_NUMBERS] = None
            return tracer, dataclasses.replace(program, shown=shown, stdout=before.stdout)
    return None


def _number(value: object) -> float | None:
    """A number, or that of a tensor which holds one."""
    if isinstance(value, torch.Tensor):
        return float(value.detach()) if value.numel() == 1 else None
    return float(value) if isinstance(value, int | float) else None


def _is_tensor(value: object) -> bool:
    """Whether a name that the snippet was given holds numbers of its program, as stand-ins do."""
    return isinstance(value, torch.Tensor)


def _unchanged(tree: ast.Module) -> ast.Module:
    return tree


def _run(source: str, scope: dict[str, Any], tracer: Tracer, transcript: Transcript, changed: Change) -> Raised | None:
    try:
        body, last = _compiled(source, changed)
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


def _compiled(source: str, changed: Change) -> tuple[Any, tuple[Any, int] | None]:
    """The code of all statements but a bare last expression, and that expression with its line."""
    tree = with_rounds(on_a_gpu(changed(ast.parse(source, FILENAME))))
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
