"""Any str or bytes → text that can be read line by line, and the same text for prose, character for character."""

import codecs
import contextlib
import html
import re
import unicodedata
from dataclasses import dataclass

import ftfy
import ftfy.badness

INDENT = 400
"""Longer runs of blanks inside a line are cut to this: they mean nothing and would make every search slow."""

_RUN = re.compile(rf"([^\S\n]{{{INDENT}}})[^\S\n]++")
_UNREADABLE = re.compile("[\ud800-\udfff\0]")
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")
_KANA = re.compile("[\u3041-\u30ff]|(?<=[\u3041-\u30ff])[\u4e00-\u9fff、。]|[\u4e00-\u9fff](?=[\u3041-\u30ff])")
_HAN = re.compile("[\u4e00-\u9fff，。？！：（）]{2,}")
_LATIN = re.compile("[À-ÿ€’“”„–«»¿¡°]")
_MOST_CONTROLS = 0.02
_CONTROL = re.compile("[\0-\x08\x0e-\x1a\x1c-\x1f]")
_MARKUP = re.compile(
    r"<(?:a?:\w{2,32}:\d{15,22}|t:-?\d{1,14}(?::[tTdDfFR])?|(?:@[!&]?|#)\d{15,22}|/[\w -]{1,64}:\d{15,22})>"
)
"""Discord's own emoji, times, mentions of people, roles and channels, and commands: their ids are no numbers."""
_QUOTED_FENCE = re.compile(r"^> ?(?=`{3}|~{3}).*(?:\n> ?.*)*", re.M)
_QUOTE = re.compile(r"^> ?", re.M)
_ENTITY = re.compile(r"&(?:gt|lt|amp|quot|nbsp|#39);")
"""Of a page that was copied as it is written."""
_DECIMAL_COMMA = re.compile(r"(?<![\w.,\[(])([-+]?\d{1,6}),(\d{1,8})(?![\w\])]|,\d|,\s*+[-+\d.,\s]{0,400}\])")
_STOP = re.compile(r"(?<=\d)。(?=\d)")
"""A full stop between two numbers: as "." it would join them."""
_FULL_WIDTH = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFF01, 0xFF5F)}
_PROSE = str.maketrans(
    {chr(code): plain for code, plain in _FULL_WIDTH.items()}
    | {chr(zero + digit): str(digit) for zero in (0x0660, 0x06F0, 0x0966) for digit in range(10)}
    | {
        "、": ",",
        "،": ",",
        "؛": ";",
        "؟": "?",
        "٫": ".",
        "。": ".",
        "．": ".",
        "−": "-",
        "–": "-",
        "　": " ",
        "\xa0": " ",
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number (from 1), the offset of its first character, and its characters without the line end."""

    number: int
    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def readable(text: str) -> str:
    """The message with line ends made "\\n", mojibake and HTML's entities repaired, without a terminal's colours,
    Discord's markup, and the marks of a quote around fenced code.

    NUL and lone surrogates are replaced.
    """
    text = _UNREADABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _ENTITY.sub(lambda each: html.unescape(each.group()), _COLOURS.sub("", text))
    text = _QUOTED_FENCE.sub(lambda each: _QUOTE.sub("", each.group()), _MARKUP.sub(" ", text))
    return _RUN.sub(r"\1", ftfy.fix_encoding(text) if ftfy.badness.is_bad(text) else text)


def decoded(data: bytes) -> str:
    """Bytes as readable text: UTF-8, or what says that it is UTF-16, else an encoding of Japan, China or Europe."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return readable(data.decode("utf-16", errors="replace"))
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return readable(data.decode())
    except UnicodeDecodeError:
        return readable(_guessed(data))


def is_text(text: str) -> bool:
    """Whether something decoded was text, if of an unknown encoding: hardly a sign of it is a control character."""
    return _MOST_CONTROLS * len(text) >= len(_CONTROL.findall(text))


def _guessed(data: bytes) -> str:
    """Text that is not UTF-8, by what it then consists of; what fits nothing keeps U+FFFD where it is broken."""
    for encoding, letters in (("cp932", _KANA), ("gb18030", _HAN), ("cp1252", _LATIN)):
        with contextlib.suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            foreign = [c for c in text if ord(c) > 0x7F]
            if 2 * len("".join(letters.findall(text))) >= len(foreign) and not _CONTROL.search(text):
                return text
    return data.decode(errors="replace")


def as_prose(text: str) -> str:
    """Full-width and typographic characters as ASCII, one for one, so that offsets stay."""
    return _STOP.sub("!", text).translate(_PROSE)


def with_points(prose: str) -> str:
    """Decimal commas as points, one for one; those of "[0,1]" and "1,2,3" divide numbers and stay."""
    return _DECIMAL_COMMA.sub(r"\1.\2", prose)


def lines_of(text: str, start: int = 0, number: int = 1) -> tuple[Line, ...]:
    """Lines of a piece of a message that begins at offset `start`, in line `number`."""
    lines: list[Line] = []
    for part in text.split("\n"):
        lines.append(Line(number, start, part))
        start, number = start + len(part) + 1, number + 1
    return tuple(lines)


def blanked(text: str, spans: list[tuple[int, int]], fill: str = " ") -> str:
    """The text with the spans overwritten by the sign `fill` (line ends kept), so that offsets stay."""
    parts: list[str] = []
    at = 0
    for first, end in sorted(spans):
        start = max(first, at)
        if end > start:
            parts += [text[at:start], "".join("\n" if c == "\n" else fill for c in text[start:end])]
            at = end
    return "".join([*parts, text[at:]])
