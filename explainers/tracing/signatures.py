"""The names of a call's arguments.

Functions written in Python are bound by their signature; those written in C++ by the overload of torch's own schemas
(`aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, …)`) that takes the given types. `self` and a
first parameter `tensor` are called `input`, as in torch's documentation.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import numbers
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch

from explainers.tracing.internals import schemas

Bound = list[tuple[str, object]]

_GIVEN: Final[Mapping[str, tuple[str, ...]]] = {
    "torch.tensor": ("data", "dtype", "device", "requires_grad"),
    "torch.as_tensor": ("data", "dtype", "device"),
    "torch.Tensor.__getitem__": ("input", "index"),
    "torch.Tensor.__setitem__": ("input", "index", "value"),
    "torch.Tensor.type": ("input", "dtype"),
    "torch.einsum": ("equation", "*operands"),
    "torch.split": ("input", "split_size", "dim"),
}
_INCIDENTAL: Final = frozenset(
    {
        "layout",
        "pin_memory",
        "memory_format",
        "generator",
        "device",
        "non_blocking",
        "copy",
        "implicit",
        "sparse_grad",
        "out",
    }
)  # parameters whose defaults say nothing about the value
REDUCTIONS: Final[Mapping[object, str]] = {0: "none", 1: "mean", 2: "sum"}
_ACCIDENTAL: Final = frozenset({"_stacklevel"})
_REDUCTIONS: Final = ("none", "mean", "sum")


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter of a C++ overload; `type` as torch prints it ("Optional[List[int]]")."""

    name: str
    type: str
    required: bool
    default: object
    keyword_only: bool


def bind(function: Callable[..., Any], raw: str, args: Sequence[object], kwargs: Mapping[str, object]) -> Bound:
    """Arguments under their names in signature order; under their positions "0", "1", … where no signature is known."""
    if raw == "torch.Tensor.where":  # x.where(condition, other) is torch.where(condition, x, other)
        (input, *rest), keywords = args, dict(kwargs)
        condition = rest.pop(0) if rest else keywords.pop("condition")
        return [("condition", condition), ("input", input), *zip(("other",), rest, strict=False), *keywords.items()]
    if raw in _GIVEN:
        return _bind_given(_GIVEN[raw], args, kwargs)
    bound = _bind_python(function, args, kwargs) if isinstance(function, types.FunctionType) else None
    if bound is None:
        bound = _bind_schema(getattr(function, "__name__", ""), args, kwargs)
    if bound is None:
        first = "input" if raw.startswith("torch.Tensor.") else "0"
        return [(str(i) if i else first, value) for i, value in enumerate(args)] + list(kwargs.items())
    return [(name, value) for name, value in bound if name not in _ACCIDENTAL]


def functional(
    function: Callable[..., Any], name: str, bound: Bound, positional: int, keywords: Mapping[str, object]
) -> tuple[str, Bound]:
    """A loss of torch's own C++ layer (`torch.kl_div`, whose reduction is a number) as the function of
    torch.nn.functional that calls it; every other call as it is.

    Its schema's default is the mean, but torch's Python layer reads that as 0 and reduces nothing.
    """
    last, names = name.rpartition(".")[2], [key for key, _ in bound]
    is_given = "reduction" in keywords or "reduction" in names[:positional]
    reduction = dict(bound).get("reduction") if is_given else 0 if "reduction" in names else None
    if not isinstance(reduction, int) or isinstance(reduction, bool) or not 0 <= reduction < len(_REDUCTIONS):
        return name, bound
    if isinstance(function, types.FunctionType) or not hasattr(torch.nn.functional, last):
        return name, bound
    written = [(key, _REDUCTIONS[reduction] if key == "reduction" else value) for key, value in bound]
    return f"torch.nn.functional.{last}", written


def _bind_given(names: tuple[str, ...], args: Sequence[object], kwargs: Mapping[str, object]) -> Bound:
    if names[-1].startswith("*"):
        fixed = len(names) - 1
        rest = args[fixed] if len(args) == fixed + 1 and isinstance(args[fixed], (list, tuple)) else tuple(args[fixed:])
        return [*zip(names, args[:fixed], strict=False), (names[-1][1:], rest), *kwargs.items()]
    return [*zip(names, args, strict=False), *kwargs.items()]


@functools.lru_cache(maxsize=4096)
def _python_signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    named = [p for p in signature.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    varied = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    return None if varied and not named else signature


def _bind_python(function: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object]) -> Bound | None:
    signature = _python_signature(function)
    if signature is None:
        return None
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        return None
    bound.apply_defaults()
    return [(_input(name, i), value) for i, (name, value) in enumerate(bound.arguments.items())]


def _input(name: str, position: int) -> str:
    return "input" if position == 0 and name in {"self", "tensor"} else name


@functools.lru_cache(maxsize=4096)
def _overloads(name: str) -> tuple[tuple[Parameter, ...], ...]:
    return tuple(
        tuple(
            Parameter(
                "input" if a.name == "self" else a.name,
                str(a.real_type),
                not a.has_default_value() and not (a.kwarg_only and str(a.real_type).startswith("Optional")),
                a.default_value,
                a.kwarg_only,
            )
            for a in schema.arguments
        )
        for schema in schemas(name)
    )


def _bind_schema(name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> Bound | None:
    extra = {k: v for k, v in kwargs.items() if k == "requires_grad"}  # added by torch's Python layer to factories
    given = {("input" if k == "self" else k): v for k, v in kwargs.items() if k not in extra}
    for parameters in _overloads(name):
        bound = _fit(parameters, args, given)
        if bound is not None:
            return bound + list(extra.items())
    return None


def _fit(parameters: Sequence[Parameter], args: Sequence[object], kwargs: Mapping[str, object]) -> Bound | None:
    positional = [p for p in parameters if not p.keyword_only]
    args = _packed(positional, args)
    if len(args) > len(positional):
        return None
    values = {p.name: value for p, value in zip(positional, args, strict=False)}
    if values.keys() & kwargs.keys() or kwargs.keys() - {p.name for p in parameters}:
        return None
    values.update(kwargs)
    for p in parameters:
        if (p.name in values and not _accepts(p.type, values[p.name])) or (p.name not in values and p.required):
            return None
    shown = [p for p in parameters if p.name in values or p.name not in _INCIDENTAL]
    return [(p.name, _reduction(p.name, values.get(p.name, p.default))) for p in shown]


def _reduction(name: str, value: object) -> object:
    """torch's own losses take the number of a reduction, those of torch.nn.functional its word: the word."""
    return REDUCTIONS.get(value, value) if name == "reduction" and _is_int(value) else value


def _packed(positional: Sequence[Parameter], args: Sequence[object]) -> Sequence[object]:
    """`x.view(2, 3)` and `torch.zeros(2, 3)` as `x.view((2, 3))` and `torch.zeros((2, 3))`."""
    for i, p in enumerate(positional):
        if p.type == "List[int]" and i == len(positional) - 1 and len(args) > i and all(_is_int(a) for a in args[i:]):
            return [*args[:i], tuple(args[i:])]
    return args


def _is_int(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _accepts(kind: str, value: object) -> bool:
    if kind.startswith("Optional["):
        return value is None or _accepts(kind[9:-1], value)
    if kind.startswith("List["):
        single = kind == "List[int]" and _is_int(value)
        return single or (isinstance(value, (list, tuple)) and all(_accepts(kind[5:-1], v) for v in value))
    match kind:
        case "Tensor":
            return isinstance(value, torch.Tensor)
        case "number" | "complex":
            return isinstance(value, numbers.Number)
        case "float":
            return isinstance(value, numbers.Real)
        case "int":
            return _is_int(value)
        case "ScalarType":
            return isinstance(value, torch.dtype) or value is float or value is int or value is bool
        case "Device":
            return isinstance(value, (str, torch.device))
        case _:
            return isinstance(value, _SIMPLE_TYPES.get(kind, ()))


_SIMPLE_TYPES: Final[Mapping[str, type]] = {
    "bool": bool,
    "str": str,
    "Layout": torch.layout,
    "MemoryFormat": torch.memory_format,
    "Generator": torch.Generator,
}
