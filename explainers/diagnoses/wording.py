"""Numbers, rows and shapes as they stand inside a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from explainers.diagnoses.scene import Scene, short
from explainers.digits import shown
from explainers.messages import Message, said
from explainers.recording import Call, Tensor

LONGEST_ROW = 8
LONGEST_CODE = 50


def number(x: float | None) -> str:
    """A number as formulas show it; "?" where there is none."""
    return "?" if x is None else shown(x)


def row(values: npt.NDArray[np.float64]) -> str:
    """A row in brackets, its middle left out where it is long."""
    shown = [number(float(x)) for x in values]
    if len(shown) > LONGEST_ROW:
        shown = [*shown[: LONGEST_ROW - 2], "…", shown[-1]]
    return f"[{', '.join(shown)}]"


def shape(sizes: Sequence[int]) -> str:
    """A shape as Python prints a tuple."""
    return str(tuple(sizes))


def described(name: str | Message, tensor: Tensor) -> Message:
    """What a tensor is: its dtype and shape."""
    return said("{name} is {dtype} of shape {shape}.", name=name, dtype=tensor.dtype, shape=shape(tensor.shape))


def entry(at: Sequence[int]) -> str:
    """[0, 2] behind a name; nothing where there is a single number."""
    return str(list(at)) if at else ""


def code_of(call: Call) -> str:
    """A call as it was written, its function's name where that is long or was not written."""
    code = " ".join(call.span.text.split()) if call.span is not None else ""
    return code if 0 < len(code) <= LONGEST_CODE else short(call)


def stated(scene: Scene) -> str | Message:
    """The value that the question is about, in the digits that the asker shows of it; words for several numbers."""
    if scene.value is None:
        return said("The result")
    printed = (claim for claim in scene.claims if claim.kind == "printed" and claim.agrees(scene.value))
    return next((as_written(scene.value, claim.radius) for claim in printed), number(scene.value))


def of_call(scene: Scene) -> str | Message:
    """The number that the scene's call gives, with the one that is asked about where that is computed from it: what is
    said of a term is not said of the whole."""
    part, whole = scene.returned, scene.value
    beside = part is None or whole is None or math.isclose(part, whole, rel_tol=1e-6, abs_tol=1e-12)
    if beside or scene.whole or scene.concern != "value":
        return stated(scene)
    return said("{part} (on the way to {value})", part=number(part), value=stated(scene))


def as_written(x: float, radius: float) -> str:
    """A number with the digits that half a unit of the last one leaves; at most eight behind the point."""
    decimals = round(-math.log10(2 * radius)) if radius > 0 and math.isfinite(x) else 0
    return f"{x + 0.0:.{decimals}f}" if 0 < decimals <= 8 else number(x)


def path(maker: Call, loss: Call) -> Message:
    """From the call that made an argument to the loss, with their lines."""
    names = {"maker": short(maker), "loss": short(loss)}
    if maker.span is None or loss.span is None:
        return said("The input of {loss} comes straight from {maker}.", **names)
    lines = {"first": maker.span.line, "last": loss.span.line}
    return said("The input of {loss} (line {last}) comes straight from {maker} (line {first}).", **names, **lines)
