"""An exception of torch in one's own process: which call, with what arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

_CALL = "_whyloss_call"


@dataclass(frozen=True)
class Failure:
    """The exception's type and message, the call that raised it, and its tensors by name: "float32 of shape (3,)"."""

    type: str
    message: str
    call: str
    tensors: Mapping[str, str]

    @property
    def verdict(self) -> str:
        """One sentence."""
        given = "; ".join(f"{name} is {what}" for name, what in self.tensors.items())
        return f"{self.call} stops with {self.type}: {self.message}" + (f" Here {given}." if given else "")

    def __str__(self) -> str:
        return self.verdict


def remember(
    error: BaseException, function: Callable[..., Any] | str, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> None:
    """Keep the call beside the exception it raised, in words only (no tensor is kept alive)."""
    name = function if isinstance(function, str) else getattr(function, "__name__", type(function).__name__)
    named = {**{_position(k): value for k, value in enumerate(args)}, **kwargs}
    setattr(error, _CALL, (name, _tensors(named)))


def describe(error: BaseException) -> Failure:
    """The failure behind an exception: the call that `explain` made, else the innermost frame that is not torch's."""
    name, tensors = getattr(error, _CALL, None) or _frame(error.__traceback__)
    return Failure(type(error).__name__, " ".join(str(error).split()), name, tensors)


def _position(k: int) -> str:
    return ("input", "target")[k] if k < 2 else f"argument {k + 1}"


def _frame(traceback: TracebackType | None) -> tuple[str, dict[str, str]]:
    found: tuple[str, dict[str, str]] = ("the program", {})
    while traceback is not None:
        frame = traceback.tb_frame
        if not frame.f_globals.get("__name__", "").startswith("torch"):
            found = (f"line {traceback.tb_lineno} of {frame.f_code.co_name}", _tensors(frame.f_locals))
        traceback = traceback.tb_next
    return found


def _tensors(named: Mapping[str, object]) -> dict[str, str]:
    """Tensors are known by their shape and dtype, so that this needs no torch."""
    return {
        name: f"{str(dtype).removeprefix('torch.')} of shape {tuple(shape)}"
        for name, value in named.items()
        if (dtype := getattr(value, "dtype", None)) is not None and (shape := getattr(value, "shape", None)) is not None
    }
