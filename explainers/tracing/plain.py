"""Losses in plain Python numbers, followed as tensors of float64: lists that know their tensor, math that takes one.

A program that calls no torch function is run once more with its literals as such numbers. What it then shows has to be
what it showed before, digit for digit but for the rounding of a library function; else the first run stands alone.
"""

from __future__ import annotations

import ast
import builtins
import functools
import math
import operator
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Final, NoReturn

import torch

from explainers.tracing.internals import unwatched
from explainers.tracing.showing import FLOAT, prints_as

PLAIN: Final = "__plain__"
PLAIN_NUMBERS: Final = "float"
_SETTINGS: Final = ("eps", "epsilon", "lr", "learning_rate", "margin", "momentum", "smoothing", "smooth", "tol")
_SETTINGS_OF_A_LETTER: Final = ("alpha", "beta", "gamma", "delta", "lam", "lambda_", "tau", "temperature", "T")
_ALIKE: Final = 1e-9
_BY_TORCH: Final = (
    *("exp", "sqrt", "sin", "cos", "tan", "tanh", "atan", "asin", "acos", "sinh", "cosh", "erf", "erfc", "lgamma"),
    *("log2", "log10", "log1p", "expm1", "pow", "atan2", "hypot"),
)


class NotFollowed(Exception):
    """The program does something with a list of numbers that its tensor cannot follow."""


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


def followed(tree: ast.Module) -> ast.Module:
    """The program with its numbers and functions in the hands of `Following`, each at its own place in the text."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return ast.fix_missing_locations(_Follow(own).visit(tree))


class _Follow(ast.NodeTransformer):
    def __init__(self, own: set[str]) -> None:
        self._own = own
        self._depth = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self._depth += 1
        node.body = [found for each in node.body for found in _listed(self.visit(each))]
        self._depth -= 1
        return node

    def visit_Import(self, node: ast.Import) -> Any:
        names = [alias.asname or alias.name for alias in node.names if alias.name == "math"]
        return [node, *(_assigned(name, _of("math"), node) for name in names)]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        if node.module != "math":
            return node
        return [
            node,
            *(
                _assigned(alias.asname or alias.name, ast.Attribute(_of("math"), alias.name, ast.Load()), node)
                for alias in node.names
                if alias.name != "*"
            ),
        ]

    def visit_Subscript(self, node: ast.Subscript) -> ast.Subscript:
        node.value = self.visit(node.value)
        return node

    def visit_List(self, node: ast.List) -> ast.expr:
        if _is_numbers(node):
            return ast.copy_location(ast.Call(_of("numbers"), [node], []), node)
        self.generic_visit(node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.Assign:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if self._is_datum(name, value):
                node.value = _number(value)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values) as row):
                pairs = zip(names, values, strict=False)
                row.elts = [
                    _number(v) if isinstance(n, ast.Name) and self._is_datum(n.id, v) else self.visit(v)
                    for n, v in pairs
                ]
            case _:
                node.value = self.visit(node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        """x += y of numbers makes a new one, where a tensor would be written to."""
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        made = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        ast.copy_location(made, node)
        return ast.copy_location(ast.Assign([node.target], made), node)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Name):
            return node
        known = {"round": "rounded", "float": "real", "max": "larger", "min": "smaller"}
        if node.func.id in self._own:
            node.args = [_number(arg) if _is_real(arg) else arg for arg in node.args]
        elif node.func.id in known and not (
            node.args and isinstance(node.args[0], ast.Constant) and len(node.args) < 2
        ):
            node.func = ast.copy_location(_of(known[node.func.id]), node.func)
        return node

    def _is_datum(self, name: str, value: ast.expr) -> bool:
        """Whether a number of the program's own is what it computes of, not a setting of the computation."""
        setting = name.lower() in _SETTINGS or name in _SETTINGS_OF_A_LETTER or name.isupper()
        return not self._depth and not setting and _is_real(value)


def _listed(found: Any) -> list[ast.stmt]:
    return found if isinstance(found, list) else [found]


def _of(name: str) -> ast.expr:
    return ast.Attribute(ast.Name(PLAIN, ast.Load()), name, ast.Load())


def _assigned(name: str, value: ast.expr, at: ast.stmt) -> ast.Assign:
    return ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), at)


def _number(value: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Call(_of("number"), [value], []), value)


def _is_real(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=float()):
            return True
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _is_real(operand)
        case _:
            return False


def _is_numbers(node: ast.expr) -> bool:
    """Whether a list of the source holds numbers alone, at least two, or such lists."""
    match node:
        case ast.List(elts=[_, _, *_] as elements):
            return all(map(_is_number, elements)) or all(map(_is_numbers, elements))
        case ast.List(elts=[ast.List() as only]):
            return _is_numbers(only)
        case _:
            return False


def _is_number(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=bool()):
            return False
        case ast.Constant(value=int() | float()):
            return True
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _is_number(operand)
        case _:
            return False


def alike(before: float | None, after: float | None, text: str = "") -> bool:
    """Whether two runs show the same number, or one that the first one's text is rounded from."""
    if before is None or after is None:
        return before is after
    if text and FLOAT.fullmatch(text) and prints_as(after, text):
        return True
    if math.isnan(before) or math.isinf(before):
        return before == after or (math.isnan(before) and math.isnan(after))
    return abs(before - after) <= _ALIKE * max(abs(before), 1e-300)
