"""A strategy of calls per registered loss: every argument torch has, and the numbers that hurt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

Calls = Mapping[str, st.SearchStrategy["LossCall"]]
Numbers = st.SearchStrategy[float]
SPECIAL = st.sampled_from([0.0, 1.0, -1.0, 30.0, -30.0, 1000.0, -1000.0])
LOGITS = st.floats(-8, 8, width=32) | SPECIAL
NUMBERS = st.floats(-50, 50, width=32)
UNIT = st.sampled_from([0.0, 1.0, 0.5]) | st.floats(0, 1, width=32)
WEIGHTS = st.sampled_from([0.0, 1.0, 2.5]) | st.floats(0, 4, width=32)
DTYPES = st.sampled_from([torch.float32, torch.float64])
KINDS = st.sampled_from(["unbatched", "batch", "batch", "batch", "sequence", "image"])


@dataclass(frozen=True)
class LossCall:
    """One call of a function of torch.nn.functional, by argument name."""

    name: str
    arguments: dict[str, Any]

    def upcast(self) -> LossCall:
        """The same call with every real tensor in float64."""
        return LossCall(self.name, {k: _double(v) for k, v in self.arguments.items()})


def _double(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.double()
    return torch.float64 if isinstance(value, torch.dtype) else value


@st.composite
def tensor(draw: st.DrawFn, shape: tuple[int, ...], dtype: torch.dtype, numbers: Numbers) -> Any:
    """A tensor of these numbers, sometimes one that is not contiguous."""
    held = draw(arrays.arrays(np.float64, shape, elements=numbers.map(lambda v: v + 0.0)))
    made = torch.from_numpy(held).to(dtype)
    return torch.stack([made, made], -1)[..., 0] if draw(st.booleans()) else made


@st.composite
def reductions(draw: st.DrawFn) -> dict[str, Any]:
    """A reduction by its name, or by the flags it had before."""
    if draw(st.integers(0, 4)):
        return {"reduction": draw(st.sampled_from(["mean", "sum", "none"]))}
    flags = draw(st.fixed_dictionaries({k: st.sampled_from([True, False, None]) for k in ("size_average", "reduce")}))
    return {**flags, "reduction": "mean"}


@st.composite
def class_shapes(draw: st.DrawFn) -> tuple[tuple[int, ...], int]:
    """The shape of logits, and where in it the classes are."""
    c, n, d, e = draw(st.integers(1, 4)), draw(st.integers(0, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    shapes = {"unbatched": ((c,), 0), "batch": ((n, c), 1), "sequence": ((n, c, d), 1), "image": ((n, c, d, e), 1)}
    return shapes[draw(KINDS)]


@st.composite
def class_weights(draw: st.DrawFn, c: int, dtype: torch.dtype, weights: Numbers = WEIGHTS) -> dict[str, Any]:
    return {"weight": draw(tensor((c,), dtype, weights))} if draw(st.booleans()) else {}


@st.composite
def indices(draw: st.DrawFn, shape: tuple[int, ...], at: int, bytes_too: bool = True) -> dict[str, Any]:
    """A target of class indices, and an ignored one: absent, present, everywhere, or not an index at all.

    torch takes uint8 for them only where K = 0, and not beside label smoothing with weights.
    """
    left, c = shape[:at] + shape[at + 1 :], shape[at]
    held = draw(arrays.arrays(np.int64, left, elements=st.integers(0, c - 1)))
    kinds = ["default", "a class", "beside", "everywhere", *(["uint8"] if bytes_too and len(shape) < 3 else [])]
    match draw(st.sampled_from(kinds)):
        case "a class":
            return {"target": torch.from_numpy(held), "ignore_index": draw(st.integers(0, c - 1))}
        case "beside":
            mask = draw(arrays.arrays(np.bool_, left))
            ignored = draw(st.sampled_from([-100, -1, c, 7]))
            return {"target": torch.from_numpy(np.where(mask, ignored, held)), "ignore_index": ignored}
        case "everywhere":
            return {"target": torch.full(left, -100), "ignore_index": -100}
        case "uint8":
            return {"target": torch.from_numpy(held).to(torch.uint8)}
        case _:
            return {"target": torch.from_numpy(held)}


@st.composite
def _nll_loss(draw: st.DrawFn) -> LossCall:
    (shape, at), dtype = draw(class_shapes()), draw(DTYPES)
    input = draw(tensor(shape, dtype, LOGITS))
    weight, target = draw(class_weights(shape[at], dtype)), draw(indices(shape, at))
    return LossCall("nll_loss", {"input": input, **target, **weight, **draw(reductions())})


@st.composite
def _cross_entropy(draw: st.DrawFn) -> LossCall:
    (shape, at), dtype = draw(class_shapes()), draw(DTYPES)
    input = draw(tensor(shape, dtype, LOGITS))
    smoothing = draw(st.sampled_from([{}, {}, *({"label_smoothing": epsilon} for epsilon in (0.0, 0.1, 1.0))]))
    # All weights 0: torch adds 0/0 and spread/0, each averaged apart, to nan; the formula (0 + spread)/0 is infinite.
    weights = st.floats(0.5, 4, width=32) if smoothing.get("label_smoothing") else WEIGHTS
    rest = {**draw(class_weights(shape[at], dtype, weights)), **draw(reductions()), **smoothing}
    if draw(st.integers(0, 2)) == 0:
        soft = draw(tensor(shape, dtype, UNIT | st.floats(-2, 2, width=32)))
        return LossCall("cross_entropy", {"input": input, "target": soft, **rest})
    target = draw(indices(shape, at, bytes_too=not smoothing))
    if not smoothing and "ignore_index" not in target and draw(st.booleans()):
        input = _off_target(input, target["target"], at, draw(st.integers(0, 3)))
    return LossCall("cross_entropy", {"input": input, **target, **rest})


def _off_target(input: torch.Tensor, target: torch.Tensor, at: int, chosen: int) -> torch.Tensor:
    """The logits with one class at −inf wherever it is not the target."""
    classes = torch.arange(input.shape[at]).reshape((-1, *(1,) * (input.dim() - at - 1)))
    off = (classes == chosen) & (target.long().unsqueeze(at) != chosen)
    return torch.where(off, -torch.inf, input)


@st.composite
def _broadcasting(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast, alike half of the time."""
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3) | st.just((0, 2)))
    if draw(st.booleans()):
        return shape, shape
    other = tuple(1 if draw(st.booleans()) else side for side in shape)[draw(st.integers(0, len(shape))) :]
    return (shape, other) if draw(st.booleans()) else (other, shape)


@st.composite
def _mse_loss(draw: st.DrawFn) -> LossCall:
    (left, right), dtype = draw(_broadcasting()), draw(DTYPES)
    second = draw(st.sampled_from([dtype, dtype, torch.float32]))
    held = {"input": draw(tensor(left, dtype, NUMBERS)), "target": draw(tensor(right, second, NUMBERS))}
    whole = torch.broadcast_shapes(left, right)
    weighted = whole == left and draw(st.integers(0, 2)) == 0  # torch wants the input's own shape
    weight = {"weight": draw(tensor(whole, dtype, WEIGHTS))} if weighted else {}
    return LossCall("mse_loss", {**held, **weight, **draw(reductions())})


@st.composite
def _beside(draw: st.DrawFn, shape: tuple[int, ...], dtype: torch.dtype, name: str) -> dict[str, Any]:
    """A weight that broadcasts to the shape, or none."""
    if draw(st.booleans()):
        return {}
    other = tuple(1 if draw(st.booleans()) else side for side in shape)[draw(st.integers(0, len(shape))) :]
    return {name: draw(tensor(other, dtype, WEIGHTS))}


@st.composite
def _binary(draw: st.DrawFn, name: str, inputs: Numbers, weights: tuple[str, ...]) -> LossCall:
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3) | st.just((0, 2)))
    dtype = draw(DTYPES)
    held = {"input": draw(tensor(shape, dtype, inputs)), "target": draw(tensor(shape, dtype, UNIT))}
    beside = {k: v for w in weights for k, v in draw(_beside(shape, dtype, w)).items()}
    return LossCall(name, {**held, **beside, **draw(reductions())})


@st.composite
def _along(draw: st.DrawFn, name: str) -> LossCall:
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4))
    # One infinite logit alone gives nan, whose gradient torch calls nan and x − x calls 0.
    numbers = LOGITS | st.just(-np.inf) if 1 not in shape and shape else LOGITS
    input = draw(tensor(shape, draw(DTYPES), numbers))
    dtype = draw(st.sampled_from([{}, {}, {"dtype": torch.float64}]))
    width = max(len(shape), 1)
    return LossCall(name, {"input": input, "dim": draw(st.integers(-width, width - 1)), **dtype})


def loss_calls() -> Calls:
    """The strategies by the loss's name."""
    return {
        "cross_entropy": _cross_entropy(),
        "nll_loss": _nll_loss(),
        "mse_loss": _mse_loss(),
        "binary_cross_entropy": _binary("binary_cross_entropy", UNIT, ("weight",)),
        "binary_cross_entropy_with_logits": _binary(
            "binary_cross_entropy_with_logits", LOGITS, ("weight", "pos_weight")
        ),
        "log_softmax": _along("log_softmax"),
        "softmax": _along("softmax"),
    }


@pytest.fixture(scope="session")
def calls() -> Calls:
    return loss_calls()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Any:
    """Small calls on one thread: waking the others costs more than the work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
