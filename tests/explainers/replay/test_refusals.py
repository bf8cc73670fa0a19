"""What a rerun refuses or fails at comes back as a typed result."""

from __future__ import annotations

import msgspec
import pytest
import torch

from explainers.recording import Argument, Call, Opaque, Recording, Ref, Tensor
from explainers.replay import replay
from explainers.reruns import (
    DropCall,
    GraphRerun,
    ReplaceTensor,
    SetArgument,
    SwapFunction,
    WrapArgument,
)
from explainers.tracing import record
from explainers.tracing.values import freeze

TWICE = """\
x = torch.tensor([[1.0, 0.0, -2.0], [0.5, 0.25, 4.0]], requires_grad=True)
t = torch.tensor([0, 2])
p = x.softmax(1)
loss = F.cross_entropy(p, t)
loss
"""


def _index(recording: Recording, function: str) -> int:
    return next(c.index for c in recording.calls if c.function == function)


def test_what_torch_refuses_is_a_result() -> None:
    recording = record(TWICE)
    edit = SetArgument(_index(recording, "torch.nn.functional.cross_entropy"), "reduction", "average")
    result = replay(recording, GraphRerun("wrong", (edit,)))
    assert result.raised is not None and result.value is None
    assert (result.raised.type, "average" in result.raised.message) == ("ValueError", True)


def test_an_edit_that_the_subject_does_not_depend_on_is_not_run() -> None:
    recording = record(
        TWICE.replace("loss\n", "unused = x.exp()\nloss\n", 1).replace("loss = F", "y = x.exp()\nloss = F")
    )
    result = replay(recording, GraphRerun("beside", (DropCall(_index(recording, "torch.exp")),)))
    assert result.value is None and result.not_run is not None and "does not depend" in result.not_run
    absent = ReplaceTensor(freeze(torch.ones(2), 999))
    assert replay(recording, GraphRerun("absent", (absent,))).not_run is not None


@pytest.mark.parametrize(
    "function",
    [
        "os.system", "torch.load", "torch.from_file", "torch.hub.load", "torch.ops.load_library", "torch.Tensor.set_",
        "torch.Tensor.share_memory_", "torch.Tensor.numpy", "torch.Tensor.__class__", "torch.nn.functional.torch",
        "torch.jit.load", "torch.empty", "torch.Tensor.register_hook", "builtins.eval", "torch", "",
    ],
)  # fmt: skip
def test_only_the_table_of_torch_functions_is_called(function: str) -> None:
    recording = record(TWICE)
    softmax = _index(recording, "torch.softmax")
    swap = SwapFunction(softmax, function, (Argument("input", Ref(recording.names["x"])),))
    assert replay(recording, GraphRerun("swap", (swap,))).not_run is not None
    wrap = WrapArgument(softmax, "input", function)
    assert replay(recording, GraphRerun("wrap", (wrap,))).not_run is not None


def test_a_forged_recording_is_a_result_too() -> None:
    x = Tensor(0, (2,), "float32", False, b"\0" * 8)
    calls = (
        Call(0, "torch.exp", (Argument("input", Ref(1)),), (1,)),
        Call(1, "torch.add", (Argument("input", Ref(7)), Argument("other", Ref(0))), (2,)),
    )
    for subject in (1, 2, 5, None):
        forged = Recording("", {0: x}, calls, subject=subject)
        assert replay(forged, GraphRerun("forged")).not_run is not None
    opaque = Call(0, "torch.add", (Argument("input", Ref(0)), Argument("other", Opaque("x", ""))), (1,))
    assert replay(Recording("", {0: x}, (opaque,), subject=1), GraphRerun("opaque")).not_run is not None
    short = msgspec.structs.replace(x, data=b"\0")
    negate = Call(0, "torch.neg", (Argument("input", Ref(0)),), (1,))
    assert replay(Recording("", {0: short}, (negate,), subject=1), GraphRerun("short")).not_run is not None


def test_a_call_that_gives_no_tensor_never_falls_back_to_the_recorded_value() -> None:
    recording = record("x = torch.tensor(2.0)\ny = x * 3\ny")
    swap = SwapFunction(
        _index(recording, "torch.mul"), "torch.Tensor.item", (Argument("input", Ref(recording.names["x"])),)
    )
    result = replay(recording, GraphRerun("item", (swap,)))
    assert result.value is None and result.not_run is not None
