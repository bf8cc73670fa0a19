from itertools import pairwise
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from explainers.cards import fonts
from explainers.cards.fonts import Coverage, breakable, columns, shortened
from explainers.cards.make_fonts import licence, ranges

PROJECT = Path(fonts.__file__).parents[2]
SHIPPED = Coverage.shipped()


def characters_of(stem: str) -> set[int]:
    """Code points that every weight of a family maps to a glyph, read from the font files themselves."""
    maps = [set(TTFont(path).getBestCmap() or ()) for path in sorted(fonts.FOLDER.glob(f"{stem}-*.?tf"))]
    assert maps
    return set.intersection(*maps)


def test_the_coverage_file_is_what_the_fonts_hold() -> None:
    families = {path.stem.partition("-")[0] for path in fonts.FOLDER.glob("*.?tf")}
    assert set[int]().union(*map(characters_of, families)) == SHIPPED.characters


def test_the_fonts_stay_small_and_carry_their_licences() -> None:
    assert sum(path.stat().st_size for path in fonts.FOLDER.iterdir()) < 3_000_000
    for path in fonts.FOLDER.glob("*-OFL.txt"):
        assert "SIL OPEN FONT LICENSE" in path.read_text(encoding="utf-8")
        assert "PERMISSION" in path.read_text(encoding="utf-8")


def test_every_character_of_every_catalogue_has_a_glyph() -> None:
    missing: dict[str, str] = {}
    paths = sorted(PROJECT.glob("*/locales/*/LC_MESSAGES/*.po"))
    assert paths
    for path in paths:
        with path.open("rb") as source:
            said = [words for message in read_po(source) for words in (message.id, message.string)]
        text = "".join(words if isinstance(words, str) else "".join(words or ()) for words in said)
        lacking = {letter for letter in text if letter not in "\n\t" and ord(letter) not in SHIPPED.characters}
        if lacking:
            missing[str(path)] = "".join(sorted(lacking))
    assert not missing, "run python -m explainers.cards.make_fonts"


@given(st.text())
def test_whatever_is_drawn_has_glyphs(text: str) -> None:
    drawn = SHIPPED.drawable(text)
    assert all(ord(letter) in SHIPPED.characters for letter in drawn)
    assert SHIPPED.drawable(drawn) == drawn


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("損失は 0.5514 です。", "損失は 0.5514 です。"),
        ("a\x00b\u202ec\u200dd\ufe0f", "abcd"),
        ("one\ntwo\tthree", "one two three"),
        ("\U0001f600", "‹grinning face›"),
        ("مرحبا", "‹U+0645 U+0631 U+062D …›"),
        ("か\u3099", "が"),
        ("e" + "\u0301" * 50, "é" + "\u0301"),
    ],
)
def test_stand_ins(text: str, drawn: str) -> None:
    assert SHIPPED.drawable(text).replace("é\u0301\u0301", "é\u0301") == drawn


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80), st.integers(4, 40))
def test_shortening_keeps_to_the_columns(text: str, limit: int) -> None:
    short = shortened(text, limit)
    assert columns(short) <= limit
    assert short == text or "…" in short


@given(st.text(alphabet="ab ", max_size=200))
def test_break_opportunities_change_nothing_that_is_seen(text: str) -> None:
    assert breakable(text).replace(fonts.BREAK, "") == text
    assert all(len(piece) <= 24 for word in breakable(text).split(" ") for piece in word.split(fonts.BREAK))


@given(st.sets(st.integers(0, 300)))
def test_ranges_hold_the_same_characters(codes: set[int]) -> None:
    runs = ranges(codes)
    assert {code for first, last in runs for code in range(first, last + 1)} == codes
    assert all(after[0] > before[1] + 1 for before, after in pairwise(runs))


def test_the_licence_is_cut_from_debians_copyright_file(tmp_path: Path) -> None:
    (tmp_path / "copyright").write_text(
        "Files: *\nCopyright: X\nLicense: OFL-1.1\n\nFiles: debian/*\nCopyright: Y\n           Z\nLicense: GPL-3+\n\n"
        "License: OFL-1.1\n First line\n .\n Second line\n\nLicense: GPL-3+\n Not this\n"
    )
    text = licence(tmp_path / "copyright", "The holder")
    assert text.splitlines()[0] == "The holder"
    assert "First line\n\nSecond line" in text
    assert "Not this" not in text
    assert "Z" not in text.replace("SIL", "")
