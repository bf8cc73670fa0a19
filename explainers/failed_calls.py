"""A call of `explain` that torch refused, written as a person would have: what can be run again, and mended."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from explainers.losses.registry import Loss, registry
from explainers.tracing.naming import raw_name

Function = Callable[..., Any] | str
Written = tuple[str, Mapping[str, object]]
"""One expression, and what its names stand for."""

_LONGEST = 60


@dataclass(frozen=True)
class FailedCall:
    """The function as it was given to `explain`, its arguments by parameter, and how many of them had no name."""

    function: Function
    arguments: Mapping[str, object]
    positional: int

    @classmethod
    def of(cls, function: Function, args: tuple[object, ...], kwargs: Mapping[str, object]) -> FailedCall:
        """The call, its positional arguments under torch's names for them."""
        positions = {_position(function, k, kwargs): value for k, value in enumerate(args)}
        return cls(function, {**positions, **kwargs}, len(args))

    def written(self) -> Written:
        """As source: options in place, tensors by name, a module of torch's own where it is built."""
        built = _built(self.function, self.arguments)
        called, held = built if built is not None else _as_it_is(self.function)
        texts = {name: _literal(value) or name for name, value in self.arguments.items()}
        given, options = list(texts.items())[: self.positional], list(texts.items())[self.positional :]
        if isinstance(self.function, str) and self.function[:1].isupper():  # a class: its options are the constructor's
            made = ", ".join(f"{name}={text}" for name, text in options)
            called, options = f"{called}({made})", []
        inside = ", ".join([*(text for _, text in given), *(f"{name}={text}" for name, text in options)])
        return f"{called}({inside})", {**self.arguments, **held}


def _as_it_is(function: Function) -> Written:
    """A name for what only can be called again itself: a module with parameters, a function of the caller's own."""
    name = "criterion" if hasattr(function, "parameters") else "function"
    return name, {name: function}


def _position(function: Function, k: int, kwargs: Mapping[str, object]) -> str:
    """What torch calls the argument at a position, or a name for it where that is not known or given once more."""
    loss, forward = _loss_of(function), getattr(function, "forward", None)
    program = loss.program if loss is not None else None
    taking = forward if forward is not None and not isinstance(function, type) else program
    names = (
        ("input", "target") if taking is None else tuple(n.rstrip("_") for n in inspect.signature(taking).parameters)
    )
    return names[k] if k < len(names) and names[k] not in kwargs else f"argument_{k + 1}"


def _loss_of(function: Function) -> Loss | None:
    """The registry's loss that a function, a name, a module or its class is."""
    losses = registry().losses
    name = function if isinstance(function, str) else _called(function)[1]
    if name is None:
        return None
    modules = {loss.module: loss for loss in losses.values() if loss.module is not None}
    return losses.get(name) or modules.get(name)


def _called(function: Callable[..., Any]) -> tuple[str | None, str | None]:
    """Where in torch a function is found, and under which name; of a module or a class its own name alone."""
    if not _is_torchs(function):
        return None, None
    if isinstance(function, type) or not hasattr(function, "__name__"):
        return None, getattr(function, "__name__", type(function).__name__)
    owner, _, name = raw_name(function).rpartition(".")
    return "F" if owner == "torch.nn.functional" else owner, name


def _is_torchs(function: Callable[..., Any]) -> bool:
    homes = (getattr(function, "__module__", None), type(function).__module__)
    return any(isinstance(home, str) and home.split(".")[0] == "torch" for home in homes)


def _built(function: Function, taken: Mapping[str, object]) -> Written | None:
    """What was called, as an expression; None where only the object itself can be called again."""
    if isinstance(function, str) and function[:1].isupper():
        return f"nn.{function}", {}
    if isinstance(function, str):
        loss = _loss_of(function)
        return f"{'F' if loss is None or loss.owner == 'torch.nn.functional' else loss.owner}.{function}", {}
    owner, name = _called(function)
    if owner is not None:
        return f"{owner}.{name}", {}
    if isinstance(function, type):
        return (f"nn.{function.__name__}", {}) if function.__module__.startswith("torch.nn.") else None
    return _module(function, taken)


def _module(module: object, taken: Mapping[str, object]) -> Written | None:
    """A module of torch's own without parameters, with those options of its constructor that it keeps."""
    kind = type(module)
    if not kind.__module__.startswith("torch.nn.") or any(True for _ in getattr(module, "parameters", tuple)()):
        return None
    kept = {
        name: getattr(module, name)
        for name, parameter in inspect.signature(kind).parameters.items()
        if hasattr(module, name) and getattr(module, name) is not parameter.default
    }
    if taken.keys() & kept.keys():
        return None
    texts = [f"{name}={_literal(value) or name}" for name, value in kept.items()]
    return f"nn.{kind.__name__}({', '.join(texts)})", kept


def _literal(value: object) -> str | None:
    """An option as it is written: numbers, words and short tuples or lists of them; None for anything else."""
    match value:
        case None | bool() | int() | str():
            text: str | None = repr(value)
        case float():
            text = repr(value) if math.isfinite(value) else f"float('{value}')"
        case list() | tuple():
            items: Any = value
            parts = [_literal(item) for item in items]
            text = repr(items) if all(part is not None for part in parts) else None
        case _:
            text = None
    return text if text is not None and len(text) <= _LONGEST else None
