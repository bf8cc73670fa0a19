"""Arithmetic that is written out in a sentence: "the loss is 1 − 2/3"."""

import ast
import operator
import re
from collections.abc import Callable, Mapping

_TERM = r"\d{1,9}(?:\.\d{1,9})?"
ARITHMETIC = re.compile(rf"(?<![\w.,/+*^-]){_TERM}(?:\s?[-−–+*/×÷·]\s?{_TERM}){{1,8}}(?![\w%/]|\s?[*^]|[.,]\d)")
RESULT = re.compile(r"\s*(?:[=≈]|is|gives)\s*[-+−]?\.?\d")
"""Behind it, the number that it comes to."""

_SIGNS = str.maketrans("−–×÷·", "--*/*")
_SPACED = re.compile(r"\s[-−–+*×÷·]\s")
_DONE: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def is_arithmetic(written: str) -> bool:
    """Whether it is meant as arithmetic: a fraction, or signs with room around them; "1-10" is a range, "3/10" done."""
    return bool(_SPACED.search(written)) or written.count("/") == 1


def worked_out(written: str) -> float | None:
    """What it comes to; None where something is divided by 0."""
    try:
        return _value(ast.parse(written.translate(_SIGNS).replace(" ", ""), mode="eval").body)
    except (SyntaxError, ZeroDivisionError):
        return None


def _value(node: ast.expr) -> float:
    match node:
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _DONE:
            return _DONE[type(sign)](_value(left), _value(right))
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case _:
            raise SyntaxError(ast.unparse(node))
