"""Where a graph begins: the tensors whose recorded numbers are taken as they are, each an Input with named axes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array
from explainers.graph.nodes import Axis, Input
from explainers.losses.registry import Registry
from explainers.messages import Message, said
from explainers.recording import Call, Recording, Ref, Span, Tensor
from explainers.torch_ops import short_name


@dataclass(frozen=True)
class DontKnow:
    """What the table lacks, by name and line: the derivation is refused there, never guessed."""

    function: str
    span: Span | None
    reason: Message


class Frontier:
    """The inputs of one graph; `merged` says of axes which one they are unified with."""

    def __init__(
        self,
        recording: Recording,
        registry: Registry,
        merged: Mapping[Axis, Axis],
        axes: Mapping[tuple[int, int], Axis] | None = None,
    ) -> None:
        self.recording, self.registry, self.merged = recording, registry, merged
        self.axes: dict[tuple[int, int], Axis] = dict(axes or {})
        self.inputs: dict[int, Array] = {}
        self._written = {old for call in recording.calls for old, _ in call.mutated}
        self._judged = {id for call in recording.calls if registry.of(call.function) for id in call.inputs()}

    def leaf(self, id: int) -> Array | DontKnow:
        """A tensor of the frontier as an Input with an axis per dimension longer than 1 (or empty)."""
        tensor = self.recording.tensor(id)
        if tensor.data is None:
            producer = self.recording.producer(id)
            name = producer.function if producer else "a tensor"
            return DontKnow(name, producer.span if producer else None, said("its values were not recorded"))
        if tensor.dtype.startswith("complex"):
            return DontKnow("a complex tensor", None, said("complex numbers are not in the table"))
        layout = tuple(self._axis(tensor, dim) for dim in range(len(tensor.shape)))
        if (same := self._same(tensor)) is not None:
            return Array(
                ops.cast(ops.constant(same), tensor.dtype), layout, None if tensor.floating else tensor.array()
            )
        axes = tuple(axis for axis in layout if axis is not None)
        if id not in self.inputs:
            node = Input(self._free(self._symbol(tensor)), axes, tensor.dtype, id)
            self.inputs[id] = Array(node, layout, None if tensor.floating else tensor.array())
        return self.inputs[id]

    def _same(self, tensor: Tensor) -> float | int | None:
        """The number that fills a tensor which a program only starts from: zeros to add to, an array to write into."""
        made = self.recording.producer(tensor.id)
        name = "" if made is None else short_name(made.function)
        fills = name in FILLS or (name == "tensor" and tensor.elements == 1)
        if not fills or tensor.requires_grad or tensor.id in self._judged:
            return None
        values = np.unique(tensor.array())
        number = values[0].item() if len(values) == 1 and tensor.dtype != "bool" else None
        return number if number == 0 or tensor.id in self._written else None

    def _axis(self, tensor: Tensor, dim: int) -> Axis | None:
        size = tensor.shape[dim]
        if size == 1:
            return None
        axis = self.axes.setdefault((tensor.id, dim), Axis("abcdefgh"[min(dim, 7)], size))
        return self.merged.get(axis, axis)

    def _symbol(self, tensor: Tensor) -> str:
        """The letter of the first loss argument that the tensor is passed as, else its own name."""
        for call in self.recording.calls:
            loss = self.registry.of(call.function)
            for argument in call.arguments if loss else ():
                if loss and argument.value == Ref(tensor.id) and argument.name in loss.symbols:
                    return loss.symbols[argument.name]
        return tensor.name or "u"

    def _free(self, wanted: str) -> str:
        """The letter, or with a number behind it where another input has it."""
        taken = {array.node.symbol for array in self.inputs.values() if isinstance(array.node, Input)}
        numbered = (f"{wanted}{k}" for k in itertools.count(2))
        return wanted if wanted not in taken else next(name for name in numbered if name not in taken)


def is_given(call: Call, id: int, recording: Recording) -> bool:
    """Whether what a call made is taken for granted though the table has it: class indices put together, a layer's
    output, a parameter that an optimizer moved."""
    return _is_index(call, id, recording) or _is_model(call, recording) or _is_update(call, id, recording)


def _is_index(call: Call, id: int, recording: Recording) -> bool:
    """Whether the call puts class indices together, or rounds to them: those are read off, not derived."""
    made, *held = [recording.tensor(i) for i in (id, *call.inputs())]
    if made.floating or made.data is None:
        return False
    real = any(tensor.floating for tensor in held)
    return short_name(call.function) in (_ROUNDING if real else _ORDERING)


def _is_model(call: Call, recording: Recording) -> bool:
    """Whether the call is a layer's: a model upstream is given."""
    name, weight = short_name(call.function), call.ref("weight")
    if name.startswith("conv") and weight is not None and recording.tensor(weight).requires_grad:
        return True
    return name in _LAYERS and bool(call.scope) and call.scope[-1].startswith("nn.")


def _is_update(call: Call, id: int, recording: Recording) -> bool:
    """Whether the call changes a parameter, as a step of an optimizer does: where it stands then is given."""
    changed = any(new == id for _, new in call.mutated)
    return changed and not call.grad_enabled and recording.tensor(id).requires_grad


FILLS = frozenset(
    ("zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full")
)
_LAYERS = frozenset(("linear", "bilinear", "conv1d", "conv2d", "conv3d"))
_ORDERING = frozenset(("cat", "stack", "hstack", "vstack", "roll", "repeat", "repeat_interleave", "tile", "flip"))
_ROUNDING = frozenset(("long", "int", "to", "type"))
