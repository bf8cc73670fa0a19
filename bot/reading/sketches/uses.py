"""How a source uses the names that it lacks: called, iterated over, read from, or handed to a loss."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from bot.reading.literals import Role, role_of_name
from bot.reading.losses import MODULES, functions
from bot.reading.snippets import name_of

_A_LOSS = re.compile(r"loss|crit|objective|^(?:b?ce|mse|nll|kld?)$", re.I)
_ACTIVATED = re.compile(r"softmax|sigmoid|^log$", re.I)
_A_MODEL = re.compile(r"model|net|encoder|decoder|backbone|classifier|head|forward|mlp|cnn|lstm|bert", re.I)
_A_WEIGHT = re.compile(r"(?:class_|pos_)?w(?:eights?)?$", re.I)
_A_PROBABILITY = re.compile(
    r"(?:y_)?prob\w*$|sigmoid\w*$|softmax\w*$|(?<!log)(?<!log_)(?:std\w*|sigma\w*|var(?:iance)?)$", re.I
)
"""What is positive: made-up numbers for it lie between 0 and 1."""
_A_LOGARITHM = re.compile(r"log_?(?:p|q|prob\w*|softmax\w*|scores?\w*|pred\w*|likelihoods?)(?:_\w+)?$", re.I)
_A_COUNT = re.compile(r"n_\w+|num\w*|\w*(?:size|classes|dim|epochs|steps|len\w*)$", re.I)

OPTIONS = {
    "gamma": "2.0", "alpha": "0.25", "eps": "1e-8", "epsilon": "1e-8", "smooth": "1.0", "smoothing": "0.1",
    "margin": "1.0", "temperature": "0.5", "tau": "0.5", "beta": "1.0", "delta": "1.0", "num_classes": "3",
    "n_classes": "3", "classes": "3", "reduction": "'mean'", "dim": "1", "t": "2.0",
    "device": "'cpu'", "label_smoothing": "0.1", "ignore_index": "-100", "blank": "0",
}  # fmt: skip
"""Usual values of the options that losses are written with."""


class Use(Enum):
    """What a missing name stands for."""

    INPUT = "input"
    PROBABILITY = "probability"
    LOG_PROBABILITY = "log-probability"
    TARGET = "target"
    WEIGHT = "weight"
    COUNT = "count"
    OPTION = "option"
    TOTAL = "total"
    LOSS = "loss"
    MODEL = "model"
    BATCHES = "batches"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Uses:
    """The use of each missing name, and the names of the attributes and keys that are read of it.

    `roles` are the uses of all names in the arguments of losses, `loss` the first loss that is called. `fed` is the
    loss that the inputs are handed to as they are: "" where the source takes a softmax or a sigmoid itself. `indices`
    are names that one_hot takes, `shares` what is multiplied with a logarithm of the same shape. `lengths` are counts
    that a range goes to whose number picks from a tensor: the name of the tensor, and the axis that it is picked from.
    """

    of: Mapping[str, Use]
    parts: Mapping[str, tuple[str, ...]]
    roles: Mapping[str, Use]
    loss: str
    fed: str
    indices: frozenset[str] = frozenset()
    lengths: Mapping[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    shares: frozenset[str] = frozenset()


def losses_called(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a loss of torch with its name: of a function, of a module, or of what a module is bound to."""
    bound = {
        ast.unparse(target): MODULES[name_of(node.value)]
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and name_of(node.value) in MODULES
        for target in node.targets
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Call) and name_of(node.func) in MODULES:
            yield MODULES[name_of(node.func)], node
        elif (name := ast.unparse(node.func)) in bound:
            yield bound[name], node
        elif name_of(node.func) in functions():
            yield name_of(node.func), node


def uses(tree: ast.Module, names: tuple[str, ...], named: str) -> Uses:
    """How these names are used; `named` is a loss by which an undefined criterion goes."""
    called = list(losses_called(tree))
    loss = next((name for name, _ in called), "")
    parts = {name: tuple(dict.fromkeys(_parts(tree, name))) for name in names}
    lacking = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _lacks(node, names)]
    calls = [*(call for _, call in called), *lacking]
    roles = {name: role for call in calls for name, role in _roles(call)}
    found = {name: _use(tree, name, parts[name], roles.get(name)) for name in names}
    activated = any(_ACTIVATED.search(name_of(node)) for node in ast.walk(tree) if isinstance(node, ast.Call))
    fed = "" if activated else loss or named
    shares = frozenset(_shares(tree)) if not loss else frozenset[str]()
    under = {} if loss else {name: Use.PROBABILITY for name in _under_logarithms(tree) if found.get(name) is Use.INPUT}
    indices, lengths = frozenset(_one_hot(tree)), dict(_lengths(tree))
    return Uses({**found, **under}, parts, roles, loss or named, fed, indices, lengths, shares)


def _shares(tree: ast.Module) -> Iterator[str]:
    """Names that are multiplied with a logarithm, and what the logarithm is of: `-(t * torch.log(p))`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
            continue
        for one, other in ((node.left, node.right), (node.right, node.left)):
            bare = one.operand if isinstance(one, ast.UnaryOp) else one
            if isinstance(bare, ast.Name) and _is_logarithm(other) and not _has_rest(tree, bare.id):
                yield bare.id
                yield from (arg.id for arg in getattr(other, "args", []) if isinstance(arg, ast.Name))


def _is_logarithm(node: ast.expr) -> bool:
    named = isinstance(node, ast.Name) and bool(_A_LOGARITHM.match(node.id))
    return named or (isinstance(node, ast.Call) and name_of(node) in ("log", "log_softmax"))


def _has_rest(tree: ast.Module, name: str) -> bool:
    """Whether 1 minus it is there, too: then it is a label of its own, and no share of several."""
    return any(
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Constant)
        and isinstance(node.right, ast.Name) and node.right.id == name
        for node in ast.walk(tree)
    )  # fmt: skip


def _under_logarithms(tree: ast.Module) -> Iterator[str]:
    """Names that a logarithm is taken of."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(args=[ast.Name(id=name), *_]) if name_of(node) == "log":
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="log"), args=[]):
                yield name
            case _:
                pass


def _lengths(tree: ast.Module) -> Iterator[tuple[str, tuple[str, int]]]:
    """`for s in range(depth): … x[:, :, s]`: depth is the length of axis 2 of x."""
    for loop in ast.walk(tree):
        match loop:
            case ast.For(
                target=ast.Name(id=at), iter=ast.Call(func=ast.Name(id="range"), args=[ast.Name(id=count)]), body=body
            ):
                nodes = (node for statement in body for node in ast.walk(statement))
                picked = (found for node in nodes if (found := _picked(node, at)) is not None)
                yield from ((count, found) for found in picked)
            case _:
                pass


def _picked(node: ast.AST, at: str) -> tuple[str, int] | None:
    match node:
        case ast.Subscript(value=ast.Name(id=name), slice=index):
            places = index.elts if isinstance(index, ast.Tuple) else [index]
            axes = (k for k, each in enumerate(places) if isinstance(each, ast.Name) and each.id == at)
            return next(((name, axis) for axis in axes), None)
        case _:
            return None


def _one_hot(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(args=[ast.Name(id=name), *_]) if name_of(node.func) == "one_hot":
                yield name
            case _:
                pass


def _lacks(call: ast.Call, names: tuple[str, ...]) -> bool:
    """Whether it is the call of a criterion that nobody defines."""
    return _root(call.func) in names and bool(_A_LOSS.search(name_of(call.func)))


def _use(tree: ast.Module, name: str, parts: tuple[str, ...], role: Use | None) -> Use:
    if _is_called(tree, name):
        return Use.LOSS if _A_LOSS.search(name) else Use.MODEL
    if _is_counted(tree, name):
        return Use.COUNT
    if _is_iterated(tree, name):
        return Use.BATCHES
    if parts or name == "self":
        return Use.OBJECT
    if _is_added_to(tree, name):
        return Use.TOTAL
    said = use_of_name(name)
    if role is None and said is None and name in OPTIONS:
        return Use.OPTION
    return said if said in (Use.WEIGHT, Use.COUNT, Use.PROBABILITY, Use.LOG_PROBABILITY) else role or said or Use.INPUT


def _is_added_to(tree: ast.Module, name: str) -> bool:
    """Whether the source reads it only to add to it: a running total."""
    added = {id(each.target) for each in ast.walk(tree) if isinstance(each, ast.AugAssign)}
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    return any(id(node) in added for node in named) and all(
        id(node) in added or isinstance(node.ctx, ast.Store) for node in named
    )


def read_first(tree: ast.Module) -> tuple[str, ...]:
    """Names that the top level reads before it binds them: a best loss, a running total."""
    reads: dict[str, tuple[int, int]] = {}
    binds: dict[str, tuple[int, int]] = {}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            binds.setdefault(statement.name, (statement.lineno, 0))
            continue
        inner = {arg.arg for node in ast.walk(statement) if isinstance(node, ast.arguments) for arg in node.args}
        for node in ast.walk(statement):
            match node:
                case ast.AugAssign(target=ast.Name(id=name)):
                    reads.setdefault(name, (node.lineno, -1))
                case ast.Name(id=name, ctx=ast.Load()) if name not in inner:
                    reads[name] = min(reads.get(name, (node.lineno, node.col_offset)), (node.lineno, node.col_offset))
                case ast.Name(id=name):
                    place = (getattr(statement, "lineno", 0), 0) if _is_target(statement, name) else _place(node)
                    binds[name] = min(binds.get(name, place), place)
                case _:
                    pass
    return tuple(name for name, at in reads.items() if name in binds and at < binds[name])


def _place(node: ast.Name) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _is_target(statement: ast.stmt, name: str) -> bool:
    """Whether a loop, a with or a comprehension of the statement binds the name before its body reads it."""
    kinds = (ast.For, ast.comprehension, ast.With, ast.withitem, ast.NamedExpr)
    holders = (node for node in ast.walk(statement) if isinstance(node, kinds))
    targets = (getattr(node, "target", None) or getattr(node, "optional_vars", None) for node in holders)
    return any(
        isinstance(node, ast.Name) and node.id == name for target in targets if target for node in ast.walk(target)
    )


def use_of_name(name: str) -> Use | None:
    """What a name says by itself."""
    if _A_WEIGHT.match(name):
        return Use.WEIGHT
    if _A_COUNT.fullmatch(name):
        return Use.COUNT
    if _A_LOGARITHM.match(name):
        return Use.LOG_PROBABILITY
    if _A_PROBABILITY.match(name):
        return Use.PROBABILITY
    role = role_of_name(name) or role_of_name(name.rpartition("_")[2]) or role_of_name(name.rstrip("0123456789"))
    return {Role.INPUT: Use.INPUT, Role.TARGET: Use.TARGET, Role.WEIGHT: Use.WEIGHT}.get(role) if role else None


def called_part(name: str) -> Use:
    """What an attribute that is called stands for."""
    return Use.LOSS if _A_LOSS.search(name) else Use.MODEL if _A_MODEL.search(name) else Use.OBJECT


def _roles(call: ast.Call) -> Iterator[tuple[str, Use]]:
    """Names inside the arguments of a loss by their place: the last of the positional ones is the target."""
    last = len(call.args) - 1
    for at, argument in enumerate(call.args[:3]):
        use = Use.TARGET if at == min(last, 2) and at > 0 else Use.INPUT
        yield from ((node.id, use) for node in ast.walk(argument) if isinstance(node, ast.Name))
    for keyword in call.keywords:
        use = {"target": Use.TARGET, "weight": Use.WEIGHT, "pos_weight": Use.WEIGHT}.get(keyword.arg or "")
        if use is not None and isinstance(keyword.value, ast.Name):
            yield keyword.value.id, use


def _is_called(tree: ast.Module, name: str) -> bool:
    return any(isinstance(node, ast.Call) and ast.unparse(node.func) == name for node in ast.walk(tree))


def _is_counted(tree: ast.Module, name: str) -> bool:
    """Whether a range goes to it."""
    ranges = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and name_of(node) in ("range", "trange"))
    return any(isinstance(argument, ast.Name) and argument.id == name for call in ranges for argument in call.args)


def _is_iterated(tree: ast.Module, name: str) -> bool:
    """Whether a loop or `next(iter(...))` goes over it, or over a part of it."""
    for node in ast.walk(tree):
        match node:
            case ast.For(iter=over) | ast.comprehension(iter=over):
                pass
            case ast.Call(func=ast.Name(id="iter"), args=[over]):
                pass
            case _:
                continue
        if _root(over) == name or any(_root(argument) == name for argument in _arguments(over)):
            return True
    return False


def _arguments(node: ast.expr) -> list[ast.expr]:
    return node.args if isinstance(node, ast.Call) else []


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _parts(tree: ast.Module, name: str) -> Iterator[str]:
    """Attributes ("logits", "model()") and keys ("['labels']") that are read of a name; methods of tensors are none."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=part) if owner == name:
                if id(node) not in called:
                    if part not in _OF_TENSORS or (name, part) == ("self", "device"):
                        yield part
                elif name == "self" or part in STEPS or called_part(part) is not Use.OBJECT:
                    yield f"{part}()"
            case ast.Subscript(value=ast.Name(id=owner), slice=ast.Constant(value=str(key))) if owner == name:
                yield f"['{key}']"
            case _:
                pass


_OF_TENSORS = frozenset(("shape", "dtype", "device", "data", "grad", "T", "ndim", "requires_grad", "is_cuda"))
STEPS = frozenset(("step", "zero_grad", "update", "scale"))
