"""Names that there are not: misspelt functions and variables, and indices beyond what there is."""

from __future__ import annotations

import ast
import re

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced, rewritten, with_option
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, shape
from explainers.messages import Message, said
from explainers.recording import Raised

_BEYOND = re.compile(r"index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)")
_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_DATA = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ntarget = torch.tensor([0, 1])\n"
_RIGHT = _HEAD + _DATA + "F.cross_entropy(logits, target)"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="unknown-attribute",
            family="naming",
            title=said("There is no function or attribute of this name"),
            explanation=said("Python looks a name up as it is written, with its capitals and underscores."),
            words=("has no attribute", "cannot import name", "AttributeError module torch"),
            losses=frozenset(),
            trigger=_attribute,
            positive=_HEAD + _DATA + "F.crossentropy(logits, target)",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="undefined-name",
            family="naming",
            title=said("A variable is not defined"),
            explanation=said("A variable has to be assigned before it is used, under the same name."),
            words=("is not defined", "NameError"),
            losses=frozenset(),
            trigger=_undefined,
            positive=_HEAD + _DATA + "F.cross_entropy(logit, target)",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="index-out-of-range",
            family="naming",
            title=said("An index lies beyond what there is"),
            explanation=said("On an axis of length n the positions are 0 to n − 1, or −n to −1 counted from its end."),
            words=("index out of range in self", "is out of bounds for dimension", "index out of bounds embedding"),
            losses=frozenset({"getitem", "gather", "index_select", "embedding", "scatter", "scatter_add", "one_hot"}),
            trigger=_index,
            positive=_HEAD + "emb = nn.Embedding(3, 2)\nids = torch.tensor([0, 3])\nemb(ids).pow(2).mean()",
            control=_HEAD + "emb = nn.Embedding(4, 2)\nids = torch.tensor([0, 3])\nemb(ids).pow(2).mean()",
            concern="exception",
        ),
        Rule(
            slug="index-dimensions",
            family="naming",
            title=said("The index of gather has too few dimensions"),
            explanation=said(
                "gather reads one position for each entry of its index, which has as many dimensions as the input; "
                "one class per row is a column of indices."
            ),
            words=("Index tensor must have the same number of dimensions", "gather index"),
            losses=frozenset({"gather", "scatter"}),
            trigger=_index_dimensions,
            positive=_HEAD + _DATA + "-logits.log_softmax(1).gather(1, target).mean()",
            control=_HEAD + _DATA + "-logits.log_softmax(1).gather(1, target.unsqueeze(1)).mean()",
            concern="exception",
        ),
        Rule(
            slug="needs-one-element",
            family="naming",
            title=said("Several numbers where one is wanted"),
            explanation=said(
                "item(), float() and a condition want a single number. A loss with reduction='none' has one per item."
            ),
            words=("cannot be converted to Scalar", "only one element tensors can be converted", "Boolean value"),
            losses=frozenset({"item", "float", "int", "bool"}),
            trigger=_several,
            positive=_HEAD + _DATA + "loss = F.cross_entropy(logits, target, reduction='none')\nprint(loss.item())",
            control=_HEAD + _DATA + "loss = F.cross_entropy(logits, target)\nprint(loss.item())",
            concern="exception",
        ),
    )


def _attribute(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    if raised is None or raised.type not in ("AttributeError", "ImportError") or not raised.lacked:
        return None
    if "NoneType" in raised.message or raised.similar is None:
        return None
    return _renamed(scene, raised, raised.similar)


def _undefined(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    if raised is None or raised.type != "NameError" or not raised.lacked or raised.similar is None:
        return None
    return _renamed(scene, raised, raised.similar)


def _renamed(scene: Scene, raised: Raised, similar: str) -> Suspicion:
    """The lacking name exchanged wherever the line that raised has it."""
    source, lacked = Source(scene.recording.source), raised.lacked or ""
    places = [piece for piece in _named(source, lacked) if _on_line(source, piece, raised)]
    changed = rewritten(source, [(place, similar) for place in places])
    return Suspicion(
        at=scene.call.index,
        verdict=said("there is no {name}; {similar} is the nearest name.", name=lacked, similar=similar),
        evidence=(said("{similar} is defined.", similar=similar),),
        trials=(),
        fix=fixes.fix(scene, changed if places else None, "likely", said("Write {similar}.", similar=similar)),
    )


def _named(source: Source, name: str) -> list[tuple[int, int]]:
    """Where a name stands: as a variable, an attribute or an import."""
    found: list[tuple[int, int]] = []
    for node in ast.walk(source.tree):
        match node:
            case ast.Name(id=id) if id == name:
                found.append(source.piece(node))
            case ast.Attribute(attr=attr) if attr == name:
                _, end = source.piece(node)
                found.append((end - len(name), end))
            case ast.ImportFrom(names=names) if any(a.name == name for a in names):
                start, _ = source.piece(node)
                at = source.text.index(name, source.text.index("import", start))
                found.append((at, at + len(name)))
            case _:
                pass
    return found


def _on_line(source: Source, piece: tuple[int, int], raised: Raised) -> bool:
    line = source.text.count("\n", 0, piece[0]) + 1
    return raised.type != "NameError" or raised.span is None or line == raised.span.line


def _index(scene: Scene) -> Suspicion | None:
    found = _beyond(scene)
    if found is None:
        return None
    argument, bad, size, axis = found
    name = known_as(scene, argument)
    return Suspicion(
        at=scene.call.index,
        verdict=said("index {bad} is out of range: {what} has positions 0 to {last}.",
                     bad=number(bad), what=_what(scene, axis), last=size - 1),
        evidence=(said("{name} holds {bad}; the length is {size}.", name=name, bad=number(bad), size=size),
                  *_numbered(scene, size)),
        trials=(),
        fix=fixes.fix(scene, _widened(scene, argument, bad, size), "choose",
                      said("Make it longer, or mend the index (counted from 0).")),
    )  # fmt: skip


def _beyond(scene: Scene) -> tuple[str, float, int, int] | None:
    """The argument that holds the first impossible index, that index, the length there, and the axis."""
    for argument, axis, size in _indexed(scene):
        value = scene.call.argument(argument)
        held = scene.recorded(argument)
        values = np.array([value], dtype=float) if isinstance(value, int) else held
        low = 0 if scene.name in ("embedding", "one_hot") else -size
        if values is not None and values.size and (bad := (values >= size) | (values < low)).any():
            return argument, float(values[bad].reshape(-1)[0]), size, axis
    return _stated(scene)


def _stated(scene: Scene) -> tuple[str, float, int, int] | None:
    """What torch says of an index with several parts, `x[rows, classes]`, of which one is beyond its axis."""
    raised = scene.recording.raised
    found = _BEYOND.search(raised.message) if raised is not None and scene.name == "getitem" else None
    return None if found is None else ("index", float(found[1]), int(found[3]), int(found[2]))


def _indexed(scene: Scene) -> list[tuple[str, int, int]]:
    """Arguments that are indices, with the axis they index and its length."""
    first = scene.tensor("input")
    dim = scene.call.argument("dim")
    if scene.name == "embedding":
        weight = scene.tensor("weight")
        return [("input", 0, weight.shape[0])] if weight is not None else []
    if scene.name == "one_hot":
        classes = scene.call.argument("num_classes")
        return [("input", -1, classes)] if isinstance(classes, int) and classes > 0 else []
    if first is None or not first.shape:
        return []
    axis = dim if isinstance(dim, int) and scene.name != "getitem" else 0
    return [("index", axis, first.shape[axis])] if -len(first.shape) <= axis < len(first.shape) else []


def _what(scene: Scene, axis: int) -> str:
    name = "weight" if scene.name == "embedding" else "one_hot" if scene.name == "one_hot" else known_as(scene, "input")
    return name if axis == -1 else f"{name} (axis {axis})"


def _widened(scene: Scene, argument: str, bad: float, size: int) -> str | None:
    """A larger table for an index that is one of its rows, else indices that count from 1 counted from 0."""
    source, wide = Source(scene.recording.source), str(int(bad) + 1)
    if scene.name == "embedding" and bad >= size:
        built = [c for c in source.constructors("Embedding") if c.args and isinstance(c.args[0], ast.Constant)]
        return source.replaced(source.piece(built[0].args[0]), wide) if len(built) == 1 else None
    if scene.name == "one_hot" and bad >= size:
        return replaced(scene, num_classes=wide) or with_option(scene, "", "num_classes", wide)
    held = scene.recorded(argument)
    counts_from_one = held is not None and held.size > 0 and held.min() >= 1 and held.max() == size
    return replaced(scene, **{argument: "{} - 1"}) if counts_from_one else None


def _numbered(scene: Scene, size: int) -> tuple[Message, ...]:
    """How one_hot numbers its classes, and what that means for labels that count from 1."""
    if scene.name != "one_hot":
        return ()
    return (
        said(
            "Classes start at 0 and end at num_classes - 1 = {last}. Where labels count from 1, subtract 1; where 0 is "
            "a class of its own (the background), num_classes has to count it: {more} for labels 0 to {size}.",
            last=size - 1,
            more=size + 1,
            size=size,
        ),
    )


def _index_dimensions(scene: Scene) -> Suspicion | None:
    x, index = scene.given("input"), scene.given("index")
    if len(x.shape) == len(index.shape):
        return None
    dim = scene.call.argument("dim")
    changed = replaced(scene, index=f"{{}}.unsqueeze({dim})") if len(index.shape) == len(x.shape) - 1 else None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} has shape {shape}, but {function} of shape {wide} wants as many dimensions.",
                     name=known_as(scene, "index"), shape=shape(index.shape), function=scene.name, wide=shape(x.shape)),
        evidence=(said("The input has {x} dimensions, the index {index}.", x=len(x.shape), index=len(index.shape)),),
        trials=(),
        fix=fixes.fix(scene, changed, "safe", said("Make the index a column.")),
    )  # fmt: skip


def _several(scene: Scene) -> Suspicion | None:
    tensor = scene.tensor("input")
    if tensor is None or tensor.elements == 1:
        return None
    name = known_as(scene, "input")
    mend = "{}.any()" if scene.name == "bool" else "{}.mean()"
    changed = replaced(scene, input=mend) if scene.name != "bool" else _condition(scene)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} has {count} numbers, where a single one is wanted.", name=name, count=tensor.elements),
        evidence=(said("{name} has shape {shape}.", name=name, shape=shape(tensor.shape)),),
        trials=(),
        fix=fixes.fix(
            scene, changed, "choose", said("Say which single number is meant: mean(), sum(), any() or all().")
        ),
    )


def _condition(scene: Scene) -> str | None:
    """A condition that holds where any entry does."""
    source = Source(scene.recording.source)
    node = source.at(scene.call.span)
    if not isinstance(node, ast.expr) or isinstance(node, ast.Call):
        return None
    return source.replaced(source.piece(node), f"({source.written(node)}).any()")
