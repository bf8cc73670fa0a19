"""Every loss called wrongly in the ways in which people do: the argument is named, and a fix of the call was run."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from explainers import explain, explain_error
from explainers.diagnoses.fitting import FITS
from explainers.losses.registry import Loss, registry
from explainers.recording import Items, Ref
from explainers.tracing import record

LOSSES = [loss for loss in registry().losses.values() if loss.is_loss and loss.owner == "torch.nn.functional"]
HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
Arguments = dict[str, Any]


def arguments_of(loss: Loss) -> Arguments:
    """The required arguments of the registry's example of a loss, as torch takes them."""
    recording = record(HEAD + loss.example)
    call = next(call for call in recording.calls if call.function == loss.function)
    required = [n for n, p in inspect.signature(loss.program).parameters.items() if p.default is p.empty]
    found: Arguments = {}
    for name in required:
        match call.argument(name):
            case Ref(id=id):
                found[name] = torch.from_numpy(recording.tensors[id].array().copy())
            case Items(items=items):
                found[name] = tuple(items)
            case value:
                found[name] = value
    return found


def without(given: Arguments, name: str) -> Arguments:
    return {key: value for key, value in given.items() if key != name}


def longer(given: Arguments, name: str) -> Arguments:
    """The argument with one more item on its first axis, where it has one."""
    value = given[name]
    if value.ndim == 0 or len(given) < 2:
        return given
    return {**given, name: torch.cat([value, value[:1], value[:1]])}


CHANGES: dict[str, Callable[[Arguments, str], Arguments]] = {
    "missing": without,
    "none": lambda given, name: {**given, name: None},
    "text": lambda given, name: {**given, name: "labels"},
    "list": lambda given, name: {**given, name: given[name].tolist()},
    "longer": longer,
    "column": lambda given, name: {**given, name: given[name].unsqueeze(-1)},
    "bool": lambda given, name: {**given, name: given[name].bool()},
}
TRAITS: dict[str, Callable[[torch.Tensor], str]] = {
    "longer": lambda wrong: str(tuple(wrong.shape)),
    "column": lambda wrong: str(tuple(wrong.shape)),
    "bool": lambda wrong: str(wrong.dtype).removeprefix("torch."),
}
"""What is wrong with an argument whose shape or dtype is the mistake."""
FEWEST = 170
"""Wrong calls that torch refuses; it may learn to take one or another."""

UNKNOWN = {(change, "linear_weight") for change in ("missing", "none", "text")}
"""Whose shape is not known from the others: a row of weights for every class that there is."""


def refused(loss: Loss, given: Arguments) -> bool:
    """Whether torch raises; what it broadcasts or converts is no mistake."""
    try:
        with warnings.catch_warnings(action="ignore"):
            getattr(torch.nn.functional, loss.name)(**given)
    except Exception:  # whatever torch raises
        return True
    return False


def wrong_calls() -> Iterator[Any]:
    for loss in LOSSES:
        given = arguments_of(loss)
        beside = [name for name, value in list(given.items())[1:] if isinstance(value, torch.Tensor)]
        for change, changed in CHANGES.items():
            for name in (each for each in beside if (change, each) not in UNKNOWN):
                if refused(loss, changed(given, name)):
                    yield pytest.param(loss, change, name, id=f"{loss.name}-{name}-{change}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("loss", "change", "name"), list(wrong_calls()))
def test_a_wrong_argument_is_named_and_mended(loss: Loss, change: str, name: str) -> None:
    wrong = CHANGES[change](arguments_of(loss), name)
    with pytest.raises(Exception) as caught:
        explain(loss.name, **wrong)
    failure = explain_error(caught.value)
    found = failure.explanation
    assert found is not None and not found.broken
    assert found.diagnoses, failure.message
    told = " ".join(map(str, (found.verdict, *found.diagnoses[0].evidence)))  # without the call, which echoes the name
    assert name in told
    if (trait := TRAITS.get(change)) is not None:
        assert trait(wrong[name]) in told, told
    fixes = [c for c in found.diagnoses[0].counterfactuals if c.role == "fix"]
    assert any(c.ran for c in fixes), (found.verdict, [c.raised for c in fixes])


def test_every_change_is_refused_of_most_losses() -> None:
    cases = [case.values for case in wrong_calls()]
    assert len(cases) >= FEWEST
    assert {change for _, change, _ in cases} == CHANGES.keys()
    assert {loss.name for loss, _, _ in cases} == {loss.name for loss in LOSSES}


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_an_unknown_reduction_is_replaced(loss: Loss) -> None:
    with pytest.raises(ValueError, match="average") as caught:
        explain(loss.name, **arguments_of(loss), reduction="average")
    found = explain_error(caught.value).explanation
    assert found is not None and found.diagnoses[0].slug == "unknown-reduction"
    assert found.diagnoses[0].confidence == "shown"


def test_what_has_to_fit_is_known_of_every_loss() -> None:
    assert {loss.name for loss in LOSSES} - FITS.keys() == {"ctc_loss"}  # it has rules of its own


@pytest.mark.parametrize("target", [torch.tensor([0, 2]), torch.tensor([[0, 2, 1], [1, 0, 2]])])
def test_rows_are_made_of_an_input_with_more_axes_than_the_loss_takes(target: torch.Tensor) -> None:
    scores = torch.arange(24.0).reshape(2, 3, 4)
    with pytest.raises(RuntimeError) as caught:
        explain("multi_margin_loss", scores, target)
    found = explain_error(caught.value).explanation
    assert found is not None
    ran = [c.value for c in found.diagnoses[0].counterfactuals if c.role == "fix" and c.ran]
    rows = scores.flatten(1) if target.ndim == 1 else scores.flatten(0, 1)
    assert ran == [pytest.approx(torch.nn.functional.multi_margin_loss(rows, target.flatten()).item())]
