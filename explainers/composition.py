"""A recording as an array-op graph, from the frontier on: losses by reference program, the rest by the op table."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from explainers.graph import ops
from explainers.graph.arrays import Array, unified
from explainers.graph.nodes import Axis, Input, Node, topological
from explainers.losses.registry import Registry
from explainers.messages import Message, said
from explainers.recording import Call, Items, Name, Recording, Ref, Slice, Span, Tensor, Value
from explainers.torch_ops import Unsupported, operation


@dataclass(frozen=True)
class DontKnow:
    """What the table lacks, by name and line: the derivation is refused there, never guessed."""

    function: str
    span: Span | None
    reason: Message


@dataclass(frozen=True)
class Composition:
    """The subject of a recording as a graph.

    `inputs` are the frontier: the tensors from which everything up to the subject is in the table, by tensor id, with
    the axis (None for length 1) at each of their dimensions. `calls` are the calls that the graph unfolds, `given`
    the calls upstream that it takes for granted.
    """

    subject: Array
    inputs: Mapping[int, Array]
    calls: tuple[Call, ...]
    given: tuple[Call, ...]

    @property
    def root(self) -> Node:
        """The subject's node."""
        return self.subject.node

    def values(self, recording: Recording) -> dict[int, npt.NDArray[np.generic]]:
        """The recorded numbers of the inputs, shaped like their axes."""
        return {
            id: recording.tensor(id).array().reshape(tuple(axis.size for axis in array.axes))
            for id, array in self.inputs.items()
        }


def compose(recording: Recording, subject: int, registry: Registry) -> Composition | DontKnow:
    """The graph of one tensor of a recording, or what stands in its way.

    A call that the table lacks puts the frontier behind it; DontKnow is returned where the frontier's values were not
    recorded, or where the subject itself comes from such a call.
    """
    made = recording.producer(subject)
    first = _Reading(recording, registry, {}, follow=made is None or made.grad_enabled)
    found = first.read(subject)
    if isinstance(found, DontKnow):
        return found
    again = _Reading(recording, registry, unified([found.node]), first.axes, follow=first.follow)
    return again.composed(subject)


class _Reading:
    """One pass over the calls that a subject needs, inside-out."""

    def __init__(
        self,
        recording: Recording,
        registry: Registry,
        merged: Mapping[Axis, Axis],
        axes: Mapping[tuple[int, int], Axis] | None = None,
        *,
        follow: bool = True,
    ) -> None:
        """With `follow`, a call under no_grad passes no gradient on; where the subject itself was made under no_grad,
        gradients are taken throughout, as a replay takes them."""
        self.recording, self.registry, self.merged, self.follow = recording, registry, merged, follow
        self.axes: dict[tuple[int, int], Axis] = dict(axes or {})
        self.arrays: dict[int, Array] = {}
        self.inputs: dict[int, Array] = {}
        self.calls: dict[int, Call] = {}
        self.given: dict[int, Call] = {}
        self.refused: DontKnow | None = None

    def composed(self, subject: int) -> Composition | DontKnow:
        found = self.read(subject)
        if isinstance(found, DontKnow):
            return found
        calls = tuple(self.calls[i] for i in sorted(self.calls))
        used = set(topological(found.node))  # what only a refused call has read lies beyond the frontier
        inputs = {id: array for id, array in self.inputs.items() if array.node in used or id == subject}
        return Composition(found, inputs, calls, tuple(self.given[i] for i in sorted(self.given)))

    def read(self, id: int) -> Array | DontKnow:
        """The array of a tensor; iterative, since a loop of the user's can be thousands of calls long."""
        stack = [id]
        while stack:
            current = stack[-1]
            if current in self.arrays:
                stack.pop()
                continue
            call = self._unfolded(current)
            waiting = [i for i in call.inputs() if i not in self.arrays] if call else []
            if waiting:
                stack.extend(reversed(waiting))
                continue
            found = self._computed(call, current) if call else self._leaf(current)
            if isinstance(found, DontKnow):
                return found
            self.arrays[current] = found
            stack.pop()
        return self.arrays[id]

    def _unfolded(self, id: int) -> Call | None:
        """The call to unfold a tensor by; None at the frontier."""
        call = self.recording.producer(id)
        if call is None or call.index in self.given:
            return None
        known = self.registry.of(call.function) is not None or operation(call.function) is not None
        if not known or any(new == id for _, new in call.mutated):
            self._give(call)
            return None
        return call

    def _give(self, call: Call) -> None:
        self.given[call.index] = call

    def _computed(self, call: Call, id: int) -> Array | DontKnow:
        try:
            arguments = {a.name: self._value(a.value) for a in call.arguments}
            result = self._applied(call, arguments)
            if id not in call.outputs[:1] and not isinstance(result, tuple):
                raise Unsupported(said("it is not in the table of operations"))
        except Unsupported as refusal:
            self._give(call)
            leaf = self._leaf(id)
            return DontKnow(call.function, call.span, refusal.reason) if isinstance(leaf, DontKnow) else leaf
        self.calls[call.index] = call
        return self._followed(call, result[call.outputs.index(id)] if isinstance(result, tuple) else result)

    def _followed(self, call: Call, made: Array) -> Array:
        """What a call made, without a gradient where autograd was switched off."""
        if call.grad_enabled or not self.follow or not made.floating:
            return made
        return replace(made, node=ops.stop_gradient(made.node))

    def _applied(self, call: Call, arguments: dict[str, object]) -> Array | tuple[Array, ...]:
        loss = self.registry.of(call.function)
        if loss is not None:
            return loss.program(**arguments)
        apply = operation(call.function)
        assert apply is not None
        return apply(arguments)

    def _value(self, value: Value) -> object:
        match value:
            case Ref(id):
                return self.arrays[id]
            case Items("list", items):
                return [self._value(item) for item in items]
            case Items(_, items):
                return tuple(self._value(item) for item in items)
            case Slice(start, stop, step):
                return slice(self._value(start), self._value(stop), self._value(step))
            case Name("Ellipsis"):
                return ...
            case Name(name):
                return name.removeprefix("torch.")
            case _:
                return value

    def _leaf(self, id: int) -> Array | DontKnow:
        """A tensor of the frontier as an Input with an axis per dimension longer than 1 (or empty)."""
        tensor = self.recording.tensor(id)
        if tensor.data is None:
            producer = self.recording.producer(id)
            name = producer.function if producer else "a tensor"
            return DontKnow(name, producer.span if producer else None, said("its values were not recorded"))
        if tensor.dtype.startswith("complex"):
            return DontKnow("a complex tensor", None, said("complex numbers are not in the table"))
        layout = tuple(self._axis(tensor, dim) for dim in range(len(tensor.shape)))
        axes = tuple(axis for axis in layout if axis is not None)
        node = Input(self._free(self._symbol(tensor)), axes, tensor.dtype, id)
        self.inputs[id] = Array(node, layout, None if tensor.floating else tensor.array())
        return self.inputs[id]

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
