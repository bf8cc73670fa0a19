"""What a reduced loss divides by: the number of its elements, its items or their weights, as torch does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from explainers.digits import shown
from explainers.messages import Message, said
from explainers.recording import Call, Recording, Tensor, scalar

ELEMENTWISE = frozenset(
    {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "soft_margin_loss", "kl_div"}
    | {"binary_cross_entropy_with_logits", "poisson_nll_loss", "gaussian_nll_loss", "hinge_embedding_loss"}
)
OF_CLASSES = frozenset({"cross_entropy", "nll_loss"})
WEIGHED = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits"})


def divisor(recording: Recording, call: Call | None, name: str) -> Iterator[Message]:
    """How what a call of a library loss returns is made of its terms, or that it keeps them; nothing for one."""
    given = (
        {}
        if call is None
        else {a.name: recording.tensors[id] for a in call.arguments if (id := call.ref(a.name)) is not None}
    )
    reduction = _reduction(call) if call is not None else ""
    if call is None or reduction not in ("none", "mean", "sum", "batchmean"):
        return
    if reduction == "none":
        yield from _kept(recording, call)
    if reduction == "none" or "input" not in given:
        return
    if name in ELEMENTWISE:
        yield from _of_elements(name, reduction, given, _result(recording, call))
    elif name in OF_CLASSES and "target" in given and reduction == "mean":
        yield from _of_items(call, given)


def _reduction(call: Call) -> str:
    """The reduction, also where the legacy flags say so."""
    average, reduce = call.argument("size_average"), call.argument("reduce")
    if average is None and reduce is None:
        return str(call.argument("reduction") or "mean").removeprefix("elementwise_")
    return "none" if reduce is False else "sum" if average is False else "mean"


def _result(recording: Recording, call: Call) -> float:
    made = recording.tensors.get(call.outputs[0]) if call.outputs else None
    number = None if made is None else scalar(made)
    return math.nan if number is None else number


def _kept(recording: Recording, call: Call) -> Iterator[Message]:
    """What the losses of a call that reduces nothing come to on average and together."""
    made = recording.tensors.get(call.outputs[0]) if call.outputs else None
    if made is None or made.data is None or made.elements < 2:
        return
    terms = made.array().astype(np.float64)
    yield said(
        "reduction='none' takes no mean and keeps {count} losses, one for each item: their mean is {mean}, their sum "
        "{total}. backward() needs a single number, so it is for you to reduce them.",
        count=made.elements,
        mean=shown(float(terms.mean())),
        total=shown(float(terms.sum())),
    )


def _of_elements(name: str, reduction: str, given: Mapping[str, Tensor], value: float) -> Iterator[Message]:
    shapes = [given[each].shape for each in ("input", "target", "var") if each in given]
    try:
        sizes = np.broadcast_shapes(*shapes)
    except ValueError:
        return
    count, rows = math.prod(sizes), sizes[0] if sizes else 1
    if count < 2:
        return
    if reduction == "sum":
        if math.isfinite(value) and len(sizes) > 1 and rows not in (1, count):
            yield said(
                "reduction='sum' adds up {count} elements: their mean is {mean}, and each of the {rows} rows of the "
                "batch comes to {item} on average.",
                count=count,
                mean=shown(value / count),
                item=shown(value / rows),
                rows=rows,
            )
        elif math.isfinite(value):
            yield said(
                "reduction='sum' adds up {count} elements; their mean is {mean}.",
                count=count,
                mean=shown(value / count),
            )
        return
    if reduction == "batchmean":
        yield said(
            "reduction='batchmean' divides by the {rows} rows, not by all {count} elements.", rows=rows, count=count
        )
        return
    if len(sizes) > 1 and rows not in (1, count):
        yield said(
            "The mean divides by all {count} elements, not by the {rows} rows of the batch.", count=count, rows=rows
        )
    else:
        yield said("The mean divides by the number of elements, {count}.", count=count)
    if name in WEIGHED and (weight := given.get("weight")) is not None and weight.data is not None:
        yield said(
            "Its weight multiplies the elements only: the divisor stays their number. It is no sum of the weights, as "
            "that of cross_entropy's weighted mean is."
        )


def _of_items(call: Call, given: Mapping[str, Tensor]) -> Iterator[Message]:
    target, weight = given["target"], given.get("weight")
    if target.floating or target.data is None or target.elements < 2:
        return
    ignored = call.argument("ignore_index")
    labels = target.array().astype(np.int64).reshape(-1)
    kept = labels[labels != (ignored if isinstance(ignored, int) else -100)]
    if weight is None and len(kept) == len(labels):
        yield said("The mean divides by the {count} targets.", count=len(kept))
    elif weight is not None and weight.data is not None and len(kept) and kept.min() >= 0:
        total = float(weight.array().astype(np.float64)[kept].sum())
        yield said(
            "Its mean is a weighted mean: it divides by the sum of the weights of the targets, {total}.",
            total=shown(total),
        )
