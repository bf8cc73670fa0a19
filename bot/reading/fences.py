"""A message → regions: fenced code of every sort, and the free text between."""

import re
from dataclasses import dataclass, replace

from bot.reading.lexing import parsed
from bot.reading.outputs import split_output
from bot.reading.statements import Strength, strength
from bot.reading.text import Line, lines_of

_FENCE = re.compile(r"`{3,}+|(?<![^\n])[ \t]{0,8}~{3,}+")
_NUMBERED = re.compile(r"[ \t]{0,8}(\d{1,4})(?:[.:)|] ?|[ \t]|$)")
_BULLET = re.compile(r"[ \t]{0,8}(?:[-*•‣▪◦+]|\d{1,2}[.)])[ \t]+(?=\S)")
_TICKS = re.compile(r"`([^`]*+\n[^`]*+)`")
_TAG_LINE = re.compile(r"[ \t]*\{?\.?[ \t]*([A-Za-z0-9_+#.\-]*+)[ \t]*\}?[ \t]*(?=\n)")
_CODE_SIGN = re.compile(r"[=()\[\]]|^\s*(?:import|from|def|class|for|return)\b", re.M)
_WORDS = re.compile(r"(?:[^\W\d_]{2,}\s+){2}[^\W\d_]{2,}")
"""Three words in a row, as a line that is no Python by itself has them where it is a sentence."""

_LANGUAGES = frozenset((
    "python", "py", "python3", "py3", "pycon", "python-repl", "ipython", "ipython3", "pytorch", "jupyter",
    "text", "txt", "plaintext", "output", "console", "shell-session", "bash", "sh", "shell", "none", "log",
    "traceback", "error", "cpp", "c", "java", "js", "javascript", "json", "r", "ruby", "go", "rust", "css",
    "html", "sql", "latex", "tex", "diff", "yaml", "markdown", "md", "matlab", "julia",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Region:
    """Consecutive lines of one sort; `tag` is the language tag of a fence, in lower case."""

    lines: tuple[Line, ...]
    fenced: bool
    tag: str = ""


def regions(text: str) -> tuple[Region, ...]:
    """Split at fences: any tag, unterminated, one-line, tildes, and blocks between single backticks."""
    found: list[Region] = []
    at = 0
    while opening := _FENCE.search(text, at):
        found += _free(text, at, opening.start())
        closing = _closing(text, opening)
        region = _fenced(text, opening.end(), closing[0])
        found += _sides(region if closing[0] < closing[1] else replace(region, fenced=_is_code_to_its_end(region)))
        at = closing[1]
    return (*found, *_free(text, at, len(text)))


def _is_code_to_its_end(region: Region) -> bool:
    """Whether a fence that nobody closed holds nothing else than the code: words may follow behind it."""
    last = next((line.text for line in reversed(region.lines) if line.text.strip()), "")
    return not _WORDS.search(last) or last.rstrip().endswith((":", "\\")) or parsed(last.strip()) is not None


def _sides(region: Region) -> list[Region]:
    """A diff as the program before and the one after it; any other fence as it is."""
    signs = {line.text[:1] for line in region.lines if line.text.strip()}
    if region.tag != "diff" or not {"-", "+"} <= signs:
        return [region]
    return [
        Region(tuple(_bare(line) for line in region.lines if line.text[:1] != gone), True, region.tag) for gone in "+-"
    ]


def _bare(line: Line) -> Line:
    """A line of a diff without its sign and the blank behind it."""
    cut = len(line.text) - len(line.text[1:].removeprefix(" ")) if line.text[:1] in "+-" else 0
    return _cut(line, cut)


def _closing(text: str, opening: re.Match[str]) -> tuple[int, int]:
    run = opening.group().strip()
    for fence in _FENCE.finditer(text, opening.end()):
        mark = fence.group().strip()
        if mark[0] == run[0] and len(mark) >= len(run):
            return fence.span()
    return len(text), len(text)


def _fenced(text: str, start: int, end: int) -> Region:
    body = text[start:end]
    tag_line = _TAG_LINE.match(body)
    if tag_line:
        tag, skip = tag_line.group(1), tag_line.end() + 1
    else:
        first = body.split(maxsplit=1)[:1]
        tag = first[0] if first and first[0].lower() in _LANGUAGES else ""
        skip = body.find(tag) + len(tag) if tag else 0
    return _region(text, start + skip, end, fenced=True, tag=tag.lower())


def _free(text: str, start: int, end: int) -> list[Region]:
    """Free text; a block between single backticks is a fence when it begins its line and holds code."""
    found: list[Region] = []
    for block in _TICKS.finditer(text, start, end):
        line_start = text.rfind("\n", start, block.start()) + 1 or start
        if text[line_start : block.start()].strip() or not _CODE_SIGN.search(block.group(1)):
            continue
        found += [_region(text, start, block.start()), _region(text, *block.span(1), fenced=True)]
        start = block.end()
    return [*found, _region(text, start, end)]


def _region(text: str, start: int, end: int, fenced: bool = False, tag: str = "") -> Region:
    body = text[start:end] if fenced else text[start:end].replace("`", " ")
    lines = lines_of(body, start, text.count("\n", 0, start) + 1)
    return Region(_without_numbers(lines) if fenced else tuple(map(_without_bullet, lines)), fenced, tag)


def _without_numbers(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Code that was copied with the numbers of its lines."""
    marks = [_NUMBERED.match(line.text) for line in lines if line.text.strip()]
    numbers = [int(mark.group(1)) for mark in marks if mark]
    if len(numbers) < max(2, len(marks)) or numbers != [*range(numbers[0], numbers[0] + len(numbers))]:
        return lines
    bare = tuple(_cut(line, mark.end() if (mark := _NUMBERED.match(line.text)) else 0) for line in lines)
    return bare if any(strength(line.text.strip()) is Strength.STRONG for line in bare) else lines


def _without_bullet(line: Line) -> Line:
    """A statement that is an item of a list: "- F.l1_loss(x, y)" takes no negative."""
    bullet = _BULLET.match(line.text)
    if bullet is None or strength(split_output(line.text[bullet.end() :])[0]) is not Strength.STRONG:
        return line
    return _cut(line, bullet.end())


def _cut(line: Line, by: int) -> Line:
    return Line(line.number, line.start + by, line.text[by:])
