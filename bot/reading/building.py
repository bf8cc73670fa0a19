"""Loss modules that a message builds of what they should be called with."""

from __future__ import annotations

import ast
import re
from typing import Final

from bot.reading.losses import MODULES

_BUILT: Final = re.compile(r"\bnn\.\w{1,40}Loss\(")
_DATA: Final = 2
"""Arguments by position from which on they are an input and a target, not a weight."""


def built_of_data(text: str) -> tuple[str, str] | None:
    """The module's name and the arguments as they are written; None where no line builds one so."""
    found = (_in_line(line.strip()) for line in text.splitlines() if _BUILT.search(line))
    return next((each for each in found if each is not None), None)


def _in_line(line: str) -> tuple[str, str] | None:
    try:
        tree = ast.parse(line)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name in MODULES and len(call.args) >= _DATA:
            return name, ", ".join(map(ast.unparse, call.args))
    return None
