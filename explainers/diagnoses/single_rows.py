"""Distances of rows with themselves alone: cdist of tensors whose last axes are of length 1."""

from __future__ import annotations

import math
from dataclasses import replace

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, reshaped
from explainers.diagnoses.operands import replaced as with_operands
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import shape, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\n\npoints = torch.tensor([[[0.0, 1.0], [2.0, 3.0], [1.0, -1.0]]])\n"
_ROWS = 2


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="distances-of-single-rows",
            family="self-similarity",
            title=said("cdist compares single rows with themselves"),
            explanation=said(
                "cdist reads the last two dimensions as rows and their coordinates, (…, rows, coordinates); all before "
                "are batch dimensions, in each of which every row of one is compared with every row of the other. "
                "With a single row there is one pair, the row with itself: its distance is 0, and so is the gradient. "
                "Squeeze or reshape the tensor so that the rows to compare are on the dimension before the last. Of "
                "rows with themselves the diagonal is always 0, all other pairs count twice."
            ),
            words=(
                "cdist is 0",
                "mean of cdist of prototypes with themselves is always 0",
                "pairwise distances all zero torch.cdist",
                "dissimilarity loss stays 0",
            ),
            losses=frozenset(),
            trigger=_single,
            positive=_HEAD + "x = points[..., None, None]\ntorch.cdist(x, x).mean()",
            control=_HEAD + "torch.cdist(points, points).mean()",
            dominates=frozenset({"distance-of-equal-points", "negated-score"}),
        ),
    )


def _single(scene: Scene) -> Suspicion | None:
    found = next((c for c in scene.needed() if short(c) == "cdist"), None)
    if found is None or found.ref("x1") is None or found.ref("x1") != found.ref("x2"):
        return None
    sizes = scene.recording.tensors[found.ref("x1") or 0].shape
    if len(sizes) < _ROWS or sizes[-2] != 1:
        return None
    wanted = _rows(sizes)
    if wanted is None:
        return None
    edits = (reshaped(found, name, wanted) for name in ("x1", "x2"))
    return Suspicion(
        at=found.index,
        verdict=said("{value}: cdist compares each of {count} single rows with itself alone.",
                     value=stated(scene), count=math.prod(sizes[:-2])),
        evidence=(
            said("The tensor has shape {shape}: its last two dimensions are {rows} row of {columns} numbers, all "
                 "before are batch dimensions.", shape=shape(sizes), rows=1, columns=sizes[-1]),
        ),
        trials=(Trial(said("with the shape {shape}, so that all pairs of rows are compared", shape=shape(wanted)),
                      graph_rerun(*edits)),),
        fix=fixes.fix(scene, _reshaped(scene, found, wanted), "likely",
                      said("Reshape it to {shape}.", shape=shape(wanted))),
    )  # fmt: skip


def _reshaped(scene: Scene, call: Call, wanted: tuple[int, ...]) -> str | None:
    text = f"{{}}.reshape({', '.join(map(str, wanted))})"
    return with_operands(replace(scene, call=call), x1=text, x2=text)


def _rows(sizes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape without the axes of length 1 at its end; what is left are rows and their coordinates."""
    kept = list(sizes)
    while len(kept) > _ROWS and kept[-1] == 1:
        kept.pop()
    if kept[-2] == 1:
        kept = [kept[0] * math.prod(kept[1:-1]), kept[-1]]
    return tuple(kept) if len(kept) >= _ROWS and kept[-2] > 1 else None
