"""One recorded call as array ops: by its loss's reference program, else by the op table."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from explainers.aliases import Aliases
from explainers.dependencies import ancestors
from explainers.frontier import FILLS, Frontier
from explainers.graph import ops
from explainers.graph.arrays import Array
from explainers.losses.registry import Loss, Registry
from explainers.messages import said
from explainers.operations.differentiating import GRAD, differentiated
from explainers.operations.writing import put_back
from explainers.recording import Call, Items, Name, Opaque, Recording, Ref, Slice, Value
from explainers.torch_ops import Unsupported, decision, operation, ordering, short_name
from explainers.wrapping import wrapped


def is_known(call: Call, recording: Recording, registry: Registry) -> bool:
    """Whether the table has the function, for real numbers."""
    if call.function == GRAD:
        return True
    if is_complex(call, recording):
        return False
    return any(f(call.function) is not None for f in (registry.of, operation, decision, ordering))


def is_complex(call: Call, recording: Recording) -> bool:
    """Whether a call takes complex numbers."""
    return any(recording.tensor(id).dtype.startswith("complex") for id in call.inputs())


@dataclass(frozen=True)
class Applying:
    """Applies calls to `arrays`, the tensors read so far by id; `given` are the calls taken for granted.

    With `follow`, a call under no_grad passes no gradient on.
    """

    recording: Recording
    registry: Registry
    frontier: Frontier
    arrays: Mapping[int, Array]
    given: Mapping[int, Call]
    aliases: Aliases
    follow: bool

    def made(self, call: Call, id: int) -> Array:
        """One of the arrays that a call returned or wrote to; raises Unsupported, IndexError where the table has not
        this way of calling it."""
        if (lost := wrapped(call, self.recording)) is not None:
            raise Unsupported(said("its whole numbers pass what {dtype} holds", dtype=lost.dtype))
        arguments = {a.name: self._cast(self._value(a.value), call, id) for a in call.arguments}
        return self._followed(call, self._valued(self._made(call, id, arguments), id))

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
            return loss.program(**{**arguments, **self._single_numbers(call, loss)})
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
            if short_name(hidden.function) in FILLS or not self.recording.tensor(hidden.outputs[0]).floating:
                continue
            if inputs & ancestors(self.recording.calls[: call.index], hidden.inputs())[0]:
                raise Unsupported(said("{function} between them is given", function=hidden.function))
        return differentiated(**arguments)

    def _single_numbers(self, call: Call, loss: Loss) -> dict[str, float]:
        """The options of a loss that are numbers, and were given as tensors of one number."""
        found: dict[str, float] = {}
        for name, option in inspect.signature(loss.program).parameters.items():
            held = self.recording.known(call.ref(name)) if isinstance(option.default, int | float) else None
            if held is None or held.data is None or held.elements != 1:
                continue
            if held.requires_grad:
                raise Unsupported(said("it is not in the table of operations"))
            found[name] = float(np.asarray(held.array(), dtype=np.float64).reshape(-1)[0])
        return found

    def _places(self, call: Call) -> Array | None:
        """The places that a call returned beside what it found there."""
        if len(call.outputs) != 2 or self.recording.tensor(call.outputs[1]).floating:
            return None
        found = self.frontier.leaf(call.outputs[1])
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
            case Opaque("torch.Tensor"):  # sparse, or on no device
                raise Unsupported(said("it is not in the table of operations"))
            case _:
                return value


def _refs(value: Value) -> tuple[int, ...]:
    """The tensors in an argument."""
    match value:
        case Ref(id):
            return (id,)
        case Items(_, items):
            return tuple(id for item in items for id in _refs(item))
        case _:
            return ()
