"""The whole road's verdict: each part can refuse alone, what was not run is not claimed, kinds of nothing match."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

import msgspec
import numpy as np
import pytest

from explainers.explanation import Explanation, conclude, plan
from explainers.recording import Recording, Tensor
from explainers.reruns import RerunResult
from explainers.tracing import record

PROGRAM = """\
z = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.3, 0.2]], requires_grad=True)
y = torch.tensor([0, 2])
loss = F.cross_entropy(z, y)
loss
"""
VALUE, FLOAT64, TWIN = "value", "float64", "twin"
Results = tuple[RerunResult, ...]
Forgery = Callable[[RerunResult], RerunResult]


def shifted(tensor: Tensor, by: float) -> Tensor:
    data = (tensor.array().astype(np.float64) * (1 + by)).astype(tensor.dtype)
    return msgspec.structs.replace(tensor, data=data.tobytes())


def with_value(by: float) -> Forgery:
    def forged(result: RerunResult) -> RerunResult:
        assert result.value is not None
        return msgspec.structs.replace(result, value=shifted(result.value, by))

    return forged


def with_gradient(by: float) -> Forgery:
    def forged(result: RerunResult) -> RerunResult:
        slopes = {id: shifted(slope, by) for id, slope in result.gradients.items()}
        return msgspec.structs.replace(result, gradients=slopes)

    return forged


def printing(text: str) -> Forgery:
    def forged(result: RerunResult) -> RerunResult:
        assert result.recording is not None
        return msgspec.structs.replace(result, recording=msgspec.structs.replace(result.recording, stdout=text))

    return forged


def failing(explanation: Explanation) -> set[str]:
    return {check.name for check in explanation.proof.checks if check.passed is False}


def changed(results: Results, label: str, forged: Forgery) -> Results:
    return tuple(forged(result) if result.label == label else result for result in results)


def with_subject(recording: Recording, value: float) -> Recording:
    subject = recording.subject
    assert subject is not None
    tensor = msgspec.structs.replace(recording.tensors[subject], data=np.float32(value).tobytes())
    return msgspec.structs.replace(recording, tensors={**recording.tensors, subject: tensor})


@pytest.mark.parametrize(
    ("label", "forged", "refusing"),
    [
        (VALUE, with_value(1e-5), "value"),
        (VALUE, with_value(-1e-5), "value"),
        (VALUE, with_gradient(1e-5), "gradient"),
        (FLOAT64, with_value(1e-13), "float64"),
        (FLOAT64, with_gradient(1e-13), "float64"),
        (TWIN, printing("0.5"), "twin"),
        (TWIN, printing("nan"), "twin"),
    ],
)
def test_each_part_refuses_alone(label: str, forged: Forgery, refusing: str, explained: Callable[[str], Any]) -> None:
    walk = explained(PROGRAM)
    assert walk.explanation.proof.certified
    found = conclude(walk.recording, (), changed(walk.results, label, forged))
    assert found.proof.verdict == "refused"
    assert failing(found) == {refusing}
    assert found.proof.reasons and "withheld" in found.verdict


def test_a_change_within_the_rounding_is_none(explained: Callable[[str], Any]) -> None:
    walk = explained(PROGRAM)
    assert conclude(walk.recording, (), changed(walk.results, VALUE, with_value(2.0**-24))).proof.certified


@pytest.mark.parametrize("value", [0.95, -1.0, inf, nan])
def test_a_forged_recording_is_refused(value: float, explained: Callable[[str], Any]) -> None:
    walk = explained(PROGRAM)
    found = conclude(with_subject(walk.recording, value), (), walk.results)
    assert found.proof.verdict == "refused"
    assert failing(found) == {"value"}


def test_forged_inputs_prove_nothing_about_the_value_that_was_shown(explained: Callable[[str], Any]) -> None:
    walk = explained(PROGRAM)
    (id,) = (id for id, t in walk.recording.tensors.items() if t.name == "z")
    tensors = {**walk.recording.tensors, id: shifted(walk.recording.tensors[id], 0.5)}
    forged = msgspec.structs.replace(walk.recording, tensors=tensors)
    assert conclude(forged, (), walk.results).proof.verdict == "refused"


@pytest.mark.parametrize("kept", [(), (FLOAT64, TWIN), (VALUE, TWIN)])
def test_what_was_not_run_is_not_claimed(kept: tuple[str, ...], explained: Callable[[str], Any]) -> None:
    walk = explained(PROGRAM)
    found = conclude(walk.recording, (), tuple(r for r in walk.results if r.label in kept))
    assert found.proof.verdict == "not-applicable"
    assert not failing(found)
    assert found.proof.reasons


def test_the_enclosure_is_told_in_decimals_that_hold_torch(explained: Callable[[str], Any]) -> None:
    proof = explained(PROGRAM).explanation.proof
    low, high = (float(end) for end in proof.enclosure)
    assert low < proof.torch < high
    assert proof.error_bound == pytest.approx((high - low) / 2)
    assert proof.error <= proof.error_bound < 1e-5


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("F.cross_entropy(torch.tensor([[1.0, float('-inf'), 0.0]]), torch.tensor([1]))", inf),
        ("F.nll_loss(torch.tensor([[float('inf'), 0.0]]), torch.tensor([0]))", -inf),
        ("F.cross_entropy(torch.zeros(2, 3), torch.tensor([-100, -100]))", nan),
        ("F.cross_entropy(torch.tensor([[float('nan'), 0.0]]), torch.tensor([0]))", nan),
        ("F.mse_loss(torch.tensor([float('inf'), 0.0]), torch.tensor([1.0, 0.0]))", inf),
        ("F.mse_loss(torch.tensor([1e30, 0.0]), torch.tensor([-1e30, 0.0]))", inf),
        ("torch.tensor([-1.0, 1.0]).log().mean()", nan),
        ("p = torch.tensor([0.0, 1.0])\n-(p * p.log()).sum()", nan),
        ("F.mse_loss(torch.zeros(0), torch.zeros(0))", nan),
        ("torch.zeros(0).sum()", 0.0),
    ],
)
def test_what_is_not_finite_matches_in_kind(program: str, value: float, explained: Callable[[str], Any]) -> None:
    walk = explained(program)
    found = walk.explanation
    np.testing.assert_equal(found.value, value)
    assert next(check.passed for check in found.proof.checks if check.name == "value"), found.proof
    assert found.proof.certified, found.proof
    for other in (inf, -inf, nan, 0.0):
        if repr(other) != repr(value):
            forged = conclude(with_subject(walk.recording, other), (), walk.results)
            assert "value" in failing(forged), other


def test_the_plan_asks_for_what_the_proof_needs(explained: Callable[[str], Any]) -> None:
    labels = [rerun.label for rerun in plan(explained(PROGRAM).recording, ()).reruns]
    assert set(labels) >= {TWIN, VALUE, FLOAT64}
    assert len(labels) == len(set(labels)) <= 11


@pytest.mark.parametrize("source", ["F.mse_loss(torch.zeros(2), torch.zeros(3))", "x = 3", "torch.zeros("])
@pytest.mark.filterwarnings("ignore:Using a target size")  # torch warns before it raises
def test_a_program_that_raised_or_shows_nothing_proves_nothing(source: str) -> None:
    found = conclude(record(source), (), ())
    assert found.proof.verdict == "not-applicable"
    assert not found.derivation.steps
