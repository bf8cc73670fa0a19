"""Shapes and dtypes that a message states of names: "y_hat is (32, 10)", "masks: torch.Size([4, 1])", "y is int64"."""

import ast
import math
import re
from collections.abc import Mapping

from bot.reading.stated import stated

_SHAPE = r"(?:torch\.Size\()?[\[(]\s*(\d{1,7}(?:\s*[,x×]\s*\d{1,7}){0,5})\s*,?\s*[\])]"
_BARE = r"(\d{1,7}(?:\s*[x×]\s*\d{1,7}){1,5})(?![\w.])"
_BETWEEN = (
    r"[\s'\"`:=]*(?:\.shape|\.size\(\))?[\s'\"`:=]*(?:(?:is|are|has|of|was|shape|size|shaped|a|an|tensor|"
    r"FloatTensor|LongTensor|with|形状|是|的|は|が|为)[\s:=]*){0,4}"
)
_SIZED = r"(?:torch\.Size\()?[\[(]\s*\d[\d, ]{0,60}[\])]\)?"
_AND = r"\s*(?:,|;|/|、|，|&|\band\b|\bund\b|\by\b|\be\b|\bet\b|\bи\b|和|と|와|과)?\s*"
_ROWS = 4
_SMALL = 16  # of an axis that is cut, where the tensor would be too large
_REMARK = re.compile(r"#.*")
_WHOLE = re.compile(r"\b(?:int(?:64|32)?|long|LongTensor|whole numbers?)\b", re.I)
_SIZES = (
    re.compile(
        r"target size \(torch\.Size\(\[(?P<target>[\d, ]*)\]\)\).{1,60}"
        r"input size \(torch\.Size\(\[(?P<input>[\d, ]*)\]",
        re.I,
    ),
    re.compile(r"input has shape \[?(?P<input>[\d, ]+)\]?.{1,20}target has shape \[?(?P<target>[\d, ]+)"),
)
_CLASH = re.compile(r"size of tensor a \((?P<a>\d{1,6})\) must match the size of tensor b \((?P<b>\d{1,6})\) at \D*1\b")
_COMMENT = r"\s*=[^\n#]{1,200}#[^\n]{0,20}?"


def stated_shapes(prose: str, code: str, names: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """The shape of each of these names that the prose or a comment of the code says one of."""
    found = ((name, _shape(prose, code, name)) for name in names)
    return {name: shape for name, shape in found if shape is not None} | listed_shapes(prose, names)


def listed_shapes(prose: str, names: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Shapes that follow a list of names one behind the other: "shapes of x, y, w: (8, 9), (8, 9), (9)"."""
    if not names:
        return {}
    either = "|".join(map(re.escape, names))
    name = rf"[`'\"]?(?<![\w.])(?:{either})(?!\w)(?:\.shape|\.size\(\))?[`'\"]?"
    listed = re.compile(rf"{name}(?:{_AND}{name})+[^\n\d\[(]{{0,30}}\n?\s*(?={_SIZED})")
    for match in listed.finditer(prose):
        told = re.findall(rf"(?:{either})(?!\w)", match.group())
        shapes = re.match(rf"{_SIZED}(?:{_AND}{_SIZED}){{{len(told) - 1}}}", prose[match.end() :])
        if shapes is not None:
            sizes = map(_sizes, re.findall(r"[\[(]\s*(\d[\d, ]*)[\])]", shapes.group()))
            return dict(zip(told, sizes, strict=False))
    return {}


def smaller(shapes: Mapping[str, tuple[int, ...]], message: str, largest: int) -> dict[str, tuple[int, ...]]:
    """The shapes with fewer elements, where they are too many: sizes that the error does not name become small ones,
    the same for the same."""
    told, found = set(map(int, re.findall(r"\d+", message))), dict(shapes)
    if all(math.prod(shape) <= largest for shape in found.values()):
        return found
    sizes = sorted({size for shape in found.values() for size in shape if size > 4 * _SMALL and size not in told})
    less = {size: _SMALL + at for at, size in enumerate(sizes)}
    return {name: tuple(less.get(size, size) for size in shape) for name, shape in found.items()}


def _shape(prose: str, code: str, name: str) -> tuple[int, ...] | None:
    word = rf"(?<![\w.]){re.escape(name)}"
    told = "\n".join((prose, *_REMARK.findall(code)))
    said = (re.search(rf"{word}{_BETWEEN}{size}", told) for size in (_SHAPE, _BARE))
    commented = re.search(rf"{word}{_COMMENT}{_SHAPE}", code)
    match = next((each for each in (*said, commented) if each), None)
    return _sizes(match[1]) if match else None


def shapes_of_views(tree: ast.Module, names: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """The shape that `x.view(-1, 784)` asks of a name."""
    found: dict[str, tuple[int, ...]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="view" | "reshape"), args=[_, *rest]):
                sizes = [each.value for each in rest if isinstance(each, ast.Constant)]
                if name in names and len(sizes) == len(rest) and all(isinstance(s, int) and s > 0 for s in sizes):
                    found[name] = (_ROWS, *(int(str(size)) for size in sizes))
            case _:
                pass
    return found


def shapes_of_error(message: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The shapes of input and target that an error or a warning names."""
    for pattern in _SIZES:
        if match := pattern.search(message):
            return _sizes(match["input"]), _sizes(match["target"])
    return None


def shapes_of_clash(message: str, prose: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Shapes of scores and of one label an item, where they clash and the prose says that so many are a batch."""
    found, batch = _CLASH.search(message), next((s for s in stated(prose) if s.name == "batch"), None)
    if found is None or batch is None or float(batch.value) != float(found["b"]):
        return None
    items, classes = int(found["b"]), int(found["a"])
    return (items, classes), (items,)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in re.findall(r"\d+", text))


def stated_whole(text: str, name: str) -> bool:
    """Whether the message says that this name holds whole numbers."""
    match = re.search(rf"(?<![\w.]){re.escape(name)}['`\"]?\s*(?:is|are|:|=|は|是)[^\n.;]{{0,40}}", text)
    return bool(match and _WHOLE.search(match.group()))
