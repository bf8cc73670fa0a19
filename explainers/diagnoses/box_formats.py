"""Boxes given by a corner and their size to a formula that reads two corners."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, row, stated
from explainers.messages import said
from explainers.recording import Tensor

_IOU = (
    "import torch\n\na = torch.tensor([[{}]])\nb = torch.tensor([[{}]])\n"
    "sides = (torch.min(a[:, 2:], b[:, 2:]) - torch.max(a[:, :2], b[:, :2])).clamp(min=0)\n"
    "inter = sides[:, 0] * sides[:, 1]\n"
    "area = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1]) + (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])\n"
    "1 - (inter / (area - inter)).mean()"
)
_SIDES = 4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="boxes-with-sizes",
            unedited="Where boxes are converted, or loaded in the other format, is the asker's choice.",
            family="overlaps",
            title=said("Boxes as corner and size where two corners are read"),
            explanation=said(
                "An IoU of corners takes boxes as (x1, y1, x2, y2), the format xyxy: its sides are x2 − x1 and "
                "y2 − y1. A box (x, y, w, h), the format xywh of COCO, read like that has a negative side wherever its "
                "size is smaller than its place; clamp(min=0) makes the intersection 0, and areas come out wrong. "
                "Convert it first: x2 = x + w, y2 = y + h, as torchvision.ops.box_convert(b, 'xywh', 'xyxy') does."
            ),
            words=(
                "IoU is 0 for overlapping boxes",
                "boxes in xywh format give IoU 0",
                "negative box width IoU",
                "xywh or xyxy box format IoU wrong",
                "GIoU loss wrong values with x, y, w, h boxes",
            ),
            losses=frozenset(),
            about=frozenset({"iou_loss"}),
            trigger=_with_sizes,
            positive=_IOU.format("27.0, 341.0, 246.0, 107.0", "30.0, 353.0, 230.0, 87.0"),
            control=_IOU.format("27.0, 341.0, 273.0, 448.0", "30.0, 353.0, 260.0, 440.0"),
            dominates=frozenset({"boxes-do-not-overlap"}),
        ),
    )


def _with_sizes(scene: Scene) -> Suspicion | None:
    names = {short(c) for c in scene.needed()}
    if not ({"max", "maximum"} & names and {"min", "minimum"} & names):
        return None
    boxes = [(tensor, x) for tensor, x in _boxes(scene) if _is_turned(x).any()]
    if not boxes:
        return None
    tensor, x = boxes[0]
    flat = x.reshape(-1, _SIDES)
    first = flat[int(np.argmax(_is_turned(flat)))]
    edits = graph_rerun(*(replaced(each, _cornered(values)) for each, values in _boxes(scene)))
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: {name} holds boxes whose second corner lies before the first: sizes, not corners.",
                     value=stated(scene), name=tensor.name or "boxes"),
        evidence=(
            said("Read as (x1, y1, x2, y2) the box {box} has the sides {width} and {height}; a negative one is cut "
                 "off, so that the intersection is 0.", box=row(first), width=number(float(first[2] - first[0])),
                 height=number(float(first[3] - first[1]))),
        ),
        trials=(Trial(said("with the boxes converted from (x, y, w, h): x + w and y + h"), edits),),
        fix=fixes.fix(scene, None, "likely",
                      said("Convert the boxes: torch.cat([b[:, :2], b[:, :2] + b[:, 2:]], 1).")),
    )  # fmt: skip


def _boxes(scene: Scene) -> list[tuple[Tensor, Floats]]:
    """What is handed in with four numbers in each row."""
    ids = dict.fromkeys(id for call in scene.needed() for id in call.inputs() if scene.is_given(id))
    held = ((scene.recording.tensors[id], scene.held(id)) for id in ids)
    return [(tensor, x) for tensor, x in held if x is not None and x.size and x.shape[-1:] == (_SIDES,)]


def _is_turned(x: Floats) -> Floats:
    """Which boxes have a corner before the other one, and no negative number: they may be sizes."""
    rows = x.reshape(-1, _SIDES)
    return (((rows[:, 2] < rows[:, 0]) | (rows[:, 3] < rows[:, 1])) & (rows[:, 2:] > 0).all(1)).astype(np.float64)


def _cornered(x: Floats) -> Floats:
    return np.concatenate([x[..., :2], x[..., :2] + x[..., 2:]], -1)
