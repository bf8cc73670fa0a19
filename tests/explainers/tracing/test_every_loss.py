"""Every loss of torch: watching changes no bit, and a replay gives the same bits and autograd's gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.recording import Call, Recording
from explainers.replay import replay
from explainers.reruns import GraphRerun
from explainers.tracing import record_call, watch
from explainers.tracing.values import thaw

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Random = torch.Generator


def _normal(g: Random, *size: int) -> torch.Tensor:
    return torch.randn(size, generator=g) * 3


def _unit(g: Random, *size: int) -> torch.Tensor:
    return torch.rand(size, generator=g)


def _classes(g: Random, n: int, c: int) -> torch.Tensor:
    return torch.randint(0, c, (n,), generator=g)


def _signs(g: Random, *size: int) -> torch.Tensor:
    return torch.randint(0, 2, size, generator=g).float() * 2 - 1


def _label_list(g: Random, n: int, c: int) -> torch.Tensor:
    """One label a row, ended by −1."""
    return torch.cat([_classes(g, n, c)[:, None], torch.full((n, c - 1), -1)], dim=1)


def _ctc(g: Random, n: int, c: int) -> Arguments:
    steps, labels = 6, 2
    targets = torch.randint(1, c, (n, labels), generator=g)
    lengths = torch.full((n,), steps), torch.full((n,), labels)
    return (_normal(g, steps, n, c).log_softmax(-1), targets, *lengths), {}


LOSSES: dict[str, Callable[[Random, int, int], Arguments]] = {
    "binary_cross_entropy": lambda g, n, c: ((_unit(g, n, c), _unit(g, n, c)), {"weight": _unit(g, c)}),
    "binary_cross_entropy_with_logits": lambda g, n, c: (
        (_normal(g, n, c), _unit(g, n, c)),
        {"pos_weight": _unit(g, c) * 4},
    ),
    "cosine_embedding_loss": lambda g, n, c: ((_normal(g, n, c), _normal(g, n, c), _signs(g, n)), {"margin": 0.25}),
    "cross_entropy": lambda g, n, c: (
        (_normal(g, n, c), _classes(g, n, c)),
        {"weight": _unit(g, c) + 0.5, "label_smoothing": 0.1},
    ),
    "ctc_loss": _ctc,
    "gaussian_nll_loss": lambda g, n, c: ((_normal(g, n, c), _normal(g, n, c), _unit(g, n, c)), {"full": True}),
    "hinge_embedding_loss": lambda g, n, c: ((_normal(g, n, c), _signs(g, n, c)), {}),
    "huber_loss": lambda g, n, c: ((_normal(g, n, c), _normal(g, n, c)), {"delta": 0.7}),
    "kl_div": lambda g, n, c: ((_normal(g, n, c).log_softmax(1), _normal(g, n, c).softmax(1)), {}),
    "l1_loss": lambda g, n, c: ((_normal(g, n, c), _normal(g, n, c)), {"weight": _unit(g, n, c)}),
    "linear_cross_entropy": lambda g, n, c: ((_normal(g, n, 3), _normal(g, c, 3), _classes(g, n, c)), {}),
    "margin_ranking_loss": lambda g, n, c: ((_normal(g, n), _normal(g, n), _signs(g, n)), {"margin": 0.5}),
    "mse_loss": lambda g, n, c: ((_normal(g, n, c), _normal(g, n, c)), {"weight": _unit(g, n, c)}),
    "multi_margin_loss": lambda g, n, c: ((_normal(g, n, c), _classes(g, n, c)), {}),
    "multilabel_margin_loss": lambda g, n, c: ((_normal(g, n, c), _label_list(g, n, c)), {}),
    "multilabel_soft_margin_loss": lambda g, n, c: ((_normal(g, n, c), (_unit(g, n, c) > 0.5).float()), {}),
    "nll_loss": lambda g, n, c: ((_normal(g, n, c).log_softmax(1), _classes(g, n, c)), {"ignore_index": 1}),
    "poisson_nll_loss": lambda g, n, c: ((_normal(g, n, c), _unit(g, n, c) * 5), {"full": True}),
    "smooth_l1_loss": lambda g, n, c: ((_normal(g, n, c), _normal(g, n, c)), {"beta": 0.5}),
    "soft_margin_loss": lambda g, n, c: ((_normal(g, n, c), _signs(g, n, c)), {}),
    "triplet_margin_loss": lambda g, n, c: ((_normal(g, n, c), _normal(g, n, c), _normal(g, n, c)), {"swap": True}),
    "triplet_margin_with_distance_loss": lambda g, n, c: (
        (_normal(g, n, c), _normal(g, n, c), _normal(g, n, c)),
        {"margin": 2.0},
    ),
}  # fmt: skip


def _arguments(name: str, seed: int, n: int, c: int, reduction: str) -> Arguments:
    args, kwargs = LOSSES[name](torch.Generator().manual_seed(seed), n, c)
    default = "batchmean" if name == "kl_div" else "mean"
    if name == "linear_cross_entropy" and reduction == "none":
        reduction = "sum"
    return args, {**kwargs, "reduction": default if reduction == "mean" else reduction}


def _subject_call(recording: Recording) -> Call:
    assert recording.subject is not None
    call = recording.producer(recording.subject)
    assert call is not None
    return call


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and bool(torch.equal(a.nan_to_num(7.5), b.nan_to_num(7.5)))


def test_the_table_holds_every_loss_of_torch() -> None:
    losses = {n for n in dir(F) if n.endswith("_loss") or "cross_entropy" in n or n == "kl_div"}
    assert {n for n in losses if not n.startswith("_")} == set(LOSSES)


@pytest.mark.parametrize("name", sorted(LOSSES))
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(1, 4),
    c=st.integers(2, 5),
    reduction=st.sampled_from(["mean", "sum", "none"]),
)
def test_watching_changes_no_bit_and_a_replay_repeats_it(name: str, seed: int, n: int, c: int, reduction: str) -> None:
    args, kwargs = _arguments(name, seed, n, c, reduction)
    loss = getattr(F, name)
    input = args[0].clone().requires_grad_()
    plain = loss(input, *args[1:], **kwargs)
    (gradient,) = torch.autograd.grad(plain.sum(), input)

    with watch() as run:
        watched = loss(input, *args[1:], **kwargs)
    assert _same_bits(watched.detach(), plain.detach())

    recording = run.recording(watched)
    call = _subject_call(recording)
    assert call.function == f"torch.nn.functional.{name}"
    start = call.inputs()[0]
    again = replay(recording, GraphRerun("as it was", gradients=(start,)))
    assert again.raised is None and again.not_run is None and again.value is not None
    assert _same_bits(thaw(again.value), plain.detach())
    assert _same_bits(thaw(again.gradients[start]), gradient)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_float64_replays_on_the_upcast_inputs(name: str) -> None:
    args, kwargs = _arguments(name, 3, 3, 4, "sum")
    upcast = [a.double() if isinstance(a, torch.Tensor) and a.is_floating_point() else a for a in args]
    wide = {k: v.double() if isinstance(v, torch.Tensor) else v for k, v in kwargs.items()}
    again = replay(record_call(name, *args, **kwargs), GraphRerun("float64", float64=True))
    assert again.value is not None and again.value.dtype == "float64"
    assert _same_bits(thaw(again.value), getattr(F, name)(*upcast, **wide))


def test_l1_loss_keeps_the_weight_that_torch_forgets_under_a_mode() -> None:
    x, y, w = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.5]), torch.tensor([1.0, 3.0])
    plain = F.l1_loss(x, y, weight=w)  # pyright: ignore[reportCallIssue]  # torch's stub forgets it too
    recording = record_call(torch.nn.functional.l1_loss, x, y, weight=w)
    assert recording.subject is not None
    assert recording.tensors[recording.subject].array() == plain.item() != F.l1_loss(x, y).item()
    assert _subject_call(recording).ref("weight") is not None


@pytest.mark.parametrize(
    "loss",
    [
        lambda: F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 5])),
        lambda: F.cross_entropy(torch.zeros(2, 3), torch.tensor([0.0, 1.0])),
        lambda: F.nll_loss(torch.zeros(2, 3), torch.tensor([0])),
        lambda: F.binary_cross_entropy(torch.full((2,), 1.5), torch.ones(2)),
        lambda: F.mse_loss(torch.zeros(2, 3), torch.zeros(4)),
        lambda: F.mse_loss(torch.zeros(2), torch.zeros(2), reduction="average"),
        lambda: torch.zeros(2, 3) @ torch.zeros(2, 3),
        lambda: torch.zeros(3).view(2),
        lambda: torch.tensor([1, 2]).softmax(0),
        lambda: torch.nn.CrossEntropyLoss()(torch.zeros(2, 3)),
    ],
)  # fmt: skip
def test_a_refusal_keeps_its_type_and_text(loss: Callable[[], torch.Tensor]) -> None:
    with pytest.raises(Exception) as plain:  # compared with the watched one below
        loss()
    with pytest.raises(type(plain.value)) as watched, watch():
        loss()
    assert (type(watched.value), str(watched.value)) == (type(plain.value), str(plain.value))
