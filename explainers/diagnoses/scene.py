"""What a rule looks at: one call under suspicion, its arguments, and where they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from explainers.claims import Claim
from explainers.diagnoses.turning import first_turn
from explainers.losses.registry import Registry
from explainers.recording import Call, Recording, Tensor, scalar

Concern = Literal["exception", "non-finite", "value", "gradient"]
Floats = npt.NDArray[np.float64]

# What rearranges, converts or selects elements without computing new ones: provenance looks through these.
VIEWS = frozenset(
    [
        *("view", "reshape", "view_as", "reshape_as", "squeeze", "unsqueeze", "flatten", "unflatten", "ravel"),
        *(
            "transpose",
            "permute",
            "movedim",
            "swapaxes",
            "swapdims",
            "T",
            "mT",
            "t",
            "contiguous",
            "expand",
            "expand_as",
        ),
        *("to", "type", "type_as", "float", "double", "half", "bfloat16", "cpu", "cuda"),
        *("clone", "detach", "data", "requires_grad", "getitem", "select", "narrow", "index_select"),
    ]
)


class Unrecorded(Exception):
    """A rule needs values that the recording leaves out, so it can neither fire nor be clear."""


@dataclass(frozen=True)
class Scene:
    """One call of a recording under suspicion: a library loss, or what made the subject.

    `makers` maps each tensor id to the call that made it; the scene of what made the subject (or raised) is also the
    one of the `whole` program. `concern` is what is looked for: where the program raised, the call (one of no
    function, where torch was not called) is what raised; where numbers are not finite, it is the first that made them
    so. `gradients` of tensors are known once the backward pass has been run again (none of them where it cannot be);
    None before. So are the `slopes`: what torch's backward gives for each input of the formula, also for one that the
    program asks no gradient of.
    """

    recording: Recording
    claims: tuple[Claim, ...]
    registry: Registry
    call: Call
    makers: Mapping[int, Call]
    whole: bool = True
    concern: Concern = "value"
    gradients: Mapping[int, Tensor] | None = None
    slopes: Mapping[int, Tensor] | None = None

    @property
    def name(self) -> str:
        """The called function's short name, such as "cross_entropy"."""
        return short(self.call)

    @property
    def value(self) -> float | None:
        """The subject's number, None where it is no scalar or was never reached."""
        subject = self.recording.subject
        return None if subject is None else scalar(self.recording.tensor(subject))

    @property
    def returned(self) -> float | None:
        """The number that the call itself returned, None where it is no scalar or was not recorded."""
        made = next(iter(self.call.outputs), None)
        return None if made is None or made not in self.recording.tensors else scalar(self.recording.tensor(made))

    @property
    def reduction(self) -> str:
        """ "mean", "sum" or "none", also where the legacy flags say so."""
        average, reduce = self.call.argument("size_average"), self.call.argument("reduce")
        if average is None and reduce is None:
            return str(self.call.argument("reduction") or "mean").removeprefix("elementwise_")
        return "none" if reduce is False else "sum" if average is False else "mean"

    def option(self, name: str, default: float) -> float:
        """A number passed as the argument, else the default."""
        value = self.call.argument(name)
        return value if isinstance(value, int | float) else default

    def tensor(self, argument: str) -> Tensor | None:
        """The tensor passed as the argument, None where that is no tensor."""
        id = self.call.ref(argument)
        return None if id is None else self.recording.tensor(id)

    def given(self, argument: str) -> Tensor:
        """The tensor passed as the argument; Unrecorded where that is no tensor."""
        tensor = self.tensor(argument)
        if tensor is None:
            raise Unrecorded(argument)
        return tensor

    def array(self, argument: str) -> Floats:
        """The elements of a tensor argument in float64, of its shape; Unrecorded where they were left out."""
        found = self.recorded(argument)
        if found is None:
            raise Unrecorded(argument)
        return found

    def recorded(self, argument: str) -> Floats | None:
        """The elements of an argument in float64, None where that is no tensor or they were left out."""
        return self.held(self.call.ref(argument))

    def held(self, id: int | None) -> Floats | None:
        """The elements of a tensor in float64, also of conditions; None where they were left out."""
        tensor = None if id is None else self.recording.tensors.get(id)
        if tensor is None or tensor.data is None:
            return None
        if tensor.id not in self._arrays:
            self._arrays[tensor.id] = np.real(tensor.array()).astype(np.float64)
            self._arrays[tensor.id].flags.writeable = False
        return self._arrays[tensor.id]

    @cached_property
    def _arrays(self) -> dict[int, Floats]:
        """What many rules read, converted once."""
        return {}

    def needed(self) -> list[Call]:
        """The calls that the subject needs, earliest first."""
        return list(self._needed)

    @cached_property
    def _needed(self) -> tuple[Call, ...]:
        return tuple(upstream(self.recording.subject, self.makers))

    def maker(self, id: int | None) -> Call | None:
        """The call that made a tensor, None for what was handed in and where there is no tensor."""
        return None if id is None else self.makers.get(id)

    def nearest(self, argument: str) -> Call | None:
        """The call that computed an argument's elements, seen through views; None for what was handed in."""
        return self._computed(self.call.ref(argument))

    def is_given(self, id: int) -> bool:
        """Whether no call computed a tensor out of others."""
        maker = self.makers.get(id)
        return maker is None or not maker.inputs()

    def origin(self, argument: str) -> int | None:
        """The id of the earliest tensor on the argument's line of first operands."""
        id = self.call.ref(argument)
        while id is not None and (call := self.makers.get(id)) is not None and (before := call.inputs()):
            id = before[0]
        return id

    def _computed(self, id: int | None) -> Call | None:
        while id is not None and (call := self.makers.get(id)) is not None:
            if short(call) not in VIEWS:
                return call if call.inputs() else None
            id = next(iter(call.inputs()), None)
        return None


def scenes(
    recording: Recording,
    claims: tuple[Claim, ...],
    registry: Registry,
    gradients: Mapping[int, Tensor] | None = None,
    slopes: Mapping[int, Tensor] | None = None,
) -> tuple[Scene, ...]:
    """A scene for every library loss that the subject needs, and one for what made the subject; earliest first.

    Then one where numbers stop being finite, and one for the gradients. Where the program raised, what raised is the
    only scene.
    """
    makers = {id: call for call in recording.calls for id in (*call.outputs, *(new for _, new in call.mutated))}
    if recording.raised is not None:
        return (Scene(recording, claims, registry, _raising(recording), makers, concern="exception"),)
    needed = upstream(recording.subject, makers)
    last = [makers[id] for id in (recording.subject,) if id in makers]
    found = [call for call in needed if is_library_loss(call, registry) or any(call is one for one in last)]
    values = (Scene(recording, claims, registry, call, makers, call is found[-1], slopes=slopes) for call in found)
    whole = Scene(recording, claims, registry, found[-1], makers, gradients=gradients, slopes=slopes) if found else None
    turned = first_turn(recording, makers)
    return (
        *values,
        *([replace(whole, call=turned or whole.call, concern="non-finite")] if whole else []),
        *([replace(whole, concern="gradient")] if whole else []),
    )


def _raising(recording: Recording) -> Call:
    """The torch call that raised, else one of no function for the expression that did."""
    raised = recording.raised
    assert raised is not None
    made = (call for call in recording.calls if call.index == raised.call)
    return next(made, Call(len(recording.calls), "", (), (), span=raised.span))


def upstream(subject: int | None, makers: Mapping[int, Call]) -> list[Call]:
    """The calls that a tensor needs, earliest first."""
    found: dict[int, Call] = {}
    waiting = [] if subject is None else [subject]
    while waiting:
        call = makers.get(waiting.pop())
        if call is not None and call.index not in found:
            found[call.index] = call
            waiting.extend(call.inputs())
    return [found[index] for index in sorted(found)]


def is_library_loss(call: Call, registry: Registry) -> bool:
    """Whether a call is one of torch's loss functions, also of those without a reference program yet."""
    loss = registry.of(call.function)
    named = call.function.startswith("torch.nn.functional.") and call.function.endswith(("_loss", ".kl_div"))
    return named if loss is None else loss.is_loss


def short(call: Call) -> str:
    """The last part of a function's name, without the underscores of operators and in-place methods."""
    return call.function.rsplit(".", 1)[-1].strip("_")


def line_of(call: Call) -> int:
    """The line of a call; 0 for one that no line of the program wrote."""
    return call.span.line if call.span is not None else 0
