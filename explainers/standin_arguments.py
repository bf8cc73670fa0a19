"""A program that raises "argument … must be Tensor, not …": a loss's own example with one argument of another type."""

from __future__ import annotations

import ast
import re
from typing import Final

from explainers.losses.registry import registry

REFUSED: Final = re.compile(
    r"\b(\w+)\(\): argument '(\w+)' \(position (\d)\) must be Tensor, not "
    r"(list|tuple|numpy\.ndarray|numpy\.(?:float|int)\d+|float|int)\b"
)
"""The function, the argument, its position and the type that was passed."""

REFUSED_NUMBER: Final = re.compile(
    r"\b(\w+)\(\): argument '(\w+)' \(position (\d)\) must be (?:float|Number|int), not (Tensor)\b"
)
"""The function, an option that is a number, its position, and that a tensor was passed."""

_OF_TENSOR: Final = {"list": "({}).tolist()", "tuple": "({}, None)", "numpy.ndarray": "({}).numpy()"}
_ALONE: Final = {"list": "[1.0, 2.0]", "tuple": "(1.0, 2.0)", "numpy.ndarray": "np.ones(2)", "int": "3", "float": "3.0"}


def refused_number(found: re.Match[str]) -> str | None:
    """The program with two numbers where one is wanted; None where the function is no loss that is known."""
    return _with_argument(found, "torch.tensor([0.5, 1.0])")


def refused_argument(found: re.Match[str]) -> str | None:
    """The program; None where the function is no loss that is known."""
    return _with_argument(found, None)


def _with_argument(found: re.Match[str], value: str | None) -> str | None:
    named = found[1].removesuffix("_nd")
    loss = next((each for each in (named, named.removesuffix("_loss")) if each in registry().losses), None)
    if loss is None:
        return None
    tree = ast.parse(registry()[loss].example)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == loss]
    if value is None:
        _pass(calls[-1], found[2], int(found[3]) - 1, found[4])
    else:
        calls[-1].keywords = [word for word in calls[-1].keywords if word.arg != found[2]]
        calls[-1].keywords.append(ast.keyword(found[2], _written(value)))
    source = ast.unparse(tree)
    return f"import numpy as np\n{source}" if "np." in source else source


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _pass(call: ast.Call, argument: str, position: int, kind: str) -> None:
    """The call with the argument as this type, made of the tensor that it passes where it passes one."""
    if position < len(call.args):
        tensor = ast.unparse(call.args[position])
        call.args[position] = _written(_OF_TENSOR.get(kind, _alone(kind)).format(tensor))
    else:
        call.keywords = [word for word in call.keywords if word.arg != argument]
        call.keywords.append(ast.keyword(argument, _written(_alone(kind))))


def _alone(kind: str) -> str:
    return _ALONE.get(kind, f"{kind.replace('numpy', 'np')}(3)")


def _written(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
