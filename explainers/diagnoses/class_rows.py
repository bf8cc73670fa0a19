"""The input of a loss over classes, row by row: what could be probabilities, and what rows say in a sentence."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses.scene import Floats, Scene, Unrecorded
from explainers.diagnoses.wording import number, row
from explainers.graph.floats import log_sum_exp
from explainers.graph.interval_blocks import laid_out
from explainers.messages import Message, said


def class_dim(scene: Scene) -> int:
    """The dimension of the classes: 0 of (C), 1 of (N, C, …)."""
    return 0 if len(scene.given("input").shape) == 1 else 1


def class_rows(scene: Scene) -> Floats:
    """The input as (items, C); Unrecorded where there are no items or no classes."""
    x = scene.array("input")
    if x.ndim == 0 or x.size == 0:
        raise Unrecorded("input")
    return laid_out(np.moveaxis(x, class_dim(scene), -1).reshape(-1, x.shape[class_dim(scene)]))


def tolerance(scene: Scene, single: float) -> float:
    """How far a sum may be off: `single` for float32 and float64, more for the half-width floats."""
    return 2e-2 if scene.given("input").dtype in ("float16", "bfloat16") else single


def could_be_probabilities(scene: Scene, rows: Floats) -> bool:
    """Whether every row has at least two entries, none of them negative, that sum to 1."""
    sums = rows.sum(axis=1)
    return rows.shape[1] > 1 and bool((rows >= 0).all() and (np.abs(sums - 1) <= tolerance(scene, 1e-4)).all())


def softmax(rows: Floats) -> Floats:
    """What the loss makes of rows of scores."""
    return np.exp(rows - log_sum_exp(rows, 1)[:, np.newaxis])


def probabilities_seen(rows: Floats) -> tuple[Message, ...]:
    """The first row and its sum."""
    first = said(
        "Row 0 of the input is {row}: nothing negative, and the sum is {sum}, as of probabilities.",
        row=row(rows[0]),
        sum=number(float(rows[0].sum())),
    )
    return (first,) if len(rows) == 1 else (first, said("All {count} rows are like that.", count=len(rows)))


def impossible_targets(scene: Scene, rows: Floats) -> tuple[Message, ...]:
    """Says where −log p of the target is infinite."""
    if scene.given("target").floating:
        return ()
    y = scene.array("target").astype(np.int64).reshape(-1)
    kept = (y >= 0) & (y < rows.shape[1]) & (y != scene.call.argument("ignore_index"))
    count = int((rows[kept.nonzero()[0], y[kept]] == 0).sum()) if len(y) == len(rows) else 0
    text = "The target's probability is 0 in {count} of {rows} rows, where −log p is infinite."
    return (said(text, count=count, rows=len(rows)),) if count else ()


def entry_range(scene: Scene) -> tuple[Message, ...]:
    """The least and the largest entry, where they were recorded."""
    x = scene.recorded("input")
    if x is None or not x.size:
        return ()
    low, high = number(float(x.min())), number(float(x.max()))
    return (said("What arrives at the loss lies between {low} and {high}.", low=low, high=high),)
