"""What a reduced loss divides by: the number of its elements, its items or their weights, as torch does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from explainers.digits import shown
from explainers.messages import Message, said
from explainers.recording import Call, Items, Recording, Tensor, scalar

ELEMENTWISE = frozenset(
    {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "soft_margin_loss", "kl_div"}
    | {"binary_cross_entropy_with_logits", "poisson_nll_loss", "gaussian_nll_loss", "hinge_embedding_loss"}
)
OF_CLASSES = frozenset({"cross_entropy", "nll_loss", "linear_cross_entropy"})
OF_ITEMS = frozenset(
    {"margin_ranking_loss", "cosine_embedding_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss"}
)
OVER_CLASSES = frozenset({"multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss"})
FEW = 4
WEIGHED = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits"})


def divisor(recording: Recording, call: Call | None, name: str) -> Iterator[Message]:
    """How what a call of a library loss returns is made of its terms, or that it keeps them; nothing for one."""
    given = (
        {}
        if call is None
        else {a.name: recording.tensors[id] for a in call.arguments if (id := call.ref(a.name)) is not None}
    )
    reduction = reduction_of(call) if call is not None else ""
    if call is None or reduction not in ("none", "mean", "sum", "batchmean"):
        return
    if reduction == "none":
        yield from _kept(recording, call)
    elif name in ELEMENTWISE and "input" in given and ("weight" not in given or name in WEIGHED):
        yield from _of_elements(name, reduction, given, _result(recording, call))
    elif reduction == "mean":
        yield from _of_mean(name, call, given, _result(recording, call))


def _of_mean(name: str, call: Call, given: Mapping[str, Tensor], value: float) -> Iterator[Message]:
    """What the mean of a loss that is not one over elements divides by."""
    if name in OF_CLASSES and {"input", "target"} <= given.keys():
        yield from _of_items(call, given, value)
    elif name in OF_ITEMS:
        yield from _of_pairs(name, given)
    elif name in OVER_CLASSES:
        yield from _ofrows_of(given)
    elif name == "ctc_loss":
        yield from _of_targets(call, given)


def reduction_of(call: Call) -> str:
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
    with np.errstate(all="ignore"):  # inf among them
        mean, total = float(terms.mean()), float(terms.sum())
    yield said(
        "reduction='none' takes no mean and keeps {count} losses in shape {shape}, one for each item: their mean is "
        "{mean}, their sum {total}. backward() needs a single number, so it is for you to reduce them.",
        count=made.elements,
        shape=f"({', '.join(map(str, made.shape))}{',' if len(made.shape) == 1 else ''})",
        mean=shown(mean),
        total=shown(total),
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
    yield from _added_up(value * count)
    if name in WEIGHED and (weight := given.get("weight")) is not None and weight.data is not None:
        yield said(
            "Its weight multiplies the elements only: the divisor stays their number. It is no sum of the weights, as "
            "that of cross_entropy's weighted mean is."
        )


def _of_items(call: Call, given: Mapping[str, Tensor], value: float) -> Iterator[Message]:
    target, weight = given["target"], given.get("weight")
    if target.floating and weight is None and (rows := rows_of(given["input"])) > 1 and "linear_weight" not in given:
        yield said("The mean divides by the number of rows, {count}.", count=rows)
    if target.floating or target.data is None or target.elements < 2:
        return
    ignored = call.argument("ignore_index")
    labels = target.array().astype(np.int64).reshape(-1)
    kept = labels[labels != (ignored if isinstance(ignored, int) else -100)]
    if weight is None and len(kept) == len(labels):
        yield said("The mean divides by the {count} targets.", count=len(kept))
        yield from _added_up(value * len(kept))
    elif weight is not None and weight.data is not None and len(kept) and kept.min() >= 0:
        total = float(weight.array().astype(np.float64)[kept].sum())
        yield said(
            "Its mean is a weighted mean: it divides by the sum of the weights of the targets, {total}.",
            total=shown(total),
        )
        if not call.argument("label_smoothing"):
            yield from _added_up(value * total)


def _added_up(total: float) -> Iterator[Message]:
    """What the sum is that a mean was made of."""
    if math.isfinite(total) and total:
        yield said("With reduction='sum' it would be {total}.", total=shown(total))


def _of_pairs(name: str, given: Mapping[str, Tensor]) -> Iterator[Message]:
    """Of pairs of numbers every broadcast one, of vectors every one along the last axis."""
    shapes = [given[each].shape for each in ("input1", "input2", "anchor", "positive", "negative") if each in given]
    try:
        sizes = np.broadcast_shapes(*shapes)
    except ValueError:
        return
    count = math.prod(sizes if name == "margin_ranking_loss" else sizes[:-1])
    if count > 1:
        yield said("The mean divides by the number of items, {count}.", count=count)


def _ofrows_of(given: Mapping[str, Tensor]) -> Iterator[Message]:
    sizes = given["input"].shape if "input" in given else ()
    if len(sizes) > 1 and sizes[-1] > 1 and sizes[0] > 1:
        yield said(
            "The terms of an item are added up and divided by its {classes} classes; the mean then divides by the "
            "{rows} items.",
            classes=sizes[-1],
            rows=math.prod(sizes[:-1]),
        )


def _of_targets(call: Call, given: Mapping[str, Tensor]) -> Iterator[Message]:
    """The two divisions of ctc_loss: by the length of each target, and by the batch."""
    lengths = _whole(call, "target_lengths", given)
    if not lengths or lengths == [1]:
        return
    listed = ", ".join(str(max(each, 1)) for each in lengths[:FEW]) + (", …" if len(lengths) > FEW else "")
    yield said(
        "reduction='mean' divides the loss of each item by the length of its target ({lengths}) first, and only then "
        "averages over the batch of {count}: it is not the plain mean of what reduction='none' gives.",
        lengths=listed,
        count=len(lengths),
    )


def _whole(call: Call, name: str, given: Mapping[str, Tensor]) -> list[int]:
    value = call.argument(name)
    if isinstance(value, Items):
        return [x for x in value.items if isinstance(x, int)]
    held = given.get(name)
    return [] if held is None or held.data is None else held.array().astype(np.int64).reshape(-1).tolist()


def rows_of(scores: Tensor) -> int:
    return math.prod((*scores.shape[:1], *scores.shape[2:])) if len(scores.shape) > 1 else 1
