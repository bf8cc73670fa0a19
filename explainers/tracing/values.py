"""Torch values ⇄ frozen values: the one place where tensors and arguments are converted, in both directions."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Sequence
from typing import Any, Final, get_args

import numpy as np
import torch
from torch.nn.modules.linear_cross_entropy_options import LinearCrossEntropyOptions

from explainers.recording import DType, Items, Name, Opaque, Ref, Slice, Tensor, Value
from explainers.tracing.internals import is_transformed

DTYPES: Final[dict[str, torch.dtype]] = {name: getattr(torch, name) for name in get_args(DType)}
_NAMES: Final[dict[torch.dtype, DType]] = {getattr(torch, name): name for name in get_args(DType)}
_ITEMS_LIMIT: Final = 1024  # entries of a nested list; a longer one is data, which the output tensor holds
_DEPTH_LIMIT: Final = 16
_WIDEST: Final = 64  # numbers of memory to each element, of a column of a wide table
_TEXT_LIMIT: Final = 200
_NAMED: Final = (torch.dtype, torch.device, torch.layout, torch.memory_format)
_LAYOUTS: Final[dict[str, object]] = {
    "torch.strided": torch.strided,
    "torch.contiguous_format": torch.contiguous_format,
    "torch.preserve_format": torch.preserve_format,
    "torch.channels_last": torch.channels_last,
}


class Unrecorded(ValueError):
    """A recording does not hold a value that can be rebuilt."""


def is_recordable(tensor: torch.Tensor) -> bool:
    """Whether a tensor has plain elements to record: dense, of a dtype numpy or bfloat16 knows, outside torch.func."""
    return (
        tensor.dtype in _NAMES
        and tensor.layout is torch.strided
        and tensor.device.type != "meta"
        and not is_transformed(tensor)
    )


def tensors_in(value: object) -> list[torch.Tensor]:
    """All recordable tensors in nested tuples, lists and dicts, in order."""
    found: list[torch.Tensor] = []
    pending: list[object] = [value]
    while pending:
        match pending.pop():
            case torch.Tensor() as tensor:
                if is_recordable(tensor):
                    found.append(tensor)
            case tuple() | list() as items:
                pending.extend(reversed(items))
            case dict() as mapping:
                pending.extend(reversed(mapping.values()))
            case _:
                pass
    return found


def encode(value: object, ref: Callable[[torch.Tensor], int], depth: int = 0) -> Value:
    """An argument as plain data; `ref` gives a tensor its id. No method of a stranger's object is called."""
    match value:
        case None | bool():
            return value
        case torch.Tensor():
            return Ref(ref(value)) if is_recordable(value) else Opaque("torch.Tensor", f"{value.dtype} {value.layout}")
        case int() | np.integer():
            return int(value) if -(2**63) <= value < 2**63 else Opaque("int", "more than 64 bits")
        case float() | np.floating():
            return float(value)
        case str():
            return value if len(value) <= _TEXT_LIMIT else Opaque("str", value[:_TEXT_LIMIT])
        case types.EllipsisType():
            return Name("Ellipsis")
        case slice():
            return Slice(*(encode(part, ref, depth + 1) for part in (value.start, value.stop, value.step)))
        case tuple() | list() | range():  # an index by a range reads like the list of its numbers
            return _encode_items(value, ref, depth)
        case LinearCrossEntropyOptions():
            fields = (getattr(value, field.name) for field in dataclasses.fields(LinearCrossEntropyOptions))
            return Items("tuple", tuple(encode(field, ref, depth + 1) for field in fields))
        case type() if value in (float, int, bool):
            return Name({float: "torch.get_default_dtype()", int: "torch.int64", bool: "torch.bool"}[value])
        case _ if isinstance(value, _NAMED):
            return Name(str(value))
        case _:
            return Opaque(type(value).__name__, str(value) if isinstance(value, complex) else _own_name(value))


def _own_name(value: object) -> str:
    return value.__name__[:_TEXT_LIMIT] if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)) else ""


def _encode_items(items: Sequence[object], ref: Callable[[torch.Tensor], int], depth: int) -> Value:
    if depth >= _DEPTH_LIMIT or _count(items, _DEPTH_LIMIT) > _ITEMS_LIMIT:
        return Opaque("tuple" if isinstance(items, tuple) else "list", f"{len(items)} items")
    return Items("tuple" if isinstance(items, tuple) else "list", tuple(encode(item, ref, depth + 1) for item in items))


def _count(items: Sequence[object], depth: int) -> int:
    """Entries of a nested list, counted no further than the limit."""
    total = 0
    for item in items:
        total += _count(item, depth - 1) if depth and isinstance(item, (tuple, list)) else 1
        if total > _ITEMS_LIMIT:
            break
    return total


def decode(value: Value, tensor: Callable[[int], torch.Tensor]) -> Any:
    """The torch value of a recorded argument; `tensor` gives the tensor of an id.

    Raises Unrecorded for what cannot be rebuilt (`Opaque`, an unknown name).
    """
    match value:
        case Ref(id):
            return tensor(id)
        case Items(kind, items):
            decoded = [decode(item, tensor) for item in items]
            return tuple(decoded) if kind == "tuple" else decoded
        case Slice(start, stop, step):
            return slice(decode(start, tensor), decode(stop, tensor), decode(step, tensor))
        case Name(name):
            return _decode_name(name)
        case Opaque(kind, _):
            raise Unrecorded(f"a {kind} cannot be rebuilt from a recording")
        case _:
            return value


def _decode_name(name: str) -> object:
    if name == "Ellipsis":
        return ...
    if name == "torch.get_default_dtype()":
        return torch.get_default_dtype()
    if name.removeprefix("torch.") in DTYPES:
        return DTYPES[name.removeprefix("torch.")]
    if name in _LAYOUTS:
        return _LAYOUTS[name]
    if name.partition(":")[0] in {"cpu", "cuda", "mps"}:
        return torch.device("cpu")
    raise Unrecorded(f"the name {name!r} stands for no torch value")


def freeze(
    tensor: torch.Tensor, id: int, *, data: bool = True, name: str | None = None, is_leaf: bool = False
) -> Tensor:
    """A torch tensor, of any strides and device, as a frozen one; without its elements where `data` is false."""
    return Tensor(
        id=id,
        shape=tuple(tensor.shape),
        dtype=_NAMES[tensor.dtype],
        requires_grad=tensor.requires_grad,
        data=to_bytes(tensor) if data else None,
        name=name,
        is_leaf=is_leaf,
        stride=None if tensor.is_contiguous() else tuple(tensor.stride()),
    )


def to_bytes(tensor: torch.Tensor) -> bytes:
    """The elements row-major and little-endian (the order of every platform torch is built for)."""
    plain = tensor.detach().resolve_conj().resolve_neg().cpu().clone(memory_format=torch.contiguous_format).reshape(-1)
    return plain.view(torch.uint8).numpy().tobytes()


def thaw(tensor: Tensor) -> torch.Tensor:
    """A fresh torch tensor with the recorded elements as they lay in memory, no gradient wanted.

    Raises Unrecorded where the elements are missing or are not as many as the shape says.
    """
    if tensor.data is None:
        raise Unrecorded(f"the values of tensor {tensor.id} were not recorded")
    dtype = DTYPES[tensor.dtype]
    if any(size < 0 for size in tensor.shape) or math.prod(tensor.shape) * dtype.itemsize != len(tensor.data):
        raise Unrecorded(f"tensor {tensor.id} has {len(tensor.data)} bytes, not those of shape {tensor.shape}")
    if not tensor.data:
        return torch.zeros(tensor.shape, dtype=dtype)
    plain = torch.frombuffer(bytearray(tensor.data), dtype=dtype).reshape(tensor.shape)
    return plain if tensor.stride is None else _laid(plain, tensor.stride)


def _laid(plain: torch.Tensor, stride: tuple[int, ...]) -> torch.Tensor:
    """The elements at these strides, what is repeated held once; as they are where the strides are no such layout, or
    one that takes much more room."""
    reach = 1 + sum((size - 1) * step for size, step in zip(plain.shape, stride, strict=False))
    if len(stride) != plain.dim() or min(stride) < 0 or reach > _WIDEST * plain.numel():
        return plain
    once = plain[tuple(slice(None) if step else slice(1) for step in stride)]
    room = torch.zeros(reach, dtype=plain.dtype)
    try:
        room.as_strided(once.shape, stride).copy_(once)
    except RuntimeError:  # elements that overlap otherwise
        return plain
    return room.as_strided(plain.shape, stride)
