"""A call of what a source only defines: "def focal(pred, truth, gamma=2.)" → "focal(pred, truth)"."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.reading.arguments import INDEXED
from bot.reading.inline import calls_of
from bot.reading.lexing import parsed
from bot.reading.losses import MODULES
from bot.reading.sketches.uses import OPTIONS
from bot.reading.snippets import name_of

_ITEMS = 4
_OF_BACKWARD = re.compile(
    r"does not require grad|implicitly created only for scalar|backward through the graph|inplace operation", re.I
)
_METHODS = ("forward", "__call__")
_Function = ast.FunctionDef


@dataclass(frozen=True, slots=True)
class Called:
    """A source that ends with a call of what it defines, and the shapes that its layers ask for."""

    source: str
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])


def called(source: str) -> Called:
    """The source as it stands where it computes something, or where it is not known how to call it."""
    tree = parsed(source)
    if tree is None or not _only_defines(tree):
        return Called(source)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    own = next((made for made in map(_of_class, reversed(classes)) if made), None)
    if own is None and (function := _last_used(functions)) is not None:
        own = _call(function.name, _needed(function.args))
    if own is not None:
        return Called(f"{source.rstrip()}\n{own}")
    criterion = next(iter(_criteria(tree)), None)
    model = next((node for node in classes if (method := _method(node)) and len(_needed(method.args)) == 2), None)
    return _of_model(source, model, *criterion) if model is not None and criterion is not None else Called(source)


def is_of_backward(message: str) -> bool:
    """Whether an error is one that backward() raises."""
    return bool(_OF_BACKWARD.search(message))


def with_backward(source: str) -> str:
    """The source with a backward pass of what it ends with, where it has none."""
    tree = parsed(source)
    if tree is None or not tree.body or any(_starts_backward(node) for node in ast.walk(tree)):
        return source
    match tree.body[-1]:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return f"{source.rstrip()}\n{name}.backward()"
        case ast.Expr(value=value, lineno=line):
            before = "\n".join(source.split("\n")[: line - 1])
            return f"{before}\nloss = {ast.unparse(value)}\nloss.backward()".lstrip("\n")
        case _:
            return source


def with_asked(source: str, prose: str) -> str:
    """The source with what it computes shown, beside a call of its criterion that the sentences ask about: "can I
    just call criterion(logits, labels)?"."""
    tree = parsed(source)
    if tree is None or _only_defines(tree):
        return source
    criteria = {name for name, _ in _criteria(tree)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in criteria]
    written = {ast.unparse(node) for node in calls}
    asked = [each.source for each in calls_of(criteria, prose) if ast.unparse(ast.parse(each.source)) not in written]
    used = {node.id for call in calls for node in ast.walk(call) if isinstance(node, ast.Name)}
    beside = next((each for each in asked if _names(each) <= used), None)
    total = next((target for node in ast.walk(tree) if (target := _result(node, calls))), None)
    return source if beside is None or total is None else f"{source.rstrip()}\nprint({total})\nprint({beside})"


def _names(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def _result(node: ast.AST, calls: Sequence[ast.Call]) -> str | None:
    """The variable that a statement puts one of the calls into, or adds it to."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AugAssign(target=ast.Name(id=name)):
            return name if any(each is call for each in ast.walk(node.value) for call in calls) else None
        case _:
            return None


def _starts_backward(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "backward"


def _only_defines(tree: ast.Module) -> bool:
    """Whether nothing at the top level computes a loss: imports, definitions, losses and options."""
    kinds = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    held = [node for node in tree.body if not isinstance(node, kinds)]
    return len(held) < len(tree.body) and all(
        isinstance(node, ast.Assign) and (name_of(node.value) in MODULES or isinstance(node.value, ast.Constant))
        for node in held
    )


def _last_used(functions: Sequence[_Function]) -> _Function | None:
    """The last function that no other one calls, of two arguments at least."""
    inner = {name_of(call) for each in functions for call in ast.walk(each) if isinstance(call, ast.Call)}
    outer = [each for each in functions if each.name not in inner and len(each.args.args) > 1]
    return outer[-1] if outer else None


def _of_class(node: ast.ClassDef) -> str | None:
    """A call of an instance whose method takes an input and a target."""
    method = _method(node)
    given = _needed(method.args)[1:] if method else []
    if len(given) < 2:
        return None
    start = next((each for each in node.body if isinstance(each, _Function) and each.name == "__init__"), None)
    options = _needed(start.args)[1:] if start else []
    return _call(_call(node.name, options), given) if all(each in OPTIONS for each in options) else None


def _method(node: ast.ClassDef) -> _Function | None:
    return next((each for each in node.body if isinstance(each, _Function) and each.name in _METHODS), None)


def _needed(arguments: ast.arguments) -> list[str]:
    """The arguments without a default."""
    return [each.arg for each in arguments.args[: len(arguments.args) - len(arguments.defaults)]]


def _call(what: str, names: Sequence[str]) -> str:
    """Options go in as their usual numbers; the first two arguments are the input and the target whatever they are."""
    given = [OPTIONS.get(each, each) if at > 1 or each not in ("t", "beta", "alpha") else each
             for at, each in enumerate(names)]  # fmt: skip
    return f"{what}({', '.join(given)})"


def _criteria(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that a loss module is bound to, with its function."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as value) if name_of(value) in MODULES:
                yield name, MODULES[name_of(value)]
            case _:
                pass


def _of_model(source: str, model: ast.ClassDef, criterion: str, loss: str) -> Called:
    """The criterion on the model's output, as far as linear layers tell what goes in and what comes out."""
    layers = [sizes for node in ast.walk(model) if (sizes := _linear(node))]
    if not layers:
        return Called(source)
    output: tuple[int, ...] = (_ITEMS,) if loss in INDEXED else (_ITEMS, layers[-1][1])
    shapes: dict[str, tuple[int, ...]] = {"x": (_ITEMS, layers[0][0]), "target": output}
    return Called(f"{source.rstrip()}\n{criterion}({model.name}()(x), target)", shapes)


def _linear(node: ast.AST) -> tuple[int, int] | None:
    match node:
        case ast.Call(args=[ast.Constant(value=int(first)), ast.Constant(value=int(last)), *_]):
            return (first, last) if name_of(node) == "Linear" else None
        case _:
            return None
