"""torch's own numbers beside those of the derivation, where rounding has put them apart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import MappingProxyType

import numpy as np

from explainers.derivation import Gradient
from explainers.diagnoses.wording import entry
from explainers.digits import shown
from explainers.explanation import Explanation, named
from explainers.messages import Message, said
from explainers.proof import FAR
from explainers.reading import Reading, leading
from explainers.verdict import MOST_SHOWN, summary

_DIGITS = MappingProxyType({"float16": 11, "bfloat16": 8})
"""Binary digits that a number of half precision has."""


def exactly(explanation: Explanation) -> Iterator[Message]:
    """What the formula gives where only rounding made it nan or inf, or another number; the same of its gradients."""
    proof = explanation.proof
    if proof.off_by_rounding and proof.exact is not None:
        yield said("Without any rounding your formula gives {exact} for these inputs.", exact=summary(proof.exact))
    for _, name, torch, exact in _told(explanation):
        yield said(
            "torch's gradient of {name} is {torch}; without any rounding it is {exact}.",
            name=name, torch=torch, exact=exact,
        )  # fmt: skip


def to_coarse(explanation: Explanation) -> Iterator[Message]:
    """What a value of half precision was rounded from, and how far apart the numbers of its dtype lie there."""
    subject, proof = explanation.subject, explanation.proof
    bits = None if subject is None else _DIGITS.get(subject.dtype)
    if subject is None or bits is None or proof.torch is None or proof.exact is None or proof.off_by_rounding:
        return
    torch, exact = proof.torch, proof.exact
    if not (math.isfinite(torch) and torch and math.isfinite(exact)) or shown(torch) == shown(exact):
        return
    yield said(
        "The program computes in {dtype}, whose numbers lie {step} apart here: {value} is rounded (half precision), "
        "without rounding it is {exact}.",
        dtype=subject.dtype,
        step=shown(2.0 ** (math.frexp(torch)[1] - bits)),
        value=shown(torch),
        exact=shown(exact),
    )


def lost(explanation: Explanation) -> Iterator[tuple[str, str, str]]:
    """The inputs that a program asks gradients of, or the prediction, whose gradient is far from the exact one: name,
    torch's numbers, the exact ones."""
    if isinstance(explanation.reading, Reading):
        first = leading(explanation.recording, tuple(x.tensor for x in explanation.reading.forms.as_run))
        yield from ((name, torch, exact) for id, name, torch, exact in _told(explanation) if id in first)


def _told(explanation: Explanation) -> Iterator[tuple[int, str, str, str]]:
    for id in apart(explanation):
        torch, exact = _both(explanation, id)
        name = named(explanation.recording, explanation.call, id)
        at = int(np.argmax(np.where(np.isfinite(exact), np.abs(np.nan_to_num(torch, nan=np.inf) - exact), -1.0)))
        if at < MOST_SHOWN:
            yield id, name, _entries(torch), _entries(exact)
        else:
            place = entry([int(k) for k in np.unravel_index(at, exact.shape)])
            yield id, f"{name}{place}", shown(float(torch.reshape(-1)[at])), shown(float(exact.reshape(-1)[at]))


def apart(explanation: Explanation) -> list[int]:
    """The inputs whose shown gradient is finite where torch's is not, or far from it: where the value is off as well,
    and where rounding puts a number on the other side of a kink."""
    shown = (step.tensor for step in explanation.derivation.steps if isinstance(step, Gradient))
    held = (id for id in shown if id in explanation.gradients and id in explanation.autograd)
    return [id for id in held if not _is_plainly_near(explanation, id) and _is_apart(*_both(explanation, id))]


def _is_plainly_near(explanation: Explanation, id: int) -> bool:
    """Whether torch's gradient is near the midpoints of the exact one, for which no enclosure has to be computed."""
    middles = np.asarray(explanation.gradients[id].middles())
    torch = explanation.autograd[id].array().astype(np.float64).reshape(middles.shape)
    return bool(np.isfinite(middles).all()) and not _is_apart(torch, middles)


def _both(explanation: Explanation, id: int) -> tuple[np.ndarray, np.ndarray]:
    """torch's gradient and the exact one, in one order; what is enclosed together with 0 is taken for 0."""
    exact, (low, high) = np.asarray(explanation.gradients[id].middles()), explanation.gradients[id].bounds()
    exact = np.where((low <= 0) & (high >= 0), 0.0, exact)
    return explanation.autograd[id].array().astype(np.float64).reshape(exact.shape), exact


def _is_apart(torch: np.ndarray, exact: np.ndarray) -> bool:
    finite = np.isfinite(exact)
    if not finite.any():
        return False
    with np.errstate(all="ignore"):
        near = np.abs(torch - exact) <= FAR * np.abs(exact[finite]).max()
    return bool((finite & ~near).any())


def _entries(numbers: np.ndarray) -> str:
    flat = numbers.reshape(-1)[: MOST_SHOWN + 1]
    return summary(float(flat[0]) if flat.size == 1 else tuple(map(float, flat)))
