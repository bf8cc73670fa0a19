"""Values that the message gives by name, in words or as output, for names that its code needs and nobody defines."""

import ast
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.reading.arguments import tensor
from bot.reading.lexing import lexis, parsed
from bot.reading.literals import role_of_name
from bot.reading.names import completed, unbound
from bot.reading.old_prints import ONE_ENTRY
from bot.reading.pieces import Piece, Sort
from bot.reading.printed import ANY_NUMBER, Printed, shape
from bot.reading.question import Completion
from bot.reading.snippets import names_loss
from bot.reading.tensors import tensors
from bot.reading.text import as_prose, blanked

_IS = r"\s*(?:=|:|->|(?:is|are|was|were|looks? like|prints?|gives?|contains?)\b|は|が|是|为|等于|은|는)?\s*"
_LABEL = re.compile(rf"(?<![\w.])(?<!=['\"])([A-Za-z_]\w{{0,40}})['\"`]*(?:\s*\([^()\n]{{0,40}}\))?{_IS}$")
_SCALAR = re.compile(rf"(?<![\w.])([A-Za-z_]\w{{0,40}})\s*(?:=|:|\bis\b|は|是)\s*({ANY_NUMBER})(?![\w%]|\.\d)", re.I)
_SHOWN = re.compile(
    r"\s*(?:print\(\s*([A-Za-z_]\w*)(?:\.data|\.detach\(\)|\.item\(\)|\.numpy\(\)|\.cpu\(\))*\s*\)|([A-Za-z_]\w*))\s*"
)
_OF_TORCH = re.compile(r"(?:torch|F)\.(?!tensor|full|arange|linspace|manual_seed|ones\b|zeros\b|randn?\b)")
_BOUND_NUMBER = re.compile(rf"([A-Za-z_]\w*) = ({ANY_NUMBER})")
_NUMPY = re.compile(r"(?:np\.|numpy\.)?(?:array|float\d\d)\s*\(")


@dataclass(frozen=True, slots=True)
class Given:
    """Code that binds a name to a value, and the line of the message or the file that shows it, where one does."""

    code: str
    place: int | str | None = None


def values_given(found: Sequence[Piece], text: str, file: str | None = None) -> dict[str, Given]:
    """What binds each name to the value that the message (or the text of a file) shows for it; the first counts."""
    code = [(line.start, line.end) for piece in found if piece.sort is Sort.CODE for line in piece.lines]
    prose = as_prose(blanked(text, code))
    given: dict[str, Given] = {}
    for name, value in (*_printed(found), *_commented(found), *_labelled(prose)):
        if shape(value.value) is not None and value.complete and "loss" not in name.lower():
            given.setdefault(name, Given(f"{name} = {_code(value, text)}", file or _line(text, value.start)))
    for match in _SCALAR.finditer(prose):
        if "loss" in match.group(1).lower():
            continue
        code = f"{match.group(1)} = {_scalar(match.group(1), match.group(2))}"
        given.setdefault(match.group(1), Given(code, file or _line(text, match.start())))
    return given


def names_cut(found: Sequence[Piece], text: str) -> frozenset[str]:
    """Names whose values the message shows in part only: "tensor([[0.1, 0.2], ..., [0.3, 0.4]])"."""
    shown = (*_printed(found), *_labelled(as_prose(text)))
    return frozenset(name for name, value in shown if not value.complete)


def elided(source: str) -> tuple[str, ...]:
    """Names that the source binds to a list with a gap: "x = torch.tensor([[0.1, 0.2], ..., [0.3, 0.4]])"."""
    tree = parsed(source)
    bound = [node for node in tree.body if isinstance(node, ast.Assign)] if tree else []
    return tuple(
        target.id for node in bound if _has_gap(node) for target in node.targets if isinstance(target, ast.Name)
    )


def _has_gap(node: ast.AST) -> bool:
    lists = (inner.elts for inner in ast.walk(node) if isinstance(inner, ast.List))
    return any(isinstance(each, ast.Constant) and each.value is ... for entries in lists for each in entries)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _labelled(prose: str) -> Iterable[tuple[str, Printed]]:
    """`preds tensor([[0.5]])`, `label is [0, 1]`."""
    for value in tensors(prose):
        label = _LABEL.search(prose, max(0, value.start - 80), value.start)
        if label:
            yield label.group(1), value


def _printed(found: Sequence[Piece]) -> Iterable[tuple[str, Printed]]:
    """`print(logits)` or `logits`, and under it the one value that it shows."""
    solid = [piece for piece in found if piece.sort is not Sort.BLANK]
    for shown, output in itertools.pairwise(solid):
        match = _SHOWN.fullmatch(shown.source.split("\n")[-1]) if shown.sort is Sort.CODE else None
        if match and output.sort is Sort.OUTPUT and len(output.outputs) == 1:
            yield match.group(1) or match.group(2), output.outputs[0]


def _commented(found: Sequence[Piece]) -> Iterable[tuple[str, Printed]]:
    """`logits = model(x)  # tensor([[1., 2.]])`."""
    for line in (line for piece in found if piece.sort is Sort.CODE for line in piece.lines):
        comment = lexis(line.text).comment
        tree = parsed(line.text[:comment].strip()) if comment else None
        match tree and tree.body:
            case [ast.Assign(targets=[ast.Name(id=name)]) | ast.Expr(value=ast.Name(id=name))]:
                yield from ((name, value) for value in tensors(line.text[comment:])[:1])
            case [ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[ast.Name(id=name)]))]:
                yield from ((name, value) for value in tensors(line.text[comment:])[:1])
            case _:
                pass


def _code(value: Printed, text: str) -> str:
    shown = text[value.start : value.end]
    only = (value.value,) if shown.endswith(ONE_ENTRY) else value.value
    literal = tensor(only, integers=value.integral)
    if _NUMPY.match(shown):
        return f"torch.tensor({literal.removeprefix('torch.tensor(')[:-1]}).numpy()"
    grows = ("grad_fn" in shown or "requires_grad" in shown) and not value.integral
    return f"{literal[:-1]}, requires_grad=True)" if grows else literal


def _scalar(name: str, number: str) -> str:
    return f"torch.tensor([{number}])" if role_of_name(name) else number


def _handed_to_torch(source: str) -> frozenset[str]:
    """Names whose values a function of torch takes first, which must be a tensor there."""
    tree = parsed(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args] if tree else []
    firsts = (call.args[0] for call in calls if _OF_TORCH.match(ast.unparse(call.func)))
    return frozenset(first.id for first in firsts if isinstance(first, ast.Name))


def _as_tensor(given: Given) -> Given:
    """A number that a name is bound to as a tensor of torch's default type; other values as they are."""
    bound = _BOUND_NUMBER.fullmatch(given.code)
    return replace(given, code=f"{bound[1]} = torch.tensor({float(bound[2])})") if bound else given


def filled(source: str, given: Mapping[str, Given]) -> tuple[str, tuple[Completion, ...]]:
    """The source with values for names that it needs; an assignment that needs what nobody defines gives way to one."""
    needed = unbound(source)
    handed = _handed_to_torch(source)
    given = {**given, **{name: _as_tensor(each) for name, each in given.items() if name in handed}}
    taken = [Completion("name", name, given[name].code, given[name].place) for name in needed if name in given]
    left = [name for name in completed(needed)[1] if name not in given]
    tree = parsed(source)
    if not left or tree is None:
        return source, tuple(taken)
    lines = source.split("\n")
    replaced: list[Completion] = []
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], lineno=first, end_lineno=last) if name in given:
                if set(unbound(ast.unparse(node))) & set(left) and not names_loss(ast.unparse(node)):
                    value = given[name]
                    lines[first - 1 : last] = [value.code, *[""] * ((last or first) - first)]
                    replaced.append(Completion("given", name, value.code, value.place))
            case _:
                pass
    return "\n".join(lines), (*taken, *replaced)
