"""Recorded programs run again: the same bits, the edits' meaning, gradients, and typed refusals."""

from __future__ import annotations

import math

import msgspec
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.recording import Argument, Items, Name, Recording, Ref
from explainers.replay import replay, replay_all, rerun_source
from explainers.reruns import (
    DropCall,
    Edit,
    GraphRerun,
    ReplaceTensor,
    RerunResult,
    SetArgument,
    SourceRerun,
    SwapFunction,
    WrapArgument,
)
from explainers.tracing import record
from explainers.tracing.values import freeze, thaw

TWICE = """\
x = torch.tensor([[1.0, 0.0, -2.0], [0.5, 0.25, 4.0]], requires_grad=True)
t = torch.tensor([0, 2])
p = x.softmax(1)
loss = F.cross_entropy(p, t)
loss
"""
X = torch.tensor([[1.0, 0.0, -2.0], [0.5, 0.25, 4.0]])
T = torch.tensor([0, 2])


def _index(recording: Recording, function: str) -> int:
    return next(c.index for c in recording.calls if c.function == function)


def _value(result: RerunResult) -> torch.Tensor:
    assert result.raised is None and result.not_run is None and result.value is not None, result
    return thaw(result.value)


def _edited(recording: Recording, *edits: Edit) -> torch.Tensor:
    return _value(replay(recording, GraphRerun("edited", edits)))


def test_dropping_a_softmax_gives_the_loss_of_the_raw_logits() -> None:
    recording = record(TWICE)
    assert torch.equal(_edited(recording, DropCall(_index(recording, "torch.softmax"))), F.cross_entropy(X, T))


def test_swapping_a_function() -> None:
    recording = record(TWICE)
    ce = recording.calls[_index(recording, "torch.nn.functional.cross_entropy")]
    logp = Argument("input", Ref(recording.names["p"]))
    swap = SwapFunction(ce.index, "torch.nn.functional.nll_loss", (logp, Argument("target", ce.argument("target"))))
    assert torch.equal(_edited(recording, swap), F.nll_loss(X.softmax(1), T))


def test_an_edit_may_refer_to_any_tensor() -> None:
    recording = record(TWICE)
    ce = _index(recording, "torch.nn.functional.cross_entropy")
    edit = SetArgument(ce, "input", Ref(recording.names["x"]))
    assert torch.equal(_edited(recording, edit), F.cross_entropy(X, T))


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
def test_setting_arguments(smoothing: float) -> None:
    recording = record(TWICE)
    ce = _index(recording, "torch.nn.functional.cross_entropy")
    edits = SetArgument(ce, "reduction", "sum"), SetArgument(ce, "label_smoothing", smoothing)
    expected = F.cross_entropy(X.softmax(1), T, reduction="sum", label_smoothing=smoothing)
    assert torch.equal(_edited(recording, *edits), expected)


def test_wrapping_an_argument() -> None:
    recording = record(TWICE)
    ce = _index(recording, "torch.nn.functional.cross_entropy")
    assert torch.equal(
        _edited(recording, WrapArgument(ce, "input", "torch.log")), F.cross_entropy(X.softmax(1).log(), T)
    )
    scaled = WrapArgument(ce, "input", "torch.mul", (Argument("other", 10),))
    assert torch.equal(_edited(recording, scaled), F.cross_entropy(X.softmax(1) * 10, T))


def test_reshaping_undoes_a_broadcast() -> None:
    recording = record("a = torch.tensor([[1.0], [2.0]])\nb = torch.tensor([1.0, 4.0])\nloss = F.mse_loss(a, b)\nloss")
    wrap = WrapArgument(
        _index(recording, "torch.nn.functional.mse_loss"), "input", "torch.squeeze", (Argument("dim", -1),)
    )
    assert _edited(recording, wrap).item() == 2.0


def test_replacing_a_start_and_a_computed_tensor() -> None:
    recording = record(TWICE)
    other = torch.tensor([[10.0, 0.0, 0.0], [0.0, 0.0, 10.0]])
    start = ReplaceTensor(freeze(other, recording.names["x"]))
    assert torch.equal(_edited(recording, start), F.cross_entropy(other.softmax(1), T))
    computed = ReplaceTensor(freeze(other, recording.names["p"]))
    assert torch.equal(_edited(recording, computed), F.cross_entropy(other, T))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-50, 50, width=32), min_size=4, max_size=4), st.integers(0, 1), st.integers(0, 1))
def test_a_hand_written_loss_repeats_with_autograds_gradients(values: list[float], i: int, j: int) -> None:
    source = f"""\
x = torch.tensor({values!r}, requires_grad=True)
z = x.view(2, 2)
m = z.max(dim=1, keepdim=True).values
shifted = z - m
logp = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
loss = -logp[torch.arange(2), torch.tensor([{i}, {j}])].mean() + (2 / (x**2 + 1)).sum() * 0.1
loss
"""
    scope: dict[str, torch.Tensor] = {}
    exec(source, {"torch": torch}, scope)
    expected = torch.autograd.grad(scope["loss"], [scope["x"], scope["logp"]])
    recording = record(source)
    ids = recording.names["x"], recording.names["logp"]
    result = replay(recording, GraphRerun("again", gradients=ids))
    assert torch.equal(_value(result), scope["loss"].detach())
    assert all(torch.equal(thaw(result.gradients[id]), g) for id, g in zip(ids, expected, strict=True))


ALIASED = """\
x = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
y = x * 1
v = y.view(2, 2)
before = y.sum()
v[0] *= 10
y += 1
row = v[1]
row.mul_(y[:2].detach().clone())
loss = (y * y).sum() + before
loss
"""


def test_in_place_writes_through_views_repeat() -> None:
    scope: dict[str, torch.Tensor] = {}
    exec(ALIASED, {"torch": torch}, scope)
    (expected,) = torch.autograd.grad(scope["loss"], scope["x"])
    recording = record(ALIASED)
    start = recording.names["x"]
    result = replay(recording, GraphRerun("again", gradients=(start,)))
    assert torch.equal(_value(result), scope["loss"].detach())
    assert torch.equal(thaw(result.gradients[start]), expected)


def test_an_edit_upstream_of_an_in_place_write_reaches_its_aliases() -> None:
    recording = record(ALIASED)
    first = SetArgument(_index(recording, "torch.mul"), "other", 2)
    scope: dict[str, torch.Tensor] = {}
    exec(ALIASED.replace("y = x * 1", "y = x * 2"), {"torch": torch}, scope)
    assert torch.equal(_edited(recording, first), scope["loss"].detach())


@pytest.mark.parametrize("filled", ["torch.full_like(x, 0.1)", "x.new_full((2,), 0.1)"])
def test_float64_keeps_what_was_filled_in_float32(filled: str) -> None:
    source = f"import torch\nx = torch.tensor([1.0, 2.0])\nprint((x * {filled}).sum())"
    wide = _value(replay(record(source), GraphRerun("wide", float64=True)))
    assert wide.item() == 3 * torch.tensor(0.1).double().item()


def test_float64_upcasts_starts_casts_and_dtypes() -> None:
    source = """\
x = torch.tensor([0.1, 0.7])
k = torch.tensor([1, 2])
y = (x.to(torch.float32) * k.float()).sum(dtype=torch.float32) / 3 + k.sum() / torch.tensor(3)
y
"""
    result = replay(record(source), GraphRerun("wide", float64=True))
    x = torch.tensor([0.1, 0.7]).double()
    expected = (x * torch.tensor([1.0, 2.0], dtype=torch.float64)).sum() / 3 + torch.tensor(3.0).double() / 3
    assert _value(result).dtype == torch.float64
    assert torch.equal(_value(result), expected)
    assert torch.get_default_dtype() is torch.float32


def test_random_calls_start_from_what_they_drew() -> None:
    recording = record("x = torch.randn(8)\nd = F.dropout(x, 0.5)\nloss = (d * 2).sum()\nloss")
    assert recording.subject is not None
    assert _value(replay(recording, GraphRerun("again"))).item() == recording.tensors[recording.subject].array()


def test_a_detached_factor_has_no_gradient_and_no_grad_programs_have_one() -> None:
    source = "x = torch.tensor([2.0, 3.0])\nw = (x * 2).detach()\nloss = (w * x).sum()\nloss"
    recording = record(source)
    result = replay(recording, GraphRerun("again", gradients=(recording.names["x"],)))
    assert thaw(result.gradients[recording.names["x"]]).tolist() == [4.0, 6.0]
    silent = record("with torch.no_grad():\n    x = torch.tensor([2.0, 3.0])\n    loss = (x * x).sum()\nloss")
    result = replay(silent, GraphRerun("again", gradients=(silent.names["x"],)))
    assert thaw(result.gradients[silent.names["x"]]).tolist() == [4.0, 6.0]


def test_a_weight_computed_without_gradients_stays_a_constant() -> None:
    source = "x = torch.tensor([2.0, 3.0])\nwith torch.no_grad():\n    w = x * 2\nloss = (w * x).sum()\nloss"
    recording = record(source)
    result = replay(recording, GraphRerun("again", gradients=(recording.names["x"], recording.names["w"])))
    assert thaw(result.gradients[recording.names["x"]]).tolist() == [4.0, 6.0]
    assert thaw(result.gradients[recording.names["w"]]).tolist() == [2.0, 3.0]


def test_a_trained_model_repeats_its_last_loss() -> None:
    recording = record("""\
w = torch.tensor([1.0, -1.0], requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
for _ in range(3):
    opt.zero_grad()
    loss = F.mse_loss(w * 2, torch.tensor([3.0, 4.0]))
    loss.backward()
    opt.step()
loss
""")
    assert recording.raised is None and recording.subject is not None
    assert _value(replay(recording, GraphRerun("again"))).item() == recording.tensors[recording.subject].array()


def test_several_reruns_do_not_touch_each_other() -> None:
    recording = record(ALIASED)
    again = GraphRerun("again", gradients=(recording.names["x"],))
    wide = GraphRerun("wide", float64=True)
    first, middle, last = replay_all(recording, [again, wide, again])
    assert first == last
    assert _value(middle).dtype == torch.float64


def test_an_edited_source_runs_with_its_own_recording() -> None:
    source = TWICE.replace("x.softmax(1)", "x")
    result = rerun_source(SourceRerun("fixed", source))
    assert _value(result).item() == F.cross_entropy(X, T).item()
    assert result.recording is not None and result.recording.source == source
    broken = rerun_source(SourceRerun("broken", "1 / 0"))
    assert broken.raised is not None and broken.raised.type == "ZeroDivisionError"
    assert rerun_source(SourceRerun("silent", "x = 3")).not_run is not None


def test_results_cross_a_process() -> None:
    recording = record(TWICE)
    result = replay(recording, GraphRerun("again", gradients=(recording.names["x"],)))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(result), type=RerunResult) == result
    assert math.isclose(_value(result).item(), F.cross_entropy(X.softmax(1), T).item())


def test_an_edited_factory_is_run_again() -> None:
    recording = record("x = torch.tensor([1.5, 2.0])\ny = x * 2\ny")
    assert _edited(recording, SetArgument(0, "data", Items("list", (3.0, 4.0)))).tolist() == [6.0, 8.0]
    assert _edited(recording, SetArgument(0, "dtype", Name("torch.float64"))).dtype == torch.float64


def test_a_start_without_data_is_the_tensor_as_recorded() -> None:
    recording = record("x = torch.tensor([1.0, 2.0])\np = x.exp()\nloss = p.sum()\nprint(loss)")
    p = recording.tensors[recording.names["p"]]
    start = ReplaceTensor(msgspec.structs.replace(p, data=None))
    found, whole = (replay(recording, GraphRerun("again", edits)) for edits in ((start,), (ReplaceTensor(p),)))
    assert found.value is not None
    assert found == whole
