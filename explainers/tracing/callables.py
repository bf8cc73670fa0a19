"""The torch functions that a recording may name: a closed table, because recordings come from strangers' programs.

It holds what torch itself lists as overridable and what has an `aten` schema or belongs to torch.nn.functional,
plus the factories; without whatever reads files, shares memory or returns memory nobody wrote. A name outside the
table is never looked up anywhere.
"""

from __future__ import annotations

import functools
import inspect
import operator
import types
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch.overrides import get_overridable_functions

from explainers.recording import Argument, Items, Opaque, Slice, Value
from explainers.tracing import memory, unfolded
from explainers.tracing.internals import schemas
from explainers.tracing.naming import public_name
from explainers.tracing.signatures import REDUCTIONS

_OWNERS: Final[Mapping[str, object]] = {
    "torch": torch,
    "torch.nn.functional": F,
    "torch.special": torch.special,
    "torch.linalg": torch.linalg,
    "torch.fft": torch.fft,
}
_FACTORIES: Final = frozenset(
    [
        "tensor",
        "as_tensor",
        "zeros",
        "ones",
        "full",
        "arange",
        "range",
        "linspace",
        "logspace",
        "eye",
        "zeros_like",
        "ones_like",
        "full_like",
    ]
)
_CASTS: Final = frozenset(
    [
        "float",
        "double",
        "half",
        "bfloat16",
        "long",
        "int",
        "short",
        "char",
        "byte",
        "bool",
        "type",
        "type_as",
        "to",
        "view",
        "reshape",
        "expand",
        "repeat",
    ]
)
_REFUSED: Final = frozenset(
    {"from_file", "set_", "resize_", "resize_as_", "share_memory_", "empty", "empty_like", "pin_memory"}
)
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "torch.sub": operator.sub,
    "torch.div": operator.truediv,
    "torch.floor_divide": operator.floordiv,
    "torch.remainder": operator.mod,
    "torch.pow": operator.pow,
}
_POSITIONAL: Final = frozenset({torch.Tensor.__getitem__, torch.Tensor.__setitem__, torch.Tensor.copy_})
_UNFOLDED: Final[Mapping[str, Callable[..., Any]]] = {
    unfolded.TRIPLET: unfolded.triplet_margin_with_distance_loss,
    unfolded.LINEAR: unfolded.linear_cross_entropy,
    unfolded.GRAD: unfolded.grad,
    unfolded.ADAPTIVE: unfolded.adaptive_log_softmax_with_loss,
    "torch.nn.functional.ctc_loss": memory.ctc_loss,
}
_FULL_SIGNATURES: Final[Mapping[str, Callable[..., Any]]] = {
    "torch.softmax": F.softmax,
    "torch.log_softmax": F.log_softmax,
}


def find(name: str) -> Callable[..., Any] | None:
    """The torch callable of a public name, None where the table does not hold it."""
    return _table().get(name)


@functools.cache
def _table() -> Mapping[str, Callable[..., Any]]:
    table: dict[str, Callable[..., Any]] = {}
    overridable = get_overridable_functions()
    for prefix, owner in _OWNERS.items():
        names = {function.__name__ for function in overridable.get(owner, [])} | set(
            vars(owner) if prefix != "torch" else ()
        )
        for name in names | (_FACTORIES if prefix == "torch" else set()):
            function = getattr(owner, name, None)
            if function is not None and _is_allowed(name, function):
                table[f"{prefix}.{name}"] = function
    for name in {function.__name__ for function in overridable[torch.Tensor]} | _CASTS:
        if (
            _is_allowed(name, getattr(torch.Tensor, name, None))
            and public_name(f"torch.Tensor.{name}")[0] == f"torch.Tensor.{name}"
        ):
            table[f"torch.Tensor.{name}"] = getattr(torch.Tensor, name)
    table.update(_FULL_SIGNATURES)
    table.update(_UNFOLDED)
    table.update({f"torch.Tensor.{name}": operator.attrgetter(name) for name in ("T", "mT", "H", "mH", "real", "imag")})
    table.update(
        {"torch.Tensor.data": torch.Tensor.detach, "torch.Tensor.requires_grad_": lambda input, *_, **__: input}
    )
    table.update({f"torch.Tensor.{name}": getattr(torch.Tensor, name) for name in ("__getitem__", "__setitem__")})
    return types.MappingProxyType(table)


def _is_allowed(name: str, function: object) -> bool:
    if name.startswith("_") or name in _REFUSED or not callable(function) or isinstance(function, type):
        return False
    if inspect.isfunction(function):
        return function.__module__ in {"torch.nn.functional", "torch.functional", "torch._jit_internal"}
    called = getattr(function, "__name__", "")
    return name in _FACTORIES or name in _CASTS or bool(schemas(called))


def call(name: str, arguments: list[tuple[str, Any]]) -> Any:
    """Call a function of the table with arguments under their recorded names.

    Raises KeyError for a name that is not in the table, and whatever torch raises.
    """
    function = _table()[name]
    values = dict(arguments)
    if name in _OPERATORS and not isinstance(values.get("input", ...), (torch.Tensor, types.EllipsisType)):
        left, right = (value for _, value in arguments[:2])
        return _OPERATORS[name](left, right)  # as the reflected operator computed it: 2 / x is 2 · (1 / x)
    if name == "torch.where" and len(values) == 3:  # torch calls its second argument `self` where it is a number
        return torch.where(values["condition"], values["input"], values["other"])
    if name == "torch.einsum":
        return torch.einsum(values["equation"], *values["operands"])
    return _call(function, arguments)


def _call(function: Callable[..., Any], arguments: list[tuple[str, Any]]) -> Any:
    parameters = list(inspect.signature(function).parameters.values()) if inspect.isfunction(function) else []
    spread = {p.name for p in parameters if p.kind is p.VAR_POSITIONAL}
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    for i, (name, value) in enumerate(arguments):
        if name in spread:
            positional.extend(value)
        elif name.isdigit() or (i == 0 and name == "input") or function in _POSITIONAL:
            positional.append(value)
        else:
            keywords[_keyword(function, name)] = value if parameters else _number(name, value)
    return function(*positional, **keywords)


def _keyword(function: Callable[..., Any], name: str) -> str:
    return "split_size_or_sections" if function is torch.split and name == "split_size" else name


def _number(name: str, value: Any) -> Any:
    """The number of a reduction, which functions written in C++ take in place of its word."""
    return next((k for k, word in REDUCTIONS.items() if name == "reduction" and word == value), value)


def is_replayable(name: str, arguments: tuple[Argument, ...], inputs: tuple[int, ...], *, random: bool) -> bool:
    """Whether running a recorded call again gives the same: known, deterministic, computed from tensors.

    A call without tensors among its arguments is a factory: its output is where a replay starts.
    """
    return bool(inputs) and not random and name in _table() and not any(_is_opaque(a) for a in arguments)


def _is_opaque(argument: Argument) -> bool:
    pending: list[Value] = [argument.value]
    while pending:
        match pending.pop():
            case Opaque():
                return True
            case Items(_, items):
                pending.extend(items)
            case Slice(start, stop, step):
                pending.extend((start, stop, step))
            case _:
                pass
    return False
