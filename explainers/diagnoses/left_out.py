"""Means of which every item is left out, and alignments of which there is none."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.alignments import ctc_labels, is_ruled_out, lengths
from explainers.diagnoses.births import birth
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import graph_rerun, replaced, set_to, wrapped
from explainers.diagnoses.infinite_scores import CLASSES, FLOOR, result
from explainers.diagnoses.operands import known_as
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.turning import is_spoiled
from explainers.diagnoses.wording import stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_INF = "float('-inf')"
_MOST_CLASSES = 6


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ce-all-targets-ignored",
            family="infinite-scores",
            symptoms=(Symptom("nan", 6),),
            title=said("Every target is ignored"),
            explanation=said(
                "The mean is taken over the items that are not ignored. With none left it is 0/0, an empty mean; the "
                "sum over none is 0."
            ),
            words=(
                "nan when all labels are -100",
                "language model loss nan padding labels -100",
                "cross entropy nan for some batches",
                "nan loss ignored padding",
                "all targets ignored nan",
                "ignore_index all -100",
                "cross entropy nan all ignored",
            ),
            losses=CLASSES,
            trigger=_all_ignored,
            positive=_HEAD + "logits = torch.tensor([[2.0, 0.5], [0.1, 0.3]])\ntarget = torch.tensor([-100, -100])\n"
            "F.cross_entropy(logits, target)",
            control=_HEAD + "logits = torch.tensor([[2.0, 0.5], [0.1, 0.3]])\ntarget = torch.tensor([-100, 1])\n"
            "F.cross_entropy(logits, target)",
            concern="non-finite",
        ),
        Rule(
            slug="weights-of-targets-zero",
            unedited="Which weights were meant is known to the asker alone.",
            family="infinite-scores",
            title=said("The weights of the targets add up to 0"),
            explanation=said(
                "With class weights the mean divides by the sum of the weights of the targets. Where that is 0, the "
                "weighted mean is 0/0 or infinite."
            ),
            words=("all class weights are zero nan", "cross entropy nan weight zero", "class weight 0 nan"),
            losses=CLASSES,
            trigger=_weightless,
            positive=_HEAD + "logits = torch.tensor([[2.0, 0.5], [0.1, 0.3]])\nweight = torch.tensor([0.0, 1.0])\n"
            "F.cross_entropy(logits, torch.tensor([0, 0]), weight=weight)",
            control=_HEAD + "logits = torch.tensor([[2.0, 0.5], [0.1, 0.3]])\nweight = torch.tensor([1.0, 1.0])\n"
            "F.cross_entropy(logits, torch.tensor([0, 0]), weight=weight)",
            concern="non-finite",
        ),
        Rule(
            slug="ctc-no-alignment-possible",
            unedited="Which probability is 0, and why, lies before the loss.",
            family="infinite-scores",
            title=said("No alignment of the target has a probability above 0"),
            explanation=said(
                "ctc_loss is -log of the sum over all alignments of the target. A log-probability of −inf rules out "
                "every alignment that passes there; where none is left, the sum is 0 and the loss is inf."
            ),
            words=("ctc loss inf log_probs -inf", "CTCLoss infinite probability 0", "ctc log of 0 probability"),
            losses=frozenset({"ctc_loss"}),
            trigger=_no_alignment,
            positive=_HEAD + f"scores = torch.tensor([[[0.2, {_INF}]], [[0.1, {_INF}]]])\n"
            "F.ctc_loss(scores.log_softmax(2), torch.tensor([[1]]), (2,), (1,))",
            control=_HEAD + f"scores = torch.tensor([[[0.2, {_INF}]], [[0.1, 0.7]]])\n"
            "F.ctc_loss(scores.log_softmax(2), torch.tensor([[1]]), (2,), (1,))",
            concern="non-finite",
        ),
    )


def _all_ignored(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    if found is None or scene.given("target").floating:
        return None
    ignored = scene.call.argument("ignore_index")
    y = scene.array("target")
    if not isinstance(ignored, int) or not y.size or not (y == ignored).all():
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: every target is {ignored}, the ignore_index, so the mean is 0/0.",
                     value=stated(scene), ignored=ignored),
        evidence=(
            said("{count} of {count} targets are ignored: -100 is the default ignore_index.", count=y.size)
            if ignored == -100
            else said("{count} of {count} targets are ignored.", count=y.size),
        ),
        trials=(Trial(said("with reduction='sum'"), graph_rerun(set_to(scene.call, "reduction", "sum"))),),
        fix=fixes.fix(scene, fixes.with_option(scene, scene.call, "reduction", "'sum'"), "choose",
                      said("Leave such a batch out, or take the sum and divide by at least 1.")),
    )  # fmt: skip


def _weightless(scene: Scene) -> Suspicion | None:
    found, weight = birth(scene), scene.recorded("weight")
    if found is None or weight is None or scene.reduction != "mean" or scene.given("target").floating:
        return None
    y = scene.array("target").astype(int).reshape(-1)
    kept = y[(y != scene.option("ignore_index", -100)) & (y >= 0) & (y < weight.size)]
    if not kept.size or weight[kept].sum() != 0:
        return None
    classes = ", ".join(map(str, np.unique(kept)[:_MOST_CLASSES]))
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: the weights of the targets add up to 0, and the mean divides by that.",
                     value=stated(scene)),
        evidence=(said("The classes of the {count} targets that count are {classes}; the weight of each is 0.",
                       count=kept.size, classes=classes),) if not weight[kept].any() else (),
        trials=(
            Trial(said("with every weight at 1"), graph_rerun(replaced(scene.given("weight"), np.ones_like(weight)))),
            Trial(said("with reduction='sum'"), graph_rerun(set_to(scene.call, "reduction", "sum"))),
        ),
        fix=fixes.fix(scene, None, "choose",
                      said("Give the classes that occur weights above 0, or leave such a batch out.")),
    )  # fmt: skip


def _no_alignment(scene: Scene) -> Suspicion | None:
    held = scene.array("log_probs")
    if held.ndim != 3 or not np.isneginf(held).any() or np.isnan(held).any() or not is_spoiled(result(scene)):
        return None
    blank, frames = int(scene.option("blank", 0)), lengths(scene, "input_lengths")
    items = [(held[:n, k], one) for k, (n, one) in enumerate(zip(frames, ctc_labels(scene), strict=False)) if n]
    items = [(x, one) for x, one in items if all(0 <= label < held.shape[-1] for label in one)]
    masked = (x for x, one in items if is_ruled_out(~np.isneginf(x), one, blank)
              and not is_ruled_out(np.ones(x.shape, dtype=bool), one, blank))  # fmt: skip
    if next(masked, None) is None:
        return None
    count, name = int(np.isneginf(held).sum()), known_as(scene, "log_probs")
    floored = Trial(
        said("with {floor} in place of −inf", floor=f"{FLOOR:g}"),
        graph_rerun(wrapped(scene.call, "log_probs", "torch.clamp", min=FLOOR)),
    )
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: {name} is −inf, a probability of 0, on the way of every alignment of a target.",
                     value=stated(scene), name=name),
        evidence=(said("{count} of {all} log-probabilities in {name} are −inf.",
                       count=count, all=held.size, name=name),),
        trials=(floored,),
        fix=fixes.fix(scene, None, "choose",
                      said("Compute the log-probabilities with log_softmax of finite scores.")),
    )  # fmt: skip
