"""The blank of ctc_loss among the labels of a target."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.alignments import lengths
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, renewed, set_to
from explainers.diagnoses.operands import known_as
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import stated
from explainers.messages import said
from explainers.recording import Items
from explainers.reruns import GraphRerun

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "log_p = torch.tensor([[[0.2, 1.5, -0.3]], [[0.1, 0.7, 0.4]], [[1.2, 0.3, 0.8]]]).log_softmax(2)\n"
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ctc-blank-as-label",
            family="alignments",
            title=said("The blank of ctc_loss is among the labels"),
            explanation=said(
                "The blank is no label: ctc_loss puts it between labels by itself, and no target may hold it. torch "
                "does not check that; it counts alignments of a label that looks like a blank, and its backward does "
                "not fit. A sequence of nothing but blanks is an empty target, with target_lengths 0: its loss is the "
                "sum of −log p(blank) over the frames. Where padding has the number of the blank, target_lengths must "
                "leave it out."
            ),
            words=(
                "ctc loss of a sequence with all blanks",
                "blank id in the labels of ctc loss",
                "CTCLoss empty target",
                "target contains the blank index",
                "ctc targets padded with the blank counted in target_lengths",
            ),
            losses=frozenset({"ctc_loss"}),
            trigger=_blanks,
            unedited="Whether the blank is to go, or another class is to be the blank, is the asker's choice.",
            positive=_HEAD + "F.ctc_loss(log_p, torch.tensor([[1, 0]]), (3,), (2,))",
            control=_HEAD + "F.ctc_loss(log_p, torch.tensor([[1, 0]]), (3,), (1,))",
        ),
    )


def _blanks(scene: Scene) -> Suspicion | None:
    targets, counts = scene.array("targets"), lengths(scene, "target_lengths")
    blank = int(scene.option("blank", 0))
    rows = targets.reshape(1, -1) if targets.ndim == 1 and len(counts) == 1 else targets
    if rows.ndim != 2 or len(rows) != len(counts):
        return None
    labels = [[int(x) for x in row[:count]] for row, count in zip(rows, counts, strict=True)]
    found = sum(row.count(blank) for row in labels)
    if not found:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} is of a target that holds the blank, class {blank}, which is no label.",
                     value=stated(scene), blank=blank),
        evidence=(
            said("{count} of {all} labels in {name} are {blank}, the blank.", count=found,
                 all=sum(map(len, labels)), name=known_as(scene, "targets"), blank=blank),
        ),
        trials=(Trial(said("with the blanks left out of the targets, and of target_lengths"),
                      _without(scene, rows.copy(), labels, blank)),),
        fix=fixes.fix(scene, None, "choose",
                      said("Leave blanks out of the targets and of target_lengths; of an all-blank sequence the "
                           "target length is 0.")),
    )  # fmt: skip


def _without(scene: Scene, rows: np.ndarray, labels: list[list[int]], blank: int) -> GraphRerun:
    kept = [[label for label in row if label != blank] for row in labels]
    for row, left in zip(rows, kept, strict=True):
        row[: len(left)] = left
    given, held = scene.given("targets"), scene.tensor("target_lengths")
    counts = tuple(map(len, kept))
    changed = renewed(given, rows.reshape(given.shape))
    if held is not None:
        return graph_rerun(changed, renewed(held, np.array(counts, dtype=np.float64).reshape(held.shape)))
    return graph_rerun(changed, set_to(scene.call, "target_lengths", Items("tuple", counts)))
