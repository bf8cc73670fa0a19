"""numpy by its names over tensors of float64, for programs that are followed: see `explainers.tracing.plain`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import torch

_SAME: Final = (
    *("exp", "log", "log1p", "expm1", "log2", "log10", "sqrt", "square", "sin", "cos", "tan", "tanh", "sinh", "cosh"),
    *("abs", "sign", "maximum", "minimum", "logaddexp", "outer", "inner", "matmul", "trace", "diag", "tril", "triu"),
    *("arctan", "arctan2", "arcsin", "arccos", "hypot", "reciprocal", "negative", "add", "subtract", "multiply"),
    *("divide", "isnan", "isinf", "isfinite", "logical_and", "logical_or", "logical_not", "fmax", "fmin", "exp2"),
)
_OTHERWISE: Final = {"absolute": "abs", "fabs": "abs", "power": "pow", "float_power": "pow", "true_divide": "divide"}
_WHOLE: Final = frozenset(("abs", "sign", "maximum", "minimum", "add", "subtract", "multiply", "negative", "square"))
_DTYPES: Final[Mapping[Any, torch.dtype]] = {
    float: torch.float64, int: torch.int64, bool: torch.bool, "float64": torch.float64, "float32": torch.float32,
    "float": torch.float64, "int": torch.int64, "int64": torch.int64, "int32": torch.int32, "bool": torch.bool,
}  # fmt: skip


class NotFollowed(Exception):
    """The program does something that tensors cannot follow."""


def array(value: Any, dtype: Any = None) -> torch.Tensor:
    """np.array: a tensor of the numbers, real ones as float64."""
    wanted = None if dtype is None else _dtype(dtype)
    if isinstance(value, torch.Tensor):
        return value if wanted is None else value.to(wanted)
    if isinstance(value, list | tuple) and any(isinstance(item, torch.Tensor) for item in value):
        return torch.stack([array(item, dtype) for item in value])
    held = np.asarray(value)
    if held.dtype.kind not in "fiub":
        raise NotFollowed
    real = torch.float64 if held.dtype.kind == "f" else torch.int64 if held.dtype.kind in "iu" else torch.bool
    return torch.tensor(held.tolist(), dtype=wanted or real)


def _dtype(wanted: Any) -> torch.dtype:
    if isinstance(wanted, torch.dtype):
        return wanted
    if wanted not in _DTYPES:
        raise NotFollowed
    return _DTYPES[wanted]


def _real(value: Any) -> torch.Tensor:
    found = array(value)
    return found if found.is_floating_point() else found.double()


class Numpy:
    """The module as a followed program sees it; a name that it lacks ends the following."""

    def __init__(self) -> None:
        self.pi, self.e, self.inf, self.nan, self.newaxis = math.pi, math.e, math.inf, math.nan, None
        self.float64, self.float32, self.int64, self.int32 = torch.float64, torch.float32, torch.int64, torch.int32
        self.random, self.linalg = _Random(np.random), _Linalg()
        self.array = self.asarray = array

    def __getattr__(self, name: str) -> Callable[..., Any]:
        known = _OTHERWISE.get(name, name)
        if known in _SAME or known == "pow":
            return _of_torch(known)
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        raise NotFollowed


class _Linalg:
    def norm(self, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> torch.Tensor:
        return torch.linalg.vector_norm(_real(x), 2 if ord is None else ord, axis, keepdims)


class _Random:
    """numpy's own draws, as tensors."""

    def __init__(self, held: Any) -> None:
        self._held = held

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._held, name)
        if not callable(found):
            raise NotFollowed

        def draw(*values: Any, **options: Any) -> Any:
            drawn = found(*values, **options)
            if isinstance(drawn, np.ndarray):
                return array(drawn)
            return _Random(drawn) if isinstance(drawn, np.random.Generator | np.random.RandomState) else drawn

        return draw


def _of_torch(name: str) -> Callable[..., Any]:
    function = getattr(torch, name)

    def apply(*values: Any, **options: Any) -> Any:
        if options:
            raise NotFollowed
        return function(*(array(v) if name in _WHOLE else _real(v) for v in values))

    return apply


def _reduced(name: str, *, real: bool = True) -> Callable[..., Any]:
    function = getattr(torch, name)

    def apply(x: Any, axis: Any = None, keepdims: bool = False, **options: Any) -> Any:
        if options:
            raise NotFollowed
        held = _real(x) if real else array(x)
        dims = tuple(range(held.dim())) if axis is None else axis
        return function(held, dim=dims, keepdim=keepdims)

    return apply


def _spread(name: str) -> Callable[..., Any]:
    def apply(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
        held = _real(x)
        return getattr(torch, name)(
            held, dim=tuple(range(held.dim())) if axis is None else axis, correction=ddof, keepdim=keepdims
        )

    return apply


def _place(name: str) -> Callable[..., Any]:
    def apply(x: Any, axis: int | None = None) -> Any:
        return getattr(torch, name)(array(x)) if axis is None else getattr(torch, name)(array(x), dim=axis)

    return apply


def _clip(x: Any, low: Any = None, high: Any = None, **options: Any) -> Any:
    low, high = options.get("a_min", options.get("min", low)), options.get("a_max", options.get("max", high))
    return torch.clamp(_real(x), min=low, max=high)


def _where(condition: Any, *sides: Any) -> Any:
    if len(sides) != 2:
        raise NotFollowed
    return torch.where(array(condition).bool(), *(s if isinstance(s, float) else _real(s) for s in sides))


def _filled(value: float) -> Callable[..., torch.Tensor]:
    def apply(shape: Any, dtype: Any = float) -> torch.Tensor:
        return torch.full((shape,) if isinstance(shape, int) else tuple(shape), value, dtype=_dtype(dtype))

    return apply


def _like(value: float) -> Callable[..., torch.Tensor]:
    return lambda x, dtype=None: torch.full_like(array(x), value, dtype=None if dtype is None else _dtype(dtype))


def _along(x: Any, axis: int | None, build: Callable[[torch.Tensor, int], Any]) -> Any:
    held = array(x)
    return build(held.reshape(-1), 0) if axis is None else build(held, axis)


def _dot(a: Any, b: Any) -> Any:
    left, right = _real(a), _real(b)
    return left @ right if left.dim() and right.dim() else left * right


def _average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    if weights is None:
        return _reduced("mean")(x, axis)
    held, weight = _real(x), _real(weights)
    return (held * weight).sum() / weight.sum() if axis is None else (held * weight).sum(axis) / weight.sum()


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "sum": _reduced("sum", real=False), "mean": _reduced("mean"), "max": _reduced("amax", real=False),
    "amax": _reduced("amax", real=False), "min": _reduced("amin", real=False), "amin": _reduced("amin", real=False),
    "std": _spread("std"), "var": _spread("var"), "argmax": _place("argmax"), "argmin": _place("argmin"),
    "average": _average, "clip": _clip, "where": _where, "dot": _dot,
    "zeros": _filled(0.0), "ones": _filled(1.0), "zeros_like": _like(0.0), "ones_like": _like(1.0),
    "eye": lambda n, dtype=float: torch.eye(n, dtype=_dtype(dtype)),
    "identity": lambda n: torch.eye(n, dtype=torch.float64),
    "full": lambda shape, value: _filled(value)(shape),
    "arange": lambda *a: torch.arange(*a, dtype=torch.float64 if any(isinstance(v, float) for v in a) else None),
    "linspace": lambda a, b, n=50: torch.linspace(a, b, n, dtype=torch.float64),
    "concatenate": lambda parts, axis=0: torch.cat([array(p) for p in parts], axis),
    "stack": lambda parts, axis=0: torch.stack([array(p) for p in parts], axis),
    "vstack": lambda parts: torch.vstack([array(p) for p in parts]),
    "hstack": lambda parts: torch.hstack([array(p) for p in parts]),
    "expand_dims": lambda x, axis: torch.unsqueeze(array(x), axis),
    "squeeze": lambda x, axis=None: torch.squeeze(array(x)) if axis is None else torch.squeeze(array(x), axis),
    "reshape": lambda x, *shape: array(x).reshape(*shape),
    "ravel": lambda x: array(x).reshape(-1), "flatten": lambda x: array(x).reshape(-1),
    "transpose": lambda x, *axes: array(x).permute(*axes) if axes else array(x).T,
    "cumsum": lambda x, axis=None: _along(x, axis, torch.cumsum),
    "cumprod": lambda x, axis=None: _along(x, axis, torch.cumprod),
    "sort": lambda x, axis=-1: torch.sort(array(x), dim=axis).values,
    "argsort": lambda x, axis=-1: torch.argsort(array(x), dim=axis),
    "diff": lambda x, axis=-1: torch.diff(array(x), dim=axis),
    "prod": lambda x, axis=None: _along(x, axis, torch.prod),
    "median": lambda x: torch.quantile(_real(x), 0.5),
    "quantile": lambda x, q, axis=None: torch.quantile(_real(x), q, dim=axis),
    "percentile": lambda x, q, axis=None: torch.quantile(_real(x), q / 100, dim=axis),
    "nan_to_num": lambda x: torch.nan_to_num(_real(x)), "einsum": lambda *a: torch.einsum(a[0], *map(_real, a[1:])),
    "astype": lambda x, dtype: array(x).to(_dtype(dtype)), "copy": lambda x: array(x).clone(),
    "round": lambda x, *_: array(x), "around": lambda x, *_: array(x), "item": lambda x: x,
    "all": lambda x: array(x).bool().all(), "any": lambda x: array(x).bool().any(),
}  # fmt: skip
"""By numpy's name, those that take what torch's do not, or a method of an array."""
METHODS: Final = frozenset(FUNCTIONS) - {
    "where",
    "array",
    "linspace",
    "arange",
    "zeros",
    "ones",
    "eye",
    "full",
    "average",
}
