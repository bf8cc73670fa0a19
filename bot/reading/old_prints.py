"""Tensors as torch printed them before 0.4: rows of numbers, then "[torch.FloatTensor of size 2x3]"."""

import math
import re
from typing import Any

from bot.reading.printed import NUMBER, Printed, Value, half_unit, scaled

MAX_LINES = 400
MAX_ENTRIES = 4096

_TRAILER = re.compile(r"\[torch\.(?:cuda\.)?\w*Tensor of size (\d{1,6}(?:x\d{1,6}){0,7})(?: \(GPU \d{1,3}\))?\]")
ONE_ENTRY = "of size 1]"
"""How a vector of one entry ended, and a loss."""
_HEAD = re.compile(r"\s*(?:Variable|Parameter) containing:\s*")
_LAYER = re.compile(r"\s*\(\s*[\d\s,.]{1,40}\)\s*=\s*")
_COLUMNS = re.compile(r"\s*Columns\s+\d+\s+(?:to|and)\s+\d+\s*")
_SCALE = re.compile(r"\s*(\d(?:\.\d*)?e[-+]\d+)\s*\*\s*")
_ROW = re.compile(r"\s*(?:[-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|nan|inf)(?:\s+|$))+", re.I)
_CUT = re.compile(r"\s*(?:\S+\s+)*(?:\.\.\.|…|⋮|⋱)(?:\s+\S+)*\s*")
_HEADS = (_HEAD, _LAYER, _COLUMNS, _SCALE)
_ROWS = (*_HEADS, _ROW, _CUT)


def old_prints(text: str) -> list[Printed]:
    """Every such tensor, in order; one of size 1 is a scalar, which torch had none of; cut ones are not `complete`."""
    return [found for trailer in _TRAILER.finditer(text) if (found := _before(text, trailer))]


def _before(text: str, trailer: re.Match[str]) -> Printed | None:
    """The rows above the trailer, as far up as lines are rows, layers, scales or blank."""
    start, rows, left = trailer.start(), list[str](), math.prod(map(int, trailer.group(1).split("x")))
    for _ in range(MAX_LINES):
        above = text.rfind("\n", 0, start)
        line = text[above + 1 : start].rstrip("\n")
        sorts = _ROWS if left > 0 else _HEADS
        if line.strip() and not any(sort.fullmatch(line) for sort in sorts):
            break
        left -= len(line.split()) if _ROW.fullmatch(line) else 0
        rows.append(line)
        start = max(above, 0)
        if above < 0:
            break
    while rows and not rows[-1].strip():
        rows.pop()
    first = trailer.start() - sum(len(row) + 1 for row in rows) + 1
    return _printed(rows[::-1], max(first, 0), trailer) if any(row.strip() for row in rows) else None


def _printed(rows: list[str], start: int, trailer: re.Match[str]) -> Printed | None:
    sizes = tuple(map(int, trailer.group(1).split("x")))
    words = [word for row in _side_by_side(rows) for word in row]
    factor = next((float(m.group(1)) for row in rows if (m := _SCALE.fullmatch(row))), 1.0)
    integral = all(word.lstrip("+-").isdigit() for word in words)
    radius = factor * max(map(half_unit, words), default=0.0)
    place = (start, trailer.end())
    count = math.prod(sizes)
    if not words or len(words) != count or count > MAX_ENTRIES or any(_CUT.fullmatch(row) for row in rows):
        return Printed(0.0, radius, *place, integral, complete=False, wrapped=True)
    value = scaled(_shaped([*map(float, words)], sizes), factor) if sizes != (1,) else factor * float(words[0])
    return Printed(value, radius, *place, integral, wrapped=True)


def _side_by_side(rows: list[str]) -> list[list[str]]:
    """The numbers of each row; blocks of "Columns 13 to 25" stand right of the block before."""
    found: list[list[str]] = []
    at, wide = 0, False
    for row in rows:
        if _COLUMNS.fullmatch(row):
            at, wide = 0, bool(found)
        elif _ROW.fullmatch(row):
            words = [match.group() for match in NUMBER.finditer(row)]
            if wide and at < len(found):
                found[at] += words
            else:
                found.append(words)
            at += 1
    return found


def _shaped(entries: list[float], sizes: tuple[int, ...]) -> Value:
    nest: list[Any] = entries
    for size in reversed(sizes[1:]):
        nest = [tuple(nest[at : at + size]) for at in range(0, len(nest), size)]
    return tuple(nest)
