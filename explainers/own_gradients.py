"""The gradients that the program itself got, where they are not those of its formula.

A certificate's gradient is torch's own derivative of the recorded operations. A torch.autograd.Function has a backward
of its own and a hook changes what passes it, so that `.grad` may hold another gradient than that derivative.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from explainers.digits import shown
from explainers.enclosures import Bounds, held
from explainers.forms import Forms
from explainers.graph.exact import Exact
from explainers.messages import Message, said
from explainers.proof import Check, Proof
from explainers.recording import FUNCTION, Recording, Tensor

_BACKWARD = "torch.Tensor.backward"
_GRAD = "torch.Tensor.grad"
_PASSES = frozenset({_BACKWARD, "torch.autograd.backward", "torch.autograd.grad"})
_MOST = 4


@dataclass(frozen=True)
class OwnGradient:
    """An input whose gradient in the program is not shown to be the formula's: `found` is what `.grad` held, None
    where the program does not read it; `function` the autograd.Function on the way, None where there is none."""

    symbol: str
    function: str | None
    found: str | None
    exact: str

    @property
    def reason(self) -> Message:
        """Why no gradient is certified."""
        if self.found is None:
            return said("{function} has a backward of its own, whose gradient the program does not read",
                        function=self.function or "?")  # fmt: skip
        if self.function is None:
            return said("{symbol}.grad is {found}, and the derivative of the formula is {exact}",
                        symbol=self.symbol, found=self.found, exact=self.exact)  # fmt: skip
        return said(
            "the backward of {function} gives {found} for {symbol}, and the derivative of its forward is {exact}",
            function=self.function, found=self.found, symbol=self.symbol, exact=self.exact,
        )  # fmt: skip


def own_gradients(
    recording: Recording, forms: Forms, bounds: tuple[Bounds, ...], exact: Mapping[int, Exact]
) -> tuple[OwnGradient, ...]:
    """The inputs whose gradient in the program lies outside the formula's enclosure (`bounds`, one for each input that
    has a gradient), or passes through a backward of the program's own and is not read."""
    read, through = _read(recording), _function(recording, forms)
    found = zip(forms.as_run, bounds, strict=True)
    return tuple(
        OwnGradient(x.symbol, through, _numbers(read.get(x.tensor)), _entries(exact[x.tensor].middles()))
        for x, each in found
        if recording.tensors[x.tensor].requires_grad
        and (held(x, forms.as_run[x].axes, each, read) is False if x.tensor in read else through is not None)
    )


def unclaimed(proof: Proof, found: tuple[OwnGradient, ...]) -> Proof:
    """The proof without its gradient, which is not the program's own."""
    if not found:
        return proof
    checks = (Check("gradient", None, found[0].reason) if c.name == "gradient" else c for c in proof.checks)
    return dataclasses.replace(proof, checks=tuple(checks))


def _function(recording: Recording, forms: Forms) -> str | None:
    """The first autograd.Function of the program that the formula's operations were called in."""
    calls = forms.composition.calls
    parts = (part for call in calls if recording.subject is not None for part in call.scope)
    return next((part.removeprefix(FUNCTION) for part in parts if part.startswith(FUNCTION)), None)


def _read(recording: Recording) -> Mapping[int, Tensor]:
    """What `.grad` held where it was first read after the only backward pass, if that went from the subject alone."""
    passes = [call for call in recording.calls if call.function in _PASSES]
    if len(passes) != 1 or passes[0].function != _BACKWARD or recording.subject is None:
        return {}
    (went,) = passes
    single = recording.tensors[recording.subject].elements == 1 and went.argument("gradient") is None
    if not single or went.inputs()[:1] != (recording.subject,):
        return {}
    read = dict[int, Tensor]()
    for of, tensor in _reads(recording, went.index):
        if tensor.data is not None and tensor.shape == recording.tensors[of].shape:
            read.setdefault(of, tensor)
    return read


def _reads(recording: Recording, after: int) -> Iterator[tuple[int, Tensor]]:
    """(input, its gradient) of each `.grad` that is read."""
    for call in recording.calls[after + 1 :]:
        if call.function == _GRAD and call.inputs() and call.outputs:
            yield call.inputs()[0], recording.tensors[call.outputs[0]]


def _numbers(tensor: Tensor | None) -> str | None:
    return None if tensor is None else _entries(tensor.array().astype(np.float64))


def _entries(values: np.ndarray) -> str:
    numbers = [shown(float(v)) for v in values.reshape(-1)[:_MOST]]
    text = ", ".join(numbers) + (", …" if values.size > _MOST else "")
    return text if values.size == 1 else f"[{text}]"
