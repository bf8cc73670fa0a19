"""One name per function, and the same argument names whichever way it was called."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explainers.recording import Call
from explainers.tracing import watch

X = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
Unary = Callable[[torch.Tensor], object]

SPELLINGS: dict[str, list[Unary]] = {
    "torch.softmax": [
        lambda x: torch.softmax(x, 1), lambda x: x.softmax(1), lambda x: F.softmax(x, dim=1),
        nn.Softmax(dim=1), lambda x: torch.special.softmax(x, 1),
    ],
    "torch.log_softmax": [
        lambda x: torch.log_softmax(x, 1), lambda x: x.log_softmax(dim=1), lambda x: F.log_softmax(x, 1),
        nn.LogSoftmax(1),
    ],
    "torch.sigmoid": [torch.sigmoid, torch.Tensor.sigmoid, F.sigmoid, nn.Sigmoid(), torch.special.expit],
    "torch.relu": [torch.relu, torch.Tensor.relu, F.relu, nn.ReLU()],
    "torch.add": [lambda x: x + 2, lambda x: x.add(2), lambda x: torch.add(x, 2), lambda x: 2 + x],
    "torch.mul": [lambda x: x * 2, lambda x: x.multiply(2), lambda x: torch.mul(x, 2), lambda x: 2 * x],
    "torch.div": [lambda x: x / 2, lambda x: x.div(2), lambda x: torch.true_divide(x, 2), lambda x: x.divide(2)],
    "torch.pow": [lambda x: x**2, lambda x: x.pow(2), lambda x: torch.pow(x, 2)],
    "torch.sum": [lambda x: x.sum(1), lambda x: torch.sum(x, 1), lambda x: torch.sum(x, dim=1)],
    "torch.clamp": [lambda x: x.clamp(min=1), lambda x: torch.clip(x, 1), lambda x: x.clip(min=1)],
    "torch.where": [lambda x: torch.where(x > 2, x, 0.0), lambda x: x.where(x > 2, 0.0)],
    "torch.split": [lambda x: x.split(1), lambda x: torch.split(x, 1), lambda x: x.split(1, dim=0)],
    "torch.Tensor.view": [lambda x: x.view(4, 1), lambda x: x.view((4, 1)), lambda x: x.view(size=(4, 1))],
    "torch.nn.functional.mse_loss": [lambda x: F.mse_loss(x, x), lambda x: nn.MSELoss()(x, x)],
}  # fmt: skip


def _last(call: Unary) -> Call:
    with watch() as run:
        result = call(X.clone())
    first = result[0] if isinstance(result, tuple) else result
    assert isinstance(first, torch.Tensor)
    return run.recording(first).calls[-1]


@pytest.mark.parametrize(("name", "spelling"), [(n, s) for n, group in SPELLINGS.items() for s in group])
def test_every_spelling_has_one_name_and_the_same_arguments(name: str, spelling: Unary) -> None:
    call, model = _last(spelling), _last(SPELLINGS[name][0])
    assert call.function == name
    assert [a.name for a in call.arguments] == [a.name for a in model.arguments]
    plain = [(a.name, a.value) for a in call.arguments if not isinstance(a.value, tuple) and call.ref(a.name) is None]
    assert plain == [(a.name, a.value) for a in model.arguments if model.ref(a.name) is None]


@pytest.mark.parametrize(
    ("call", "name", "left"),
    [
        (lambda x: 1 - x, "torch.sub", 1),
        (lambda x: 2 / x, "torch.div", 2),
        (lambda x: 3**x, "torch.pow", 3),
        (lambda x: 7 // x, "torch.floor_divide", 7),
        (lambda x: 5 % x, "torch.remainder", 5),
    ],
)  # fmt: skip
def test_reflected_operators_have_their_operands_in_writing_order(call: Unary, name: str, left: int) -> None:
    seen = _last(call)
    assert seen.function == name
    assert (seen.argument("input"), seen.inputs()) == (
        left,
        (seen.ref("exponent" if name == "torch.pow" else "other"),),
    )


def test_shapes_and_dtypes_are_not_calls() -> None:
    with watch() as run:
        y = X + X.shape[0] * X.size(1) * X.dim() * len(X) * (1 if X.dtype == torch.float32 else 0)
    assert [c.function for c in run.recording(y).calls] == ["torch.add"]
