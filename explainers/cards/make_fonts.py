"""Cut the fonts that the cards ship with from Debian's fonts-noto-cjk, fonts-noto-core and fonts-inter.

Whole Noto is 90 MB; what a card can say is known beforehand: the gettext catalogues, the Japanese level-1 set of
JIS X 0208 with its symbols and kana, Devanagari, and the letters of Latin, Greek and Cyrillic. Beside the fonts lies
`coverage.json`, the characters they hold, so that drawing needs no font parser. Run it with
`python -m explainers.cards.make_fonts`; it needs fonttools and the three Debian packages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from babel.messages.pofile import read_po
from fontTools.subset import Options, Subsetter, load_font, save_font

FONTS = Path(__file__).parent / "fonts"
PROJECT = Path(__file__).parents[2]
DEBIAN = Path("/usr/share")
INTER_BLOCKS = ((0x20, 0x17F), (0x2B0, 0x52F), (0x1E00, 0x1EFF), (0x2000, 0x22FF), (0x2300, 0x27BF), (0x27C0, 0x27EF))
LATIN_LAYOUT = ("kern", "mark", "mkmk", "ccmp", "calt", "case", "tnum")
DEVANAGARI = (0x900, 0x97F)


@dataclass(frozen=True)
class Cut:
    """One font file to ship: where Debian keeps the whole, which face of the collection, what is kept of it."""

    source: str
    target: str
    characters: frozenset[int]
    layout: tuple[str, ...] = ()  # each CJK feature would pull in as many alternate glyphs again


def japanese() -> Iterator[int]:
    """JIS X 0208 rows 1-8 (symbols, kana, Greek, Cyrillic, box drawing) and 16-47 (level 1); half-width katakana."""
    for row in chain(range(1, 9), range(16, 48)):
        for cell in range(1, 95):
            yield from map(ord, bytes((0xA0 + row, 0xA0 + cell)).decode("euc_jp", errors="ignore"))
    yield from range(0xFF01, 0xFFA0)


def catalogue_characters(project: Path) -> Iterator[int]:
    """Every character of every message and translation, whoever says it."""
    for path in sorted(project.glob("*/locales/*/LC_MESSAGES/*.po")):
        with path.open("rb") as source:
            for message in read_po(source):
                for words in (message.id, message.string):
                    yield from map(ord, words if isinstance(words, str) else "".join(words or ()))


def cuts(project: Path) -> tuple[Cut, ...]:
    latin = frozenset(chain.from_iterable(range(first, last + 1) for first, last in INTER_BLOCKS))
    cjk = frozenset(chain(japanese(), catalogue_characters(project))) - frozenset(range(0x20))
    return (
        *(
            Cut(f"fonts/opentype/inter/Inter-{weight}.otf", f"Inter-{weight}.otf", latin, LATIN_LAYOUT)
            for weight in ("Regular", "SemiBold", "Bold")
        ),
        *(
            Cut(f"fonts/opentype/noto/NotoSansCJK-{weight}.ttc", f"NotoSansCJKjp-{weight}.otf", cjk)
            for weight in ("Regular", "Bold")
        ),
        *(
            Cut(
                f"fonts/truetype/noto/NotoSansDevanagari-{weight}.ttf",
                f"NotoSansDevanagari-{weight}.ttf",
                frozenset(range(DEVANAGARI[0], DEVANAGARI[1] + 1)),
                ("*",),  # conjuncts are nothing but layout
            )
            for weight in ("Regular", "Bold")
        ),
    )


def cut(job: Cut, debian: Path, fonts: Path) -> frozenset[int]:
    """Write one subset; returns the characters it really holds."""
    options = Options(
        layout_features=list(job.layout), hinting=False, notdef_outline=True, drop_tables=["vmtx", "vhea", "VORG"]
    )
    options.font_number = 0  # the Japanese face, where the file is a collection
    font = load_font(str(debian / job.source), options)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=job.characters)
    subsetter.subset(font)
    held = frozenset(font.getBestCmap() or ())
    save_font(font, str(fonts / job.target), options)
    return held


def ranges(characters: Iterable[int]) -> list[tuple[int, int]]:
    """Sorted inclusive runs of code points."""
    runs: list[tuple[int, int]] = []
    for code in sorted(characters):
        if runs and runs[-1][1] == code - 1:
            runs[-1] = (runs[-1][0], code)
        else:
            runs.append((code, code))
    return runs


def licence(copyright_file: Path, holder: str) -> str:
    """The OFL as Debian's machine-readable copyright file holds it, under its holder's name."""
    body: list[str] = []
    inside = False
    for line in copyright_file.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            body += [line.strip(" ").removeprefix(".")] * inside
        elif body:
            break
        else:
            inside = line in ("License: OFL-1.1", "License: SIL-1.1")
    return "\n".join([holder, "", "SIL OPEN FONT LICENSE Version 1.1", "", *body, ""])


def main(debian: Path = DEBIAN, fonts: Path = FONTS) -> None:
    fonts.mkdir(exist_ok=True)
    held: dict[str, frozenset[int]] = {}
    for job in cuts(PROJECT):
        family = job.target.partition("-")[0]
        characters = cut(job, debian, fonts)
        held[family] = held.get(family, characters) & characters
    text = json.dumps({family: ranges(characters) for family, characters in held.items()})
    (fonts / "coverage.json").write_text(text + "\n", encoding="ascii")
    for package, target, holder in (
        (
            "fonts-inter",
            "Inter-OFL.txt",
            "Copyright 2016-2022 The Inter Project Authors (https://github.com/rsms/inter)",
        ),
        ("fonts-noto-cjk", "NotoSansCJK-OFL.txt", "Copyright 2014-2021 Adobe, with Reserved Font Name 'Source'"),
        ("fonts-noto-core", "NotoSansDevanagari-OFL.txt", "Copyright 2015 Google Inc. All Rights Reserved."),
    ):
        text = licence(debian / "doc" / package / "copyright", holder)
        (fonts / target).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
