"""A mask of infinity that wins where it was to lose: max of +inf, min of -inf."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced, swapped
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.wording import code_of, number, stated
from explainers.messages import said
from explainers.recording import Call

_OTHER_END = {"max": "min", "min": "max", "amax": "amin", "amin": "amax"}
_PROGRAM = """\
import torch
import torch.nn.functional as F

sim = torch.tensor([[0.9, 0.8, 0.1], [0.7, 0.6, 0.3], [0.2, 0.5, 0.4]])
others = sim.masked_fill(torch.eye(3, dtype=torch.bool), -float("inf"))
farthest = (1 - others).{end}(dim=1).values
F.relu(1 - sim.diagonal() - farthest + 0.5).mean()
"""


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="mask-is-the-extreme",
            family="collapse",
            title=said("The masked entries are what max or min picks"),
            explanation=said(
                "What a mask rules out, such as the diagonal of a matrix of similarities, must lose: -inf before max, "
                "+inf before min. If the sign turns between the mask and the choice (a distance 1 - similarity makes "
                "-inf +inf), the masked entry is picked in every row, whatever the others are, and a hinge of it is "
                "always 0 or always infinite. The hardest negative is the nearest one: the least distance, the largest "
                "similarity."
            ),
            words=(
                "triplet loss always 0 mask diagonal inf",
                "hard negative mining picks the masked diagonal",
                "masked with inf before max",
                "loss always 0 hardest negative infinity",
            ),
            losses=frozenset(),
            about=frozenset({"triplet_margin_loss"}),
            trigger=_masked,
            unedited="Whether the mask's sign or the choice is turned depends on what the numbers are meant to be.",
            positive=_PROGRAM.format(end="max"),
            control=_PROGRAM.format(end="min"),
            dominates=frozenset({"hinge-satisfied-zero-grad", "own-margins-met"}),
        ),
    )


def _masked(scene: Scene) -> Suspicion | None:
    return next((found for call in scene.needed() if (found := _of(scene, call)) is not None), None)


def _of(scene: Scene, call: Call) -> Suspicion | None:
    """The suspicion against one choice, where nothing but masked entries were picked of rows that hold others."""
    entries = scene.held(call.ref("input")) if short(call) in _OTHER_END and call.argument("dim") is not None else None
    picked = scene.held(call.outputs[0]) if entries is not None and call.outputs else None
    if entries is None or picked is None or not picked.size or not np.isinf(picked).all():
        return None
    masked = np.isinf(entries)
    id = call.ref("input")
    if id is None or masked.all() or np.isnan(entries).any():
        return None
    tensor, other = scene.recording.tensors[id], _OTHER_END[short(call)]
    turned = np.where(masked, -entries, entries)
    swap = swapped(call, call.function.rsplit(".", 1)[0] + f".{other}", "input", "dim", "keepdim")
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value}: in line {line} {code} picks the masked entries, {inf}, whatever the others are.",
            value=stated(scene),
            line=line_of(call),
            code=code_of(call),
            inf=number(float(picked.flat[0])),
        ),
        evidence=(
            said(
                "{count} of {all} entries are infinite, and each of the {picked} that are picked is one of them.",
                count=int(masked.sum()),
                all=masked.size,
                picked=picked.size,
            ),
        ),
        trials=(
            Trial(said("with {other} instead", other=other), graph_rerun(swap)),
            Trial(said("with the other sign of the infinities there"), graph_rerun(replaced(tensor, turned))),
        ),
        fix=fixes.fix(scene, None, "choose", said("Turn the sign of the mask, or take the other extreme.")),
    )
