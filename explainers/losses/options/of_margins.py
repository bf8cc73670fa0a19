"""Margins: by how much something has to be right, and how many already are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explainers.digits import shown
from explainers.losses.options.option import Numbers, Option, Setting
from explainers.messages import Message, said


def ranking() -> Option:
    """The margin of margin_ranking_loss."""
    return Option("margin", 0, _ranked)


def hinge() -> Option:
    """The margin of hinge_embedding_loss."""
    return Option("margin", 1.0, _apart)


def of_cosines() -> Option:
    """The margin of cosine_embedding_loss."""
    return Option("margin", 0, _unlike)


def of_classes() -> Option:
    """The margin of multi_margin_loss."""
    return Option("margin", 1.0, _ahead)


def of_triplets() -> Option:
    """The margin of a triplet loss."""
    return Option("margin", 1.0, _further)


def power() -> Option:
    """p of multi_margin_loss."""
    return Option("p", 1, _power)


def swap() -> Option:
    """Whether the nearer of anchor and positive counts as the distance to the negative."""
    return Option("swap", False, _nearer)


def distance() -> Option:
    """The distance_function of a triplet loss."""
    return Option("distance_function", None, _distance)


def _ranked(set_: Setting) -> Iterator[Message]:
    first, second, target = (set_.numbers(name) for name in ("input1", "input2", "target"))
    if first is None or second is None or target is None:
        return
    lead = target * (first - second)
    yield said(
        "margin={margin} is by how much the higher one has to be ahead (a negative margin lets it be behind): "
        "{met} of {count} pairs are, and cost nothing.",
        margin=shown(set_.number),
        met=int((lead >= set_.number).sum()),
        count=lead.size,
    )


def _apart(set_: Setting) -> Iterator[Message]:
    distances, target = set_.numbers("input"), set_.numbers("target")
    if distances is None or target is None:
        return
    pairs = np.broadcast_arrays(distances, target)
    different = pairs[0][pairs[1] == -1]
    yield said(
        "margin={margin} counts for target −1 alone: a distance from there on costs nothing. Here that holds for "
        "{met} of {count}.",
        margin=shown(set_.number),
        met=int((different >= set_.number).sum()),
        count=different.size,
    )


def _unlike(set_: Setting) -> Iterator[Message]:
    yield said(
        "margin={margin} counts for target −1 alone: a cosine up to it costs nothing there. Cosines lie between −1 and "
        "1, and torch's documentation suggests 0 to 0.5; a margin of 1 or more makes every pair of target −1 cost 0.",
        margin=shown(set_.number),
    )


def _ahead(set_: Setting) -> Iterator[Message]:
    gaps = _gaps(set_)
    if gaps is not None:
        yield said(
            "margin={margin} is by how much the target's score has to be above that of each other class: {met} of "
            "{count} other classes are so far below, and cost nothing.",
            margin=shown(set_.number),
            met=int((gaps >= set_.number).sum()),
            count=gaps.size,
        )


def _gaps(set_: Setting) -> Numbers | None:
    """How far each other class lies below the target's."""
    scores, target = set_.numbers("input"), set_.numbers("target")
    if scores is None or target is None:
        return None
    rows, labels = np.atleast_2d(scores), target.astype(np.int64).reshape(-1)
    if len(labels) != len(rows) or ((labels < 0) | (labels >= rows.shape[1])).any():
        return None
    below = np.take_along_axis(rows, labels[:, np.newaxis], axis=1) - rows
    return below[np.arange(rows.shape[1]) != labels[:, np.newaxis]]


def _further(set_: Setting) -> Iterator[Message]:
    yield said(
        "margin={margin} is by how much further away than the positive the negative has to be before a triplet costs "
        "nothing; it has to be above 0. It is measured in the unit of the distances: between vectors of length 1 "
        "Euclidean ones are at most 2.",
        margin=shown(set_.number),
    )


def _power(set_: Setting) -> Iterator[Message]:
    yield said(
        "p={p} squares what each class lacks to the margin, which is then divided by the number of classes; torch "
        "takes 1 and 2.",
        p=shown(set_.number),
    )


def _nearer(_set: Setting) -> Iterator[Message]:
    yield said("swap=True takes the smaller of d(a,n) and d(p,n) as the distance to the negative.")


def _distance(_set: Setting) -> Iterator[Message]:
    yield said("The distances are those of the distance_function that was given, not Euclidean ones.")
