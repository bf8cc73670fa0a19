"""What a value says by its size: beyond chance, as a perplexity, past a bound by rounding, beyond the plain formula."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from explainers.digits import shown
from explainers.explanation import Explanation
from explainers.graph import rounding
from explainers.messages import Message, said
from explainers.recording import Call, Recording, Tensor, scalar

_BEYOND = 1.05
"""How far above ln C a loss is told to be worse than guessing."""

_OF_CLASSES = frozenset({"cross_entropy", "linear_cross_entropy"})
_EXPS = frozenset({"torch.exp", "math.exp", "numpy.exp"})
Floats = np.ndarray[tuple[int, ...], np.dtype[np.floating]]


@dataclass(frozen=True)
class _Plain:
    """A formula as it is written, over inputs by name, and how torch computes it, both with these options."""

    inputs: tuple[str, ...]
    formula: str
    stable: str
    run: Callable[..., Floats]
    options: tuple[tuple[str, float], ...] = ()


def of_values(explanation: Explanation) -> Iterator[Message]:
    """What the values of a short program's calls of the library say."""
    recording = explanation.recording
    yield from _cosines(recording)
    yield from _chance(explanation)
    call = explanation.call
    if call is not None and recording.raised is None:
        yield from _plainly(call, recording)


def _held(recording: Recording, call: Call, name: str) -> Tensor | None:
    held = recording.known(call.ref(name))
    return held if held is not None and held.data is not None and held.elements else None


def _result(recording: Recording, call: Call) -> Tensor | None:
    held = recording.tensors.get(call.outputs[0]) if call.outputs else None
    return held if held is not None and held.data is not None and held.elements else None


def _cosines(recording: Recording) -> Iterator[Message]:
    """By how many ulp the first cosine past 1 is, and what becomes of its angle."""
    for call in recording.calls:
        made = _result(recording, call) if call.function.endswith(".cosine_similarity") else None
        if made is None or not made.floating:
            continue
        past = float(np.abs(made.array().astype(np.float64)).max()) - 1
        unit = 2 * rounding.UNIT[made.dtype]
        if 0 < past < 1e-2:
            yield said(
                "A cosine is at most 1: this one is past it by {ulps} ulp, {past}, which is rounding. Products and "
                "lengths are rounded to {dtype} one by one, whose next number above 1 is 1 + {unit}. acos of it is "
                "nan: clamp(-1, 1) it before that.",
                ulps=round(past / unit),
                past=shown(past),
                dtype=made.dtype,
                unit=shown(unit),
            )
            return


def _chance(explanation: Explanation) -> Iterator[Message]:
    """That a cross entropy is above what a uniform guess costs, and what its exponential is."""
    recording = explanation.recording
    for call in recording.calls:
        if call.function.rpartition(".")[2] not in _OF_CLASSES or call.argument("weight") is not None:
            continue
        if set(call.outputs) & set(recording.others):
            continue
        made, count = _result(recording, call), _classes(recording, call)
        value = None if made is None or call.argument("reduction") != "mean" else scalar(made)
        if value is None or count is None or count < 2 or not math.isfinite(value):
            continue
        if any(each.function in _EXPS and call.outputs[0] in each.inputs() for each in recording.calls):
            yield said(
                "exp of a mean cross entropy is a perplexity: it is at least 1 = exp(0), since the loss is never "
                "negative, {count} for a uniform guess over {count} classes, and has no upper bound.",
                count=count,
            )
        if value > _BEYOND * math.log(count) and not call.argument("label_smoothing"):
            yield said(
                "A uniform guess over {count} classes costs ln {count} = {chance}: {value} is worse than guessing. The "
                "right classes get {p} on (geometric) average, where a guess gives them {share}: the model is sure of "
                "wrong ones.",
                count=count,
                chance=shown(math.log(count)),
                value=shown(value),
                p=shown(math.exp(-value)),
                share=shown(1 / count),
            )
        return


def _classes(recording: Recording, call: Call) -> int | None:
    """The number of classes of one-hot or index targets; None of labels whose sum is another than 1."""
    target, weights, scores = (_held(recording, call, name) for name in ("target", "linear_weight", "input"))
    if target is None or scores is None or (target.floating and not _are_shares(target.array().astype(np.float64))):
        return None
    sizes = weights.shape if weights is not None else scores.shape
    return sizes[0] if weights is not None or len(sizes) == 1 else sizes[1] if sizes else None


def _are_shares(labels: np.ndarray) -> bool:
    return bool(np.allclose(labels.sum(axis=min(1, labels.ndim - 1)), 1, atol=1e-4)) if labels.ndim else False


def _plainly(call: Call, recording: Recording) -> Iterator[Message]:
    """What the plain formula gives where it overflows or takes the logarithm of 0 and torch's does not."""
    plain = _PLAIN.get(call.function.rpartition(".")[2])
    made = _result(recording, call)
    held = [_held(recording, call, name) for name in plain.inputs] if plain else []
    if plain is None or made is None or any(each is None or not each.floating for each in held):
        return
    if any(call.argument(name) not in (None, value) for name, value in plain.options):
        return
    if not np.isfinite(made.array().astype(np.float64)).all():
        return
    with np.errstate(all="ignore"):
        naive = plain.run(*(each.array() for each in held if each is not None)).reshape(-1)
    at = np.flatnonzero(~np.isfinite(naive.astype(np.float64)))
    if at.size:
        yield said(
            "Computed as it is written, {formula} is {value} in {dtype} here, since an exponential overflows or is "
            "rounded to 0. torch takes the stable form {stable}.",
            formula=plain.formula,
            value=shown(float(naive[at[0]])),
            dtype=held[0].dtype if held[0] is not None else "",
            stable=plain.stable,
        )


def _log_sigmoid(x: Floats) -> Floats:
    return np.log(1 / (1 + np.exp(-x)))


def _softplus(x: Floats) -> Floats:
    return np.log(1 + np.exp(x))


def _binary(x: Floats, y: Floats) -> Floats:
    p = 1 / (1 + np.exp(-x))
    return -y * np.log(p) - (1 - y) * np.log(1 - p)


def _log_softmax(x: Floats) -> Floats:
    e = np.exp(x)
    return np.log(e / e.sum(axis=min(1, x.ndim - 1), keepdims=True)) if x.ndim else x


def _log_sum_exp(x: Floats) -> Floats:
    return np.log(np.exp(x).sum(axis=-1)) if x.ndim else x


_SHIFTED = "x - m - log(Σ exp(x - m)), m = max x"
_PLAIN: Mapping[str, _Plain] = MappingProxyType(
    {
        "logsigmoid": _Plain(("input",), "log(1/(1 + exp(-x)))", "min(x, 0) - log1p(exp(-|x|))", _log_sigmoid),
        "softplus": _Plain(
            ("input",),
            "log(1 + exp(x))",
            "log1p(exp(x)), x > threshold: x",
            _softplus,
            (("beta", 1), ("threshold", 20)),
        ),
        "binary_cross_entropy_with_logits": _Plain(
            ("input", "target"), "-y·log σ(x) - (1 - y)·log(1 - σ(x))", "(1 - y)·x - logsigmoid(x)", _binary
        ),
        "log_softmax": _Plain(("input",), "log(exp(x)/Σ exp(x))", _SHIFTED, _log_softmax),
        "cross_entropy": _Plain(("input",), "-log(exp(x)/Σ exp(x))", _SHIFTED, _log_softmax),
        "logsumexp": _Plain(("input",), "log(Σ exp(x))", "m + log(Σ exp(x - m)), m = max x", _log_sum_exp),
    }
)
