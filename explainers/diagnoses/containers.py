"""Lists where tensors belong, and arrays that are indexed or joined otherwise than their shapes allow."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from itertools import permutations

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import shape
from explainers.messages import said
from explainers.recording import Operand, Raised

_HEAD = "import numpy as np\nimport torch\nfrom torch import nn\n\n"
_LOSSES = "losses = [torch.tensor(0.5), torch.tensor(1.5)]\n"
_ARRAYS = "w, x = np.array([1.0, 2.0]), np.array([{}])\ntorch.tensor(w * x).mean()"
_MISSING = re.compile(r"'(list|tuple)' object has no attribute '(\w+)'")
_UNSUPPORTED = re.compile(r"unsupported operand type\(s\) for \S+ '(\w+)' and '(\w+)'")
_INDICES = re.compile(r"too many indices for (?:tensor of dimension (\d+)|array: array is (\d+)-dimensional)")
_BROADCAST = re.compile(r"operands could not be broadcast together with shapes (\([\d,]*\)) (\([\d,]*\))")
_CHANNELS = re.compile(
    r"weight of size \[([\d, ]+)\], expected input\[([\d, ]+)\] to have (\d+) channels, but got (\d+)"
)
_SUBSCRIPT = re.compile(
    r"einsum\(\): subscript (\w) has size (\d+) for operand (\d+) which does not broadcast with .* (\d+)"
)
_CONVOLUTIONS = ("Conv1d", "Conv2d", "Conv3d")
_MOST_AXES = 5
_METHODS = frozenset(
    ("mean", "sum", "backward", "item", "detach", "max", "min", "std", "shape", "size", "log", "exp", "abs")
)

Shape = tuple[int, ...]


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="list-for-a-tensor",
            family="dtypes",
            title=said("A list is no tensor"),
            explanation=said(
                "A list of Python has no arithmetic and no methods of tensors. torch.stack makes one tensor of a list "
                "of tensors of one shape and keeps their history; torch.tensor makes one of plain numbers."
            ),
            words=("'list' object has no attribute 'mean'", "unsupported operand type(s) for -: 'list' and 'Tensor'"),
            losses=frozenset(),
            trigger=_list,
            positive=_HEAD + _LOSSES + "losses.mean()",
            control=_HEAD + _LOSSES + "torch.stack(losses).mean()",
            concern="exception",
        ),
        Rule(
            slug="too-many-indices",
            family="operand-shapes",
            title=said("More indices than axes"),
            explanation=said(
                "Each index between the brackets, also a colon, is for one axis, and there are no more axes."
            ),
            words=("too many indices for tensor of dimension 1", "IndexError too many indices for array"),
            losses=frozenset(),
            trigger=_indices,
            positive=_HEAD + "x = torch.tensor([0.2, 1.0, -0.3])\n-x.log_softmax(0)[:, 2].mean()",
            control=_HEAD + "x = torch.tensor([0.2, 1.0, -0.3])\n-x.log_softmax(0)[2].mean()",
            concern="exception",
        ),
        Rule(
            slug="arrays-do-not-broadcast",
            family="operand-shapes",
            title=said("The shapes of two numpy arrays do not go together"),
            explanation=said(
                "Shapes are compared from the last axis on: there each pair has to be of one length, or one of both 1."
            ),
            words=("operands could not be broadcast together with shapes",),
            losses=frozenset(),
            trigger=_arrays,
            positive=_HEAD + _ARRAYS.format("[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]"),
            control=_HEAD + _ARRAYS.format("[1.0, 2.0], [3.0, 4.0]"),
            concern="exception",
        ),
        Rule(
            slug="channels-of-convolution",
            family="operand-shapes",
            title=said("A convolution is built for another number of channels"),
            explanation=said(
                "A convolution reads (batch, channels, …): its in_channels, the first argument, is the length of "
                "axis 1."
            ),
            words=("expected input to have 3 channels, but got 1 channels instead", "Conv2d channels error"),
            losses=frozenset(),
            trigger=_channels,
            positive=_HEAD + "x = torch.ones(2, 1, 5, 5)\nnn.Conv2d(3, 4, 3)(x).mean()",
            control=_HEAD + "x = torch.ones(2, 1, 5, 5)\nnn.Conv2d(1, 4, 3)(x).mean()",
            concern="exception",
        ),
        Rule(
            slug="einsum-sizes",
            family="operand-shapes",
            title=said("One letter of an einsum stands for two lengths"),
            explanation=said("In an einsum each letter is an axis of one length, in whichever operand it stands."),
            words=("einsum subscript has size which does not broadcast with previously seen size", "einsum error"),
            losses=frozenset(),
            trigger=_einsum,
            positive=_HEAD + "a, b = torch.ones(2, 3), torch.ones(4, 3)\ntorch.einsum('ij,jk->ik', a, b).mean()",
            control=_HEAD + "a, b = torch.ones(2, 3), torch.ones(4, 3)\ntorch.einsum('ij,kj->ik', a, b).mean()",
            concern="exception",
        ),
    )  # fmt: skip


def _list(scene: Scene) -> Suspicion | None:
    raised, source = scene.recording.raised, Source(scene.recording.source)
    if raised is None:
        return None
    missing, unsupported = _MISSING.search(raised.message), _UNSUPPORTED.search(raised.message)
    kinds = {missing[1]} if missing and missing[2] in _METHODS else set(unsupported.groups()) if unsupported else set()
    tensors = missing is not None or bool(kinds & {"Tensor", "ndarray"})
    held = next((o for o in raised.operands if o.kind in kinds & {"list", "tuple"}), None)
    place = _first_of(source, raised, held)
    if held is None or place is None or not tensors:
        return None
    stacked, made = (
        fixes.fix(scene, source.replaced(source.piece(place), f"torch.{way}({held.text})"), "safe", note)
        for way, note in (
            ("stack", said("Make one tensor of the tensors in the list.")),
            ("tensor", said("Make a tensor of the numbers in the list.")),
        )
    )
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} is a {kind} of {count}, not a tensor.", name=held.text, kind=held.kind,
                     count=(held.shape or (0,))[0]),
        evidence=(said("Python's own {kind} does not know what is asked of it there.", kind=held.kind),),
        trials=(),
        fix=stacked,
        alternatives=(made,),
    )  # fmt: skip


def _first_of(source: Source, raised: Raised, held: Operand | None) -> ast.Name | None:
    """Where the variable first stands in the expression that raised."""
    node = source.at(raised.span)
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)] if node is not None and held is not None else []
    return next((n for n in names if held is not None and n.id == held.text), None)


def _indices(scene: Scene) -> Suspicion | None:
    raised, source = scene.recording.raised, Source(scene.recording.source)
    found = _INDICES.search(raised.message) if raised is not None else None
    node = source.at(raised.span) if raised is not None and found is not None else None
    if found is None or not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple):
        return None
    indices, axes = node.slice.elts, int(found[1] or found[2])
    whole = [k for k, part in enumerate(indices) if isinstance(part, ast.Slice) and not (part.lower or part.upper)]
    gone = set(whole[: len(indices) - axes])
    kept = ", ".join(source.written(part) for k, part in enumerate(indices) if k not in gone)
    fits = len(indices) - len(gone) == axes
    changed = source.replaced(source.piece(node), f"{source.written(node.value)}[{kept}]")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{code} has {count} indices, for a tensor or array of {axes}D.", code=source.written(node),
                     count=len(indices), axes=axes),
        evidence=(said("{code} is {axes}D.", code=source.written(node.value), axes=axes),),
        trials=(),
        fix=fixes.fix(scene, changed if fits else None, "likely",
                      said("Give as many indices as there are axes; a colon is for one of them.")),
    )  # fmt: skip


def _arrays(scene: Scene) -> Suspicion | None:
    raised, source = scene.recording.raised, Source(scene.recording.source)
    found = _BROADCAST.search(raised.message) if raised is not None else None
    node = source.at(raised.span) if raised is not None else None
    if found is None or not isinstance(node, ast.BinOp):
        return None
    shapes: list[Shape] = [_sizes(found[1]), _sizes(found[2])]
    parts = [node.left, node.right]
    first, second = (source.written(part) for part in parts)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{a} has shape {x} and {b} shape {y}: they do not go together.", a=first, x=shape(shapes[0]),
                     b=second, y=shape(shapes[1])),
        evidence=(said("From the last axis on, {x} and {y} are of no one length, and neither is 1.",
                       x=shape(shapes[0]), y=shape(shapes[1])),),
        trials=(),
        fix=fixes.fix(scene, _joined(source, parts, shapes), "choose",
                      said("Give both as many elements, or one an axis of length 1.")),
    )  # fmt: skip


def _joined(source: Source, parts: list[ast.expr], shapes: list[Shape]) -> str | None:
    """A vector for each row as a column, or the longer one of two vectors cut."""
    for at in (0, 1):
        own, other = shapes[at], shapes[1 - at]
        piece, text = source.piece(parts[at]), source.written(parts[at])
        atom = text if isinstance(parts[at], ast.Name | ast.Call | ast.Subscript | ast.Attribute) else f"({text})"
        length, shortest = math.prod(own), math.prod(other)
        if len(own) == 1 and len(other) > 1 and length == other[-2]:
            return source.replaced(piece, f"{atom}[:, None]")
        if len(own) == len(other) == 1 and length > shortest:
            return source.replaced(piece, f"{atom}[:{shortest}]")
    return None


def _sizes(text: str) -> Shape:
    return tuple(int(each) for each in re.findall(r"\d+", text))


def _channels(scene: Scene) -> Suspicion | None:
    raised, source = scene.recording.raised, Source(scene.recording.source)
    found = _CHANNELS.search(raised.message) if raised is not None else None
    if found is None:
        return None
    given, wanted, got = _sizes(found[2]), int(found[3]), int(found[4])
    built = [call for name in _CONVOLUTIONS for call in source.constructors(name)]
    fitting = [c.args[0] for c in built if c.args and isinstance(c.args[0], ast.Constant) and c.args[0].value == wanted]
    changed = source.replaced(source.piece(fitting[0]), str(got)) if len(fitting) == 1 else None
    return Suspicion(
        at=scene.call.index,
        verdict=said("the convolution is built for {wanted} channels, and gets {got}: axis 1 of {shape}.",
                     wanted=wanted, got=got, shape=shape(given)),
        evidence=(said("Its weight has shape {shape}: (out, in, …).", shape=shape(_sizes(found[1]))),),
        trials=(),
        fix=fixes.fix(scene, changed, "choose",
                      said("Build it for {got} channels, or put the axis of the channels second.", got=got)),
    )  # fmt: skip


def _einsum(scene: Scene) -> Suspicion | None:
    raised, source = scene.recording.raised, Source(scene.recording.source)
    found = _SUBSCRIPT.search(raised.message) if raised is not None else None
    node = source.at(raised.span) if raised is not None and found is not None else None
    if raised is None or found is None or not isinstance(node, ast.Call) or not node.args:
        return None
    equation, names = node.args[0], [source.written(a) for a in node.args[1:]]
    shapes = _shapes(scene, raised)
    known = [shapes[name] for name in names if name in shapes]
    letters = _letters(equation)
    if not isinstance(equation, ast.Constant) or len(known) != len(node.args) - 1 or len(letters) != len(known):
        return None
    operands = (int(found[3]), *range(len(letters)))
    turned = next((way for at in operands if (way := _turned(letters, known, at)) is not None), None)
    changed = None if turned is None else source.replaced(source.piece(equation), repr(turned + _result(equation)))
    return Suspicion(
        at=scene.call.index,
        verdict=said("{letter} is {first} long in one operand of the einsum and {second} in another.", letter=found[1],
                     first=int(found[4]), second=int(found[2])),
        evidence=tuple(said("{letters} is {name} of shape {shape}.", letters=each, name=name, shape=shape(sizes))
                       for each, name, sizes in zip(letters, names, known, strict=True)),
        trials=(),
        fix=fixes.fix(scene, changed, "choose",
                      said("Write the letters of each operand in the order of its axes; axes that are multiplied and "
                           "added up have to be of one length.")),
    )  # fmt: skip


def _shapes(scene: Scene, raised: Raised) -> dict[str, Shape]:
    """The shapes of tensors by how they are written: variables, and what calls of the line gave before it raised."""
    recording = scene.recording
    made = [call for call in recording.calls if call.span is not None and call.outputs]
    lines = (raised.span.line, raised.span.end_line) if raised.span is not None else (0, 0)
    inside = {c.span.text: recording.tensors[c.outputs[0]].shape for c in made
              if c.span is not None and lines[0] <= c.span.line <= lines[1]}  # fmt: skip
    return inside | {o.text: o.shape for o in raised.operands if o.shape is not None and o.kind == "Tensor"}


def _letters(equation: ast.expr) -> list[str]:
    text = equation.value if isinstance(equation, ast.Constant) and isinstance(equation.value, str) else ""
    return text.replace(" ", "").partition("->")[0].split(",")


def _result(equation: ast.Constant) -> str:
    _, arrow, rest = str(equation.value).replace(" ", "").partition("->")
    return arrow + rest


def _turned(letters: list[str], shapes: list[Shape], at: int) -> str | None:
    """The left side with the letters of one operand in another order, in which all lengths agree."""
    others = [pair for k, pair in enumerate(zip(letters, shapes, strict=True)) if k != at]
    sizes: Mapping[str, int] = {c: n for text, held in others for c, n in zip(text, held, strict=False)}
    if at >= len(letters) or len(letters[at]) != len(shapes[at]) or len(letters[at]) > _MOST_AXES:
        return None
    for order in permutations(letters[at]):
        if all(sizes.get(c, n) == n for c, n in zip(order, shapes[at], strict=True)):
            return ",".join("".join(order) if k == at else text for k, text in enumerate(letters))
    return None
