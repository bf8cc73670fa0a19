"""An option of a loss as a call sets it, and who tells what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from explainers.messages import Message
from explainers.recording import Call, Items, Recording, Ref, Tensor, Value

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """The value of one option in one call."""

    option: str
    value: Value
    call: Call
    recording: Recording

    @property
    def number(self) -> float:
        """The value as a number; nan where it is none."""
        return float(self.value) if isinstance(self.value, bool | int | float) else float("nan")

    @property
    def is_averaged(self) -> bool:
        """Whether the call takes the mean, by its reduction or by the older flags."""
        average, reduce = self.call.argument("size_average"), self.call.argument("reduce")
        if average is not None or reduce is not None:
            return average is not False and reduce is not False
        return self.call.argument("reduction") in (None, "mean", "elementwise_mean")

    def tensor(self, name: str) -> Tensor | None:
        """The tensor that is passed as an argument, None where that is none."""
        id = self.call.ref(name)
        return None if id is None else self.recording.tensors.get(id)

    def numbers(self, name: str) -> Numbers | None:
        """The elements of an argument, a list of numbers or a tensor; None where they were not recorded."""
        value = self.call.argument(name)
        if isinstance(value, Items) and all(isinstance(x, int | float) for x in value.items):
            return np.array(value.items, dtype=np.float64)
        held = self.tensor(name)
        if held is None or held.data is None or held.dtype.startswith("complex"):
            return None
        return held.array().astype(np.float64)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of the first tensor that is passed."""
        ids = [a.value.id for a in self.call.arguments if isinstance(a.value, Ref)]
        return self.recording.tensors[ids[0]].shape if ids else ()

    @property
    def classes(self) -> int | None:
        """How many classes there are scores of, in a loss of class scores."""
        weights = self.tensor("linear_weight")
        sizes = weights.shape[:1] if weights is not None else self.sizes
        return sizes[min(1, len(sizes) - 1)] if sizes else None


Telling = Callable[[Setting], Iterator[Message]]


@dataclass(frozen=True)
class Option:
    """An option by its name: torch's default, and what is told where it is set to something else, or `always`."""

    name: str
    default: Value
    told: Telling
    always: bool = False
