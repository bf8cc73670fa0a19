"""What the options that a call sets do to its value, with its own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np

from explainers.digits import shown
from explainers.losses.registry import registry
from explainers.messages import Message, said
from explainers.recording import Call, Recording, Tensor

Telling = Callable[[float, Call, Recording], Message | None]


def options(recording: Recording, call: Call | None) -> Iterator[Message]:
    """A sentence for each option of a library loss that is set to something else than torch's default."""
    if call is None or registry().of(call.function) is None:
        return
    name = call.function.rpartition(".")[2]
    for (loss, option), (default, telling) in _OPTIONS.items():
        value = call.argument(option)
        asked = value != default or (loss, option) in _ALWAYS
        if loss == name and isinstance(value, bool | int | float) and asked:
            told = telling(float(value), call, recording)
            if told is not None:
                yield told


def _tensor(call: Call, recording: Recording, name: str) -> Tensor | None:
    id = call.ref(name)
    return None if id is None else recording.tensors.get(id)


def _classes(call: Call, recording: Recording) -> int | None:
    given = _tensor(call, recording, "input")
    sizes = given.shape if given is not None else ()
    return sizes[min(1, len(sizes) - 1)] if sizes else None


def _smoothing(eps: float, call: Call, recording: Recording) -> Message | None:
    count = _classes(call, recording)
    if not count or not 0 < eps <= 1:
        return None
    target = _tensor(call, recording, "target")
    if target is not None and target.floating:
        return said(
            "label_smoothing={eps} makes each probability p of the target (1 − {eps}) · p + {eps}/{count}.",
            eps=f"{eps:g}",
            count=count,
        )
    return said(
        "label_smoothing={eps} is spread uniformly over all {count} classes, the target's own among them: its share is "
        "1 − {eps} + {eps}/{count} = {own}, that of every other class {other}.",
        eps=f"{eps:g}",
        count=count,
        own=shown(1 - eps + eps / count),
        other=shown(eps / count),
    )


def _ignored(index: float, call: Call, recording: Recording) -> Message | None:
    count = _classes(call, recording)
    if count is None:
        return None
    if not 0 <= index < count or call.function.endswith("nll_loss"):
        return _left_out(int(index), call, recording)
    return said(
        "ignore_index={index} leaves out items whose target is {index}. It does not take class {index} out of the "
        "softmax: its score stays in the denominator of every other item.",
        index=int(index),
    )


def _left_out(index: int, call: Call, recording: Recording) -> Message | None:
    """How many items are ignored, where some are."""
    target = _tensor(call, recording, "target")
    if target is None or target.data is None or target.floating:
        return None
    ignored = int((target.array() == index).sum())
    facts = {"index": index, "ignored": ignored, "count": target.elements}
    if not ignored:
        return None
    if call.argument("reduction") == "mean":
        return said("ignore_index={index}: {ignored} of {count} targets are {index}. They are ignored: each gives 0, "
                    "and the mean divides by the others alone.", **facts)  # fmt: skip
    return said(
        "ignore_index={index}: {ignored} of {count} targets are {index}. They are ignored: each gives 0.", **facts
    )


def _l1(beta: float, _call: Call, _recording: Recording) -> Message | None:
    if beta != 0:
        return None
    return said(
        "With beta=0 there is no quadratic part: torch computes exactly l1_loss, and nothing is divided by beta."
    )


def _stirling(full: float, call: Call, recording: Recording) -> Message | None:
    target = _tensor(call, recording, "target")
    if not full or target is None or target.data is None or not target.elements:
        return None
    most = float(target.array().max())
    if most <= 1:
        return said("full=True adds log(target!) by Stirling's approximation for targets above 1: here there are none.")
    stirling = most * math.log(most) - most + 0.5 * math.log(2 * math.pi * most)
    return said(
        "full=True adds log(target!) by Stirling's approximation, t log t − t + ½ log(2πt), for targets above 1: for "
        "{most} that is {approximate}, where log({most}!) is {exact}.",
        most=shown(most),
        approximate=shown(stirling),
        exact=shown(math.lgamma(most + 1)),
    )


def _rates(log_input: float, _call: Call, _recording: Recording) -> Message | None:
    if log_input:
        return None
    return said("log_input=False reads the input as the rate itself: x − target · log(x + eps), so x must be positive.")


def _constant(full: float, _call: Call, _recording: Recording) -> Message | None:
    return said("full=True adds the constant ½ log 2π ≈ 0.9189 to each element.") if full else None


def _clamped(eps: float, call: Call, recording: Recording) -> Message | None:
    var = _tensor(call, recording, "var")
    if var is None or var.data is None or not var.elements:
        return None
    below = int((var.array().astype(np.float64) < eps).sum())
    if not below and eps == _SMALL:
        return None
    return said(
        "eps is no summand: var is clamped to at least eps={eps}, max(var, eps). Here that changes {below} of {count} "
        "variances.",
        eps=f"{eps:g}",
        below=below,
        count=var.elements,
    )


def _nearer(swap: float, _call: Call, _recording: Recording) -> Message | None:
    if not swap:
        return None
    return said("swap=True takes the smaller of d(a,n) and d(p,n) as the distance to the negative.")


def _logarithms(log_target: float, _call: Call, _recording: Recording) -> Message | None:
    if not log_target:
        return None
    return said("log_target=True reads the target as log-probabilities too: e^y · (y − x).")


def _posterior(_blank: float, _call: Call, _recording: Recording) -> Message:
    return said(
        "The gradient by log_probs is what torch's backward gives: e^log_probs minus the share of the alignments that "
        "pass there. That is the derivative through log_softmax, not that of the formula by log_probs itself."
    )


def _zeroed(zero: float, _call: Call, _recording: Recording) -> Message | None:
    if not zero:
        return None
    return said("zero_infinity=True sets infinite losses, and their gradients, to 0: it hides targets that do not fit.")


_SMALL = 1e-6
_ALWAYS = frozenset(
    {
        ("cross_entropy", "ignore_index"),
        ("nll_loss", "ignore_index"),
        ("gaussian_nll_loss", "eps"),
        ("ctc_loss", "blank"),
    }
)
"""Options whose default is told of, too."""

_OPTIONS: Mapping[tuple[str, str], tuple[float, Telling]] = MappingProxyType(
    {
        ("cross_entropy", "label_smoothing"): (0.0, _smoothing),
        ("cross_entropy", "ignore_index"): (-100, _ignored),
        ("nll_loss", "ignore_index"): (-100, _ignored),
        ("smooth_l1_loss", "beta"): (1.0, _l1),
        ("poisson_nll_loss", "full"): (False, _stirling),
        ("poisson_nll_loss", "log_input"): (True, _rates),
        ("gaussian_nll_loss", "full"): (False, _constant),
        ("gaussian_nll_loss", "eps"): (_SMALL, _clamped),
        ("triplet_margin_loss", "swap"): (False, _nearer),
        ("kl_div", "log_target"): (False, _logarithms),
        ("ctc_loss", "blank"): (0, _posterior),
        ("ctc_loss", "zero_infinity"): (False, _zeroed),
    }
)
"""Loss and option → torch's default, and what any other value does."""
