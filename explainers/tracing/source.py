"""Where in the source a call was written, in which functions and modules, and which variable its result went to."""

from __future__ import annotations

import ast
import io
from types import CodeType, FrameType

from torch import nn

from explainers.recording import FUNCTION, Span
from explainers.tracing.internals import FUNCTION_CALL, MODULE_CALL

Position = tuple[int, int, int, int]  # line, UTF-8 column, end line, end UTF-8 column


class Source:
    """The text of one file, and the frames that run it."""

    def __init__(self, text: str, filename: str, outermost: FrameType | None = None) -> None:
        """`outermost` is the frame that ends a scope; None for a file that is run as a whole."""
        self.text = text
        self.filename = filename
        self._outermost = outermost
        self._lines = list(io.StringIO(text))  # splits where Python's own lines end
        self._positions: dict[int, tuple[CodeType, list[Position]]] = {}
        self._targets, self._statements = _assignments(text)

    def forget_frame(self) -> None:
        """Let go of the frame of the with-statement, which would keep its variables alive."""
        self._outermost = None

    def locate(self, frame: FrameType | None) -> tuple[Position | None, tuple[str, ...]]:
        """The innermost position of this source in a call stack, and the functions and modules around it."""
        position: Position | None = None
        scope: list[str] = []
        while frame is not None and frame is not self._outermost:
            code = frame.f_code
            if code.co_filename == self.filename:
                position = position or self.position(code, frame.f_lasti)
                if code.co_name == "<module>":
                    break
                if not code.co_name.startswith("<") or code.co_name == "<lambda>":
                    scope.append(f"def {code.co_name}")
            elif code is MODULE_CALL:
                scope.append(_module_name(frame.f_locals["self"]))
            elif code is FUNCTION_CALL and not (function := frame.f_locals["cls"]).__module__.startswith("torch."):
                scope.append(f"{FUNCTION}{function.__name__}")
            frame = frame.f_back
        if position is None and frame is not None and frame is self._outermost:
            position = self.position(frame.f_code, frame.f_lasti)
        return position, tuple(reversed(scope))

    def position(self, code: CodeType, instruction: int) -> Position | None:
        """What an instruction was compiled from, None where Python does not know."""
        if id(code) not in self._positions:
            self._positions[id(code)] = (code, [_position(p) for p in code.co_positions()])
        positions = self._positions[id(code)][1]
        found = positions[instruction // 2] if 0 <= instruction // 2 < len(positions) else (0, 0, 0, 0)
        return self._statements.get(found, found) if found[0] else None

    def span(self, position: Position | None) -> Span | None:
        """A position with its exact text, columns counted in characters."""
        if position is None or position[2] > len(self._lines):
            return None
        line, start, end_line, end = position
        column, end_column = self._column(line, start), self._column(end_line, end)
        rows = self._lines[line - 1 : end_line]
        rows[-1] = rows[-1][:end_column]
        rows[0] = rows[0][column:]
        return Span(line, column, end_line, end_column, "".join(rows))

    def targets(self, position: Position | None) -> tuple[str, ...]:
        """The variables that the expression or statement at a position assigns to."""
        return self._targets.get(position, ()) if position else ()

    def _column(self, line: int, offset: int) -> int:
        text = self._lines[line - 1]
        return offset if text.isascii() else len(text.encode()[:offset].decode(errors="replace"))


def _position(found: tuple[int | None, int | None, int | None, int | None]) -> Position:
    line, end_line, column, end_column = found
    if line is None or end_line is None or column is None or end_column is None:
        return (0, 0, 0, 0)
    return (line, column, end_line, end_column)


def _module_name(module: nn.Module) -> str:
    kind = type(module)
    return f"nn.{kind.__name__}" if kind.__module__.startswith("torch.nn.") else kind.__name__


def _assignments(text: str) -> tuple[dict[Position, tuple[str, ...]], dict[Position, Position]]:
    """Variables by the position of what is assigned to them, and whole statements by that of an indexed target."""
    targets: dict[Position, tuple[str, ...]] = {}
    statements: dict[Position, Position] = {}
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return targets, statements
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript() | ast.Attribute() as part) if (
                found := _part(part)
            ):
                targets[_of(found[0])] = (name, "") if found[1] == 0 else ("", name)
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ):
                targets[_of(value)] = (name,)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                targets[_of(value)] = (name,)
            case ast.Assign(targets=[ast.Tuple(elts=elements)], value=value):
                targets[_of(value)] = tuple(e.id if isinstance(e, ast.Name) else "" for e in elements)
            case ast.Assign(targets=[ast.Subscript() as target]):
                statements[_of(target)] = _of(node)
            case ast.AugAssign(target=ast.Name(id=name)):
                targets[_of(node)] = (name,)
            case _:
                pass
    return targets, statements


def _part(part: ast.Subscript | ast.Attribute) -> tuple[ast.expr, int] | None:
    """The call and which of its two results is taken: `x.max(1)[0]`, `x.topk(2).values`."""
    match part:
        case ast.Subscript(value=ast.Call() as call, slice=ast.Constant(value=0 | 1 as which)):
            return call, int(which == 1)
        case ast.Attribute(value=ast.Call() as call, attr="values" | "indices" as which):
            return call, int(which == "indices")
        case _:
            return None


def _of(node: ast.expr | ast.stmt) -> Position:
    return (node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0)
