"""cosine_embedding_loss compares vectors: (N, D) against a target (N,), or a single pair (D,) against one number."""

from __future__ import annotations

import math
from collections.abc import Mapping

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Suspicion
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.refitting import refitted
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import shape
from explainers.messages import Message, said

Shape = tuple[int, ...]
_INPUTS = ("input1", "input2")


def suspicion(scene: Scene) -> Suspicion | None:
    """What of two inputs and a target does not fit; None where only the vectors' lengths differ."""
    first, second, target = (scene.given(name).shape for name in (*_INPUTS, "target"))
    if len(first) == len(second) == 2 and len(target) == 1 and target[0] in (first[0], second[0]) and first != second:
        return None
    changes, note = _changes(first, second, target)
    likely = bool(changes) and len(target) != len(first)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "the target has shape {y}: for inputs (N, D) it has one number per pair, shape (N,).", y=shape(target)
        ),
        evidence=(
            said(
                "{a} has shape {x}, {b} {y} and {target} {z}: axis 0 counts the pairs, axis 1 the features.",
                a=known_as(scene, "input1"),
                x=shape(first),
                b=known_as(scene, "input2"),
                y=shape(second),
                target=known_as(scene, "target"),
                z=shape(target),
            ),
            said(
                "For a pair with label 1 the loss is one minus the cosine, so it is 0 for identical vectors; with "
                "label −1 it is the cosine above the margin."
            ),
        ),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, **changes) if changes else None, "likely" if likely else "choose", note),
        alternatives=refitted(scene, note),
    )


def _changes(first: Shape, second: Shape, target: Shape) -> tuple[Mapping[str, str | None], Message]:
    """What to write around each argument, `{}` being what is there, and what that does."""
    labels, pairs = math.prod(target), next(iter(first), 0)
    if len(first) > 2 or len(target) > 1:
        rows = "{}.movedim(1, -1).flatten(0, -2)" if len(first) > 2 else None
        return {"input1": rows, "input2": rows, "target": "{}.flatten()"}, said(
            "Make the target 1D, one label for each row of the 2D inputs."
        )
    if {len(first), len(second)} == {1, 2}:
        short, rows = ("input1", second[:1]) if len(first) == 1 else ("input2", first[:1])
        return {short: f"{{}}.expand({shape((*rows, -1))[1:-1]})"}, said(
            "Compare the single vector with every row of the other input."
        )
    if len(first) == 1 and labels == 1:
        return {"target": "{}.squeeze(0)"}, said("A single pair has a single label: a target without axes.")
    if len(first) == 1 and labels == pairs:
        column = "{}.unsqueeze(1)"
        return {"input1": column, "input2": column}, said("If every number is a vector of its own, give it an axis.")
    if len(first) == 2 and not target:
        return {"target": f"{{}}.expand({pairs})"}, said("Repeat the label for every pair.")
    return {}, said("Give as many labels as there are pairs of vectors.")
