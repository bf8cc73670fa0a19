"""The reruns that a plan asks for and what came of them: plain data that crosses to a child and back.

A graph rerun replays the recorded calls without ever seeing the stranger's source; its edits name calls of the
recording. A source rerun runs an edited snippet, alone in a child of its own.
"""

from __future__ import annotations

import msgspec

from explainers.notes import Notes
from explainers.recording import Argument, Raised, Recording, Tensor, Value

VALUE, FLOAT64, TWIN, BACKWARD = "value", "float64", "twin", "backward"
"""Labels of reruns that are not a diagnosis's trials: as it was recorded, upcast, the page's script, and with the
gradient of every tensor on the way."""
NO_VALUE = "the edited program shows no value"
"""Why nothing was compared of a program that ran to its end."""


class DropCall(msgspec.Struct, frozen=True, tag="drop"):
    """Leave a call out: its output becomes its first tensor argument."""

    call: int


class SwapFunction(msgspec.Struct, frozen=True, tag="swap"):
    """Call another torch function instead, with these arguments (refs may name any tensor of the recording)."""

    call: int
    function: str
    arguments: tuple[Argument, ...]


class SetArgument(msgspec.Struct, frozen=True, tag="set"):
    """Give one argument of a call another value."""

    call: int
    name: str
    value: Value


class WrapArgument(msgspec.Struct, frozen=True, tag="wrap"):
    """Pass one tensor argument of a call through a torch function first (log, squeeze, reshape, to, mul, …)."""

    call: int
    name: str
    function: str
    arguments: tuple[Argument, ...] = ()


class WrapOutput(msgspec.Struct, frozen=True, tag="wrap-output"):
    """Pass what a call returns (one tensor) through a torch function before anything else sees it (div, sqrt, …)."""

    call: int
    function: str
    arguments: tuple[Argument, ...] = ()


class ReplaceTensor(msgspec.Struct, frozen=True, tag="replace"):
    """Start from other values for a tensor that no replayed call makes, or overwrite one that a call makes.

    Without data it is the tensor as recorded: of a large one a request holds no second copy.
    """

    tensor: Tensor


Edit = DropCall | SwapFunction | SetArgument | WrapArgument | WrapOutput | ReplaceTensor


class GraphRerun(msgspec.Struct, frozen=True, tag="graph"):
    """Replay the recording up to its subject, or another tensor, with edits; `float64` upcasts every floating tensor
    first.

    `gradients` are the ids whose gradient of the (summed, if not scalar) subject is wanted.
    """

    label: str
    edits: tuple[Edit, ...] = ()
    float64: bool = False
    gradients: tuple[int, ...] = ()
    subject: int | None = None


class SourceRerun(msgspec.Struct, frozen=True, tag="source"):
    """Run an edited snippet; its value is that of its subject, or of the shown one of this index.

    `noted` asks for what every expression of it gives.
    """

    label: str
    source: str
    seed: int = 0
    shown: int | None = None
    noted: bool = False


Rerun = GraphRerun | SourceRerun


class RerunResult(msgspec.Struct, frozen=True):
    """What a rerun gave: the subject's value and gradients, or the exception, or a reason why it did not run.

    Both a value and an exception: the backward pass raised it.
    """

    label: str
    value: Tensor | None = None
    gradients: dict[int, Tensor] = msgspec.field(default_factory=dict[int, Tensor])
    raised: Raised | None = None
    not_run: str | None = None
    recording: Recording | None = None
    notes: Notes | None = None


class Plan(msgspec.Struct, frozen=True):
    """Reruns of one recording, at most eight beside the two that the proof needs."""

    reruns: tuple[Rerun, ...]
