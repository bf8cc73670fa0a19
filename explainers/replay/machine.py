"""One rerun: which calls it needs, where it starts, and the tensors it makes on the way."""

from __future__ import annotations

import contextlib
from typing import Any, Final, cast

import msgspec
import torch
from torch.autograd.graph import GradientEdge, get_gradient_edge

from explainers.recording import FLOATING, Name, Raised, Recording, Tensor, Value
from explainers.replay.edits import PlannedCall, plan
from explainers.reruns import GraphRerun, ReplaceTensor, RerunResult, WrapArgument, WrapOutput
from explainers.tracing.callables import call, find, is_replayable
from explainers.tracing.internals import storage_of
from explainers.tracing.values import DTYPES, decode, freeze, tensors_in, thaw

MESSAGE_LIMIT: Final = 4000
_FILLED_ALIKE: Final = frozenset({"torch.full_like", "torch.Tensor.new_full"})
_TO_DOUBLE: Final = frozenset({"torch.Tensor.float", "torch.Tensor.half", "torch.Tensor.bfloat16"})


def _autocast(dtype: str | None) -> torch.autocast:
    """The autocast that was on, or none."""
    return torch.autocast("cpu", dtype=DTYPES[dtype or "bfloat16"], enabled=dtype is not None)


class NotReplayable(Exception):
    """The recording does not hold what a rerun needs; the message says what."""


class Machine:
    """One rerun: the tensors it has so far, and where the gradients that are asked for leave the graph."""

    def __init__(self, recording: Recording, rerun: GraphRerun) -> None:
        subject = recording.subject if rerun.subject is None else rerun.subject
        if subject is None:
            raise NotReplayable("the recording has no subject")
        self._recording = recording
        self._rerun = rerun
        self._subject = subject
        self._replaced = {e.tensor.id: e.tensor for e in rerun.edits if isinstance(e, ReplaceTensor)}
        self._planned = {c.index: plan(c, rerun.edits) for c in recording.calls}
        self._edited = {e.call for e in rerun.edits if not isinstance(e, ReplaceTensor)}
        self._asked = frozenset(rerun.gradients)
        self._written = {old for made in recording.calls for old, _ in made.mutated}
        self._starts: set[int] = set()
        self._tensors: dict[int, torch.Tensor] = {}
        self._edges: dict[int, GradientEdge] = {}

    def run(self) -> RerunResult:
        """Run the needed calls in order, then differentiate."""
        needed, self._starts = self._needed()
        self._refuse_unreached(needed)
        planned = [self._planned[index] for index in sorted(needed)]
        follow = not planned or planned[-1].call.grad_enabled
        for step in planned:
            with torch.set_grad_enabled(step.call.grad_enabled or not follow), _autocast(step.call.autocast):
                self._step(step)
        value = self._get(self._subject)
        name = self._recording.tensors[self._subject].name if self._subject in self._recording.tensors else None
        found = RerunResult(self._rerun.label, value=freeze(value, self._subject, name=name))
        asked = [id for id in self._rerun.gradients if id in self._edges]
        try:
            return msgspec.structs.replace(found, gradients=self._gradients(value, asked))
        except RuntimeError as error:
            raised = Raised(type(error).__name__, str(error)[:MESSAGE_LIMIT])
            return msgspec.structs.replace(found, raised=raised, gradients=self._one_by_one(value, asked))

    def _needed(self) -> tuple[set[int], set[int]]:
        """Indices of the calls to run and ids to start from, walking back from the subject."""
        runnable = self._runnable()
        makers = {id: p for p in self._planned.values() if p.call.index in runnable for id in p.made()}
        needed, starts, pending = set[int](), set[int](), [self._subject]
        visited = set[int]()
        while pending:
            id = pending.pop()
            if id in visited:
                continue
            visited.add(id)
            maker = makers.get(id)
            if maker is None or id in self._replaced:
                starts.add(id)
            else:
                needed.add(maker.call.index)
                pending.extend(maker.inputs())
                pending.extend(old for old, new in maker.call.mutated if new == id)
        return needed, starts

    def _runnable(self) -> set[int]:
        """Calls that can be run again on tensors that can be had."""
        made_by_any = {id for p in self._planned.values() for id in p.made()}
        known = {id for id in self._recording.tensors if id not in made_by_any and self._has(id)}
        known.update(self._replaced)
        runnable: set[int] = set()
        for planned in self._planned.values():
            needs = (*planned.inputs(), *(old for old, _ in planned.call.mutated if old in known))
            if self._can_run(planned) and all(id in known for id in needs):
                runnable.add(planned.call.index)
                known.update(planned.made())
            else:
                known.update(id for id in planned.made() if self._has(id))
        return runnable

    def _has(self, id: int) -> bool:
        return id in self._recording.tensors and self._recording.tensors[id].data is not None

    def _can_run(self, planned: PlannedCall) -> bool:
        if planned.function is None:
            return bool(planned.inputs())
        if planned.call.index in self._edited:
            return find(planned.function) is not None
        return is_replayable(planned.function, planned.arguments, planned.inputs(), random=planned.call.random)

    def _refuse_unreached(self, needed: set[int]) -> None:
        for index in self._edited - needed:
            raise NotReplayable(f"the subject does not depend on call {index}, or that call cannot be run again")
        unused = self._replaced.keys() - self._starts
        if unused:
            raise NotReplayable(f"the subject does not depend on tensor {min(unused)}")

    def _get(self, id: int) -> torch.Tensor:
        if id not in self._tensors:
            if id not in self._starts:
                raise NotReplayable(f"no call that was run again gave tensor {id}")
            tensor, recorded = self._replaced.get(id), self._recording.tensors.get(id)
            tensor = recorded if tensor is None or tensor.data is None else tensor
            if tensor is None or tensor.data is None:
                raise NotReplayable(f"the values of tensor {id} were not recorded")
            self._enter_start(tensor)
        return self._tensors[id]

    def _enter_start(self, tensor: Tensor) -> None:
        value = self._upcast(thaw(tensor))
        with torch.enable_grad():
            if tensor.id in self._asked and value.is_floating_point():
                self._edges[tensor.id] = get_gradient_edge(value.requires_grad_())
                if tensor.stride is None or tensor.id in self._written:
                    value = value.clone()  # so that the program may write to it
        self._tensors[tensor.id] = value

    def _upcast(self, value: torch.Tensor) -> torch.Tensor:
        return value.double() if self._rerun.float64 and value.is_floating_point() else value

    def _step(self, planned: PlannedCall) -> None:
        arguments = [(a.name, self._decoded(a.value)) for a in planned.arguments]
        for wrap in planned.wraps:
            arguments = [(n, self._wrapped(wrap, v) if n == wrap.name else v) for n, v in arguments]
        held = {old: self._tensors[old] for old, _ in planned.call.mutated if old in self._tensors}
        before = {old: (tensor.clone(), tensor._version) for old, tensor in held.items()}
        result = self._called(planned, arguments)
        for wrap in planned.afterwards:
            result = self._wrapped(wrap, result)
        written = {storage_of(tensor) for old, tensor in held.items() if tensor._version != before[old][1]}
        for old, new in planned.call.mutated:
            if old in held and new not in self._replaced:
                self._rename(old, new, before[old][0], aliased=not written or storage_of(held[old]) in written)
        outputs = tensors_in(result)
        for id, value in zip(planned.call.outputs, outputs, strict=False):
            if id not in self._tensors and id not in self._replaced:
                made = self._as_filled(planned, id, value) if planned.call.inputs() else self._upcast(value)
                self._enter_made(id, made)

    def _as_filled(self, planned: PlannedCall, id: int, value: torch.Tensor) -> torch.Tensor:
        """In float64 too, what is filled like another tensor holds the number that its own dtype can hold."""
        recorded = self._recording.tensors.get(id)
        if not self._rerun.float64 or recorded is None or planned.function not in _FILLED_ALIKE:
            return value
        return value.to(DTYPES[recorded.dtype]).to(value.dtype)

    def _called(self, planned: PlannedCall, arguments: list[tuple[str, Any]]) -> object:
        if planned.function is None:
            return next(t for _, value in arguments for t in tensors_in(value))
        name = "torch.Tensor.double" if self._rerun.float64 and planned.function in _TO_DOUBLE else planned.function
        return call(name, arguments)

    def _rename(self, old: int, new: int, before: torch.Tensor, *, aliased: bool) -> None:
        """The old id keeps the old contents; the new one is the written tensor, or one that shares its storage.

        Where the replay started from both, they share nothing any more: then the recorded contents serve, as long as
        no edit could have changed them.
        """
        if aliased:
            written = self._tensors[old]
            self._tensors[old] = before
            self._enter_made(new, written)
        elif not self._rerun.edits:
            self._starts.add(new)

    def _enter_made(self, id: int, value: torch.Tensor) -> None:
        with torch.enable_grad():
            if id in self._asked and value.is_floating_point():
                self._edges[id] = get_gradient_edge(value if value.requires_grad else value.requires_grad_())
                value = value.clone() if value.is_leaf else value  # so that the program may write to it
        self._tensors[id] = value

    def _decoded(self, value: Value) -> Any:
        if self._rerun.float64 and isinstance(value, Name) and value.name.removeprefix("torch.") in FLOATING:
            return torch.float64  # the default dtype by name is float64 already
        return decode(value, self._get)

    def _wrapped(self, wrap: WrapArgument | WrapOutput, value: Any) -> Any:
        given = [(a.name, self._decoded(a.value)) for a in wrap.arguments]
        return self._found(wrap.function, [("input", value), *given])

    def _found(self, function: str, arguments: list[tuple[str, Any]]) -> Any:
        if find(function) is None:
            raise NotReplayable(f"{function} is not a torch function that can be run again")
        return call(function, arguments)

    def _gradients(self, value: torch.Tensor, ids: list[int]) -> dict[int, Tensor]:
        if not ids or not value.requires_grad:
            return {}
        found = torch.autograd.grad(value.sum(), [self._edges[id] for id in ids], allow_unused=True, retain_graph=True)
        given = cast("tuple[torch.Tensor | None, ...]", found)
        return {id: freeze(gradient, id) for id, gradient in zip(ids, given, strict=True) if gradient is not None}

    def _one_by_one(self, value: torch.Tensor, ids: list[int]) -> dict[int, Tensor]:
        """The gradients that torch gives alone, where it refuses one of them and so all together."""
        found: dict[int, Tensor] = {}
        for id in ids if len(ids) > 1 else ():
            with contextlib.suppress(RuntimeError):
                found |= self._gradients(value, [id])
        return found
