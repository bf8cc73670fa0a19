"""Tensors survive the way to bytes and back; what cannot is refused."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explainers.recording import Items, Name, Opaque, Slice, Tensor
from explainers.tracing.values import DTYPES, Unrecorded, decode, encode, freeze, thaw

SHAPES = st.lists(st.integers(0, 4), max_size=3)


def _filled(shape: list[int], dtype: torch.dtype, seed: int) -> torch.Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 50
    if dtype is torch.uint8:
        values = values.abs()
    return values.to(dtype)


@given(SHAPES, st.sampled_from(sorted(DTYPES)), st.integers(0, 99), st.booleans(), st.booleans())
def test_bytes_and_back(shape: list[int], name: str, seed: int, transpose: bool, expand: bool) -> None:
    tensor = _filled(shape, DTYPES[name], seed)
    if transpose and tensor.ndim > 1:
        tensor = tensor.transpose(0, 1)
    if expand and tensor.ndim and tensor.shape[0]:
        tensor = tensor[:1].expand(3, *tensor.shape[1:])
    again = thaw(freeze(tensor, 4))
    assert (again.shape, again.dtype) == (tensor.shape, tensor.dtype)
    assert torch.equal(again, tensor)
    assert again.is_contiguous() or again.stride() == tensor.stride()
    assert again.is_contiguous() == tensor.is_contiguous()


@given(SHAPES, st.sampled_from(sorted(DTYPES)), st.integers(0, 99))
def test_the_recorded_array_holds_the_same_numbers(shape: list[int], name: str, seed: int) -> None:
    tensor = _filled(shape, DTYPES[name], seed)
    wide = tensor.float() if name == "bfloat16" else tensor
    assert freeze(tensor, 0).array().tolist() == wide.tolist()


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor(1, (2,), "float32", False, None),
        Tensor(1, (2,), "float32", False, b"\0" * 7),
        Tensor(1, (-2, -1), "float32", False, b"\0" * 8),
        Tensor(1, (2**40, 2**40), "int8", False, b""),
    ],
)
def test_bytes_that_are_not_the_shape_are_refused(tensor: Tensor) -> None:
    with pytest.raises(Unrecorded):
        thaw(tensor)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=12,
)


@given(VALUES)
def test_arguments_survive(value: object) -> None:
    encoded = encode(value, lambda _: 0)
    assert decode(encoded, lambda _: torch.zeros(())) == value


@pytest.mark.parametrize("value", [..., torch.float32, torch.channels_last, slice(1, None, 2), torch.strided])
def test_torch_names_and_slices_survive(value: object) -> None:
    assert decode(encode(value, lambda _: 0), lambda _: torch.zeros(())) == value


def test_what_cannot_cross_is_opaque_and_refused() -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise AssertionError("never asked")

    deep: list[object] = []
    for _ in range(50):
        deep = [deep]
    for value in (Hostile(), 2**70, deep, [0] * 5000, lambda: 0, 1j):
        encoded = encode([value], lambda _: 0)
        assert "Opaque" in repr(encoded)
        with pytest.raises(Unrecorded):
            decode(encoded, lambda _: torch.zeros(()))


@pytest.mark.parametrize("value", [Name("os.system"), Name("torch.load"), Opaque("function", "f"), Slice(Name("x"))])
def test_unknown_names_stand_for_nothing(value: Name | Opaque | Slice) -> None:
    with pytest.raises(Unrecorded):
        decode(Items("list", (value,)), lambda _: torch.zeros(()))
