"""What a program shows: its prints and its bare last expression, traced back to the tensors they came from."""

from __future__ import annotations

import builtins
import inspect
import io
import math
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import torch

from explainers.recording import Shown
from explainers.tracing.internals import unwatched
from explainers.tracing.mode import Tracer
from explainers.tracing.source import Source
from explainers.tracing.values import is_recordable

_SHOWN_LIMIT: Final = 1000
_TEXT_LIMIT: Final = 4000
_STDOUT_LIMIT: Final = 64 * 1024  # characters
FLOAT: Final = re.compile(r"[-+]?(?:\d+\.\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\bnan\b|\binf\b)")


class BoundedText(io.StringIO):
    """Standard output up to a limit; what comes after is dropped. `echo` gets what is kept, as it comes."""

    def __init__(self, echo: Callable[[str], object] | None = None) -> None:
        super().__init__()
        self._echo = echo

    def write(self, text: str, /) -> int:
        """Keep the part that still fits, and claim to have written all of it."""
        kept = text[: max(0, _STDOUT_LIMIT - self.tell())]
        super().write(kept)
        if self._echo is not None:
            self._echo(kept)
        return len(text)


class Transcript:
    """Collects shown values in the order in which the program shows them."""

    def __init__(self, tracer: Tracer, source: Source) -> None:
        self.shown: list[Shown] = []
        self._tracer = tracer
        self._source = source

    def print(self, *values: object, **options: Any) -> None:
        """The `print` of the program: prints, and remembers tensors and numbers with their line."""
        builtins.print(*values, **options)
        if options.get("file") in (None, sys.stdout):
            self.show(values, self._line())

    def show(self, values: tuple[object, ...], line: int | None) -> None:
        """Remember what was shown at a line."""
        with unwatched():
            for value in values:
                room = _SHOWN_LIMIT - len(self.shown)
                self.shown.extend(list(self._of(value, line, nested=False))[:room])

    def _line(self) -> int | None:
        position, _ = self._source.locate(inspect.currentframe())
        return position[0] if position else None

    def _of(self, value: object, line: int | None, *, nested: bool) -> Iterator[Shown]:
        match value:
            case torch.Tensor():
                yield self._tensor(value, line)
            case bool():
                return
            case np.floating():
                yield Shown(str(value), None, float(value), line)
            case int() | float():
                yield Shown(repr(value), self._origin(value), float(value), line)
            case str() if not nested:
                yield from self._text(value, line)
            case tuple() | list() if not nested:
                for item in value[:_SHOWN_LIMIT]:
                    yield from self._of(item, line, nested=True)
            case dict() if not nested:
                for item in list(value.values())[:_SHOWN_LIMIT]:
                    yield from self._of(item, line, nested=True)
            case _:
                return

    def _tensor(self, tensor: torch.Tensor, line: int | None) -> Shown:
        if not is_recordable(tensor):
            return Shown(str(tensor)[:_TEXT_LIMIT], None, None, line)
        single = tensor.numel() == 1 and not tensor.is_complex()
        number = float(tensor.detach()) if single else None
        return Shown(str(tensor)[:_TEXT_LIMIT], self._tracer.ledger.meet(tensor), number, line)

    def _origin(self, number: float) -> int | None:
        """The tensor whose item this number is: the same object, else the latest equal float."""
        read = list(reversed(self._tracer.numbers))
        same = next((id for value, id in read if value is number), None)
        if same is not None or not isinstance(number, float):
            return same
        return next((id for value, id in read if value == number or (math.isnan(value) and math.isnan(number))), None)

    def _text(self, text: str, line: int | None) -> Iterator[Shown]:
        """Tensors formatted into a text, and numbers in it that some tensor's item rounds to; else its bare numbers."""
        rest = text
        found: dict[int, Shown] = {}
        for rendered, id in reversed(self._tracer.rendered):
            match = re.search(rf"(?<![\d.]){re.escape(rendered)}(?!\d)", rest) if len(rendered) > 2 else None
            if match is not None:
                found[match.start()] = Shown(rendered[:_TEXT_LIMIT], id, self._single(id), line)
                rest = f"{rest[: match.start()]}{' ' * len(rendered)}{rest[match.end() :]}"
        for match in FLOAT.finditer(rest):
            origin = next(((v, id) for v, id in reversed(self._tracer.numbers) if prints_as(v, match[0])), None)
            if origin is not None:
                found[match.start()] = Shown(match[0], origin[1], origin[0], line)
        if not found:  # what a program computes without torch
            found = {m.start(): Shown(m[0], None, float(m[0]), line) for m in FLOAT.finditer(text)}
        yield from (found[start] for start in sorted(found))

    def _single(self, id: int) -> float | None:
        copy = self._tracer.ledger.copy(id)
        return float(copy) if copy is not None and copy.numel() == 1 and not copy.is_complex() else None


def prints_as(value: float, text: str) -> bool:
    """Whether a number rounds to this decimal text."""
    written = float(text)
    if not math.isfinite(value) or not math.isfinite(written):
        return value == written or (math.isnan(value) and math.isnan(written))
    mantissa, _, exponent = text.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(exponent or 0) - digits)
    return abs(value - written) <= 0.5 * unit * (1 + 1e-9)


def builtins_with(printer: Callable[..., None]) -> dict[str, object]:
    """Python's builtins with another `print`."""
    return {**vars(builtins), "print": printer}
