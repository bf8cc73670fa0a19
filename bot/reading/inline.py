"""Code inside a sentence: "F.huber_loss(torch.tensor([2., .1]), torch.zeros(2)) gives 0.44"."""

import re
from dataclasses import dataclass

from bot.reading.lexing import parsed
from bot.reading.losses import MODULES, functions
from bot.reading.text import as_prose

MAX_LENGTH = 2000

_LOSSES = "|".join(sorted({*MODULES, *functions()}, key=len, reverse=True))
_START = re.compile(
    rf"(?<![\w.])(?:(?P<name>[A-Za-z_]\w{{0,40}})\s?=\s?(?=\[|torch\.|nn\.|F\.|np\.|{_LOSSES})|(?:torch|nn|F|np)\.[\w.]+\(|(?:{_LOSSES})\()"
)
_NEXT = re.compile(r"\(|\[|\.[A-Za-z_]\w*(?=\()|[\w.]+(?=\()")
_PAIRS = {"(": ")", "[": "]"}
_BRACKET = re.compile(r"[()\[\]\n]")


@dataclass(frozen=True, slots=True)
class Inline:
    """An expression or assignment at text[start:end] that parses."""

    source: str
    start: int
    end: int


def inline_code(text: str) -> tuple[Inline, ...]:
    """Calls of losses and torch, and assignments of values, that stand inside prose, in order."""
    prose = as_prose(text)
    found: list[Inline] = []
    at = 0
    while start := _START.search(prose, at):
        end = _expression_end(prose, start.end() if start.group("name") else start.end() - 1)
        source = prose[start.start() : end]
        if end > start.end() and parsed(source):
            found.append(Inline(source, start.start(), end))
        at = max(end, start.end()) if end > start.end() else start.end()
    return tuple(found)


def _expression_end(prose: str, at: int) -> int:
    """End of a chain of names, calls and subscripts that begins at `at`."""
    end = at
    while follow := _NEXT.match(prose, end):
        if follow.group() not in _PAIRS:
            end = follow.end()
            continue
        closing = _closing(prose, end)
        if closing is None:
            break
        end = closing
    return end


def _closing(prose: str, at: int) -> int | None:
    depth = 0
    for bracket in _BRACKET.finditer(prose, at, at + MAX_LENGTH):
        sign = bracket.group()
        depth += (sign in _PAIRS) - (sign in ")]")
        if depth == 0:
            return bracket.end()
    return None
