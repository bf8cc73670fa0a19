"""The same program in the other ways in which people write it: none of them may hide a mistake, or make one up."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable

Way = Callable[[str], str]


class _Renamed(ast.NodeTransformer):
    """Every variable of the program's own under a longer name."""

    def __init__(self, own: frozenset[str]) -> None:
        self.own = own

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = _longer(node.id) if node.id in self.own else node.id
        return node


def _longer(name: str) -> str:
    return f"my_{name}"


def _own_names(tree: ast.Module) -> frozenset[str]:
    """Variables that statements outside of functions and classes bind; what keyword arguments are called is not."""
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    inner = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Lambda)]
    hidden = {n.arg for f in inner for n in ast.walk(f) if isinstance(n, ast.arg)}
    return frozenset(stored - hidden - set(dir(builtins)))


def renamed(source: str) -> str:
    tree = ast.parse(source)
    return ast.unparse(_Renamed(_own_names(tree)).visit(tree))


def in_a_function(source: str) -> str:
    """Everything behind the imports and definitions in a function that returns what the program ends with."""
    tree = ast.parse(source)
    outside = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    head = [n for n in tree.body if isinstance(n, outside)]
    body = [n for n in tree.body if not isinstance(n, outside)]
    if body and isinstance(last := body[-1], ast.Expr):
        body[-1] = ast.Return(last.value)
    step = ast.parse("def step():\n    pass\nstep()")
    function = step.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.body = body
    return ast.unparse(ast.fix_missing_locations(ast.Module([*head, *step.body], [])))


def printed(source: str) -> str:
    """What it ends with in a variable that is printed."""
    tree = ast.parse(source)
    match tree.body[-1]:
        case ast.Expr(value=value) if not _is_backward(value):
            tree.body[-1:] = ast.parse(f"outcome = {ast.unparse(value)}\nprint(outcome)").body
        case _:
            pass
    return ast.unparse(tree)


def _is_backward(value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Attribute(attr="backward" | "step" | "print")) | ast.Call(func=ast.Name(id="print")):
            return True
        case _:
            return False


def among_others(source: str) -> str:
    """Beside a computation that has nothing to do with it."""
    lines = source.rstrip("\n").split("\n")
    last = max((k for k, line in enumerate(lines) if line.startswith(("import ", "from "))), default=-1)
    return "\n".join([*lines[: last + 1], "steps = torch.arange(4.0)", "rate = steps.mean() / 10", *lines[last + 1 :]])


WAYS: tuple[Way, ...] = (renamed, in_a_function, printed, among_others)
