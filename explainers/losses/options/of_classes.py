"""Options of losses over classes: smoothed labels, ignored targets, weights of classes, clusters of classes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from explainers.digits import shown
from explainers.losses.options.option import Option, Setting
from explainers.messages import Message, said
from explainers.recording import Items

MOST_CLUSTERS = 3


def smoothing() -> Option:
    """label_smoothing of cross-entropy."""
    return Option("label_smoothing", 0.0, _smoothing)


def ignoring(default: int | None = -100, *, softmax: bool = True) -> Option:
    """ignore_index; `softmax` says that the loss has the ignored class in a softmax of its own."""
    return Option("ignore_index", default, _ignored_in_softmax if softmax else _ignored, always=True)


def weights(*, by_their_sum: bool = True) -> Option:
    """One weight for each class; the mean is `by_their_sum` or over the items."""
    return Option("weight", None, _weighted if by_their_sum else _weighted_items)


def cutoffs() -> Option:
    """Where the clusters of adaptive softmax begin."""
    return Option("cutoffs", None, _clusters, always=True)


def class_count() -> Option:
    """num_classes of one_hot."""
    return Option("num_classes", -1, _counted, always=True)


def _smoothing(set_: Setting) -> Iterator[Message]:
    eps, count, target = set_.number, set_.classes, set_.tensor("target")
    if eps < 0:
        yield said(
            "label_smoothing={eps} has no effect: it has to be between 0 and 1. torch refuses what is above 1 and "
            "smooths only above 0, so a negative one is ignored and the loss is that of label_smoothing=0.",
            eps=f"{eps:g}",
        )
    elif not count or not 0 < eps <= 1:
        return
    elif target is not None and target.floating:
        yield said(
            "label_smoothing={eps} makes each probability p of the target (1 − {eps}) · p + {eps}/{count}.",
            eps=f"{eps:g}",
            count=count,
        )
    else:
        yield said(
            "label_smoothing={eps} is spread uniformly over all {count} classes, the target's own among them: its "
            "share is 1 − {eps} + {eps}/{count} = {own}, that of every other class {other}.",
            eps=f"{eps:g}",
            count=count,
            own=shown(1 - eps + eps / count),
            other=shown(eps / count),
        )


def _ignored(set_: Setting) -> Iterator[Message]:
    labels, target = set_.numbers("target"), set_.tensor("target")
    if labels is None or target is None or target.floating or math.isnan(set_.number):
        return
    ignored = int((labels == set_.number).sum())
    facts = {"index": int(set_.number), "ignored": ignored, "count": labels.size}
    if ignored and set_.call.argument("reduction") == "mean":
        yield said("ignore_index={index}: {ignored} of {count} targets are {index}. They are ignored: each gives 0, "
                   "and the mean divides by the others alone.", **facts)  # fmt: skip
    elif ignored:
        yield said("ignore_index={index}: {ignored} of {count} targets are {index}. They are ignored: each gives 0.",
                   **facts)  # fmt: skip


def _ignored_in_softmax(set_: Setting) -> Iterator[Message]:
    yield from _ignored(set_)
    if set_.classes is not None and 0 <= set_.number < set_.classes:
        yield said(
            "ignore_index={index} does not take class {index} out of the softmax: its score stays in the denominator "
            "of every other item.",
            index=int(set_.number),
        )


def _weighted(set_: Setting) -> Iterator[Message]:
    target, given = set_.tensor("target"), set_.numbers("weight")
    if target is None or given is None:
        return
    if target.floating:
        rows = target.elements // (set_.classes or 1)
        yield said(
            "weight multiplies the term of each class. With soft targets the mean divides by the number of rows, "
            "{rows}, not by the sum of the weights of the targets, by which it divides with class indices: so the same "
            "labels, one-hot, give another mean.",
            rows=rows,
        )
    else:
        yield _per_class(given)


def _weighted_items(set_: Setting) -> Iterator[Message]:
    given = set_.numbers("weight")
    if given is not None:
        yield _per_class(given)
        yield said("Its mean still divides by the number of items, not by the sum of the weights.")


def _per_class(given: np.ndarray) -> Message:
    return said(
        "weight holds one number for each of the {count} classes, from {least} to {most} here: an item is multiplied "
        "by that of its class.",
        count=given.size,
        least=shown(float(given.min(initial=np.inf))),
        most=shown(float(given.max(initial=-np.inf))),
    )


def _clusters(set_: Setting) -> Iterator[Message]:
    ends = [int(x) for x in set_.value.items if isinstance(x, int)] if isinstance(set_.value, Items) else []
    if len(ends) < 2:
        return
    ranges = [f"{start}…{end - 1}" for start, end in pairwise(ends)]
    listed = ", ".join(ranges[:MOST_CLUSTERS]) + (", …" if len(ranges) > MOST_CLUSTERS else "")
    yield said(
        "Of the {count} classes the head holds 0…{last} itself and one entry for each of {clusters} clusters: "
        "{listed}. cutoffs must rise, without repeats, from at least 1 to at most the number of classes less one, "
        "{most}.",
        count=ends[-1],
        last=ends[0] - 1,
        clusters=len(ranges),
        listed=listed,
        most=ends[-1] - 1,
    )


def _counted(set_: Setting) -> Iterator[Message]:
    labels = set_.numbers("input")
    if labels is None or not labels.size:
        return
    largest = int(labels.max())
    if set_.number < 0:
        yield said(
            "Without num_classes it is the largest class index and 1: here {largest} + 1 = {count}, so another batch "
            "may give another width. Classes are numbered from 0.",
            largest=largest,
            count=largest + 1,
        )
    else:
        yield said(
            "num_classes={count}: classes are numbered 0 to {last}; the largest one here is {largest}.",
            count=int(set_.number),
            last=int(set_.number) - 1,
            largest=largest,
        )
