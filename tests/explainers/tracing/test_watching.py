"""Watching a with-block or a single call of the same process."""

from __future__ import annotations

import linecache

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explainers.tracing import record_call, watch


def _half(x: torch.Tensor) -> torch.Tensor:
    return x.sigmoid() / 2


def test_a_block_is_recorded_with_the_text_of_this_file() -> None:
    logits = torch.tensor([[1.0, -2.0]], requires_grad=True)
    with watch() as run:
        probabilities = _half(logits)
        loss = F.mse_loss(probabilities, torch.zeros(1, 2))
    recording = run.recording(loss)
    call = recording.calls[-1]
    assert call.span is not None and call.span.text == "F.mse_loss(probabilities, torch.zeros(1, 2))"
    assert linecache.getline(__file__, call.span.line).strip().endswith(call.span.text)
    assert [(c.function, c.scope) for c in recording.calls[:2]] == [
        ("torch.sigmoid", ("def _half",)),
        ("torch.div", ("def _half",)),
    ]
    assert recording.names["loss"] == recording.subject
    first = recording.tensors[recording.names["logits"]]
    assert (first.is_leaf, first.requires_grad, first.name) == (True, True, "logits")


def test_an_exception_passes_and_earlier_tensors_stay_recordable() -> None:
    logits = torch.ones(1, 2)
    with pytest.raises(IndexError), watch() as run:
        logits *= 3
        F.cross_entropy(logits, torch.tensor([5]))
    recording = run.recording(logits)
    assert recording.tensors[recording.names["logits"]].array().tolist() == [[3, 3]]


def test_a_tensor_of_elsewhere_is_refused() -> None:
    with watch() as run:
        torch.ones(2).sum()
    with pytest.raises(ValueError, match="not computed while we watched"):
        run.recording(torch.ones(3))


def test_nothing_is_recorded_after_the_block() -> None:
    with watch() as run:
        x = torch.ones(2) * 2
    x.exp()
    assert [c.function for c in run.recording(x).calls] == ["torch.ones", "torch.mul"]


@pytest.mark.parametrize("function", ["cross_entropy", F.cross_entropy, "CrossEntropyLoss", nn.CrossEntropyLoss()])
def test_a_loss_by_name_function_and_module(function: object) -> None:
    logits, target = torch.tensor([[2.0, 1.0]]), torch.tensor([1])
    recording = record_call(function, logits, target)  # pyright: ignore[reportArgumentType]  # parametrized as object
    assert recording.subject is not None
    assert recording.tensors[recording.subject].array() == F.cross_entropy(logits, target).item()
    assert set(recording.names) == {"input", "target"}


def test_keywords_of_a_module_by_name_go_to_its_constructor() -> None:
    recording = record_call("HuberLoss", torch.zeros(2), torch.full((2,), 3.0), delta=0.5)
    assert recording.calls[-1].argument("delta") == 0.5


def test_a_function_of_ones_own_has_spans() -> None:
    recording = record_call(_half, torch.zeros(2))
    assert [c.span and c.span.text for c in recording.calls] == ["x.sigmoid()", "x.sigmoid() / 2"]


def test_refusals_of_a_call() -> None:
    with pytest.raises(ValueError, match="no_such_loss"):
        record_call("no_such_loss", torch.zeros(1))
    with pytest.raises(IndexError, match="out of bounds"):
        record_call("cross_entropy", torch.zeros(1, 2), torch.tensor([2]))
    with pytest.raises(TypeError, match="not a tensor"):
        record_call(lambda x: 3, torch.zeros(1))
