"""No loss of the installed torch is missing, whatever it is made of: a module, options, a distance of one's own."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules.linear_cross_entropy_options import LinearCrossEntropyOptions
from torch.overrides import get_testing_overrides

from explainers import explain
from explainers.losses.registry import registry
from explainers.tracing.callables import find
from tests.explainers.losses.test_refused import arguments_of

LOSSES = registry()
OTHERWISE = {"logsumexp": ("names",), "one_hot": ("tensor",)}
"""What torch's stand-ins call the dimension and the classes."""


def parameters(function: Any) -> Any:
    try:
        return signature(function).parameters
    except (TypeError, ValueError):
        return dict[str, Parameter]()


def declared(function: Any) -> Any:
    """The parameters of a function; of one that is built in those of the stand-in that torch keeps for its tests."""
    return parameters(function) or parameters(get_testing_overrides().get(function))


def is_loss(name: str, function: Any) -> bool:
    """What reduces its elements, or is called a loss."""
    known = "reduction" in parameters(function) or name.endswith("_loss") or "cross_entropy" in name
    return callable(function) and name[0] != "_" and known


def modules() -> list[type[nn.Module]]:
    """torch's loss modules: what is made as one or called one."""
    base = nn.modules.loss._Loss  # pyright: ignore[reportPrivateUsage] - the class that they have in common
    found = (kind for kind in vars(nn).values() if isinstance(kind, type) and issubclass(kind, nn.Module))
    return [kind for kind in found if issubclass(kind, base) or kind.__name__.endswith("Loss")]


def test_every_loss_function_of_torch_is_registered() -> None:
    found = {name for name, function in vars(F).items() if is_loss(name, function)}
    assert len(found) > 20
    assert found <= set(LOSSES.losses)


def test_every_loss_module_of_torch_is_registered() -> None:
    held = tuple(getattr(nn, loss.module) for loss in LOSSES.losses.values() if loss.module)
    assert len(modules()) > 20
    assert [kind.__name__ for kind in modules() if not issubclass(kind, held)] == []


def test_every_argument_of_torch_is_one_of_the_reference_program() -> None:
    for loss in LOSSES.losses.values():
        ours, theirs = signature(loss.program).parameters, declared(find(loss.function))
        assert theirs, loss.name
        assert set(theirs) - set(ours) <= {"rest", "out", *OTHERWISE.get(loss.name, ())}, loss.name


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize(
    "name", [name for name in LOSSES.losses if "reduction" in declared(getattr(torch, name, None))]
)
def test_torchs_own_losses_take_the_number_of_a_reduction(name: str) -> None:
    loss = LOSSES[name]
    rest = {"log_input": True, "full": False, "eps": 1e-8} if name == "poisson_nll_loss" else {}
    for number, reduction in enumerate(("none", "mean", "sum")):
        found = explain(getattr(torch, name), **arguments_of(loss), **rest, reduction=number)
        assert found.proof.certified and found.loss is not None and found.loss.name == name
        expected = getattr(F, name)(**arguments_of(loss), **rest, reduction=reduction)
        assert torch.equal(torch.tensor(found.value, dtype=expected.dtype), expected)


def triplet(seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(4, 3, generator=generator).requires_grad_() for _ in range(3)]


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([0.5, 1.0, 2.0]))

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return ((a - b) * self.scale).square().sum(-1)


DISTANCES: dict[str, Callable[..., Any]] = {
    "cosine": lambda a, b: 1 - F.cosine_similarity(a, b),
    "largest difference": lambda a, b: (a - b).abs().amax(-1),
    "pairwise_distance": F.pairwise_distance,
    "cosine module": nn.CosineSimilarity(),
    "PairwiseDistance": nn.PairwiseDistance(p=1),
    "a layer": Scaled(),
}


@pytest.mark.parametrize("distance", DISTANCES.values(), ids=DISTANCES)
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_distance_of_ones_own_is_followed(distance: Callable[..., Any], swap: bool, reduction: str) -> None:
    three = triplet(1)
    loss = nn.TripletMarginWithDistanceLoss(distance_function=distance, swap=swap, margin=2.0, reduction=reduction)
    found, value = explain(loss, *three), loss(*three)
    assert found.proof.certified, found.proof.reasons
    assert found.loss is not None and found.loss.name == "triplet_margin_with_distance_loss"
    assert found.value == (value.item() if reduction == "mean" else tuple(value.tolist()))
    for name, theirs in zip(("anchor", "positive", "negative"), torch.autograd.grad(value.sum(), three), strict=True):
        assert torch.tensor(found.gradient[name]) == pytest.approx(theirs, rel=1e-4, abs=1e-6)


def test_what_torch_refuses_before_it_measures_is_refused_in_its_words() -> None:
    def distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        raise AssertionError("nothing is to be measured")

    with pytest.raises(ValueError, match="margin must be greater than 0, got -1"):
        explain("triplet_margin_with_distance_loss", *triplet(2), distance_function=distance, margin=-1)


def test_what_a_distance_raises_is_raised() -> None:
    with pytest.raises(RuntimeError, match="must match the size"):
        explain("triplet_margin_with_distance_loss", *triplet(3), distance_function=lambda a, b: a - b[:, :2])


@pytest.mark.parametrize(
    "options",
    [
        LinearCrossEntropyOptions(),
        LinearCrossEntropyOptions(batch_chunk_size=2, chunking_method=None),
        LinearCrossEntropyOptions(acc_policy="accurate", acc_dtype=torch.float32),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_options_change_no_verdict(options: LinearCrossEntropyOptions, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(4)
    x, w = (torch.randn(size, generator=generator).to(dtype) for size in ((5, 3), (4, 3)))
    target = torch.tensor([0, 3, 1, 1, 2])
    found = explain("linear_cross_entropy", x, w, target, options=options)
    assert found.proof.certified, found.proof.reasons
    assert found.value == F.linear_cross_entropy(x, w, target, options=options).item()


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("head_bias", [True, False])
def test_adaptive_softmax_by_its_module(batched: bool, head_bias: bool) -> None:
    torch.manual_seed(5)
    module = nn.AdaptiveLogSoftmaxWithLoss(4, 12, cutoffs=[3, 7], div_value=2.0, head_bias=head_bias)
    x, target = torch.randn(5, 4).requires_grad_(), torch.tensor([0, 2, 6, 11, 7])
    given = (x, target) if batched else (x[0], target[2])
    found, value = explain(module, *given), module(*given).loss
    assert found.proof.certified, found.proof.reasons
    assert found.loss is not None and found.loss.name == "AdaptiveLogSoftmaxWithLoss"
    assert found.value == value.item()
    value.backward()  # which leaves a cluster without a target out
    theirs = {name: held.grad for name, held in module.named_parameters() if held.grad is not None}
    assert {"input", *theirs} == set(found.gradient)
    for name, slope in theirs.items():
        assert torch.tensor(found.gradient[name]) == pytest.approx(slope, rel=1e-4, abs=1e-6), name


def test_the_module_is_itself_again_afterwards() -> None:
    before = nn.AdaptiveLogSoftmaxWithLoss.forward
    module = nn.AdaptiveLogSoftmaxWithLoss(2, 3, cutoffs=[1], div_value=1.0)
    with pytest.raises(RuntimeError, match=r"Target values should be in \[0, 2\]"):
        explain(module, torch.ones(1, 2), torch.tensor([3]))
    assert nn.AdaptiveLogSoftmaxWithLoss.forward is before
