"""Which characters the shipped fonts can draw, and what stands in for the others.

Typst draws an empty box for a missing glyph and says nothing, so every text passes here before it is drawn.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

FOLDER = Path(__file__).parent / "fonts"
BREAK = "\u200b"
_KEPT = "\u00a0\u202f"
"""Spaces that keep a sign beside its word: French writes them before a colon."""
_LONGEST_WORD = 24
_LONGEST_NAME = 28
_MOST_MARKS = 2


@dataclass(frozen=True)
class Coverage:
    """Code points that the shipped fonts hold between them, in every weight."""

    characters: frozenset[int]

    @staticmethod
    def shipped(folder: Path = FOLDER) -> Coverage:
        """As `make_fonts` wrote it down beside the fonts."""
        families: dict[str, list[tuple[int, int]]] = json.loads((folder / "coverage.json").read_text(encoding="utf-8"))
        runs = (run for family in families.values() for run in family)
        return Coverage(frozenset(code for first, last in runs for code in range(first, last + 1)))

    def drawable(self, text: str) -> str:
        """The text with control characters gone and every character that no font has replaced by a named stand-in."""
        shown = "".join(_cleaned(unicodedata.normalize("NFC", text)))
        runs = groupby(shown, key=lambda letter: ord(letter) in self.characters)
        return "".join(run if held else _stand_in(run) for held, run in ((held, "".join(run)) for held, run in runs))


def _cleaned(text: str) -> Iterator[str]:
    """No control, format or surrogate characters, no variation selectors, and no piles of combining marks."""
    marks = 0
    for letter in text:
        category = unicodedata.category(letter)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if letter in _KEPT:
            yield letter
        elif letter.isspace() or category in ("Zl", "Zp"):
            yield " "
        elif category not in ("Cc", "Cf", "Cs") and not 0xFE00 <= ord(letter) <= 0xFE0F and marks <= _MOST_MARKS:
            yield letter


def _stand_in(run: str) -> str:
    """‹grinning face› for one picture, ‹U+0627 U+0644 …› for letters of a script that is not shipped."""
    if len(run) == 1 and unicodedata.category(run[0]) in ("So", "Sm", "Sk"):
        return f"‹{unicodedata.name(run[0], f'U+{ord(run[0]):04X}').lower()[:_LONGEST_NAME]}›"
    codes = " ".join(f"U+{ord(letter):04X}" for letter in run[:3])
    return f"‹{codes}{' …' if len(run) > 3 else ''}›"


def breakable(text: str) -> str:
    """Invisible places to break a line in words that are longer than a column might be."""
    return " ".join(_broken(word) for word in text.split(" "))


def joint(before: str, after: str) -> str:
    """The invisible place to break between two pieces that would be one word longer than a column might be."""
    return (
        BREAK if len(before.rsplit(" ", maxsplit=1)[-1]) + len(after.split(" ", maxsplit=1)[0]) > _LONGEST_WORD else ""
    )


def _broken(word: str) -> str:
    if len(word) <= _LONGEST_WORD or not word.isascii():
        return word if len(word) <= _LONGEST_WORD else _every(word, 8)
    return _every(word, 12)


def _every(word: str, step: int) -> str:
    return BREAK.join(word[place : place + step] for place in range(0, len(word), step))


def columns(text: str) -> int:
    """Columns of a fixed-width font: East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def shortened(text: str, limit: int) -> str:
    """At most `limit` columns, the middle giving way to "…"."""
    if columns(text) <= limit:
        return text
    tail = limit // 3
    head, back = text, text
    while columns(head) > limit - tail - 1:
        head = head[: min(len(head) - 1, limit)]
    while columns(back) > tail:
        back = back[-min(len(back) - 1, tail) :] if len(back) > 1 else ""
    return f"{head}…{back}"
