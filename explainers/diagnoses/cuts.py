"""Where the way of the gradient is cut: calls that take a tensor with history and give one without."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explainers.diagnoses.scene import Scene, short
from explainers.recording import Call, Items, Value

STEPS = frozenset({"argmax", "argmin", "gt", "lt", "ge", "le", "eq", "ne", "long", "int", "bool", "one_hot"})
READS = frozenset({"item", "tolist", "numpy", "array", "float"})
DETACHING = frozenset({"detach", "data"})
MAKERS = frozenset({"torch.tensor", "torch.Tensor.new_tensor"})


def cut_before(scene: Scene, id: int) -> Call | None:
    """The nearest call before a tensor that had history and gave none; None where nothing before it has any."""
    waiting, seen = [id], set[int]()
    while waiting:
        at = waiting.pop(0)
        call = scene.makers.get(at)
        if call is None or at in seen or fills(call):
            continue
        seen.add(at)
        if not requires_grad(scene, at) and any(requires_grad(scene, before) for before in call.inputs()):
            return call
        waiting.extend(call.inputs())
    return read_into(scene, seen)


def read_into(scene: Scene, ids: set[int]) -> Call | None:
    """A number of a tensor with history that was read into Python, and that one of these tensors was built from."""
    built = {x for id in ids if (call := scene.makers.get(id)) is not None for x in _constants(call)}
    for call in scene.recording.calls:
        if short(call) in READS and call.inputs() and _has_history(scene, call.inputs()[0]):
            held = scene.recording.tensors[call.inputs()[0]]
            values = set(held.array().astype(np.float64).reshape(-1).tolist()) if held.data is not None else built
            if short(call) in ("numpy", "array") or values & built:
                return call
    return None


def makes_anew(call: Call) -> bool:
    """Whether a call makes a tensor of numbers, without the history of the tensors that they stand in."""
    return call.function in MAKERS and bool(call.inputs())


def fills(call: Call) -> bool:
    """Whether a call writes first numbers into a parameter, which are computed from nothing."""
    return call.function.startswith("torch.nn.init.")


def requires_grad(scene: Scene, id: int) -> bool:
    """Whether a tensor had history, or was to get a gradient, when it was met."""
    tensor = scene.recording.tensors.get(id)
    return tensor is not None and tensor.requires_grad


def _has_history(scene: Scene, id: int) -> bool:
    """Whether a tensor has history, or had it before it was detached to be read."""
    call = scene.makers.get(id)
    before = call.inputs()[:1] if call is not None and short(call) in DETACHING else ()
    return requires_grad(scene, id) or any(requires_grad(scene, each) for each in before)


def _constants(call: Call) -> Iterator[float]:
    for argument in call.arguments:
        yield from _floats(argument.value)


def _floats(value: Value) -> Iterator[float]:
    match value:
        case bool():
            return
        case float():
            yield value
        case Items(_, items):
            for item in items:
                yield from _floats(item)
        case _:
            return
