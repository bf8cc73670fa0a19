"""Stand-ins of the shapes that a message states, for names that its code needs and nobody defines.

"my output is [32, 10], labels [32]", "outputs has shape (64, 1)", `print(out.shape)  # torch.Size([16, 3])`.
"""

import ast
import functools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.reading.arguments import INDEXED
from bot.reading.lexing import parsed
from bot.reading.literals import Role, role_of_name
from bot.reading.losses import MODULES
from bot.reading.names import completed, unbound
from bot.reading.sketches.sizes import listed_shapes, smaller
from bot.reading.sketches.tensors import Sort, made
from bot.reading.snippets import name_of

Shape = tuple[int, ...]

_SHAPE = re.compile(
    r"(?:torch\.)?(?:Size\()?[\[(]\s*(\d{1,7}(?:\s*,\s*\d{1,7})*)\s*,?\s*[\])]\)?|(\d+(?:\s*[x×]\s*\d+)+)"
)
_SAYS = re.compile(r"shape|size|dim(?:ension)?s?\b|形状|サイズ|形|大小", re.I)
_BREAK = re.compile(r"[;?!。]|\.\s|\n\s*\n")
_WORD = re.compile(r"[A-Za-z_]\w*|出力|ラベル|ターゲット|予測|输出|标签|目标|预测")
_REACH = 60
_MOST = 10**6  # elements of a stand-in
_MOST_STATED = 10**9  # of a tensor of the asker's: of such a shape a smaller one stands in
_LEAST_BATCH = 4
_LOGARITHMS = frozenset(("log", "log2", "log10"))
_LOGARITHMIC = frozenset(("nll_loss", "kl_div"))
_BINARY = frozenset(("binary_cross_entropy", "binary_cross_entropy_with_logits"))


@dataclass(frozen=True, slots=True)
class Stated:
    """A shape and the word that it is said of; `plain` where no other word says that it is one.

    `written` is the word with the shape: where the source reads "sample[1]", it is an item, not a shape.
    """

    word: str
    shape: Shape
    plain: bool
    written: str


@dataclass(frozen=True, slots=True)
class _Loss:
    """The loss that code calls, and the names that it is given."""

    function: str
    input: str | None
    target: str | None


def stand_ins(source: str, text: str) -> dict[str, tuple[Shape, str]]:
    """Shapes that the text states for names which the source needs, and code that binds each to such a random
    tensor."""
    tree = parsed(source)
    needed = set(completed(unbound(source))[1])
    if tree is None or not needed:
        return {}
    loss = _loss(tree, dict.fromkeys(needed, _mentioned(text)))
    names = needed | {name for name in (loss.input, loss.target) if name} if loss else needed
    items = {ast.unparse(node).replace(" ", "") for node in ast.walk(tree) if isinstance(node, ast.Subscript)}
    stated = [each for each in _stated(text, frozenset(names)) if each.written.replace(" ", "") not in items]
    told = {
        **_by_name(stated, names, loss),
        **{n: s for n, s in listed_shapes(text, tuple(names)).items() if n in names},
    }
    errors = "\n".join(line for line in text.splitlines() if "Error" in line)
    found = {name: shape for name, shape in smaller(told, errors, _MOST).items() if math.prod(shape) <= _MOST}
    kinds = _kinds(tree)
    return {name: (shape, f"{name} = {_tensor(name, shape, found, loss, kinds)}") for name, shape in found.items()}


def _by_name(stated: Sequence[Stated], names: set[str], loss: _Loss | None) -> dict[str, Shape]:
    """The shape of each name: by itself, else by its role in the loss."""
    if any(each.plain for each in stated) and not _are_plainly_shapes(stated):
        stated = [each for each in stated if not each.plain]
    found: dict[str, Shape] = {each.word: each.shape for each in reversed(stated) if each.word in names}
    for role, name in ((Role.INPUT, loss.input), (Role.TARGET, loss.target)) if loss else ():
        told = next((each.shape for each in stated if each.word not in names and role_of_name(each.word) is role), None)
        if name is not None and name not in found and told is not None:
            found[name] = told
    if loss and loss.input in found and loss.target in names and loss.target not in found:
        shape = found[loss.input]
        found[loss.target] = (*shape[:1], *shape[2:]) if loss.function in INDEXED else shape
    return found


def _are_plainly_shapes(stated: Sequence[Stated]) -> bool:
    """Whether lists of whole numbers are shapes though nothing says so: a batch of scores, and one label for each."""
    rows = {each.shape[0] for each in stated if len(each.shape) > 1 and role_of_name(each.word) is not Role.TARGET}
    labels = {each.shape[0] for each in stated if each.shape[1:] in ((), (1,))}
    return any(size >= _LEAST_BATCH for size in rows & labels)


@functools.lru_cache(maxsize=8)
def _stated(text: str, names: frozenset[str]) -> tuple[Stated, ...]:
    """Every shape beside one of the names; asked once per program of a message, of the same text."""
    return tuple(_shapes(text, names))


def _shapes(text: str, names: frozenset[str]) -> Iterator[Stated]:
    end = 0
    for match in _SHAPE.finditer(text):
        before = text[max(end, match.start() - _REACH) : match.start()]
        before = _BREAK.split(before)[-1] if ".shape" not in before and ".size" not in before else before
        end = match.end()
        sizes = tuple(int(each) for each in re.findall(r"\d+", match[0]))
        words = [word for word in _WORD.findall(before) if word in names or role_of_name(word)]
        if words and 0 < math.prod(sizes) <= _MOST_STATED:
            said = words[-1] in names and re.search(rf"{words[-1]}`?\s*(?:is|are|has|:)\s*`?$", before)
            tupled = bool(said) and match[0].startswith("(") and len(sizes) > 1
            plain = not tupled and not _SAYS.search(f"{before} {match[0]}") and "x" not in match[0]
            yield Stated(words[-1], sizes, plain, f"{words[-1]}[{match[1]}]")


@functools.lru_cache(maxsize=8)
def _mentioned(text: str) -> str:
    """The loss module that the text names, where it names one alone; empty else."""
    found = {name for name in MODULES if re.search(rf"(?<![A-Za-z_]){name}(?![A-Za-z_])", text)}
    return found.pop() if len(found) == 1 else ""


def _loss(tree: ast.Module, undefined: Mapping[str, str]) -> _Loss | None:
    """The last loss that is called on two names, by a function, by a module or by what is bound to one; what calls
    something undefined calls the loss that it is said to be."""
    bound = dict(undefined) | {
        node.targets[0].id: name_of(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call)
    }
    found: _Loss | None = None
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        inner = name_of(node.func) if isinstance(node.func, ast.Call) else name_of(node)
        function = _function(bound.get(inner, inner))
        if function is not None:
            input, target = (each.id if isinstance(each, ast.Name) else None for each in node.args[:2])
            found = _Loss(function, input, target)
    return found


def _function(name: str) -> str | None:
    if name in MODULES:
        return MODULES[name]
    return name if name in MODULES.values() else None


def _weights(tree: ast.Module) -> Iterator[tuple[str, Sort]]:
    """Names that are passed as the weights of a loss."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="weight" | "pos_weight", value=ast.Name(id=name)):
                yield name, Sort.WEIGHTS
            case _:
                pass


def _kinds(tree: ast.Module) -> dict[str, Sort]:
    """What a formula that is written out takes names for: a logarithm is taken of probabilities, and what weighs it
    as y and 1 - y are labels."""
    logs = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and name_of(node) in _LOGARITHMS]
    under = {id(node) for log in logs for node in ast.walk(log)}
    likely = {name for log in logs for arg in (*log.args, _owner(log)) if (name := _plain_name(arg)) is not None}
    rests = {name for node in ast.walk(tree) if id(node) not in under and (name := _complemented(node)) is not None}
    labels = dict.fromkeys(rests - likely, Sort.BINARY) if likely else {}
    return {
        **labels,
        **dict.fromkeys(likely, Sort.PROBABILITIES),
        **dict.fromkeys(_places(tree), Sort.INDICES),
        **dict(_weights(tree)),
    }


def _places(tree: ast.Module) -> Iterator[str]:
    """Names that elements are taken at: `p[rows, y]`, `p.gather(1, y[:, None])`, `F.one_hot(y, 3)`."""
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(slice=ast.Tuple(elts=[*_, ast.Name(id=name)])):
                yield name
            case ast.Call(func=ast.Attribute(attr="gather"), args=[_, at]):
                yield from (each.id for each in ast.walk(at) if isinstance(each, ast.Name))
            case ast.Call(func=ast.Attribute(attr="one_hot"), args=[ast.Name(id=name), *_]):
                yield name
            case _:
                pass


def _owner(call: ast.Call) -> ast.expr | None:
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def _plain_name(node: ast.expr | None) -> str | None:
    """`p` of `p` and of `1 - p`, also with an epsilon added."""
    match node:
        case ast.Name(id=name) if name not in ("torch", "np", "math"):
            return name
        case ast.BinOp(left=ast.Name(id=name), op=ast.Add(), right=ast.Constant() | ast.Name()):
            return name
        case ast.BinOp(op=ast.Sub()):
            return _complemented(node)
        case ast.BinOp(left=ast.BinOp() as inner, op=ast.Add()):
            return _complemented(inner)
        case _:
            return None


def _complemented(node: ast.AST) -> str | None:
    match node:
        case ast.BinOp(left=ast.Constant(value=1 | 1.0), op=ast.Sub(), right=ast.Name(id=name)):
            return name
        case _:
            return None


def _tensor(name: str, shape: Shape, found: Mapping[str, Shape], loss: _Loss | None, kinds: Mapping[str, Sort]) -> str:
    """Random numbers of a shape, as the loss, or a formula that is written out, wants them."""
    size = ", ".join(map(str, shape))
    if kinds.get(name) in (Sort.INDICES, Sort.WEIGHTS) or (loss is None and name in kinds):
        return made(kinds[name], shape, _classes(shape, found))
    if loss is not None and name == loss.target:
        return _target(shape, found.get(loss.input or "", ()), loss.function)
    if loss is not None and name == loss.input and loss.function == "binary_cross_entropy":
        return f"torch.rand({size}, requires_grad=True)"
    normal = f"torch.randn({size}, requires_grad=True)"
    return f"{normal}.log_softmax(-1)" if loss and name == loss.input and loss.function in _LOGARITHMIC else normal


def _classes(shape: Shape, found: Mapping[str, Shape]) -> int:
    """How many classes the scores beside labels of this shape have: 2 where there are none."""
    scores = (each for each in found.values() if len(each) > 1 and each[0] == shape[0] and each != shape)
    return next((each[1] for each in scores), 2)


def _target(shape: Shape, scores: Shape, function: str) -> str:
    if function in INDEXED:
        classes = scores[1] if len(scores) > 1 else scores[0] if scores else 2
        return f"torch.randint(0, {classes}, {shape})"
    if function in _BINARY:
        return f"torch.randint(0, 2, {shape}).float()"
    normal = f"torch.randn({', '.join(map(str, shape))})"
    return f"{normal}.softmax(-1)" if function in _LOGARITHMIC else normal
