"""What the scores of a cross entropy say of the right class of each row: how probable it is, whether it is the one that
argmax picks, and how far it lies below the largest score.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from explainers.digits import shown
from explainers.explanation import Explanation
from explainers.messages import Message, said
from explainers.recording import Tensor

Floats = npt.NDArray[np.float64]

_ALMOST_ALL = 0.95
"""Share of a loss from which on the gap to the largest score is said to be all of it."""

_LEAST_GAP = 3.0
"""Below it the other classes have a noticeable part in the loss."""

_RUN_AWAY = 1e3
"""Scores beyond this are none that a model in training normally gives."""


@dataclass(frozen=True)
class _Rows:
    """The rows that have a right class and finite scores: their places, scores (items, C) and classes."""

    places: npt.NDArray[np.int64]
    scores: Floats
    labels: npt.NDArray[np.int64]

    @property
    def losses(self) -> Floats:
        """-log softmax of the right class of each row."""
        return np.logaddexp.reduce(self.scores, axis=1) - self._right

    @property
    def gaps(self) -> Floats:
        """How far the right score of each row lies below the largest one."""
        return self.scores.max(axis=1) - self._right

    @property
    def _right(self) -> Floats:
        return np.take_along_axis(self.scores, self.labels[:, None], axis=1)[:, 0]


def of_right_classes(explanation: Explanation) -> Iterator[Message]:
    """For a cross entropy of one class per row, by index or one-hot."""
    found = _rows(explanation)
    if found is None:
        return
    yield said(
        "Softmax gives class {target}, the right one of row {row}, the probability {p}; −log of it is {loss}.",
        target=int(found.labels[0]),
        row=int(found.places[0]),
        p=shown(math.exp(-found.losses[0])),
        loss=shown(float(found.losses[0])),
    )
    yield from _picked(found)
    yield from _below(found)


def _picked(found: _Rows) -> Iterator[Message]:
    """In how many rows argmax picks the right class, which is all that accuracy counts; nothing where scores tie."""
    top = found.scores == found.scores.max(axis=1, keepdims=True)
    right, rows = int((found.gaps == 0).sum()), len(found.gaps)
    counts = {"count": right, "all": rows, "share": shown(right / rows)}
    if (top.sum(axis=1) > 1).any():
        return
    if right < rows:
        yield said(
            "The right class has the largest score in {count} of {all} rows: the accuracy (argmax) is {share}. "
            "Accuracy asks which score is the largest, the loss how probable the right class is.",
            **counts,
        )
    elif rows > 1:
        yield said("The right class has the largest score in all {all} rows: the accuracy (argmax) is 1.", all=rows)


def _below(found: _Rows) -> Iterator[Message]:
    """Where a row's loss is nearly the gap between its largest and its right score, and what huge scores say."""
    at = int(found.losses.argmax())
    loss, gap, size = float(found.losses[at]), float(found.gaps[at]), float(np.abs(found.scores).max())
    if gap > _LEAST_GAP and gap >= _ALMOST_ALL * loss:
        yield said(
            "The score of the right class of row {row} lies {gap} below the largest one: of so sure a mistake the loss "
            "is nearly that difference.",
            row=int(found.places[at]),
            gap=shown(gap),
        )
    if size > _RUN_AWAY:
        yield said(
            "Scores as large as {size} are none that a model normally gives: mostly training diverges, by a learning "
            "rate that is too large or by inputs that are not normalised.",
            size=shown(size),
        )


def _rows(explanation: Explanation) -> _Rows | None:
    call, tensors = explanation.call, explanation.recording.tensors
    if call is None or explanation.loss is None or explanation.loss.name != "cross_entropy":
        return None
    input, target = (tensors.get(id) if (id := call.ref(name)) is not None else None for name in ("input", "target"))
    if input is None or target is None or input.data is None or target.data is None:
        return None
    if len(input.shape) not in (1, 2) or not target.elements or not input.elements:
        return None
    scores = np.atleast_2d(input.array().astype(np.float64))
    labels = _labels(target, scores.shape)
    if labels is None or len(labels) != len(scores):
        return None
    places = np.flatnonzero((labels >= 0) & (labels < scores.shape[1]) & np.isfinite(scores).all(axis=1))
    return _Rows(places, scores[places], labels[places]) if places.size else None


def _labels(target: Tensor, shape: tuple[int, ...]) -> npt.NDArray[np.int64] | None:
    """The class of each row: the index, or where the one 1 of a one-hot row stands; None for other probabilities."""
    held = target.array()
    if not target.floating:
        return held.astype(np.int64).reshape(-1)
    rows = np.atleast_2d(held.astype(np.float64))
    one_hot = rows.shape == shape and bool(np.isin(rows, (0.0, 1.0)).all() and (rows.sum(axis=1) == 1).all())
    return rows.argmax(axis=1) if one_hot else None
