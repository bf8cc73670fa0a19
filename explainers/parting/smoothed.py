"""Cross entropy with smoothed labels as people write it: a target of shares, times the log-softmax of each class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from explainers.messages import said
from explainers.parting.terms import Term, floats
from explainers.recording import Call, Recording


def smoothed(recording: Recording, id: int, terms: Sequence[Term]) -> Iterator[Term]:
    """The smoothed target of a cross entropy of class indices, its products with the log-softmax that is among these
    terms, and what they add up to in each row; nothing for other losses."""
    call = recording.producer(id)
    share = None if call is None else call.argument("label_smoothing")
    labels = None if call is None or not isinstance(share, float) or not share else _labels(recording, call)
    if labels is None or not isinstance(share, float):
        return
    logs = (t for t in terms if t.name is not None and t.name.text == "the log-softmax")
    log = next((t for t in logs if t.value.ndim == 2 and len(t.value) == len(labels)), None)
    if log is None or not ((labels >= 0) & (labels < log.value.shape[1])).all():
        return
    classes = log.value.shape[1]
    one_hot = Term(floats(np.eye(classes)[labels]))
    target = Term(
        (1 - share) * one_hot.value + share / classes, (one_hot,), name=said("the smoothed target"), rough=log.rough
    )
    products = Term(target.value * log.value, (target, log))
    yield from (target, products, Term(products.value.sum(1), (products,)))


def _labels(recording: Recording, call: Call) -> npt.NDArray[np.int64] | None:
    """The class indices of each row, None where there are none, or none are recorded."""
    id = call.ref("target")
    held = None if id is None else recording.tensors.get(id)
    if held is None or held.floating or held.data is None or len(held.shape) != 1:
        return None
    return held.array().astype(np.int64)
