"""The recorded calls as a rerun wants them: with its edits applied, before anything runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec

from explainers.recording import Argument, Call, Value, refs
from explainers.reruns import DropCall, Edit, ReplaceTensor, SetArgument, SwapFunction, WrapArgument, WrapOutput


@dataclasses.dataclass(frozen=True)
class PlannedCall:
    """A recorded call with its edits applied; `function` is None where it is dropped."""

    call: Call
    function: str | None
    arguments: tuple[Argument, ...]
    wraps: tuple[WrapArgument, ...] = ()
    afterwards: tuple[WrapOutput, ...] = ()

    def inputs(self) -> tuple[int, ...]:
        """Ids of the tensors among the arguments, in order."""
        values = [*self.arguments, *(a for wrap in (*self.wraps, *self.afterwards) for a in wrap.arguments)]
        return tuple(id for argument in values for id in refs(argument.value))

    def made(self) -> tuple[int, ...]:
        """Ids of the tensors that the call returned or wrote to."""
        return (*self.call.outputs, *(new for _, new in self.call.mutated))


def plan(recorded: Call, edits: Sequence[Edit]) -> PlannedCall:
    """The call after all edits that name it, in order."""
    planned = PlannedCall(recorded, recorded.function, recorded.arguments)
    for edit in edits:
        match edit:
            case DropCall(index) if index == recorded.index:
                planned = dataclasses.replace(planned, function=None)
            case SwapFunction(index, function, arguments) if index == recorded.index:
                planned = dataclasses.replace(planned, function=function, arguments=arguments)
            case SetArgument(index, name, value) if index == recorded.index:
                planned = dataclasses.replace(planned, arguments=_with(planned.arguments, name, value))
            case WrapArgument(index) if index == recorded.index:
                planned = dataclasses.replace(planned, wraps=(*planned.wraps, edit))
            case WrapOutput(index) if index == recorded.index:
                planned = dataclasses.replace(planned, afterwards=(*planned.afterwards, edit))
            case DropCall() | SwapFunction() | SetArgument() | WrapArgument() | WrapOutput() | ReplaceTensor():
                pass
    return planned


def _with(arguments: tuple[Argument, ...], name: str, value: Value) -> tuple[Argument, ...]:
    if not any(a.name == name for a in arguments):
        return (*arguments, Argument(name, value))
    return tuple(msgspec.structs.replace(a, value=value) if a.name == name else a for a in arguments)
