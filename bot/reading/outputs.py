"""Printed output pasted among code: which lines are output, and the code left of an arrow."""

import ast
import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from bot.reading.lexing import lexis, parsed
from bot.reading.printed import NUMBER, Printed, number_at
from bot.reading.statements import Strength, strength
from bot.reading.tensors import tensors
from bot.reading.text import as_prose, blanked

_ARROW = (
    r"(?:-+>|=+>|→|⇒|➜|>{1,3}|<-+|#+\s*(?:-+>|=+>)?|Out\s*\[\s*\d*\]\s*:|"
    r"(?:output|out|result|prints?|printed|gives?|got|returns?|returned)\b\s*[:=]?|出力\s*[:=]?|結果\s*[:=]?|输出\s*[:=]?)"
)
_LEAD = re.compile(rf"\s*{_ARROW}\s*", re.I)
_SPLIT = re.compile(r"((?<!-)-+>|(?<!=)=+>|→|⇒|➜|>{2,3}|==|=|:|#)\s*(?=[-+\[(\d.a-zA-Z])")
_POINTING = re.compile(r"(?:->|=>|→|⇒|➜)\s*(?=#|$)")
_LABEL = re.compile(r"\s*(?:[^\W\d]\w*+[ .\-]?){0,5}+\s*[:=]?\s*")
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d{1,6},\d{1,8}\s*")
_BETWEEN = re.compile(r"[\s,;()]*")
_NOISE = re.compile(
    r"\s*(?:torch\.Size\(\[[\d, ]*\]\)|\[?torch\.[\w.]*(?:Tensor of size [\dx, ]+(?: \(GPU \d+\))?\])?|"
    r"[\w./\\-]{1,200}\.(?:cuh?|cpp|cc|hpp|h):\d{1,6}:.*|"
    r"<class '[\w.]+'>|Variable containing:|\(.*\) ?tensor|[-=_*~]{4,}|True|False|None)\s*"
)
_PRINTS = re.compile(r"""\bprint\(\s*[fF]?(["'])([^"'{}%\\\n]{1,60})""")
_MOST_LABELS = 16
_RULE = re.compile(r"\s*(?:-{3,}|={3,}|_{3,}|\*{3,})\s*")


def is_noise(text: str) -> bool:
    """A line that torch or the shell prints and that holds no value: a size, a class, a ruler, a failed assertion of
    torch's own sources."""
    return bool(text.strip()) and bool(_NOISE.fullmatch(text))


def is_ruler(text: str) -> bool:
    """A dashed line, under which people paste output."""
    return bool(_RULE.fullmatch(text))


def values_only(text: str) -> list[Printed]:
    """The values of a text that holds nothing else (brackets, commas, parentheses apart); else none."""
    if _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    found = tensors(text)
    rest = blanked(as_prose(text), [(p.start, p.end) for p in found])
    numbers = [number_at(rest, match) for match in NUMBER.finditer(rest)]
    rest = blanked(rest, [(n.start, n.end) for n in numbers])
    return sorted([*found, *numbers], key=lambda p: p.start) if _BETWEEN.fullmatch(rest) else []


def output_values(text: str) -> list[Printed]:
    """The values of a line of output: bare, after an arrow, or after a label of a few words ("got tensor(16.)")."""
    lead = None if "torch." in text and _is_code(text) else _LEAD.match(text)
    for start in (0, lead.end()) if lead else (0,):
        if values := values_only(text[start:]):
            return [_moved(value, start) for value in values]
    wrapped = [value for value in tensors(text) if value.wrapped]
    if not wrapped or not _LABEL.fullmatch(text[: wrapped[0].start]) or _is_code(text):
        return []
    return [_moved(value, wrapped[0].start) for value in values_only(text[wrapped[0].start :])]


def print_labels(text: str) -> tuple[str, ...]:
    """The words that a program prints in front of a value: `big` of print('big', loss)."""
    found = (match.group(2).strip(" :=") for match in _PRINTS.finditer(text))
    return tuple(itertools.islice(dict.fromkeys(label for label in found if label), _MOST_LABELS))


def labelled_values(text: str, labels: Sequence[str]) -> list[Printed]:
    """The values of a line of output that begins with one of these labels: "big   0.0"."""
    for label in labels:
        if text.lstrip().startswith(label) and not _binds(text):
            start = text.index(label) + len(label)
            start += len(text[start:]) - len(text[start:].lstrip(" \t:="))
            if values := values_only(text[start:]):
                return [_moved(value, start) for value in values]
    return []


def _binds(text: str) -> bool:
    """Whether it is a statement such as `loss = 0.5`."""
    tree = parsed(text.strip())
    return tree is not None and any(isinstance(n, ast.Assign | ast.AugAssign) for n in tree.body)


def _is_code(text: str) -> bool:
    """Whether Python takes it for more than an annotation: "target: tensor([1.])" is a label and a value."""
    tree = parsed(text.strip())
    return tree is not None and not all(isinstance(n, ast.AnnAssign) and n.value is None for n in tree.body)


def split_output(source: str) -> tuple[str, list[Printed]]:
    """`expression -> value` (also `=>`, `>>`, `=`, `:`, `#`): the expression, and the values right of the arrow."""
    comment = lexis(source).comment if "\n" not in source else None
    for mark in [*_SPLIT.finditer(source, 0, len(source) if comment is None else comment + 1)][-4:]:
        left, right = source[: mark.start()].rstrip(), source[mark.end() :]
        values = values_only(right) or _first_of(right, mark.group(1))
        if values and _is_shown(left, mark.group(1), values):
            return left, [_moved(value, mark.end()) for value in values]
    return source, []


def without_arrow(source: str) -> str:
    """`expression --> # value`: without the arrow, which points at a comment or at the next line."""
    arrow = _POINTING.search(source) if "\n" not in source else None
    left = source[: arrow.start()].rstrip("-= \t") if arrow else ""
    return (
        f"{left}  {source[arrow.end() :]}".rstrip()
        if arrow and left and strength(left) is not Strength.NONE
        else source
    )


def _first_of(right: str, arrow: str) -> list[Printed]:
    """The value before words: `f(x) => 100.0   why not inf?`."""
    number = NUMBER.match(right) if arrow not in ("=", "==", ":", "#") and "\n" not in right else None
    return [number_at(right, number)] if number and right[number.end() : number.end() + 1].isspace() else []


def _is_shown(left: str, arrow: str, values: list[Printed]) -> bool:
    if arrow == "#" or (arrow == ">>" and all(v.integral for v in values)):
        return False
    kind = strength(left)
    if arrow in ("=", ":"):
        return kind is Strength.STRONG and left.rstrip().endswith(")") and "=" not in left.partition("(")[0]
    return kind is not Strength.NONE


def _moved(value: Printed, by: int) -> Printed:
    return replace(value, start=value.start + by, end=value.end + by)
