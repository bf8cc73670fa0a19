"""Losses in plain Python numbers, followed as tensors of float64: lists that know their tensor, math that takes one.

A program that calls no torch function is run once more with its literals as such numbers. What it then shows has to be
what it showed before, digit for digit but for the rounding of a library function; else the first run stands alone.
"""

from __future__ import annotations

import builtins
import functools
import math
import operator
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Final, NoReturn

import torch

from explainers.tracing.internals import unwatched
from explainers.tracing.plain_numpy import FUNCTIONS, NotFollowed, Numpy
from explainers.tracing.showing import FLOAT, prints_as

PLAIN_NUMBERS: Final = "float"
_ALIKE: Final = 1e-9
_BY_TORCH: Final = (
    *("exp", "sqrt", "sin", "cos", "tan", "tanh", "atan", "asin", "acos", "sinh", "cosh", "erf", "erfc", "lgamma"),
    *("log2", "log10", "log1p", "expm1", "pow", "atan2", "hypot"),
)


class Numbers(list[Any]):
    """A list of numbers, or of such lists, whose elements are those of a tensor."""

    def __init__(self, tensor: torch.Tensor) -> None:
        with unwatched():
            super().__init__(tensor.tolist())
        self._tensor = tensor

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        if isinstance(index, int) and not -len(self) <= index < len(self):
            raise IndexError("list index out of range")
        found = self._tensor[index]
        return found if found.dim() == 0 else Numbers(found)

    def __add__(self, other: Any) -> list[Any]:
        return [*self, *other]

    def __radd__(self, other: Any) -> list[Any]:
        return [*other, *self]

    def __mul__(self, times: Any) -> list[Any]:
        return [*self] * times

    def __reversed__(self) -> Iterator[Any]:
        return (self[k] for k in reversed(range(len(self))))

    def copy(self) -> list[Any]:
        return [*self]

    def _changed(self, *_: Any, **__: Any) -> NoReturn:
        raise NotFollowed

    _refused: Any = _changed
    append = extend = insert = pop = remove = sort = reverse = clear = _refused
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refused


class Following:
    """What a program's literals and functions are while it is followed; whole numbers are of the dtype `whole`."""

    def __init__(self, whole: torch.dtype) -> None:
        self.math = SimpleNamespace(**{**vars(math), **{name: _either(name) for name in _BY_TORCH}})
        self.math.log, self.math.fsum, self.math.prod = _log, _fsum, _prod
        self.math.fabs = _absolute
        self.numpy = Numpy()
        self._whole = whole

    def numbers(self, literal: list[Any]) -> list[Any]:
        """A list of numbers as the program writes it; itself where its rows have different lengths."""
        try:
            with unwatched():
                real = torch.tensor(literal).is_floating_point()
        except (ValueError, TypeError, RuntimeError):
            return literal
        return Numbers(torch.tensor(literal, dtype=torch.float64 if real else self._whole))

    def number(self, literal: float) -> torch.Tensor:
        """A real number as the program writes it."""
        return torch.tensor(literal, dtype=torch.float64)

    def method(self, name: str, value: Any, *given: Any, **options: Any) -> Any:
        """value.name(…), of an array as numpy means it."""
        plain = not isinstance(value, torch.Tensor)
        return getattr(value, name)(*given, **options) if plain else FUNCTIONS[name](value, *given, **options)

    def size(self, value: Any) -> Any:
        """value.size, of an array the number of its elements."""
        return value.numel() if isinstance(value, torch.Tensor) else value.size

    def real(self, value: Any) -> Any:
        """float(x), which does not leave the tensor."""
        return value.double() if isinstance(value, torch.Tensor) else float(value)

    def rounded(self, value: Any, digits: int | None = None) -> Any:
        """round(x), which is for reading only."""
        return value if isinstance(value, torch.Tensor) else round(value, digits)

    def larger(self, *values: Any, **options: Any) -> Any:
        """max of two numbers as one operation; of anything else as Python has it."""
        return _one_of(torch.maximum, builtins.max, values, options)

    def smaller(self, *values: Any, **options: Any) -> Any:
        """min of two numbers as one operation; of anything else as Python has it."""
        return _one_of(torch.minimum, builtins.min, values, options)


def _one_of(followed: Callable[..., Any], plain: Callable[..., Any], values: tuple[Any, ...], options: Any) -> Any:
    if len(values) != 2 or options or not any(isinstance(v, torch.Tensor) for v in values):
        return plain(*values, **options)
    return followed(*map(_tensor, values))


def _tensor(value: Any) -> torch.Tensor:
    """A number as a tensor of float64."""
    if isinstance(value, torch.Tensor):
        return value if value.is_floating_point() else value.double()
    return torch.tensor(value, dtype=torch.float64)


def _either(name: str) -> Callable[..., Any]:
    """A function of math that takes tensors as well."""
    plain, followed = getattr(math, name), getattr(torch, name)

    @functools.wraps(plain)
    def function(*values: Any) -> Any:
        if not any(isinstance(value, torch.Tensor) for value in values):
            return plain(*values)
        return followed(*map(_tensor, values))

    return function


def _log(value: Any, *base: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return math.log(value, *base)
    found = torch.log(_tensor(value))
    return found / math.log(*base) if base else found


def _absolute(value: Any) -> Any:
    return abs(value) if isinstance(value, torch.Tensor) else math.fabs(value)


def _fsum(values: Any) -> Any:
    return sum(values)


def _prod(values: Any, *, start: Any = 1) -> Any:
    return functools.reduce(operator.mul, values, start)


def alike(before: float | None, after: float | None, text: str = "") -> bool:
    """Whether two runs show the same number, or one that the first one's text is rounded from."""
    if before is None or after is None:
        return before is after
    if text and FLOAT.fullmatch(text) and prints_as(after, text):
        return True
    if math.isnan(before) or math.isinf(before):
        return before == after or (math.isnan(before) and math.isnan(after))
    return abs(before - after) <= _ALIKE * max(abs(before), 1e-300)
