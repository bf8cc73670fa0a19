"""The overlap of boxes: an IoU that is 0 has no gradient, and what the losses made of it range over."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call, Tensor

_HEAD = "import torch\n\n"
_BOXES = "p = torch.tensor([{}], requires_grad=True)\nt = torch.tensor([30.0, 30.0, 50.0, 50.0])\n"
_CORNERS = (
    "x1, y1 = torch.max(p[0], t[0]), torch.max(p[1], t[1])\nx2, y2 = torch.min(p[2], t[2]), torch.min(p[3], t[3])\n"
)
_IOU = (
    "inter = (x2 - x1).clamp(min=0) * (y2 - y1).clamp(min=0)\n"
    "union = (p[2] - p[0]) * (p[3] - p[1]) + (t[2] - t[0]) * (t[3] - t[1]) - inter\n"
    "loss = 1 - inter / union\nloss.backward()\nprint(loss)"
)
_PROGRAM = _HEAD + _BOXES + _CORNERS + _IOU
_CLIPS = frozenset({"clamp", "clamp_min", "relu"})
_CORNERS_OF = frozenset({"max", "maximum", "min", "minimum"})
_SIDES = 4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="boxes-do-not-overlap",
            family="overlaps",
            title=said("The IoU of boxes that do not overlap is 0, and has no gradient"),
            explanation=said(
                "The intersection of two boxes that do not touch is cut off at 0, however far apart they are: 1 − IoU "
                "is exactly 1 and its gradient 0, so the box never moves. 1 − GIoU takes the empty part of the box "
                "around both off and lies between 0 and 2, 1 − DIoU and 1 − CIoU add the distance of the centres and "
                "may exceed 1: none is ever negative, and all of them move boxes that are apart. Coordinates that are "
                "too large by far (no sigmoid, no normalisation) start there."
            ),
            words=(
                "IoU loss stays at 1",
                "IoU loss exactly 1 and the box does not move",
                "GIoU loss stuck at 1 coordinates too large",
                "range of 1 - GIoU or 1 - CIoU greater than 1",
                "CIoU loss negative or above 1",
                "DIoU loss range",
            ),
            losses=frozenset(),
            trigger=_apart,
            unedited="Which of the losses that measure a distance is wanted is the asker's choice.",
            positive=_PROGRAM.format("10.0, 10.0, 20.0, 20.0"),
            control=_PROGRAM.format("25.0, 25.0, 40.0, 40.0"),
            about=frozenset({"iou_loss"}),
            dominates=frozenset({"clamp-cuts-gradient", "dead-relu"}),
        ),
    )


def _apart(scene: Scene) -> Suspicion | None:
    """A product of two cut-off lengths, made of the larger and smaller corners of boxes, is 0 in every place."""
    found = next((pair for call in scene.needed() if (pair := _sides(scene, call)) is not None), None)
    boxes = _boxes(scene)
    if found is None or boxes is None or scene.value is None:
        return None
    (width, x), (_, y) = found
    prediction, target = boxes
    onto = graph_rerun(replaced(prediction, target.array().astype(np.float64)))
    note = said("Use 1 − GIoU, 1 − DIoU or 1 − CIoU, and keep the coordinates in range.")
    return Suspicion(
        at=width.index,
        verdict=said(
            "{value}: the boxes do not overlap, so the IoU is 0 and nothing tells them where to go.",
            value=stated(scene),
        ),
        evidence=(
            said(
                "The sides of the intersection are {width} and {height} before they are cut off at 0.",
                width=number(float(x.max())),
                height=number(float(y.max())),
            ),
        ),
        trials=(Trial(said("with the predicted box on the target"), onto, "illustration"),),
        fix=fixes.fix(scene, None, "choose", note),
    )


def _sides(scene: Scene, call: Call) -> tuple[tuple[Call, Floats], tuple[Call, Floats]] | None:
    """The two lengths of an intersection, with what was cut off at 0."""
    if short(call) != "mul" or len(call.inputs()) != 2:
        return None
    clips = [scene.maker(id) for id in call.inputs()]
    held = [(c, x) for c in clips if c is not None and (x := _cut_off(scene, c)) is not None]
    if len(held) != 2 or not bool(((held[0][1] <= 0) | (held[1][1] <= 0)).all()):
        return None
    return (held[0], held[1]) if all(_is_of_corners(scene, c) for c, _ in held) else None


def _cut_off(scene: Scene, call: Call) -> Floats | None:
    """What is cut off at 0."""
    if short(call) not in _CLIPS or (short(call) != "relu" and call.argument("min") != 0):
        return None
    x = scene.held(call.ref("input"))
    return x if x is not None and x.size else None


def _is_of_corners(scene: Scene, clip: Call) -> bool:
    """Whether a length is the difference of a smaller and a larger coordinate of two boxes."""
    difference = scene.maker(clip.ref("input"))
    if difference is None or short(difference) != "sub":
        return False
    ends = {short(end) for id in difference.inputs() if (end := _coordinate(scene, id)) is not None}
    return len(ends) == 2 and ends <= _CORNERS_OF


def _coordinate(scene: Scene, id: int) -> Call | None:
    """The call that chose a coordinate of two, seen through views."""
    call = scene.maker(id)
    while call is not None and short(call) in {"getitem", "select", "unbind"}:
        call = scene.maker(next(iter(call.inputs()), None))
    return call


def _boxes(scene: Scene) -> tuple[Tensor, Tensor] | None:
    """The predicted and the true boxes, of one shape with four sides, that were handed in."""
    tensors = scene.recording.tensors
    ids = dict.fromkeys(id for call in scene.needed() for id in call.inputs() if scene.is_given(id))
    four = [tensors[id] for id in ids if tensors[id].data is not None and tensors[id].shape[-1:] == (_SIDES,)]
    learnt = [each for each in four if each.requires_grad]
    target = [each for each in four if not each.requires_grad]
    if len(learnt) != 1 or len(target) != 1 or learnt[0].shape != target[0].shape:
        return None
    return learnt[0], target[0]
