"""Numbers, rows and shapes as they stand inside a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from explainers.diagnoses.scene import Scene, short
from explainers.messages import Message, said
from explainers.recording import Call

LONGEST_ROW = 8


def number(x: float | None) -> str:
    """A number with four significant digits, as torch prints small tensors; "?" where there is none."""
    return "?" if x is None else f"{x + 0.0:.4g}"


def row(values: npt.NDArray[np.float64]) -> str:
    """A row in brackets, its middle left out where it is long."""
    shown = [number(float(x)) for x in values]
    if len(shown) > LONGEST_ROW:
        shown = [*shown[: LONGEST_ROW - 2], "…", shown[-1]]
    return f"[{', '.join(shown)}]"


def shape(sizes: Sequence[int]) -> str:
    """A shape as Python prints a tuple."""
    return str(tuple(sizes))


def entry(at: Sequence[int]) -> str:
    """[0, 2] behind a name; nothing where there is a single number."""
    return str(list(at)) if at else ""


def stated(scene: Scene) -> str | Message:
    """The value that the question is about, or words for one that is no single number."""
    return said("The result") if scene.value is None else number(scene.value)


def path(maker: Call, loss: Call) -> Message:
    """From the call that made an argument to the loss, with their lines."""
    names = {"maker": short(maker), "loss": short(loss)}
    if maker.span is None or loss.span is None:
        return said("The input of {loss} comes straight from {maker}.", **names)
    lines = {"first": maker.span.line, "last": loss.span.line}
    return said("The input of {loss} (line {last}) comes straight from {maker} (line {first}).", **names, **lines)
