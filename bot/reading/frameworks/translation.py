"""A program of another framework → the same computation in torch; None where a part of it has no counterpart here."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from bot.reading.frameworks.definitions import (
    KERAS,
    KERAS_ALIASES,
    KERAS_CLASSES,
    LABELS,
    OPTIONS,
    OTHERS,
    Definition,
    Options,
)
from bot.reading.frameworks.names import DIM_LAST, IMPORTS, KEYWORDS, MAKERS, OPERATIONS, ROOTS
from bot.reading.lexing import parsed_anew

_FOREIGN = re.compile(r"\b(?:np|numpy|tf|tensorflow|keras|jnp|jax|sklearn|optax|log_loss|scipy)\b")
_PACKAGES = {"metrics": "sklearn", "special": "scipy", "tensorflow": "tf"}
"""Names under which people import parts of packages."""
_DTYPES = frozenset(("float16", "float32", "float64", "int32", "int64"))


@dataclass(frozen=True, slots=True)
class Translation:
    """Source in torch, the line of the original that each of its lines came from, and the losses that it held.

    `torch` is the program that ends in torch's own loss on the same arguments, "" without such a loss.
    """

    source: str
    line_map: tuple[int, ...]
    losses: tuple[str, ...]
    torch: str
    torch_lines: tuple[int, ...]


class Untranslatable(Exception):
    """A part of the program has no counterpart here."""


def translated(source: str) -> Translation | None:
    """The program in torch, where all of it can be said so; None also for a program that is torch's already."""
    if not _FOREIGN.search(source):
        return None
    tree = parsed_anew(source)
    if tree is None or _names(tree) & {"torch", "nn", "F"}:
        return None
    try:
        writer = _Writer()
        writer.write(tree)
    except Untranslatable:
        return None
    return writer.translation()


def _names(tree: ast.Module) -> frozenset[str]:
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


@dataclass
class _Writer(ast.NodeTransformer):
    """Rewrites statement by statement; a loss becomes statements before the one it stands in."""

    lines: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    losses: list[str] = field(default_factory=list[str])
    torch: tuple[int, str, int] | None = None
    lists: set[str] = field(default_factory=set[str])
    modules: dict[str, tuple[str, Options]] = field(default_factory=dict[str, tuple[str, Options]])
    at: int = 1
    end: int = 1
    imported: dict[str, str] = field(default_factory=dict[str, str])
    own: set[str] = field(default_factory=set[str])

    def write(self, tree: ast.Module) -> None:
        self.imported = _imported(tree)
        self.own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        for statement in tree.body:
            self.at, self.end = statement.lineno, statement.end_lineno or statement.lineno
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.List | ast.Tuple):
                self.lists |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
            if not self._is_import(statement) and not self._binds_module(statement):
                self._emit(ast.unparse(ast.fix_missing_locations(self.visit(statement))))

    def translation(self) -> Translation | None:
        if not self.lines:
            return None
        text, numbers = "\n".join(line for line, _ in self.lines), tuple(number for _, number in self.lines)
        if self.torch is None:
            return Translation(text, numbers, tuple(self.losses), "", ())
        before, call, number = self.torch
        kept = self.lines[:before]
        own = "\n".join([*(line for line, _ in kept), call])
        return Translation(text, numbers, tuple(self.losses), own, (*(n for _, n in kept), number))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        dotted = self._resolved(node.func)
        root, name = dotted.partition(".")[0], dotted.rpartition(".")[2]
        if dotted in self.modules:
            return self._loss(*self.modules[dotted], node)
        if isinstance(node.func, ast.Call) and (made := _module(node.func)):
            return self._loss(*made, node)
        if dotted not in self.own and (loss := _function(dotted)) is not None:
            return self._loss(loss, {}, node)
        if name == "numpy" and isinstance(node.func, ast.Attribute) and not node.args:
            return self.visit(node.func.value)
        if root in ROOTS:
            return self._operation(name, node)
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute):
            node.keywords = [ast.keyword(KEYWORDS.get(word.arg or "", word.arg), word.value) for word in node.keywords]
        return node

    def _resolved(self, function: ast.expr) -> str:
        """The dotted name from its package on: "sp.kl_div" after "import scipy.special as sp"."""
        first, dot, rest = _dotted(function).partition(".")
        return f"{self.imported.get(first, first)}{dot}{rest}"

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if _dotted(node).partition(".")[0] in ROOTS:
            if node.attr in _DTYPES:
                return _expression(f"torch.{node.attr}")
            if node.attr not in ("pi", "e", "inf", "nan"):
                raise Untranslatable
            return _expression(f"torch.{node.attr}")
        self.generic_visit(node)
        return node

    def _operation(self, name: str, node: ast.Call) -> ast.expr:
        if name in MAKERS:
            return self._made(node)
        if name == "cast":
            return ast.Call(ast.Attribute(self.visit(node.args[0]), "to"), [self.visit(a) for a in node.args[1:]], [])
        if name == "one_hot":
            return self._one_hot(node)
        if name not in OPERATIONS:
            raise Untranslatable
        words = [ast.keyword(KEYWORDS.get(word.arg or "", word.arg), self.visit(word.value)) for word in node.keywords]
        if OPERATIONS[name] in DIM_LAST and len(node.args) == 1 and not words:
            words = [ast.keyword("dim", ast.UnaryOp(ast.USub(), ast.Constant(1)))]
        owner = "F" if name == "softplus" else "torch"
        function = _expression(f"{owner}.{OPERATIONS[name]}")
        first, others = [_tensor(self.visit(arg)) for arg in node.args[:1]], [self.visit(arg) for arg in node.args[1:]]
        return ast.Call(function, [*first, *others], words)

    def _made(self, node: ast.Call) -> ast.expr:
        words = [
            ast.keyword("dtype", dtype)
            for word in node.keywords
            if word.arg == "dtype" and isinstance(dtype := self.visit(word.value), ast.Attribute)
        ]
        if not node.args:
            raise Untranslatable
        made = _tensor(self.visit(node.args[0]))
        if isinstance(made, ast.Call) and _dotted(made.func) == "torch.tensor":
            made.keywords += words
        return made

    def _one_hot(self, node: ast.Call) -> ast.expr:
        words = {word.arg: word.value for word in node.keywords}
        values = [*node.args, *(words[name] for name in ("depth", "num_classes") if name in words)]
        match [self.visit(value) for value in values]:
            case [indices, classes]:
                pass
            case _:
                raise Untranslatable
        one_hot = ast.Call(_expression("F.one_hot"), [_tensor(indices), classes], [])
        return ast.Call(ast.Attribute(one_hot, "float"), [], [])

    def _loss(self, name: str, options: Options, node: ast.Call) -> ast.expr:
        averaged = name in KERAS_CLASSES
        definition = KERAS.get(KERAS_CLASSES.get(name, name)) or OTHERS[name]
        options = {**options, **{k: v for k, v in _options(node, definition.arguments).items() if k not in LABELS}}
        given = self._arguments(definition, node)
        if definition.difference == "sklearn":
            given = {**given, "y_true": _counted(given["y_true"])}
        for argument, value in given.items():
            self._bind(argument, value)
        if call := definition.torch(options):
            self.torch = (len(self.lines), call, self.at)
        *steps, (_, value) = definition.rows(options)
        for target, expression in steps:
            self._emit(f"{target} = {expression}")
        self.losses.append(name.rpartition(".")[2])
        found = _expression(value)
        over_rows = _over_rows(options.get("reduction", "mean")) if averaged else ""
        return ast.Call(ast.Attribute(found, over_rows), [], []) if over_rows else found

    def _arguments(self, definition: Definition, node: ast.Call) -> dict[str, ast.expr]:
        """All arguments under the names of the definition."""
        if len(node.args) > len(definition.arguments):
            raise Untranslatable
        given = dict(zip(definition.arguments, node.args, strict=False))
        for word in node.keywords:
            name = LABELS.get(word.arg or "", word.arg or "")
            if word.arg == "labels" and name in given:
                _check_counted(word.value)
            elif name in definition.arguments:
                given[name] = word.value
        if set(given) != set(definition.arguments):
            raise Untranslatable
        return {name: self.visit(value) for name, value in given.items()}

    def _bind(self, name: str, value: ast.expr) -> None:
        listed = isinstance(value, ast.Name) and value.id in self.lists
        made = ast.Call(_expression("torch.tensor"), [value], []) if listed else _tensor(value)
        text = ast.unparse(ast.fix_missing_locations(made))
        if text != name:
            self._emit(f"{name} = {text}")

    def _emit(self, text: str) -> None:
        self.lines += [(line, min(self.at + row, self.end)) for row, line in enumerate(text.split("\n"))]

    def _is_import(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.Import(names=aliases):
                return all(alias.name.partition(".")[0] in IMPORTS for alias in aliases)
            case ast.ImportFrom(module=str(module)):
                return module.partition(".")[0] in IMPORTS
            case _:
                return False

    def _binds_module(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call) if made := _module(call):
                self.modules[name] = made
                return True
            case _:
                return False


def _imported(tree: ast.Module) -> dict[str, str]:
    """What names bound by imports stand for: {"sp": "scipy.special", "kl_div": "scipy.special.kl_div"}."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names |= {each.asname: each.name for each in aliases if each.asname}
            case ast.ImportFrom(module=str(module), names=aliases):
                names |= {each.asname or each.name: f"{module}.{each.name}" for each in aliases}
            case _:
                pass
    return names


def _module(call: ast.Call) -> tuple[str, Options] | None:
    """A Keras loss object that is made: its class and its options."""
    name = _dotted(call.func).rpartition(".")[2]
    return (name, _options(call)) if name in KERAS_CLASSES and not call.args else None


def _function(dotted: str) -> str | None:
    """The loss that a dotted name means; short names of operations only count behind their module."""
    name = KERAS_ALIASES.get(dotted.rpartition(".")[2], dotted.rpartition(".")[2])
    of_module = f"{_PACKAGES.get(root := dotted.partition('.')[0], root)}.{name}"
    if of_module in OTHERS:
        return of_module
    known = name in OTHERS or (name in KERAS and ("." in dotted or name.endswith("crossentropy")))
    return name if known else None


def _options(call: ast.Call, arguments: Sequence[str] = ()) -> Options:
    """Keywords of a call that are no arguments; raises Untranslatable for one that is not understood."""
    options: Options = {}
    for word in call.keywords:
        name = word.arg or ""
        match word.value:
            case _ if name in arguments or LABELS.get(name) in arguments:
                pass
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)) if name == "axis":
                pass
            case ast.Constant(value=bool() | int() | float() | str() | None as value) if name in OPTIONS:
                options[name] = value
            case ast.Attribute(attr=attribute) if name == "reduction":
                options[name] = attribute.lower()
            case _:
                raise Untranslatable
    return options


def _counted(labels: ast.expr) -> ast.expr:
    """Labels that are words as the places that scikit-learn gives them: in the order of the alphabet."""
    words = [each.value for each in labels.elts if isinstance(each, ast.Constant)] if _is_listed(labels) else []
    if not words or not all(isinstance(each, str) for each in words):
        return labels
    order = sorted({str(each) for each in words})
    return ast.List([ast.Constant(order.index(str(each))) for each in words], ast.Load())


def _is_listed(value: ast.expr) -> TypeGuard[ast.List | ast.Tuple]:
    return isinstance(value, ast.List | ast.Tuple)


def _check_counted(classes: ast.expr) -> None:
    """Raises Untranslatable where the classes that scikit-learn is told of are not 0, 1, 2, ... in turn."""
    match classes:
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            values = [each.value for each in elements if isinstance(each, ast.Constant)]
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int())]):
            return
        case _:
            raise Untranslatable
    if values != list(range(len(elements))):
        raise Untranslatable


def _over_rows(reduction: object) -> str:
    """The method that makes one number of a row of Keras' values, "" for none."""
    match reduction:
        case "sum":
            return "sum"
        case "none" | None:
            return ""
        case "mean" | "sum_over_batch_size" | "auto" | "mean_with_sample_weight":
            return "mean"
        case _:
            raise Untranslatable


def _dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=name):
            return f"{_dotted(owner)}.{name}"
        case _:
            return ""


def _tensor(value: ast.expr) -> ast.expr:
    """A literal as a tensor, which torch's functions want where numpy's take numbers and lists."""
    literal = isinstance(value, ast.List | ast.Tuple | ast.Constant | ast.UnaryOp)
    return ast.Call(_expression("torch.tensor"), [value], []) if literal else value


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
