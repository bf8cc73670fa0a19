"""Weights of 0 that should leave nan out, and do not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.operands import known_as, replaced, written
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import entry, stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_ROWS = "each = torch.tensor([0.5, float('nan')])\nmask = torch.tensor([1.0, 0.0])\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="nan-times-zero",
            family="infinite-scores",
            title=said("A weight of 0 does not take nan away"),
            explanation=said(
                "0 * nan is nan: multiplying by zero leaves nan (and inf) in the sum, it propagates. Select what "
                "counts instead of weighing it: each[mask], torch.where(mask, each, 0) or masked_fill. Where the nan "
                "comes out of a computation, select before it, since the gradient is multiplied by 0 in the same way."
            ),
            words=(
                "masked positions are nan loss becomes nan",
                "nan times zero is nan mask",
                "multiply by mask still nan",
                "padding nan weight 0 loss nan",
            ),
            losses=frozenset(),
            trigger=_kept,
            positive=_HEAD + _ROWS + "(mask * each).sum() / mask.sum()",
            control=_HEAD + _ROWS + "torch.where(mask == 1, each, 0.0).sum() / mask.sum()",
            concern="non-finite",
            dominates=frozenset({"nonfinite-input"}),
        ),
    )


@dataclass(frozen=True)
class _Product:
    """The names of the arguments that hold nan and the zeros for it, with the first such place and how many."""

    spoiled: str
    weight: str
    index: tuple[int, ...]
    count: int


def _kept(scene: Scene) -> Suspicion | None:
    for call in scene.needed():
        there = replace(scene, call=call)
        if short(call) == "mul" and (found := _product(there)) is not None:
            return _suspected(there, found)
    return None


def _product(scene: Scene) -> _Product | None:
    """A product whose nan are all at zeros of the other operand."""
    for spoiled, weight in (("input", "other"), ("other", "input")):
        x, w = scene.recorded(spoiled), scene.recorded(weight)
        if x is None or w is None or not np.isnan(x).any():
            continue
        x, w = np.broadcast_arrays(x, w)
        places = np.isnan(x)
        if (w[places] == 0).all():
            return _Product(spoiled, weight, tuple(int(k) for k in np.argwhere(places)[0]), int(places.sum()))
    return None


def _suspected(scene: Scene, found: _Product) -> Suspicion:
    x, w = known_as(scene, found.spoiled), known_as(scene, found.weight)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: {weight} is 0 where {name} is nan, and 0 * nan is nan (line {line}).",
            value=stated(scene),
            weight=w,
            name=x,
            line=line_of(scene.call),
        ),
        evidence=(
            said(
                "{name}{entry} = nan is multiplied by 0; so are all {count} nan of it.",
                name=x,
                entry=entry(found.index),
                count=found.count,
            ),
        ),
        trials=(Trial(said("with nan left out"), graph_rerun(wrapped(scene.call, found.spoiled, "torch.nan_to_num"))),),
        fix=fixes.fix(
            scene,
            _selected(scene, found),
            "safe",
            said("Select what counts, by its index or with torch.where, before anything is computed of it."),
        ),
    )


def _selected(scene: Scene, found: _Product) -> str | None:
    """The program with nan replaced by 0 where its weight is 0."""
    weight = written(scene, found.weight)
    if weight is None:
        return None
    text = Source(scene.recording.source).written(weight)
    return replaced(scene, **{found.spoiled: f"torch.where(({text}) != 0, {{}}, 0.0)"})
