"""Every expression of a program that gives numbers, written down with what it was computed from.

The program's syntax tree is changed so that each expression passes what it gave through a collector. torch's, numpy's
and Python's own numbers look alike there, which no mode of torch and no hook of numpy could give.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import torch

from explainers.notes import Note, Notes, Place
from explainers.tracing.internals import unwatched
from explainers.tracing.values import is_recordable

NOTE: Final = "__note__"
MOST_NOTES: Final = 4000
MOST_ELEMENTS: Final = 4096
MOST_BYTES: Final = 4 * 2**20
LONGEST_TEXT: Final = 80
_OPERATORS: Final[dict[type[ast.AST], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.USub: "-",
}
_LIMITED: Final = (ast.Call, ast.BinOp, ast.UnaryOp, ast.Subscript, ast.Attribute, ast.Name, ast.IfExp, ast.Compare)
_NOTED: Final = (*_LIMITED, ast.ListComp, ast.List)


@dataclass(frozen=True)
class _Live:
    """An object that was noted: kept alive, so that its identity stays its own."""

    note: int
    held: object
    data: bytes


class Noter:
    """Collects what expressions gave."""

    def __init__(self, source: str) -> None:
        self.places: list[Place] = []
        self._source = source
        self._children: list[tuple[int, ...]] = []
        self._notes: list[Note] = []
        self._latest: dict[int, int] = {}
        self._runs: dict[int, list[int]] = {}
        self._collected: set[int] = set()
        self._live: dict[int, _Live] = {}
        self._bytes = 0
        self._complete = True

    @property
    def notes(self) -> Notes:
        """All that was written down."""
        return Notes(tuple(self.places), tuple(self._notes), self._complete)

    def place(self, node: ast.expr | ast.stmt, children: Sequence[int], target: str | None) -> int:
        """A new place for an expression or statement that is computed from those of these places."""
        text = " ".join((ast.get_source_segment(self._source, node) or "").split())[:LONGEST_TEXT]
        self.places.append(Place(node.lineno, text, target, _function(node)))
        self._children.append(tuple(children))
        return len(self.places) - 1

    def __call__(self, place: int, value: Any) -> Any:
        """The value as it is, written down where it holds numbers."""
        with unwatched():
            found = _numbers(value)
        if found is not None:
            self._note(place, value, *found)
        return value

    def _note(self, place: int, value: object, array: npt.NDArray[np.float64], dtype: str) -> None:
        data = array.astype("<f8").tobytes()
        before = self._live.get(id(value))
        if before is not None and before.held is value and before.data == data:
            self._latest[place] = before.note
            return
        if len(self._notes) >= MOST_NOTES or self._bytes + len(data) > MOST_BYTES:
            self._complete = False
            return
        operands = self._before(place)
        if before is not None and before.held is value:
            operands.append(before.note)
        self._notes.append(Note(place, tuple(dict.fromkeys(operands)), array.shape, dtype, data))
        self._bytes += len(data)
        self._latest[place] = len(self._notes) - 1
        self._runs.setdefault(place, []).append(len(self._notes) - 1)
        self._live[id(value)] = _Live(len(self._notes) - 1, value, data)

    def _before(self, place: int) -> list[int]:
        """The latest notes of what a place is computed from; of what gave no numbers (a zip), of what that is from."""
        found: list[int] = []
        since = self._latest.get(place, -1)
        for child in self._children[place]:
            if child in self._collected:
                found += [k for k in self._runs.get(child, ()) if k > since]
            else:
                found += [self._latest[child]] if child in self._latest else self._before(child)
        return found

    def collect(self, place: int) -> None:
        """From now on all rounds of a place, not only its last, are what it is used for: it is a comprehension's."""
        self._collected.add(place)


def with_notes(tree: ast.Module, noter: Noter) -> ast.Module:
    """The program with each expression that may give numbers passed through the noter."""
    return ast.fix_missing_locations(_Noting(noter).visit(tree))


class _Noting(ast.NodeTransformer):
    """`found` are the places in what was visited since it was last taken."""

    def __init__(self, noter: Noter) -> None:
        self._noter = noter
        self._found: list[int] = []
        self._target: str | None = None
        self._sources: dict[str, list[int]] = {}

    def visit(self, node: ast.AST) -> Any:
        if not isinstance(node, _NOTED) or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            return super().visit(node)
        target, self._target = self._target, None
        outer, self._found = self._found, []
        made = self._inside(node)
        if isinstance(node, ast.Name):
            self._found += self._sources.get(node.id, ())
        place = self._noter.place(node, self._found, target)
        self._found = [*outer, place]
        return self._passed(place, cast("ast.expr", made))

    def visit_Assign(self, node: ast.Assign) -> Any:
        """A value with the name that it is given; what was written to by index is noted after it."""
        (first, *_) = node.targets
        self._target = first.id if isinstance(first, ast.Name) else None
        self._found = []
        node.value = self.visit(node.value)
        self._target = None
        written = [t.value for t in node.targets if isinstance(t, ast.Subscript)]
        return [node, *(self._after(node, name) for name in written if isinstance(name, ast.Name))]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        self._target = node.target.id if isinstance(node.target, ast.Name) else None
        node.value = self.visit(node.value) if node.value is not None else None
        self._target = None
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self._found = []
        before = self._loaded(node.target) if isinstance(node.target, ast.Name) else None
        places = [] if before is None else [before[0]]
        node.value = self.visit(node.value)
        self._found += places
        after = [self._after(node, node.target)] if isinstance(node.target, ast.Name) else []
        return [*(() if before is None else (ast.copy_location(ast.Expr(before[1]), node),)), node, *after]

    def visit_For(self, node: ast.For) -> Any:
        """What a loop goes over is what its variables come from."""
        self._found = []
        node.iter = self.visit(node.iter)
        sources = list(self._found)
        names = [n for n in ast.walk(node.target) if isinstance(n, ast.Name)]
        first = [self._bound(name, sources) for name in names]
        node.body = [*first, *self._statements(node.body)]
        node.orelse = self._statements(node.orelse)
        return node

    def visit_ListComp(self, node: ast.ListComp) -> Any:
        return self._comprehended(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> Any:
        return self._comprehended(node)

    def _comprehended(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        """What a comprehension's variables come from, and all its rounds."""
        outer, held = self._found, dict(self._sources)
        self._found = []
        for each in node.generators:
            before = len(self._found)
            each.iter = self.visit(each.iter)
            sources = self._found[before:]
            self._sources |= {n.id: sources for n in ast.walk(each.target) if isinstance(n, ast.Name)}
            each.ifs = [self.visit(test) for test in each.ifs]
        self._found = []
        node.elt = self.visit(node.elt)
        for place in self._found:
            self._noter.collect(place)
        self._found = [*outer, *self._found]
        self._sources = held
        return node

    def visit_match_case(self, node: ast.match_case) -> Any:
        """Patterns hold names that are no loads."""
        node.body = self._statements(node.body)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return self._with_body(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        return self._with_body(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return self._with_body(node)

    def _with_body(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Any:
        """A definition, whose decorators, annotations and defaults are left alone."""
        node.body = self._statements(node.body)
        return node

    def _statements(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        made = [self.visit(statement) for statement in body]
        return [each for found in made for each in (found if isinstance(found, list) else [found])]

    def _inside(self, node: ast.expr) -> ast.AST:
        match node:
            case ast.Call(func=ast.Name()):
                node.args = [self.visit(each) for each in node.args]
                node.keywords = [self.visit(each) for each in node.keywords]
                return node
            case ast.Call(func=ast.Attribute() as function):
                function.value = self.visit(function.value)
                node.args = [self.visit(each) for each in node.args]
                node.keywords = [self.visit(each) for each in node.keywords]
                return node
            case ast.ListComp():
                return self._comprehended(node)
            case _:
                return self.generic_visit(node)

    def _after(self, statement: ast.stmt, name: ast.Name) -> ast.stmt:
        """The statement that notes what a variable holds once another one has changed it."""
        place = self._noter.place(statement, self._found, name.id)
        return ast.copy_location(ast.Expr(self._passed(place, ast.Name(name.id, ast.Load()))), statement)

    def _bound(self, name: ast.Name, sources: Sequence[int]) -> ast.stmt:
        """The statement that notes what a loop has put into a variable."""
        place = self._noter.place(name, sources, name.id)
        return ast.copy_location(ast.Expr(self._passed(place, ast.Name(name.id, ast.Load()))), name)

    def _loaded(self, name: ast.Name) -> tuple[int, ast.expr]:
        place = self._noter.place(name, (), None)
        return place, self._passed(place, ast.Name(name.id, ast.Load()))

    def _passed(self, place: int, value: ast.expr) -> ast.expr:
        call = ast.Call(ast.Name(NOTE, ast.Load()), [ast.Constant(place), value], [])
        return ast.copy_location(call, value) if hasattr(value, "lineno") else call


def _function(node: ast.expr | ast.stmt) -> str:
    """The last name of the function that an expression calls, or its operator."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
        case ast.BinOp(op=op) | ast.UnaryOp(op=op) | ast.AugAssign(op=op):
            return _OPERATORS.get(type(op), "")
        case ast.Compare():
            return "compare"
        case _:
            return ""


def _numbers(value: object) -> tuple[npt.NDArray[np.float64], str] | None:
    """The numbers that a value holds and the dtype that they were computed in; None where it holds none, or many."""
    match value:
        case torch.Tensor():
            plain = is_recordable(value) and value.numel() <= MOST_ELEMENTS and not value.is_complex()
            name = str(value.dtype).removeprefix("torch.")
            return (value.detach().to(torch.float64).numpy().copy(), name) if plain else None
        case np.ndarray() | np.generic():
            held = np.asarray(value)
            plain = held.dtype.kind in "biuf" and held.size <= MOST_ELEMENTS
            return (held.astype(np.float64), str(held.dtype)) if plain else None
        case bool():
            return np.asarray(float(value)), "bool"
        case int():
            return (np.asarray(float(value)), "int64") if abs(value) < 2**53 else None
        case float():
            return np.asarray(value), "float64"
        case list() | tuple():
            return _together(cast("Sequence[object]", value))
        case _:
            return None


def _together(items: Sequence[object]) -> tuple[npt.NDArray[np.float64], str] | None:
    """A list of as many numbers each as one array."""
    if not 0 < len(items) <= MOST_ELEMENTS:
        return None
    found = [_numbers(item) for item in items]
    held = [each for each in found if each is not None]
    if len(held) < len(found) or any(a.shape != held[0][0].shape for a, _ in held):
        return None
    if sum(a.size for a, _ in held) > MOST_ELEMENTS:
        return None
    return np.stack([a for a, _ in held]), held[0][1]
