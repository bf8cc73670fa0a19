"""The call of a loss on the numbers of attached files: by the names of their arrays, or by the columns of a table."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.reading.arguments import ELEMENTWISE, INDEXED
from bot.reading.literals import Role, role_of_name

_FIRST = re.compile(
    r"\b(?:first|1st)\s+col|(?:erste|première|primera|primeira)\w*\s+(?:spalte|col)|最初の列|1列目|第一列|"
    r"перв\w+\s+столб",
    re.I,
)
"""That the labels are in the first column of a table: mostly they are in the last."""


@dataclass(frozen=True, slots=True)
class Called:
    """A call, its loss, whether a loss was named for it, and the names of the arrays that it takes."""

    call: str
    loss: str
    named: bool
    names: tuple[str, ...]


def called(values: Mapping[str, str], losses: Sequence[str], prose: str) -> Called | None:
    """The loss that is named of the arrays (name → code that binds it); None where they are not its arguments.

    Without a loss by name, rows of scores beside whole numbers mean cross_entropy.
    """
    named = next((each for each in losses if each in INDEXED | ELEMENTWISE), None)
    if losses and named is None:
        return None
    loss = named or "cross_entropy"
    found = {name: array for name, code in values.items() if (array := _array(code)) is not None}
    taken = _by_name(found, loss) or _by_column(found, loss, prose)
    if taken is None or (named is None and taken[2] != _ROWS):
        return None
    scores, target, _, names = taken
    return Called(f"F.{loss}({scores}, {target})", loss, named is not None, names)


_ROWS = 2
_Array = list[float] | list[list[float]]
_Taken = tuple[str, str, int, tuple[str, ...]]
"""Input and target as code, the number of dimensions of the input, and the names that they are made of."""


def _array(code: str) -> _Array | None:
    """The numbers that a line binds a name to, 0.5 for what is not finite; None where it is no list or table."""
    match ast.parse(code).body:
        case [ast.Assign(value=ast.Call(args=[ast.List() as written]))]:
            try:
                return ast.literal_eval(ast.unparse(_Finite().visit(written)))
            except ValueError:
                return None
        case _:
            return None


class _Finite(ast.NodeTransformer):
    """float("nan") and its like as a number of the same kind: of a file's numbers only that and their places count."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Constant(0.5) if ast.unparse(node.func) == "float" else node


def _by_name(found: Mapping[str, _Array], loss: str) -> _Taken | None:
    """Arrays whose names say what they are; columns beside a target that say nothing are the scores of its rows."""
    roles = {role: name for name in reversed(list(found)) if (role := role_of_name(name))}
    target = roles.get(Role.TARGET)
    if target is None:
        return None
    aim = _floating(target, found[target]) if loss in ELEMENTWISE else target
    if (scores := roles.get(Role.INPUT)) is not None:
        return _floating(scores, found[scores]), aim, _dimensions(found[scores]), (scores, target)
    columns = [name for name, array in found.items() if name != target and len(array) == len(found[target])]
    if [_dimensions(found[each]) for each in columns] == [_ROWS] and loss in INDEXED:
        return _floating(columns[0], found[columns[0]]), aim, _ROWS, (columns[0], target)
    if not columns or len(columns) < len(found) - 1 or any(_dimensions(found[each]) > 1 for each in columns):
        return None
    if len(columns) == 1:
        return _floating(columns[0], found[columns[0]]), aim, 1, (columns[0], target)
    return f"torch.stack(({', '.join(columns)}), dim=1).float()", aim, _ROWS, (*columns, target)


def _by_column(found: Mapping[str, _Array], loss: str, prose: str) -> _Taken | None:
    """A table without headings, whose last column, or the first where the words say so, holds the targets."""
    if len(found) != 1:
        return None
    ((name, table),) = found.items()
    rows = [row for row in table if isinstance(row, list)]
    if not rows or len(rows[0]) < _ROWS:
        return None
    target, scores = ("0", "1:") if _FIRST.search(prose) else ("-1", ":-1")
    if loss in ELEMENTWISE:
        both = len(rows[0]) == _ROWS
        return (f"{name}[:, {1 + int(target)}].float()", f"{name}[:, {target}].float()", 1, (name,)) if both else None
    whole = all(float(row[int(target)]).is_integer() for row in rows)
    return (f"{name}[:, {scores}].float()", f"{name}[:, {target}].long()", _ROWS, (name,)) if whole else None


def _floating(name: str, array: _Array) -> str:
    entries = [entry for row in array for entry in (row if isinstance(row, list) else [row])]
    return name if any(isinstance(each, float) for each in entries) else f"{name}.float()"


def _dimensions(array: _Array) -> int:
    return 2 if array and isinstance(array[0], list) else 1
