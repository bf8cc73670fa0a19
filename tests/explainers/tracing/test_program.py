"""Running a snippet: its values, errors, warnings, randomness and limits."""

from __future__ import annotations

import math

import msgspec
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.recording import Call, Recording
from explainers.tracing import record
from explainers.tracing.mode import CALL_LIMIT

QUESTION = """\
scores = torch.tensor([[1.0, 0.0, 0.0]])
label = torch.tensor([0])
criterion = nn.CrossEntropyLoss()

value = criterion(scores, label)
value
"""

FOCAL = """\
def focal(logits, y, gamma=2.0, alpha=0.25):
    p = torch.sigmoid(logits)
    ce = F.binary_cross_entropy_with_logits(logits, y, reduction="none")
    pt = p * y + (1 - p) * (1 - y)
    a = alpha * y + (1 - alpha) * (1 - y)
    return (a * (1 - pt) ** gamma * ce).mean()

x = torch.tensor([[0.3, -1.2], [2.0, 0.7]], requires_grad=True)
y = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
loss = focal(x, y)
loss.backward()
"""

DICE = """\
x = torch.tensor([[0.3, -1.2, 0.1], [2.0, 0.7, -0.4]], requires_grad=True)
t = torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
p = x.sigmoid()
inter = (p * t).sum(1)
den = p.pow(2).sum(1)
den += t.sum(1)
dice = 1 - (2 * inter + 1.0) / (den + 1.0)
w = torch.ones(2)
w[1] = 3
v = w.view(2, 1)
v[0] *= 2
loss = (w * dice).sum() / w.sum()
if loss > 0.1:
    loss = loss * 2
loss.backward()
"""

CONTRAST = """\
a = torch.nn.functional.normalize(torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]]))
sim = a @ a.T / 0.1
sim = sim.masked_fill(torch.eye(3).bool(), float("-inf"))
loss = -torch.log_softmax(sim, -1)[torch.arange(3), torch.tensor([1, 0, 1])].mean()
"""

TRAINING = """\
torch.manual_seed(3)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
opt = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
for step in range(3):
    opt.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    opt.step()
print(f"loss {loss.item():.4f}")
"""

PROGRAMS = {"question": QUESTION, "focal": FOCAL, "dice": DICE, "contrast": CONTRAST, "training": TRAINING}


def _call(recording: Recording, function: str) -> Call:
    return next(c for c in recording.calls if c.function == function)


def _value(recording: Recording, name: str) -> list[float]:
    return [float(v) for v in recording.tensors[recording.names[name]].array().reshape(-1)]


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=PROGRAMS)
def test_values_are_those_of_the_program_without_us(source: str) -> None:
    plain: dict[str, object] = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "print": lambda *_: None}
    exec(source, plain)
    recording = record(source)
    assert recording.raised is None
    checked = 0
    for name, value in plain.items():
        if isinstance(value, torch.Tensor) and recording.tensors[recording.names[name]].data is not None:
            assert _value(recording, name) == value.detach().reshape(-1).tolist(), name
            checked += 1
    assert checked >= 2


def test_the_question_of_the_readme() -> None:
    recording = record(QUESTION, claims=[(0.5514, 5e-5)])
    call = _call(recording, "torch.nn.functional.cross_entropy")
    assert (call.span and call.span.text, call.scope) == ("criterion(scores, label)", ("nn.CrossEntropyLoss",))
    assert [a.name for a in call.arguments] == [
        "input", "target", "weight", "size_average", "ignore_index", "reduce", "reduction", "label_smoothing",
    ]  # fmt: skip
    assert recording.subject == recording.names["value"] == call.outputs[0]
    (shown,) = recording.shown
    assert (shown.text, shown.tensor, shown.line) == ("tensor(0.5514)", recording.subject, 6)
    assert shown.number == pytest.approx(math.log(2 + math.e) - 1, abs=1e-6)


def test_an_exception_has_its_type_text_place_and_call() -> None:
    recording = record("x = torch.zeros(2, 3)\ny = torch.tensor([0, 7])\nloss = F.cross_entropy(x, y)\n")
    raised = recording.raised
    assert raised is not None and raised.span is not None and raised.call is not None
    assert (raised.type, raised.message, raised.span.text) == (
        "IndexError",
        "Target 7 is out of bounds.",
        "F.cross_entropy(x, y)",
    )
    assert recording.calls[raised.call].function == "torch.nn.functional.cross_entropy"
    assert all(recording.tensors[id].data is not None for id in recording.calls[raised.call].inputs())


@pytest.mark.parametrize(
    ("source", "kind", "line"),
    [
        ("x = 1\nundefined + 1", "NameError", 2),
        ("x = (1,\n", "SyntaxError", 1),
        ("import sys\nsys.exit(3)", "SystemExit", 2),
        ("class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd", "Odd", 4),
        ("\0", "SyntaxError", None),
    ],
)
def test_python_errors_are_recorded_too(source: str, kind: str, line: int | None) -> None:
    raised = record(source).raised
    assert raised is not None
    assert (raised.type, raised.call, raised.span and raised.span.line) == (kind, None, line)


def test_tracebacks_of_the_snippet_have_their_lines() -> None:
    source = """\
import traceback
try:
    F.nll_loss(torch.zeros(1, 2), torch.tensor([3]))
except IndexError:
    print(traceback.format_exc())
"""
    assert "F.nll_loss(torch.zeros(1, 2), torch.tensor([3]))" in record(source).stdout


def test_a_compiler_of_torch_finds_the_snippet_s_source() -> None:
    source = "@torch.jit.script\ndef f(x: torch.Tensor):\n    return x * 2\nprint(f(torch.ones(1)).item())"
    recording = record(source)
    assert (recording.raised, recording.stdout) == (None, "2.0\n")


def test_warnings_come_with_their_line_every_time() -> None:
    source = "a = torch.zeros(3, 1)\nb = torch.zeros(3)\nloss = F.mse_loss(a, b)\nloss"
    for _ in range(2):
        (warning,) = record(source).warnings
        assert (warning.category, warning.line) == ("UserWarning", 3)
        assert "broadcasting" in warning.message


@pytest.mark.parametrize(
    ("source", "random", "seeded"),
    [
        ("x = torch.ones(2)", False, False),
        ("x = torch.rand(2)", True, False),
        ("torch.manual_seed(0)\nx = torch.rand(2)", False, True),
        ("x = F.dropout(torch.ones(9))", True, False),
        ("x = F.dropout(torch.ones(9), training=False)", False, False),
        ("x = nn.Linear(2, 2)(torch.ones(2))", True, False),
    ],
)
def test_unseeded_randomness_is_noticed_and_repeatable(source: str, random: bool, seeded: bool) -> None:
    source += "\nprint(x)"
    first, second = record(source), record(source)
    assert (first.random, first.seeded) == (random, seeded)
    assert msgspec.msgpack.encode(first) == msgspec.msgpack.encode(second)
    other = record(source, seed=1)
    assert (_value(first, "x") != _value(other, "x")) == random


def test_the_generators_of_the_caller_are_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    record("torch.manual_seed(1)\ntorch.rand(10)")
    assert torch.equal(torch.rand(3), expected)


def test_only_what_the_subject_needs_keeps_its_values_and_all_fits() -> None:
    source = (
        "big = torch.ones(300, 300)\nunused = torch.ones(300, 300) * 2\nmiddle = big * 3\nloss = middle.mean()\nloss"
    )
    recording = record(source, max_bytes=500_000)
    kept = {name: recording.tensors[id].data is not None for name, id in recording.names.items()}
    assert kept == {"big": True, "unused": False, "middle": False, "loss": True}
    assert len(msgspec.msgpack.encode(recording)) <= 500_000


def test_where_the_start_does_not_fit_the_latest_values_are_kept() -> None:
    recording = record(
        "big = torch.ones(600, 600)\nlogits = big[:100] * 3\nloss = logits.mean()\nloss", max_bytes=400_000
    )
    kept = {name: recording.tensors[id].data is not None for name, id in recording.names.items()}
    assert kept == {"big": False, "logits": True, "loss": True}
    assert len(msgspec.msgpack.encode(recording)) <= 400_000


def test_too_many_calls_are_refused_by_name() -> None:
    source = "x = torch.zeros(1)\nwhile True:\n    try:\n        x + 1\n    except Exception:\n        pass\n"
    raised = record(source).raised
    assert raised is not None and raised.type == "TooManyCalls" and str(CALL_LIMIT) in raised.message


def test_calls_that_do_not_fit_are_refused_by_name() -> None:
    recording = record("x = torch.zeros(1)\nfor _ in range(100):\n    x = x + 1\nx", max_bytes=2000)
    assert recording.raised is not None and recording.raised.type == "TooManyCalls"
    assert len(msgspec.msgpack.encode(recording)) <= 2000


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_gives_a_recording(source: str) -> None:
    recording = record(source, namespace={})
    assert recording.source == source
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(recording), type=Recording) == recording
