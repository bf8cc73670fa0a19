"""Edits of a recorded program, named by what they do to it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from explainers.recording import Argument, Call, DType, Items, Tensor, Value
from explainers.reruns import (
    DropCall,
    Edit,
    GraphRerun,
    ReplaceTensor,
    SetArgument,
    SourceRerun,
    SwapFunction,
    WrapArgument,
    WrapOutput,
)


def graph_rerun(*edits: Edit, float64: bool = False) -> GraphRerun:
    """A rerun with these edits; equal edits have equal labels, so that a trial wanted twice is run once."""
    return GraphRerun(_label("float64" if float64 else "graph", msgspec.msgpack.encode(edits)), edits, float64)


def gradient_rerun(of: int, *edits: Edit, start: int | None = None) -> GraphRerun:
    """A rerun with these edits that asks for the gradient of one tensor, by another tensor than the subject."""
    name = f"gradient-{of}" if start is None else f"gradient-{of}-of-{start}"
    return GraphRerun(_label(name, msgspec.msgpack.encode(edits)), edits, gradients=(of,), subject=start)


def source_rerun(source: str) -> SourceRerun:
    """A rerun of an edited snippet, labelled by its text."""
    return SourceRerun(_label("source", source.encode()), source)


def gradient_of_source(source: str, name: str) -> SourceRerun:
    """A rerun of an edited snippet for the gradient that it leaves in a variable."""
    shows = f"{source.rstrip()}\nprint({name}.grad)\n"
    return SourceRerun(_label("source-gradient", shows.encode()), shows, shown=-1)


def dropped(call: Call) -> DropCall:
    """The program without this call."""
    return DropCall(call.index)


def wrapped(call: Call, argument: str, function: str, **options: Value) -> WrapArgument:
    """The argument passed through a torch function (its qualified name) first."""
    return WrapArgument(call.index, argument, function, tuple(Argument(k, v) for k, v in options.items()))


def followed_by(call: Call, function: str, **options: Value) -> WrapOutput:
    """What the call returns, passed through a torch function (its qualified name)."""
    return WrapOutput(call.index, function, tuple(Argument(k, v) for k, v in options.items()))


def set_to(call: Call, argument: str, value: Value) -> SetArgument:
    """Another value of an argument."""
    return SetArgument(call.index, argument, value)


def reduced_by(call: Call, reduction: str) -> tuple[SetArgument, ...]:
    """Another reduction, with legacy flags taken away."""
    flags = [name for name in ("size_average", "reduce") if call.argument(name) is not None]
    return (*(set_to(call, name, None) for name in flags), set_to(call, "reduction", reduction))


def scaled(call: Call, argument: str, factor: float) -> WrapArgument:
    """The argument multiplied by a number."""
    return wrapped(call, argument, "torch.mul", other=factor)


def reshaped(call: Call, argument: str, shape: Sequence[int]) -> WrapArgument:
    """The argument in another shape of as many elements."""
    return wrapped(call, argument, "torch.reshape", shape=Items("tuple", tuple(shape)))


def swapped(call: Call, function: str, *kept: str) -> SwapFunction:
    """Another function called instead, with those arguments of the call that it has too."""
    return SwapFunction(call.index, function, tuple(a for a in call.arguments if a.name in kept))


def swapped_arguments(call: Call, one: str, other: str) -> SwapFunction:
    """The same function with two of its arguments in each other's place."""
    turned = {one: call.argument(other), other: call.argument(one)}
    return SwapFunction(
        call.index, call.function, tuple(Argument(a.name, turned.get(a.name, a.value)) for a in call.arguments)
    )


def replaced(tensor: Tensor, values: npt.NDArray[np.float64]) -> ReplaceTensor:
    """Other numbers in a tensor; floats narrower than float32 are widened to it, which holds them all."""
    dtype: DType = "float64" if tensor.dtype == "float64" else "float32"
    data = np.broadcast_to(values, tensor.shape).astype(np.dtype(dtype).newbyteorder("<")).tobytes()
    return ReplaceTensor(msgspec.structs.replace(tensor, dtype=dtype, data=data))


def renewed(tensor: Tensor, values: npt.NDArray[np.float64]) -> ReplaceTensor:
    """Other numbers in another shape; whole numbers stay whole."""
    dtype: DType = "float32" if tensor.floating else "int64"
    data = values.astype(np.dtype(dtype).newbyteorder("<")).tobytes()
    return ReplaceTensor(msgspec.structs.replace(tensor, dtype=dtype, shape=values.shape, data=data))


def _label(kind: str, content: bytes) -> str:
    return f"{kind}-{hashlib.sha256(content).hexdigest()[:16]}"
