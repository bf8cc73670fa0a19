"""ctc_loss: what it sums over, and when there is nothing to sum."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import graph_rerun, set_to, wrapped
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.scene import Floats, Scene, Unrecorded
from explainers.diagnoses.wording import described, number, stated
from explainers.graph.floats import log_sum_exp
from explainers.messages import said
from explainers.recording import Items, Value

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "scores = torch.tensor([[[0.2, 1.5, -0.3]], [[0.1, 0.7, 0.4]], [[1.2, 0.3, 0.8]]])\n"
)
_CALL = ", torch.tensor([[1, 1]]), input_lengths=({0},), target_lengths=(2,){1})"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ctc-needs-log-probs",
            family="alignments",
            symptoms=(Symptom("negative", 8),),
            title=said("Raw scores where ctc_loss expects log-probabilities"),
            explanation=said(
                "ctc_loss multiplies the probabilities along every alignment and adds them up. Without log_softmax the "
                "frames are not normalised, and the loss can be negative. A constant added to all scores of a frame, "
                "which changes no softmax, then lowers the loss by as much: unnormalised scores have no least loss."
            ),
            words=(
                "ctc loss negative softmax",
                "CTCLoss of probabilities is negative",
                "ctc softmax instead of log_softmax",
                "ctc loss negative",
                "CTCLoss log_softmax",
                "ctc raw logits",
                "-ln Pr(y|x) transducer loss becomes negative in training",
            ),
            losses=frozenset({"ctc_loss"}),
            trigger=_raw_scores,
            positive=_HEAD + "F.ctc_loss(scores" + _CALL.format(3, ""),
            control=_HEAD + "F.ctc_loss(scores.log_softmax(2)" + _CALL.format(3, ""),
        ),
        Rule(
            slug="ctc-label-out-of-range",
            family="alignments",
            title=said("A label of ctc_loss that is no class"),
            explanation=said(
                "The labels of ctc_loss are indices of the classes on the last axis of its log-probabilities, 0 to "
                "C − 1. Beyond them torch checks nothing on the CPU: it reads other numbers, or memory that is not the "
                "tensor's, so the value means nothing. The blank is one of the classes: labels 1 to n beside the "
                "blank 0 need C = n + 1 of them, and of n classes the label n is out of range."
            ),
            words=(
                "ctc loss label out of range",
                "CTCLoss target larger than the number of classes",
                "ctc number of classes with the blank, C + 1",
                "ctc nan labels start at 1, blank is 0, shape of the predictions",
            ),
            losses=frozenset({"ctc_loss"}),
            trigger=_no_class,
            positive=_HEAD + "F.ctc_loss(scores.log_softmax(2), torch.tensor([[1, 3]]), (3,), (2,))",
            control=_HEAD + "F.ctc_loss(scores.log_softmax(2), torch.tensor([[1, 2]]), (3,), (2,))",
        ),
        Rule(
            slug="ctc-input-too-short",
            unedited="No edit of a program lengthens its data, and to leave samples out must be decided knowingly.",
            family="alignments",
            symptoms=(Symptom("inf", 6),),
            title=said("Too few frames for the labels"),
            explanation=said(
                "Between two equal labels ctc_loss needs a blank: a repeated label takes one frame more. So an "
                "alignment needs target length + repeats frames; with fewer there is none, and −log 0 is inf. The "
                "frames that count are those which the network gives out, after its subsampling (pooling, strides): of "
                "11 frames at a factor of 4 about 2 are left."
            ),
            words=(
                "ctc loss inf",
                "CTCLoss infinite",
                "CTCLoss inf after some iterations then nan",
                "ctc zero_infinity",
                "ctc repeated labels",
                "ctc how many frames input_length and 2 * target_length + 1",
                "ctc loss nan after some epochs input_length",
            ),
            losses=frozenset({"ctc_loss"}),
            trigger=_too_short,
            positive=_HEAD + "F.ctc_loss(scores.log_softmax(2)" + _CALL.format(2, ""),
            control=_HEAD + "F.ctc_loss(scores.log_softmax(2)" + _CALL.format(3, ""),
            concern="non-finite",
        ),
    )


def _raw_scores(scene: Scene) -> Suspicion | None:
    rows = scene.array("log_probs")
    total = log_sum_exp(rows, -1).reshape(-1)
    worst = float(total[np.abs(total).argmax()]) if total.size else 0.0
    if not abs(worst) > 1e-3:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} is of raw scores: ctc_loss expects log-probabilities.", value=stated(scene)),
        evidence=(
            said(
                "Per frame log Σ exp should be 0; it is up to {value} away from it in {frames} frames.",
                value=number(abs(worst)),
                frames=total.size,
            ),
        ),
        trials=(
            Trial(
                said("with log_softmax put in"),
                graph_rerun(wrapped(scene.call, "log_probs", "torch.log_softmax", dim=-1)),
            ),
        ),
        fix=fixes.fix(
            scene,
            fixes.followed(scene, "log_probs", "log_softmax(-1)"),
            "safe",
            said("Give ctc_loss log_softmax of the scores over the classes."),
        ),
    )


def is_ruled_out(possible: np.ndarray, labels: list[int], blank: int) -> bool:
    """Whether no alignment of the labels passes through the (frame, class) pairs that are possible."""
    states = [blank, *(s for label in labels for s in (label, blank))]
    alive = {s for s in (0, 1) if s < len(states) and possible[0, states[s]]}
    for frame in possible[1:]:
        skipping = {s for s in range(2, len(states)) if states[s] not in (blank, states[s - 2]) and s - 2 in alive}
        reached = alive | {s + 1 for s in alive if s + 1 < len(states)} | skipping
        alive = {s for s in reached if frame[states[s]]}
    return alive.isdisjoint((len(states) - 1, len(states) - 2))


def strange_labels(scene: Scene) -> list[tuple[int, int]]:
    """The labels of ctc_loss that are no classes, each behind the sample that it is of."""
    classes = scene.given("log_probs").shape[-1]
    return [(k, label) for k, one in enumerate(ctc_labels(scene)) for label in one if not 0 <= label < classes]


def _no_class(scene: Scene) -> Suspicion | None:
    classes, strange = scene.given("log_probs").shape[-1], strange_labels(scene)
    if not strange:
        return None
    sample, label = strange[0]
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} means nothing: label {label} of sample {sample} is no class, there are {classes}.",
                     value=stated(scene), label=label, sample=sample, classes=classes),
        evidence=(
            described(known_as(scene, "targets"), scene.given("targets")),
            said("{count} labels lie outside of 0 to {last}.", count=len(strange), last=classes - 1),
            *((_WRITES,) if scene.given("log_probs").requires_grad else ()),
        ),
        trials=(
            Trial(said("with every label within the classes"),
                  graph_rerun(wrapped(scene.call, "targets", "torch.clamp", min=0, max=classes - 1)), "illustration"),
        ),
        fix=fixes.fix(scene, replaced(scene, targets=f"{{}}.clamp(0, {classes - 1})"), "choose",
                      said("It runs with labels from 0 to {last}: find out where the others come from.",
                           last=classes - 1)),
    )  # fmt: skip


_WRITES = said(
    "The backward of ctc_loss writes at such labels too, beside its memory, which may end the program (double free or "
    "corruption, segmentation fault). It was left out here: its gradient, which means nothing, is nan."
)


def _too_short(scene: Scene) -> Suspicion | None:
    frames, labels = lengths(scene, "input_lengths"), ctc_labels(scene)
    needs = [len(one) + sum(a == b for a, b in pairwise(one)) for one in labels]
    short = [k for k, (have, need) in enumerate(zip(frames, needs, strict=False)) if have < need]
    if not short:
        return None
    first = short[0]
    facts = {"sample": first, "need": needs[first], "have": frames[first]}
    repeats = needs[first] - len(labels[first])
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: sample {sample} needs at least {need} frames and has {have}.", value=stated(scene), **facts
        ),
        evidence=(
            said(
                "Its {labels} labels hold {repeats} repeats, each of which needs a blank between: {labels} + {repeats} "
                "= {need} frames, but the input length is {have}.",
                labels=len(labels[first]),
                repeats=repeats,
                **facts,
            ),
            said(
                "zero_infinity=True turns such a loss and its gradient into 0: it skips the sample, it mends nothing."
            ),
        ),
        trials=(*_longer(scene, frames, max(-(-needs[k] // max(frames[k], 1)) for k in short)), *_zeroed(scene)),
        fix=fixes.fix(
            scene, None, "choose", said("Give longer inputs, or skip such samples knowingly: zero_infinity=True.")
        ),
    )


def _longer(scene: Scene, frames: list[int], times: int) -> tuple[Trial, ...]:
    if not frames or min(frames) < 1:
        return ()
    repeated = wrapped(scene.call, "log_probs", "torch.repeat_interleave", repeats=times, dim=0)
    inputs = set_to(scene.call, "input_lengths", Items("tuple", tuple(times * one for one in frames)))
    labels = set_to(scene.call, "target_lengths", Items("tuple", tuple(lengths(scene, "target_lengths"))))
    return (Trial(said("with every frame {times} times over", times=times), graph_rerun(repeated, inputs, labels)),)


def _zeroed(scene: Scene) -> tuple[Trial, ...]:
    """With infinite losses set to 0, or the infinite loss where they are already."""
    is_set = bool(scene.call.argument("zero_infinity"))
    what = said("with zero_infinity=False") if is_set else said("with zero_infinity=True")
    return (Trial(what, graph_rerun(set_to(scene.call, "zero_infinity", not is_set)), "illustration"),)


def ctc_labels(scene: Scene) -> list[list[int]]:
    """The labels of each sample, from padded rows or all in one line."""
    y, counts = scene.array("targets"), lengths(scene, "target_lengths")
    if y.ndim == 2:
        return [_whole(row[:count]) for row, count in zip(y, counts, strict=False)]
    starts = np.cumsum([0, *counts])
    return [_whole(y[start : start + count]) for start, count in zip(starts, counts, strict=False)]


def _whole(row: Floats) -> list[int]:
    return [int(one) for one in row]


def lengths(scene: Scene, name: str) -> list[int]:
    """The lengths of the samples, given as a tensor, a tuple or one number; Unrecorded where they are neither."""
    if scene.call.ref(name) is not None:
        return _whole(scene.array(name).reshape(-1))
    return _whole(np.asarray(_items(scene.call.argument(name)), dtype=np.float64))


def _items(value: Value) -> list[int]:
    if isinstance(value, int):
        return [value]
    found = value.items if isinstance(value, Items) else ()
    if any(not isinstance(one, int) for one in found):
        raise Unrecorded("lengths")
    return [one for one in found if isinstance(one, int)]
