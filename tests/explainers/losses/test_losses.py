"""Every registered loss against torch: value, gradient and float64 re-run lie in their enclosures."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from inspect import isfunction, signature
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explainers.composition import Composition, compose
from explainers.differentiable import differentiable
from explainers.enclosures import contains, overflown
from explainers.graph.arrays import Array
from explainers.graph.derivative import gradient
from explainers.graph.enclosure import enclose
from explainers.graph.nodes import Input
from explainers.graph.rounding import Rounding
from explainers.losses.registry import Loss, registered, registry
from explainers.recording import Argument, Call, Items, Name, Recording, Ref, Tensor, Value
from explainers.tracing import record
from explainers.tracing.callables import find
from explainers.tracing.values import freeze

LOSSES = registry()
EXAMPLES = {
    "ctc_loss": 40,
    "cross_entropy": 700,
    "nll_loss": 300,
    "binary_cross_entropy_with_logits": 300,
    "mse_loss": 250,
}
FEWEST = 100
"""Over four thousand calls in all."""

FEW, FEW_HALF = 0.02, 0.1
"""The share of calls of which an enclosure may know nothing, what overflows or is lost on the way; of half precision,
which ends at 65504 or holds 8 bits, more are."""

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def test_every_registered_loss_has_its_calls(calls: Mapping[str, Any]) -> None:
    assert set(calls) == set(LOSSES.losses)


@pytest.mark.parametrize("name", sorted(LOSSES.losses))
def test_torch_lies_in_the_enclosures(name: str, calls: Mapping[str, st.SearchStrategy[Any]]) -> None:
    known: dict[bool, list[bool]] = {False: [], True: []}

    @settings(deadline=None, max_examples=EXAMPLES.get(name, FEWEST), suppress_health_check=SLOW)
    @given(calls[name])
    def holds(call: Any) -> None:
        known[is_half(call)].append(check(call))

    holds()
    for half, most in ((False, FEW), (True, FEW_HALF)):
        assert known[half].count(False) <= most * EXAMPLES.get(name, FEWEST), (half, known[half])


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="mse_loss is registered twice"):
        registered((LOSSES["mse_loss"], LOSSES["mse_loss"]))


@pytest.mark.parametrize("loss", LOSSES.losses.values(), ids=lambda loss: loss.name)
def test_a_loss_has_the_arguments_of_torch_and_its_example_runs(loss: Loss) -> None:
    own = list(signature(loss.program).parameters)
    if isfunction(torchs_own(loss.name)):
        assert own == list(signature(torchs_own(loss.name)).parameters)
    assert set(loss.symbols) | set(loss.constant) | set(loss.convex_in) <= set(signature(loss.program).parameters)
    assert loss.module is not None or not loss.is_loss
    assert loss.module is None or loss.name in (loss.module, *getattr(torch.nn, loss.module).forward.__code__.co_names)
    recording = record(loss.example)
    assert recording.raised is None and recording.subject is not None
    producer = recording.producer(recording.subject)
    assert producer is not None and LOSSES.of(producer.function) is loss


@pytest.mark.parametrize("reduction", ["avg", "batchmean", "Mean"])
def test_an_unknown_reduction_is_refused_in_torchs_words(reduction: str) -> None:
    x = Array(Input("x", (), "float32", 0))
    with pytest.raises(ValueError, match="is not a valid value for reduction") as ours:
        LOSSES["mse_loss"].program(x, x, reduction=reduction)
    with pytest.raises(ValueError, match="is not a valid value for reduction") as torchs_own:
        F.mse_loss(torch.tensor(1.0), torch.tensor(1.0), reduction=reduction)
    assert str(ours.value) == str(torchs_own.value)


def is_half(call: Any) -> bool:
    """Whether some argument is of half precision."""
    return any(isinstance(x, torch.Tensor) and x.dtype.itemsize == 2 for x in call.arguments.values())


def check(call: Any) -> bool:
    """The value and gradient of a call as it is in the native enclosure, of the upcast one in that of float64.

    False where some enclosure knows nothing, from −inf to inf: the answer says so, uncertified.
    """
    recording = recorded(call)
    assert recording.subject is not None
    found = compose(recording, recording.subject, LOSSES)
    assert isinstance(found, Composition), found
    wanted = tuple(
        x for id in differentiable(recording, found, LOSSES) if isinstance(x := found.inputs[id].node, Input)
    )
    slopes, held = gradient(found.root, wanted), list[bool | None]()
    roots = (found.root, *(slopes[x] for x in wanted))
    finer = enclose(roots, found.values(recording), Rounding("float64"))
    for asked, rounding in ((call, Rounding("native")), (call.upcast(), Rounding("float64"))):
        with default_dtype(torch.float64 if rounding.mode == "float64" else torch.float32):
            value, gradients = torchs(asked)
        bounds = enclose(roots, found.values(recording), rounding) if rounding.mode == "native" else finer
        assert found.subject.shape == value.shape
        ends = laid(bounds[0], found.root.axes, found.subject.axes)
        held.append(contains(ends, sized(value, found.subject.axes)))
        assert held[-1] is not False, (rounding.mode, value, ends)
        for x, bound, fine in zip(wanted, bounds[1:], finer[1:], strict=True):
            name = paths(recording.calls[0].arguments)[x.tensor]
            ends = laid(bound, slopes[x].axes, x.axes)
            lies = contains(ends, sized(gradients[name], x.axes))
            unsure = laid(overflown(bound, fine), slopes[x].axes, x.axes)
            held.append(contains(unsure, sized(gradients[name], x.axes)) if lies is False else lies)
            assert held[-1] is not False, (rounding.mode, name, gradients[name], ends)
    return all(held)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Generator[None]:
    """What functions of integers give."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    yield
    torch.set_default_dtype(before)


def paths(arguments: Sequence[Argument]) -> dict[int, str]:
    """The tensors of a call by id, each under its argument's name, with its place in a nested one."""
    found: dict[int, str] = {}
    pending = [(a.name, a.value) for a in arguments]
    while pending:
        match pending.pop():
            case name, Ref(id):
                found[id] = name
            case name, Items(_, items):
                pending += [(f"{name}.{k}", item) for k, item in enumerate(items)]
            case _:
                pass
    return found


def laid(ends: Any, have: Any, want: Any) -> Any:
    """Bounds with their dimensions in the order of other axes, of length 1 where they do not vary."""
    order = [have.index(axis) for axis in want if axis in have]
    lengths = [axis.size if axis in have else 1 for axis in want]
    return tuple(end.transpose(order).reshape(lengths) for end in ends)


def sized(values: Any, axes: Any) -> Any:
    return np.asarray(values, dtype=np.float64).reshape([axis.size for axis in axes])


def torchs(call: Any) -> tuple[Any, dict[str, Any]]:
    """torch's value and its gradients by argument, of the sum where the value is an array."""
    loss, free = LOSSES[call.name], dict[str, torch.Tensor]()
    real = loss.unless_real is not None and call.arguments[loss.unless_real].is_floating_point()
    fixed = () if real else loss.constant

    def freed(path: str, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(freed(f"{path}.{k}", item) for k, item in enumerate(value))
        if not is_real(value) or path in fixed:
            return value
        free[path] = value.detach().requires_grad_()
        return free[path]

    value = called(call.name, {k: freed(k, v) for k, v in call.arguments.items()})[-1]
    if not free:
        return value.double().numpy(), {}
    found = torch.autograd.grad(value.sum(), tuple(free.values()), allow_unused=True, materialize_grads=True)
    return value.detach().double().numpy(), {k: g.double().numpy() for k, g in zip(free, found, strict=True)}


def called(name: str, arguments: Mapping[str, Any]) -> tuple[torch.Tensor, ...]:
    """What a loss returns; the loss itself is the last."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of the legacy flags and of the broadcasts that are meant here
        found = torchs_own(name)(**arguments)
    return found if isinstance(found, tuple) else (found,)


def torchs_own(name: str) -> Any:
    """torch's function of this name; the few that torch.nn.functional lacks are in torch, and one is a module only."""
    return getattr(F, name, None) or getattr(torch, name, None) or find(LOSSES[name].function)


def is_real(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def recorded(call: Any) -> Recording:
    """The call as the tracer would record it."""
    tensors: dict[int, Tensor] = {}

    def known(value: Any) -> Value:
        if isinstance(value, tuple):
            return Items("tuple", tuple(map(known, value)))
        if not isinstance(value, torch.Tensor):
            return Name(str(value)) if isinstance(value, torch.dtype) else value
        tensors[len(tensors)] = freeze(value, len(tensors))
        return Ref(len(tensors) - 1)

    arguments = tuple(Argument(k, known(v)) for k, v in call.arguments.items())
    made = tuple(known(value) for value in called(call.name, call.arguments))
    ids = tuple(ref.id for ref in made if isinstance(ref, Ref))
    return Recording("", tensors, (Call(0, LOSSES[call.name].function, arguments, ids),), subject=ids[-1])
