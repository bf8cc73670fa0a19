"""The asker's own lines rewritten: spans found again in the syntax tree, pieces of text replaced, the diff shown."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from io import StringIO

from explainers.recording import Call, Span

Piece = tuple[int, int]


@dataclass(frozen=True)
class Source:
    """A program's text with its syntax tree; pieces of it are (start, end) offsets in characters."""

    text: str

    @property
    def tree(self) -> ast.Module:
        """The syntax tree, empty where the text is no Python; every rule looks at the same one, and none changes it."""
        return _parsed(self.text)

    @property
    def clears_gradients(self) -> bool:
        """Whether it sets gradients to None or 0 somewhere, with an optimizer or without."""
        return any(way in self.text for way in ("zero_grad", ".grad = None", ".grad.zero_"))

    def call_at(self, span: Span | None) -> ast.Call | None:
        """The call expression that was written at a span."""
        if span is None:
            return None
        wanted = (span.line, span.column), (span.end_line, span.end_column)
        start, end = self._offset(*wanted[0]), self._offset(*wanted[1])
        return next((node for node in self.calls() if self.piece(node) == (start, end)), None)

    def at(self, span: Span | None) -> ast.expr | ast.stmt | None:
        """The outermost expression or statement that was written at a span."""
        if span is None:
            return None
        wanted = self._offset(span.line, span.column), self._offset(span.end_line, span.end_column)
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, ast.expr | ast.stmt))
        found = (node for node in nodes if self.piece(node) == wanted and not isinstance(node, ast.Expr))
        return next(found, None)

    def operation_at(self, span: Span | None) -> ast.BinOp | None:
        """The binary operation that was written at a span, such as `pred - target`."""
        if span is None:
            return None
        place = self._offset(span.line, span.column), self._offset(span.end_line, span.end_column)
        operations = (node for node in ast.walk(self.tree) if isinstance(node, ast.BinOp))
        return next((node for node in operations if self.piece(node) == place), None)

    def calls(self) -> Iterator[ast.Call]:
        """Every call expression."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def piece(self, node: ast.expr | ast.stmt | ast.keyword) -> Piece:
        """Where a node stands in the text."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._byte_offset(node.lineno, node.col_offset), self._byte_offset(node.end_lineno, node.end_col_offset)

    def written(self, node: ast.expr) -> str:
        """A node's own text."""
        start, end = self.piece(node)
        return self.text[start:end]

    def replaced(self, piece: Piece, text: str) -> str:
        """The program with a piece replaced."""
        return self.text[: piece[0]] + text + self.text[piece[1] :]

    def function_name(self, call: ast.Call) -> Piece:
        """Where the last part of the called function's name stands."""
        _, end = self.piece(call.func)
        return end - len(last_name(call.func)), end

    def constructors(self, name: str) -> list[ast.Call]:
        """Calls of a class by its last name, such as `nn.Softmax(dim=1)`."""
        return [call for call in self.calls() if last_name(call.func) == name]

    def is_torch(self, node: ast.expr) -> bool:
        """Whether an expression is a module: `torch`, `F`, `torch.nn.functional` or what was imported as one."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in {"torch", "nn", "F"} | self.imported

    def shares_line(self, statement: ast.stmt) -> bool:
        """Whether something else is written on the lines of a statement."""
        start, end = self._line_ends(statement)
        piece = self.piece(statement)
        return bool((self.text[start : piece[0]] + self.text[piece[1] : end]).strip())

    def without_lines(self, statement: ast.stmt) -> str:
        """The program without the lines of a statement."""
        return self.replaced(self._line_ends(statement), "")

    @cached_property
    def imported(self) -> frozenset[str]:
        """Names that import statements bind."""
        imports = [n for n in ast.walk(self.tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        return frozenset(a.asname or a.name.split(".")[0] for n in imports for a in n.names)

    def _line_ends(self, statement: ast.stmt) -> Piece:
        return self._starts[statement.lineno - 1], self._starts[statement.end_lineno or statement.lineno]

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in StringIO(self.text, newline=""):  # only what Python itself takes for a line end
            starts.append(starts[-1] + len(line))
        return starts

    def _offset(self, line: int, column: int) -> int:
        return self._starts[min(line - 1, len(self._starts) - 1)] + column

    def _byte_offset(self, line: int, column: int) -> int:
        start, end = self._starts[line - 1], self._starts[line]
        return start + len(self.text[start:end].encode()[:column].decode(errors="replace"))


def functional(source: Source) -> str:
    """How the program reaches torch.nn.functional."""
    names = {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name)} | source.imported
    return "F" if "F" in names else "nn.functional" if "nn" in names else "torch.nn.functional"


def last_name(node: ast.expr) -> str:
    """`nll_loss` of `F.nll_loss`; empty where a function has no name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """What was written for an argument, by keyword or position; None where a star hides it."""
    keyword = next((k.value for k in call.keywords if k.arg == name), None)
    if keyword is not None or any(isinstance(a, ast.Starred) for a in call.args):
        return keyword
    return call.args[position] if position < len(call.args) else None


def without_keyword(source: Source, written: ast.Call, keyword: ast.keyword) -> str:
    """The program without a keyword argument; the comma before it goes too, or the one behind it if it is the first."""
    start, end = source.piece(keyword)
    before = [source.piece(part)[1] for part in (*written.args, *written.keywords) if source.piece(part)[1] < start]
    if before:
        return source.replaced((max(before), end), "")
    rest = source.text[end:].lstrip()
    return source.text[:start] + (rest[1:].lstrip() if rest.startswith(",") else rest)


def operand(source: Source, call: Call) -> ast.expr | None:
    """What an activation was written to be applied to: `z` of `torch.softmax(z, 1)`, `z.softmax(1)` or `self.act(z)`.

    None where the activation was not written out, but happened inside a module such as nn.Sequential.
    """
    written = source.call_at(call.span)
    modules = modules_around(call)
    if written is None or len(modules) > 1:
        return None
    if not modules and isinstance(written.func, ast.Attribute) and not source.is_torch(written.func.value):
        return written.func.value
    return argument(written, 0, "input")


def modules_around(call: Call) -> tuple[str, ...]:
    """The modules that were active inside the innermost function of the user's own, outermost first."""
    functions = [k for k, part in enumerate(call.scope) if part.startswith("def ")]
    return call.scope[functions[-1] + 1 if functions else 0 :]


def diff(before: str, after: str) -> tuple[str, ...]:
    """The changed lines, old ones behind "- " and new ones behind "+ "."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[str] = []
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            lines += [*(f"- {line}" for line in old[i:j]), *(f"+ {line}" for line in new[k:m])]
    return tuple(lines)


@lru_cache(maxsize=8)
def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])
