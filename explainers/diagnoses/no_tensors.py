"""Arguments that are no tensors: lists, tuples, numbers, numpy arrays, text."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.operands import replaced, tensors, written
from explainers.diagnoses.placeholders import Placeholder, placeholder
from explainers.diagnoses.scene import Scene
from explainers.messages import Message, said
from explainers.recording import Items, Opaque, Ref, Value

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="not-a-tensor",
            family="dtypes",
            title=said("An argument is no tensor"),
            explanation=said("torch's functions take tensors; make one of a list, a number or a numpy array."),
            words=("must be Tensor, not list", "must be Tensor, not int", "numpy.ndarray", "has no attribute 'size'"),
            losses=frozenset(),
            trigger=_not_a_tensor,
            positive=_HEAD + "logits = torch.tensor([[2.0, 0.5, -1.0]])\nF.cross_entropy(logits, [0])",
            control=_HEAD + "F.cross_entropy(torch.tensor([[2.0, 0.5, -1.0]]), torch.tensor([0]))",
            concern="exception",
        ),
    )


def _not_a_tensor(scene: Scene) -> Suspicion | None:
    found = next(((a.name, k) for a in scene.call.arguments if (k := _kind(a.name, a.value)) is not None), None)
    if found is None or not scene.call.function.startswith("torch."):
        return None
    name, kind = found
    written_as = written(scene, name)
    note = _NOTES.get(kind, said("Make a tensor of it."))
    changes = _changes(scene, name, kind, note)
    fit = _placeholder(scene, name)
    shown = ast.unparse(written_as) if written_as is not None else name
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{shown} is {kind}, not a tensor, where {function} wants its {name}.",
            shown=shown if len(shown) <= 30 else name,
            kind=_KINDS.get(kind, kind),
            function=scene.name,
            name=name,
        ),
        evidence=(
            said("The argument {name} of {function} has to be a tensor.", name=name, function=scene.name),
            *(() if fit is None else (fit.words,)),
            *((_MEANINGS[name],) if name in _MEANINGS else ()),
        ),
        trials=(),
        fix=next(iter(changes), fixes.fix(scene, None, "safe", note)),
        alternatives=changes[1:],
    )


def _placeholder(scene: Scene, name: str) -> Placeholder | None:
    return placeholder(scene.name, name, {known: tensor.shape for known, tensor in tensors(scene).items()})


def _changes(scene: Scene, name: str, kind: str, note: Message) -> tuple[Fix, ...]:
    """What was passed made a tensor, the option that it is meant as, or a tensor of the right shape in its place."""
    value = scene.call.argument(name)
    if kind == "str" and value in _REDUCTIONS:
        meant = said("It is taken for {name}: pass it by its own name.", name=name)
        return (fixes.fix(scene, replaced(scene, **{name: "reduction={}"}), "likely", meant),)
    made = [
        fixes.fix(scene, _made_tensor(scene, name, kind, cast), "safe", note) for cast in ("", ".float()", ".flatten()")
    ]
    if isinstance(value, Items) and value.items and all(isinstance(each, Ref) for each in value.items):
        joined = said("Make one tensor of the tensors in the list.")
        ways = ("torch.stack({})", "torch.cat({})")
        made[:0] = [fixes.fix(scene, replaced(scene, **{name: way}), "safe", joined) for way in ways]
    fit = _placeholder(scene, name)
    if fit is not None and isinstance(value, int | float) and not isinstance(value, bool):
        repeated = said("Repeat it for each of them.")
        made.insert(0, fixes.fix(scene, replaced(scene, **{name: fit.filled("{}")}), "likely", repeated))
    elif fit is not None and kind in ("str", "None"):
        own = said("Pass your own {names}: what stands there only has its shape and dtype.", names=name)
        made.insert(0, fixes.fix(scene, replaced(scene, **{name: fit.text}), "choose", own))
    return tuple(one for one in made if one.source)


_KINDS: Final[Mapping[str, Message]] = {
    "list": said("a list"),
    "tuple": said("a tuple"),
    "number": said("a number"),
    "array": said("a numpy array"),
    "None": said("None"),
    "str": said("a text"),
}
_OPERANDS = (
    "input",
    "target",
    "other",
    "weight",
    "input1",
    "input2",
    "x1",
    "x2",
    "linear_weight",
    "anchor",
    "positive",
    "negative",
    "var",
    "targets",
    "pos_weight",
    "log_probs",
)
_LENGTHS = ("input_lengths", "target_lengths")  # a tuple of numbers will do
_REDUCTIONS = ("mean", "sum", "none")
_MAY_BE_MISSING = ("weight", "other", "pos_weight")


_MEANINGS: Final[Mapping[str, Message]] = {
    "pos_weight": said(
        "pos_weight multiplies the positive targets: one number for all of them, or one per output (column), which "
        "broadcasts against the last axis. Two outputs need two, one output needs one, as in torch.tensor([3.0])."
    ),
    "weight": said("weight is one number per class in losses over classes, else one that broadcasts to the elements."),
    "target_lengths": said("It holds one whole number (int64) for each item of the batch."),
    "input_lengths": said("It holds one whole number (int64) for each item of the batch."),
}
"""What the numbers of an argument mean that is asked for as a tensor."""

_NOTES: Final[Mapping[str, Message]] = {
    "tuple": said("Take the tensor out of it: several layers, such as an LSTM, return a tuple."),
}


_MAKING: Final[Mapping[str, str]] = {
    "tuple": "{}[0]",
    "list": "torch.tensor({})",
    "number": "torch.tensor([{}])",
    "array": "torch.as_tensor({})",
}


def _kind(name: str, value: Value) -> str | None:
    """What stands where a tensor should; None for a tensor, and for what may be left out."""
    match value:
        case None if name in _LENGTHS:
            return "None"
        case str() if name in _LENGTHS:
            return "str"
        case _ if name not in _OPERANDS:
            return None
        case Items("tuple", items) if any(isinstance(each, Ref) for each in items):
            return "tuple"
        case Items():
            return "list"
        case Opaque("ndarray", _):
            return "array"
        case Opaque(other, _):
            return other
        case bool() | int() | float():
            return None if name in ("other", "var") else "number"
        case str():
            return "str"
        case None if name not in _MAY_BE_MISSING:
            return "None"
        case _:
            return None


def _made_tensor(scene: Scene, name: str, kind: str, cast: str) -> str | None:
    """The program with this argument made a tensor, and whatever else is a list or an array instead of one."""
    if kind not in _MAKING:
        return None
    others = ((a.name, _kind(a.name, a.value)) for a in scene.call.arguments if a.name != name)
    also = {
        other: _MAKING[found] + cast
        for other, found in others
        if found is not None and (found in ("list", "array") or found == kind == "number")
    }
    text = _MAKING[kind] + (cast if kind != "tuple" else "")
    return replaced(scene, **{name: text, **also})
