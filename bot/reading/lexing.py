"""Just enough of Python's lexis to find comments, brackets and the end of a statement in what may be prose."""

import ast
import functools
import re
import symtable
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from bot.reading.text import Line

STATEMENT_LINES = 400
"""A statement over more lines is not looked for: it bounds the work per line."""

KEPT = 32
KEPT_LENGTH = 4000
"""The trees of so many sources up to this length are kept: each is asked for by several questions in a row."""

LINES_KEPT = 1024
LINE_LENGTH = 200
"""What so many lines up to this length do to the state is kept."""

DECORATORS = 4
CONTINUED = 32
BRACKETS = 16
"""A statement nested deeper over its lines is not looked for: each line is then scanned at most so often."""

_MARK = re.compile(r"\\.|\"\"\"|'''|[\"'#()\[\]{}]")
_CLOSER = {"(": ")", "[": "]", "{": "}"}
_HEADER = re.compile(r"\s*(?:async\s+)?(?:def|class|for|while|if|try|with|match)\b.*:\s*$")
_CLAUSE = re.compile(r"(?:elif|else|except|finally)\b")
_FAILURES = (SyntaxError, ValueError, MemoryError, RecursionError)


@dataclass(frozen=True, slots=True)
class Lexis:
    """State at the end of a line: brackets still to close (innermost first), open quote, column of the comment."""

    closers: str = ""
    quote: str = ""
    comment: int | None = None
    surplus: int = 0


def lexis(line: str, before: Lexis | None = None) -> Lexis:
    """State after the line; a single quote that the line leaves open is reported, only a triple one carries on."""
    if before is not None and len(before.quote) == 3:
        return _scanned(line, before)
    own = _own(line) if len(line) <= LINE_LENGTH else _scanned(line)
    if before is None or not (before.closers or before.surplus):
        return own
    return _after(own, line, before)


@functools.lru_cache(maxsize=LINES_KEPT)
def _own(line: str) -> Lexis:
    """What a line does to the state by itself: it is asked for again for each statement that may reach it."""
    return _scanned(line)


def _after(own: Lexis, line: str, before: Lexis) -> Lexis:
    """The state after a line that stands behind others: brackets that close nothing in it may close theirs."""
    if own.surplus:
        return _scanned(line, before)
    return Lexis(own.closers + before.closers, own.quote, own.comment, before.surplus)


def _scanned(line: str, before: Lexis | None = None) -> Lexis:
    before = before or Lexis()
    stack, quote, surplus = [*reversed(before.closers)], before.quote, before.surplus
    quote = quote if len(quote) == 3 else ""
    for mark in _MARK.finditer(line):
        sign = mark.group()
        if quote:
            quote = "" if sign == quote else quote
        elif sign in ('"', "'", '"""', "'''"):
            quote = sign
        elif sign == "#":
            return Lexis("".join(reversed(stack)), quote, mark.start(), surplus)
        elif sign in _CLOSER:
            stack.append(_CLOSER[sign])
        elif stack and stack[-1] == sign:
            stack.pop()
        elif sign in ")]}":
            surplus += 1
    return Lexis("".join(reversed(stack)), quote, None, surplus)


def code_part(line: str) -> str:
    """The line without its comment."""
    return line[: lexis(line).comment]


def parsed(source: str) -> ast.Module | None:
    """The syntax tree, or None where Python refuses the source for whatever reason; not to be changed by anybody."""
    return _kept(source) if len(source) <= KEPT_LENGTH else _longest(source)


@functools.lru_cache(maxsize=1)
def _longest(source: str) -> ast.Module | None:
    """Of a long program the last tree alone is kept: it is asked for a dozen times in a row."""
    return parsed_anew(source)


@functools.lru_cache(maxsize=KEPT)
def _kept(source: str) -> ast.Module | None:
    return parsed_anew(source)


def parsed_anew(source: str) -> ast.Module | None:
    """The syntax tree for one who changes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except _FAILURES:
            return None


def symbols(source: str) -> symtable.SymbolTable | None:
    """The compiler's own table of scopes, or None where it refuses the source."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return symtable.symtable(source, "<message>", "exec")
        except _FAILURES:
            return None


def balanced_end(text: str) -> int | None:
    """Where the last bracket closes that the text opens with all others, if words follow it; else None."""
    depth, quote, end = 0, "", None
    for mark in _MARK.finditer(text):
        sign = mark.group()
        if quote:
            quote = "" if sign == quote else quote
        elif sign in ('"', "'", '"""', "'''"):
            quote = sign
        elif sign == "#":
            return None
        else:
            depth += 1 if sign in _CLOSER else -1 if sign in ")]}" else 0
            end = mark.end() if depth == 0 and sign in ")]}" else end
            if depth == 0 and end and text[end : end + 1].isspace() and "\n" in text[:end]:
                return end
    return None


def statement_end(lines: Sequence[Line], first: int) -> int:
    """Index after the last line of the statement that starts at `first`: brackets, strings, decorators, suites."""
    last = min(len(lines), first + STATEMENT_LINES)
    end = _logical_line_end(lines, first, last)
    while lines[end - 1].text.lstrip().startswith("@") and end < min(last, first + DECORATORS):
        end = _logical_line_end(lines, end, last)
    margin = _indent(lines[first].text)
    header = "".join(line.text for line in lines[first:end])
    if not _HEADER.match(code_part(lines[end - 1].text)) and not _HEADER.match(header):
        return end
    return _suite_end(lines, end, last, margin)


def _logical_line_end(lines: Sequence[Line], first: int, last: int) -> int:
    state = Lexis()
    continued = 0
    for at in range(first, last):
        state = lexis(lines[at].text, state)
        continued += lines[at].text.endswith("\\")
        open_string = len(state.quote) == 3
        if len(state.closers) > BRACKETS or continued > CONTINUED:
            break
        if not state.closers and not open_string and not lines[at].text.endswith("\\"):
            return at + 1
    return first + 1


def _suite_end(lines: Sequence[Line], at: int, last: int, margin: int) -> int:
    end = at
    while at < last:
        text = lines[at].text
        if text.strip() and _indent(text) <= margin and not _CLAUSE.match(text.lstrip()):
            break
        at = _logical_line_end(lines, at, last)
        end = at if text.strip() else end
    return end


def _indent(text: str) -> int:
    expanded = text.expandtabs(8)
    return len(expanded) - len(expanded.lstrip())
