"""Tables that stand in a message: rows between bars under headings, "| pred | target |", or a CSV without a file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.reading.arrays import arrays
from bot.reading.literals import role_of_name
from bot.reading.text import lines_of

_ROW = re.compile(r"[^\n|,;\t]+(?:[|,;\t][^\n|,;\t]+)+")
_RULE = re.compile(r"[\s|:+=-]+")
_HEADING = re.compile(r"[A-Za-z_][\w .-]{0,40}")


@dataclass(frozen=True, slots=True)
class Columns:
    """Code that binds the heading of each column of numbers to them, and where the table stands."""

    named: Mapping[str, str]
    span: tuple[int, int]


def columns(text: str) -> Columns | None:
    """The first table one of whose headings is a role of a loss's argument."""
    lines = [line for line in lines_of(text) if not (_RULE.fullmatch(line.text) and "-" in line.text)]
    rows = [_cells(line.text) for line in lines]
    for at, head in enumerate(rows[:-1]):
        heads = len(head) > 1 and all(_HEADING.fullmatch(cell) for cell in head) and any(map(role_of_name, head))
        if heads and (body := _below(rows[at + 1 :], len(head))):
            found = arrays("columns.csv", "\n".join(",".join(row) for row in (head, *body)).encode())
            return Columns(found.named, (lines[at].start, lines[at + len(body)].end)) if found else None
    return None


def _below(rows: list[list[str]], width: int) -> list[list[str]]:
    """The rows of numbers right under the headings."""
    found: list[list[str]] = []
    for row in rows:
        if len(row) != width or not all(_is_number(cell) for cell in row):
            break
        found.append(row)
    return found


def _cells(line: str) -> list[str]:
    row = line.strip().strip("|").strip()
    mark = next((sign for sign in "|;\t," if sign in row), None)
    return [cell.strip() for cell in row.split(mark)] if mark and _ROW.fullmatch(row) else []


def _is_number(cell: str) -> bool:
    try:
        return abs(float(cell)) < float("inf")
    except ValueError:
        return False
