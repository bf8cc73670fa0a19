"""A program's literals and functions, put in the hands of `Following`, each at its own place in the text."""

from __future__ import annotations

import ast
from typing import Any, Final

from explainers.tracing.plain_numpy import METHODS

PLAIN: Final = "__plain__"
_SETTINGS: Final = ("eps", "epsilon", "lr", "learning_rate", "margin", "momentum", "smoothing", "smooth", "tol")
_SETTINGS_OF_A_LETTER: Final = ("alpha", "beta", "gamma", "delta", "lam", "lambda_", "tau", "temperature", "T")


def followed(tree: ast.Module) -> ast.Module:
    """The program with its numbers and functions in the hands of `Following`, each at its own place in the text."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return ast.fix_missing_locations(_Follow(own).visit(tree))


class _Follow(ast.NodeTransformer):
    def __init__(self, own: set[str]) -> None:
        self._own = own
        self._depth = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self._depth += 1
        node.body = [found for each in node.body for found in _listed(self.visit(each))]
        self._depth -= 1
        return node

    def visit_Import(self, node: ast.Import) -> Any:
        names = [(alias.asname or alias.name, alias.name) for alias in node.names if alias.name in ("math", "numpy")]
        return [node, *(_assigned(name, _of(module), node) for name, module in names)]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        if node.module != "math":
            return node
        return [
            node,
            *(
                _assigned(alias.asname or alias.name, ast.Attribute(_of("math"), alias.name, ast.Load()), node)
                for alias in node.names
                if alias.name != "*"
            ),
        ]

    def visit_Subscript(self, node: ast.Subscript) -> ast.Subscript:
        node.value = self.visit(node.value)
        return node

    def visit_List(self, node: ast.List) -> ast.expr:
        if _is_numbers(node):
            return ast.copy_location(ast.Call(_of("numbers"), [node], []), node)
        self.generic_visit(node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if node.attr != "size" or not isinstance(node.ctx, ast.Load):
            return node
        return ast.copy_location(ast.Call(_of("size"), [node.value], []), node)

    def visit_Assign(self, node: ast.Assign) -> ast.Assign:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if self._is_datum(name, value):
                node.value = _number(value)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values) as row):
                pairs = zip(names, values, strict=False)
                row.elts = [
                    _number(v) if isinstance(n, ast.Name) and self._is_datum(n.id, v) else self.visit(v)
                    for n, v in pairs
                ]
            case _:
                node.value = self.visit(node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        """x += y of numbers makes a new one, where a tensor would be written to."""
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        made = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        ast.copy_location(made, node)
        return ast.copy_location(ast.Assign([node.target], made), node)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS and not _is_module(node.func.value):
            given = [ast.Constant(node.func.attr), node.func.value, *node.args]
            return ast.copy_location(ast.Call(_of("method"), given, node.keywords), node)
        if not isinstance(node.func, ast.Name):
            return node
        known = {"round": "rounded", "float": "real", "max": "larger", "min": "smaller"}
        if node.func.id in self._own:
            node.args = [_number(arg) if _is_real(arg) else arg for arg in node.args]
        elif node.func.id in known and not (
            node.args and isinstance(node.args[0], ast.Constant) and len(node.args) < 2
        ):
            node.func = ast.copy_location(_of(known[node.func.id]), node.func)
        return node

    def _is_datum(self, name: str, value: ast.expr) -> bool:
        """Whether a number of the program's own is what it computes of, not a setting of the computation."""
        setting = name.lower() in _SETTINGS or name in _SETTINGS_OF_A_LETTER or name.isupper()
        return not self._depth and not setting and _is_real(value)


def _is_module(node: ast.expr) -> bool:
    """Whether a dot stands behind a module: np.sum, np.random.choice, math.prod."""
    root = node
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in ("np", "numpy", "math", "random", "statistics", "itertools")


def _listed(found: Any) -> list[ast.stmt]:
    return found if isinstance(found, list) else [found]


def _of(name: str) -> ast.expr:
    return ast.Attribute(ast.Name(PLAIN, ast.Load()), name, ast.Load())


def _assigned(name: str, value: ast.expr, at: ast.stmt) -> ast.Assign:
    return ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), at)


def _number(value: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Call(_of("number"), [value], []), value)


def _is_real(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=float()):
            return True
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _is_real(operand)
        case _:
            return False


def _is_numbers(node: ast.expr) -> bool:
    """Whether a list of the source holds numbers alone, at least two, or such lists."""
    match node:
        case ast.List(elts=[_, _, *_] as elements):
            return all(map(_is_number, elements)) or all(map(_is_numbers, elements))
        case ast.List(elts=[ast.List() as only]):
            return _is_numbers(only)
        case _:
            return False


def _is_number(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=bool()):
            return False
        case ast.Constant(value=int() | float()):
            return True
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _is_number(operand)
        case _:
            return False
