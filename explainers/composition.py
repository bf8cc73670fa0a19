"""A recording as an array-op graph, from the frontier on: losses by reference program, the rest by the op table."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from explainers.aliases import Aliases
from explainers.dependencies import ancestors
from explainers.graph import ops
from explainers.graph.arrays import Array, unified
from explainers.graph.nodes import Axis, Input, Node, Table, is_floating, topological
from explainers.loops import Label, collapsed
from explainers.losses.registry import Registry
from explainers.messages import Message, said
from explainers.operations.differentiating import GRAD, differentiated
from explainers.operations.writing import put_back
from explainers.recording import Call, Items, Name, Recording, Ref, Slice, Span, Tensor, Value
from explainers.torch_ops import Unsupported, decision, operation, ordering, short_name


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
    the axis (None for length 1) at each of their dimensions; places that the program decided on are among them under
    negative ids. `calls` are the calls that the graph unfolds, `given` the calls upstream that it takes for granted,
    `names` what the program calls its quantities. `refused` says of calls by index why they are not unfolded, where
    there is more to say than that the table lacks them.
    """

    subject: Array
    inputs: Mapping[int, Array]
    calls: tuple[Call, ...]
    given: tuple[Call, ...]
    names: Mapping[Node, Label] = field(default_factory=dict[Node, Label])
    refused: Mapping[int, Message] = field(default_factory=dict[int, Message])

    @property
    def root(self) -> Node:
        """The subject's node."""
        return self.subject.node

    def values(self, recording: Recording) -> dict[int, npt.NDArray[np.generic]]:
        """The recorded numbers of the inputs, shaped like their axes."""
        return {
            id: array.node.held
            if isinstance(array.node, Table)
            else recording.tensor(id).array().reshape(tuple(axis.size for axis in array.axes))
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
        self.refused: dict[int, Message] = {}
        self.names: dict[Node, Label] = {}
        self.aliases = Aliases(recording)
        self.users: dict[int, list[tuple[str, ...]]] = {}
        for call in recording.calls:
            for id in call.inputs():
                self.users.setdefault(id, []).append(call.scope)
        self.written = {old for call in recording.calls for old, _ in call.mutated}
        self.judged = {id for call in recording.calls if registry.of(call.function) for id in call.inputs()}

    def composed(self, subject: int) -> Composition | DontKnow:
        found = self.read(subject)
        if isinstance(found, DontKnow):
            return found
        calls = tuple(self.calls[i] for i in sorted(self.calls))
        without_loops = collapsed(found.node, self.names)
        found = replace(found, node=without_loops.root)
        used = topological(found.node)
        held = set(used)  # what only a refused call has read lies beyond the frontier
        inputs = {id: array for id, array in self.inputs.items() if array.node in held or id == subject}
        tables = {
            node.tensor: Array(node, node.axes, None if is_floating(node) else node.held)
            for node in used
            if isinstance(node, Table)
        }
        given = tuple(self.given[i] for i in sorted(self.given))
        return Composition(found, {**inputs, **tables}, calls, given, without_loops.names, self.refused)

    def read(self, id: int) -> Array | DontKnow:
        """The array of a tensor; iterative, since a loop of the user's can be thousands of calls long."""
        stack = [id]
        while stack:
            current = stack[-1]
            if current in self.arrays:
                stack.pop()
                continue
            call = self._unfolded(current)
            waiting = [i for i in self._needs(call, current) if i not in self.arrays] if call else []
            if call is None and (hidden := self.recording.producer(current)) and hidden.function.startswith(_HIDING):
                return DontKnow(hidden.function, hidden.span, said("what a transform of torch.func runs is hidden"))
            if waiting:
                stack.extend(reversed(waiting))
                continue
            found = self._computed(call, current) if call else self._leaf(current)
            if isinstance(found, DontKnow):
                return found
            self.arrays[current] = self._called(found, call, current)
            stack.pop()
        return self.arrays[id]

    def _called(self, found: Array, call: Call | None, id: int) -> Array:
        """The array, whose node keeps the first name that the program gives it."""
        name = self.recording.tensor(id).name or (self._function_name(call, id) if call else None)
        if name is not None and call is not None and not isinstance(found.node, Input):
            code = call.span.text if call.span else call.function
            self.names.setdefault(found.node, Label(name, " ".join(code.split())[:LONGEST_CODE]))
        return found

    def _function_name(self, call: Call, id: int) -> str | None:
        """The function or module that a tensor is the result of, where another one goes on with it."""
        inner = call.scope
        if not inner or any(scope[: len(inner)] == inner for scope in self.users.get(id, ())):
            return None
        return inner[-1].removeprefix("def ").removeprefix("nn.")

    def _needs(self, call: Call, id: int) -> tuple[int, ...]:
        """What has to be read before a call: its inputs, and for an array that it writes to by way of another one
        what both held before."""
        return (*call.inputs(), *(() if id in call.outputs else self.aliases.before(call, id)))

    def _unfolded(self, id: int) -> Call | None:
        """The call to unfold a tensor by; None at the frontier."""
        call = self.recording.producer(id)
        if call is None or call.index in self.given:
            return None
        if self._is_index(call, id) or not self._is_known(call) or self._is_model(call) or self._is_update(call, id):
            self._give(call)
            return None
        return call

    def _is_known(self, call: Call) -> bool:
        if call.function == GRAD:
            return True
        if any(self.recording.tensor(id).dtype.startswith("complex") for id in call.inputs()):
            return False
        return any(f(call.function) is not None for f in (self.registry.of, operation, decision, ordering))

    def _is_index(self, call: Call, id: int) -> bool:
        """Whether the call puts class indices together, or rounds to them: those are read off, not derived."""
        made, *held = [self.recording.tensor(i) for i in (id, *call.inputs())]
        if made.floating or made.data is None:
            return False
        real = any(tensor.floating for tensor in held)
        return short_name(call.function) in (_ROUNDING if real else _ORDERING)

    def _is_model(self, call: Call) -> bool:
        """Whether the call is a layer's: a model upstream is given."""
        name, weight = short_name(call.function), call.ref("weight")
        if name.startswith("conv") and weight is not None and self.recording.tensor(weight).requires_grad:
            return True
        return name in _LAYERS and bool(call.scope) and call.scope[-1].startswith("nn.")

    def _is_update(self, call: Call, id: int) -> bool:
        """Whether the call changes a parameter, as a step of an optimizer does: where it stands then is given."""
        changed = any(new == id for _, new in call.mutated)
        return changed and not call.grad_enabled and self.recording.tensor(id).requires_grad

    def _give(self, call: Call) -> None:
        self.given[call.index] = call

    def _computed(self, call: Call, id: int) -> Array | DontKnow:
        try:
            arguments = {a.name: self._cast(self._value(a.value), call, id) for a in call.arguments}
            made = self._made(call, id, arguments)
        except (Unsupported, IndexError) as refusal:
            self._give(call)
            reason = refusal.reason if isinstance(refusal, Unsupported) else said("this kind of index")
            self.refused[call.index] = reason
            leaf = self._leaf(id)
            return DontKnow(call.function, call.span, reason) if isinstance(leaf, DontKnow) else leaf
        self.calls[call.index] = call
        return self._followed(call, self._valued(made, id))

    def _cast(self, value: object, call: Call, id: int) -> object:
        """An argument in the dtype that autocast gives it: that of the result."""
        made = self.recording.tensor(id)
        if call.autocast is None or not made.floating or not isinstance(value, Array) or not value.floating:
            return value
        return replace(value, node=ops.cast(value.node, made.dtype))

    def _made(self, call: Call, id: int, arguments: dict[str, object]) -> Array:
        """One of the arrays that a call returned or wrote to."""
        written = [new for _, new in call.mutated]
        if written:
            target = next((new for old, new in call.mutated if old == call.ref("input")), None)
            result = self._applied(call, arguments)
            if target is None or isinstance(result, tuple):
                raise Unsupported(said("what it writes to"))
            before = arguments["input"]
            assert isinstance(before, Array)
            stored = Array(ops.cast(result.node, before.node.dtype), before.layout)
            return stored if id in (target, *call.outputs) else self._through(call, id, target, stored)
        result = self._applied(call, arguments)
        if isinstance(result, tuple):
            return result[call.outputs.index(id)]
        if id not in call.outputs[:1]:
            raise Unsupported(said("it is not in the table of operations"))
        return result

    def _through(self, call: Call, id: int, target: int, stored: Array) -> Array:
        """What an array holds after another one that shares its memory was written to."""
        old = {new: old for old, new in call.mutated}
        path = self.aliases.path(old[target], old[id])
        if path is None:
            raise Unsupported(said("it writes to what another array is a view of"))
        up, down = path
        held = self._held(up[-1][1], old.values()) if up else stored
        chain = [held]
        for view, _ in reversed(up):
            chain.append(self._view(view, chain[-1]))
        for (view, _), whole in zip(up, reversed(chain[:-1]), strict=True):
            put = put_back(short_name(view.function))
            if put is None:
                raise Unsupported(said("it writes to what another array is a view of"))
            stored = put(whole, stored, {a.name: self._value(a.value) for a in view.arguments})
        for view in down:
            stored = self._view(view, stored)
        return stored

    def _held(self, birth: int, before: Iterable[int]) -> Array:
        """What the array that was born under an id held before a call that writes to it."""
        found = next((id for id in before if self.aliases.birth(id) == birth), None)
        if found is None:
            raise Unsupported(said("it writes to what another array is a view of"))
        return self.arrays[found]

    def _view(self, view: Call, whole: Array) -> Array:
        given = {a.name: self._value(a.value) for a in view.arguments if a.name != "input"}
        result = self._applied(view, {**given, "input": whole})
        if isinstance(result, tuple):
            raise Unsupported(said("it writes to what another array is a view of"))
        return result

    def _valued(self, made: Array, id: int) -> Array:
        """The array, its whole numbers known where they were recorded: a program may be decided by them."""
        held = self.recording.tensor(id)
        if made.floating or made.values is not None or held.data is None:
            return made
        return replace(made, values=held.array())

    def _followed(self, call: Call, made: Array) -> Array:
        """What a call made, without a gradient where autograd was switched off."""
        if call.grad_enabled or not self.follow or not made.floating:
            return made
        return replace(made, node=ops.stop_gradient(made.node))

    def _applied(self, call: Call, arguments: dict[str, object]) -> Array | tuple[Array, ...]:
        loss = self.registry.of(call.function)
        if loss is not None:
            return loss.program(**arguments)
        if call.function == GRAD:
            return self._differentiated(call, arguments)
        decide, places = decision(call.function), self._places(call)
        if decide is not None and places is not None and len(call.outputs) == 2:
            return decide({**arguments, "places": places})
        if (order := ordering(call.function)) is not None and len(call.outputs) < 2:
            return order({**arguments, "held": self._numbers(call)})
        apply = operation(call.function)
        if apply is None:
            raise Unsupported(said("it is not in the table of operations"))
        return apply(arguments)

    def _differentiated(self, call: Call, arguments: Mapping[str, Any]) -> tuple[Array, ...]:
        """A gradient that the program takes; a layer that is given hides what its output owes to its input."""
        inputs = {id for a in call.arguments if a.name == "inputs" for id in _refs(a.value)}
        outputs = {id for a in call.arguments if a.name == "outputs" for id in _refs(a.value)}
        between = ancestors(self.recording.calls[: call.index], outputs)[1] & self.given.keys()
        for hidden in (self.given[index] for index in between):
            if short_name(hidden.function) in _FILLS or not self.recording.tensor(hidden.outputs[0]).floating:
                continue
            if inputs & ancestors(self.recording.calls[: call.index], hidden.inputs())[0]:
                raise Unsupported(said("{function} between them is given", function=hidden.function))
        return differentiated(**arguments)

    def _places(self, call: Call) -> Array | None:
        """The places that a call returned beside what it found there."""
        if len(call.outputs) != 2 or self.recording.tensor(call.outputs[1]).floating:
            return None
        found = self._leaf(call.outputs[1])
        return found if isinstance(found, Array) else None

    def _numbers(self, call: Call) -> dict[str, npt.NDArray[np.generic]]:
        """The numbers that a call was given, by argument, where they were recorded."""
        given = {a.name: self.recording.tensor(a.value.id) for a in call.arguments if isinstance(a.value, Ref)}
        return {name: tensor.array() for name, tensor in given.items() if tensor.data is not None}

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
        fills = name in _FILLS or (name == "tensor" and tensor.elements == 1)
        if not fills or tensor.requires_grad or tensor.id in self.judged:
            return None
        values = np.unique(tensor.array())
        number = values[0].item() if len(values) == 1 and tensor.dtype != "bool" else None
        return number if number == 0 or tensor.id in self.written else None

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


def _refs(value: Value) -> tuple[int, ...]:
    """The tensors in an argument."""
    match value:
        case Ref(id):
            return (id,)
        case Items(_, items):
            return tuple(id for item in items for id in _refs(item))
        case _:
            return ()


LONGEST_CODE = 60
_HIDING = "torch.func."
_LAYERS = frozenset(("linear", "bilinear", "conv1d", "conv2d", "conv3d"))
_ORDERING = frozenset(("cat", "stack", "hstack", "vstack", "roll", "repeat", "repeat_interleave", "tile", "flip"))
_ROUNDING = frozenset(("long", "int", "to", "type"))
_FILLS = frozenset(
    ("zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full")
)
