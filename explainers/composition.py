"""A recording as an array-op graph, from the frontier on: losses by reference program, the rest by the op table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from explainers.aliases import Aliases
from explainers.applying import Applying, is_complex, is_known
from explainers.frontier import DontKnow, Frontier, is_given
from explainers.graph.arrays import Array, unified
from explainers.graph.nodes import Axis, Input, Node, Table, is_floating, topological
from explainers.loops import Label, collapsed
from explainers.losses.registry import Registry
from explainers.messages import Message, said
from explainers.operations import lacking
from explainers.recording import Call, Recording
from explainers.torch_ops import Unsupported, short_name


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


def why_given(composition: Composition, call: Call) -> Message | None:
    """Why a call's result is taken as torch gave it, where there is a reason beside that the table lacks it."""
    return composition.refused.get(call.index) or lacking.reason(short_name(call.function))


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
    again = _Reading(recording, registry, unified([found.node]), first.frontier.axes, follow=first.follow)
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
        self.recording, self.registry, self.follow = recording, registry, follow
        self.frontier = Frontier(recording, registry, merged, axes)
        self.arrays: dict[int, Array] = {}
        self.calls: dict[int, Call] = {}
        self.given: dict[int, Call] = {}
        self.refused: dict[int, Message] = {}
        self.names: dict[Node, Label] = {}
        self.aliases = Aliases(recording)
        self.applying = Applying(recording, registry, self.frontier, self.arrays, self.given, self.aliases, follow)
        self.users: dict[int, list[tuple[str, ...]]] = {}
        for call in recording.calls:
            for id in call.inputs():
                self.users.setdefault(id, []).append(call.scope)

    def composed(self, subject: int) -> Composition | DontKnow:
        found = self.read(subject)
        if isinstance(found, DontKnow):
            return found
        calls = tuple(self.calls[i] for i in sorted(self.calls))
        without_loops = collapsed(found.node, self.names)
        found = replace(found, node=without_loops.root)
        used = topological(found.node)
        held = set(used)  # what only a refused call has read lies beyond the frontier
        inputs = {id: array for id, array in self.frontier.inputs.items() if array.node in held or id == subject}
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
            found = self._computed(call, current) if call else self.frontier.leaf(current)
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
            self.names.setdefault(found.node, Label(name, " ".join(code.split())[:_LONGEST_CODE]))
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
        if is_given(call, id, self.recording) or not is_known(call, self.recording, self.registry):
            self.given[call.index] = call
            if is_complex(call, self.recording):
                self.refused[call.index] = said("complex numbers are not in the table")
            return None
        return call

    def _computed(self, call: Call, id: int) -> Array | DontKnow:
        try:
            made = self.applying.made(call, id)
        except (Unsupported, IndexError) as refusal:
            self.given[call.index] = call
            reason = refusal.reason if isinstance(refusal, Unsupported) else said("this kind of index")
            self.refused[call.index] = reason
            leaf = self.frontier.leaf(id)
            return DontKnow(call.function, call.span, reason) if isinstance(leaf, DontKnow) else leaf
        self.calls[call.index] = call
        return made


_LONGEST_CODE = 60
_HIDING = "torch.func."
