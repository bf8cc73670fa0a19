"""A region → pieces: each statement, output, error, blank or sentence with its lines."""

import ast
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.reading.fences import Region
from bot.reading.lexing import balanced_end, code_part, lexis, parsed, statement_end
from bot.reading.old_prints import old_prints
from bot.reading.outputs import is_noise, is_ruler, labelled_values, output_values, split_output, without_arrow
from bot.reading.printed import Printed
from bot.reading.question import Completion
from bot.reading.repairs import repaired
from bot.reading.statements import Strength, bound_names, loaded_names, strength
from bot.reading.text import Line
from bot.reading.tracebacks import traceback_end

_PROMPT = re.compile(r"\s*(?:>>>|\$(?= [A-Za-z_][\w.]{0,80}(?:\(| = ))|(?:In\s?)?\[\s*\d*\]\s?:)[ \t]?(?=(.*))")
_CONTINUED = re.compile(r"\s*\.\.\.+:?[ \t]?")
_RESULT = re.compile(r"\s*(?:Out\s?)?\[\s*\d*\]\s?:\s*")
_CELL = re.compile(r"\s*In\s?\[[\s\d*]*\]\s?:\s*")
_MAGIC = re.compile(r"\s*[%!][A-Za-z%]")
_FOREIGN = re.compile(
    r"^\s*(?:const|let|var|public|private|fn|func|package|using|#include|impl)\b|\bconsole\.log\(|\bstd::|=>\s*\{|"
    r"System\.out|^\s*(?:float|double|int|auto) \w+ ?= ?.{0,200};$|<-\s*function\(",
    re.M,
)
_TORCH = re.compile(r"\b(?:torch|nn|F)\.")
_LABELLED = re.compile(r"\s*[A-Za-z][\w ,/\-]{0,60}[:=]\s*[-+]?\d")


class Sort(Enum):
    CODE = "code"
    WEAK = "weak"
    OUTPUT = "output"
    ERROR = "error"
    PROSE = "prose"
    FOREIGN = "foreign"
    BLANK = "blank"


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive lines of one sort. `source` is dedented code; `outputs` are values at offsets of the message.

    `said_after` is where in the lines a sentence goes on behind the code.
    """

    sort: Sort
    lines: tuple[Line, ...]
    source: str = ""
    outputs: tuple[Printed, ...] = ()
    repairs: tuple[Completion, ...] = ()
    prompted: bool = False
    said_after: int | None = None


def pieces(region: Region, labels: Sequence[str] = ()) -> tuple[Piece, ...]:
    """Every line of the region, in order, each in one piece; `labels` are words that programs print before a value."""
    if region.fenced and (whole := _whole(region)):
        return (whole,)
    if region.fenced and _is_foreign(region):
        return (Piece(Sort.FOREIGN, region.lines),)
    found: list[Piece] = []
    at, prompts, prints = 0, _has_input_prompts(region.lines), _old_prints(region)
    while at < len(region.lines):
        answering = prompts and bool(found) and (found[-1].prompted or _is_answer(found))
        piece = _labelled(region.lines[at], labels) or _next(region, at, prompts, answering, prints)
        at += len(piece.lines)
        found.append(piece)
    return tuple(found)


def _labelled(line: Line, labels: Sequence[str]) -> Piece | None:
    """A line of output behind words that the program prints; None where it is none."""
    values = labelled_values(line.text, labels)
    return Piece(Sort.OUTPUT, (line,), outputs=_placed(values, (line,))) if values else None


def _is_foreign(region: Region) -> bool:
    """A fence in another programming language, of which some lines may be Python as well."""
    text = "\n".join(line.text for line in region.lines)
    return bool(_FOREIGN.search(text)) and not _TORCH.search(text)


def _whole(region: Region) -> Piece | None:
    """A fence that is Python and shows no output is taken as it stands."""
    raw = "\n".join(line.text for line in region.lines)
    source = textwrap.dedent(raw)
    tree = parsed(source)
    if tree is None or not tree.body:
        return None
    rows = source.split("\n")
    shown = ["\n".join(rows[n.lineno - 1 : n.end_lineno]) for n in tree.body if isinstance(n, ast.Expr)]
    if any(output_values(text) or is_noise(text) or split_output(text)[1] for text in shown):
        return None
    if any(isinstance(node, ast.AnnAssign) and node.value is None for node in tree.body):
        return None
    return Piece(Sort.CODE, region.lines, source)


def _old_prints(region: Region) -> dict[int, Printed]:
    """Tensors printed over several lines as torch did before 0.4, by the index of their first line."""
    raw = "\n".join(line.text for line in region.lines)
    found = old_prints(raw) if "Tensor of size" in raw else []
    return {raw.count("\n", 0, each.start): each for each in found}


def _old_print(lines: Sequence[Line], at: int, value: Printed) -> Piece:
    start, first = lines[0].start, lines[at].start
    end = next((i for i in range(at, len(lines)) if lines[i].end - start >= value.end), len(lines) - 1)
    moved = replace(value, start=max(first, value.start + start), end=value.end + start)
    return Piece(Sort.OUTPUT, tuple(lines[at : end + 1]), outputs=(moved,))


def _is_answer(found: list[Piece]) -> bool:
    """Still under a prompt: what follows its output without a blank line is output, too."""
    return found[-1].sort is Sort.OUTPUT


def _has_input_prompts(lines: Sequence[Line]) -> bool:
    """Whether `>>>` stands in front of input; people also put it in front of output."""
    prompts = [match for line in lines if (match := _PROMPT.match(line.text))]
    return any(match.group(1).strip() and not output_values(match.group(1)) for match in prompts)


def _next(region: Region, at: int, prompts: bool, answering: bool, prints: Mapping[int, Printed]) -> Piece:
    lines = region.lines
    if not lines[at].text.strip() or _CELL.fullmatch(lines[at].text):
        return Piece(Sort.BLANK, lines[at : at + 1])
    if at in prints:
        return _old_print(lines, at, prints[at])
    end = traceback_end(lines, at)
    if end > at:
        return Piece(Sort.ERROR, lines[at:end])
    if prompts and (prompt := _PROMPT.match(lines[at].text)) and not output_values(prompt.group(1)):
        return _prompted(lines, at)
    if result := _RESULT.match(lines[at].text):
        return _result(lines, at, result.end())
    end = statement_end(lines, at)
    whole = _classified(region, lines[at:end], answering)
    return whole or _begun(region, lines[at:end]) or _single(region, lines[at], answering)


def _begun(region: Region, lines: tuple[Line, ...]) -> Piece | None:
    """A call over several lines of free text, behind which the sentence goes on."""
    raw = "\n".join(line.text for line in lines)
    end = balanced_end(raw) if len(lines) > 1 and not region.fenced else None
    source = textwrap.dedent(raw[:end]) if end else ""
    return Piece(Sort.CODE, lines, source, said_after=end) if strength(source) is Strength.STRONG else None


def _single(region: Region, line: Line, answering: bool) -> Piece:
    fallback = Piece(Sort.CODE, (line,), line.text) if _is_broken_code(region, line) else Piece(Sort.PROSE, (line,))
    return _classified(region, (line,), answering) or (Piece(Sort.OUTPUT, (line,)) if answering else fallback)


def _is_broken_code(region: Region, line: Line) -> bool:
    """In a fence, what does not parse stays code, so that Python says what is wrong, unless it reads like a print."""
    text = code_part(line.text)
    return region.fenced and any(sign in text for sign in "=(") and not _LABELLED.match(text)


def _classified(region: Region, lines: Sequence[Line], answering: bool) -> Piece | None:
    lines = tuple(lines)
    raw = "\n".join(line.text for line in lines)
    if values := output_values(raw):
        return Piece(Sort.OUTPUT, lines, outputs=_placed(values, lines))
    if is_noise(raw) or is_ruler(raw) or answering:
        return Piece(Sort.OUTPUT, lines) if len(lines) == 1 or answering else None
    if _MAGIC.match(raw):
        return Piece(Sort.OUTPUT, lines, repairs=(Completion("left-out", raw.strip(), raw.strip()),))
    return _code(region, lines, raw)


def _code(region: Region, lines: tuple[Line, ...], raw: str) -> Piece | None:
    left, values = split_output(raw)
    source = textwrap.dedent(left if values else without_arrow(left))
    kind, repairs = strength(source), ()
    if parsed(source) is None and (mended := repaired(source)):
        source, repairs = mended
        kind = strength(source) if region.fenced or strength(source) is Strength.STRONG else Strength.NONE
    if kind is Strength.NONE:
        return Piece(Sort.CODE, lines, source) if region.fenced and parsed(source) and "=" in source else None
    sort = Sort.CODE if kind is Strength.STRONG or region.fenced else Sort.WEAK
    return Piece(sort, lines, source, _placed(values, lines), repairs)


def _prompted(lines: Sequence[Line], at: int) -> Piece:
    """An input line with its continuation lines: `...`, an open bracket, or a suite."""
    texts = [_PROMPT.sub("", lines[at].text, count=1)]
    end, state = at + 1, lexis(texts[0])
    while end < len(lines):
        text = lines[end].text
        if _CONTINUED.match(text):
            text = _CONTINUED.sub("", text, count=1)
        elif not state.closers or _PROMPT.match(text):
            break
        texts.append(text)
        state, end = lexis(text, state), end + 1
    source = textwrap.dedent("\n".join(texts))
    if _MAGIC.match(source):
        left_out = (Completion("left-out", source.strip(), source.strip()),)
        return Piece(Sort.BLANK, tuple(lines[at:end]), repairs=left_out, prompted=True)
    mended = None if parsed(source) else repaired(source)
    source, repairs = mended or (source, ())
    sort = Sort.CODE if source.strip() else Sort.BLANK
    return Piece(sort, tuple(lines[at:end]), source, (), repairs, prompted=True)


def _result(lines: Sequence[Line], at: int, skip: int) -> Piece:
    first = replace(lines[at], start=lines[at].start + skip, text=lines[at].text[skip:])
    held = [first, *lines[at + 1 :]]
    skipped = 0 if first.text.strip() or len(held) == 1 else 1
    end = skipped + statement_end(held[skipped:], 0)
    values = output_values("\n".join(line.text for line in held[:end]))
    return Piece(Sort.OUTPUT, tuple(lines[at : at + end]), outputs=_placed(values, held[:end]))


def _placed(values: Sequence[Printed], lines: Sequence[Line]) -> tuple[Printed, ...]:
    start = lines[0].start
    return tuple(replace(value, start=value.start + start, end=value.end + start) for value in values)


def promoted(found: Sequence[Piece]) -> tuple[Piece, ...]:
    """Weak pieces become code where the code around them binds or uses their names, else prose."""
    result: list[Piece] = []
    bound: set[str] = set()
    for index, piece in enumerate(found):
        sort = piece.sort
        if sort is Sort.WEAK:
            sort = Sort.CODE if _belongs(found, result, index, bound) else Sort.PROSE
        if sort is Sort.CODE:
            bound |= bound_names(piece.source)
        result.append(replace(piece, sort=sort))
    return tuple(result)


def _belongs(found: Sequence[Piece], before: Sequence[Piece], index: int, bound: set[str]) -> bool:
    source = found[index].source
    if bound_names(source) or not source.strip() or source.lstrip().startswith("#"):
        following = (found[at] for at in range(index + 1, len(found)))
        return any(
            solid is not None and solid.sort is Sort.CODE for solid in (_solid(reversed(before)), _solid(following))
        )
    names = loaded_names(source)
    return bool(names) and names <= bound


def _solid(found: Iterable[Piece]) -> Piece | None:
    return next((p for p in found if p.sort is not Sort.BLANK), None)
