"""Rows that do not fit what the loss takes them for: targets that are no distributions, ignored scores that are inf."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.backward_steps import turned_backward
from explainers.diagnoses.class_rows import class_rows
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import gradient_rerun, graph_rerun, reduced_by, replaced, swapped, wrapped
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, of_call, row, shape
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LOG_P = "log_p = torch.tensor([[0.1, 0.6, 0.3]]).log()\n"
_ROWS = "logits = torch.tensor([[2.0, 0.5], [float('-inf'), {}]], requires_grad=True)\n"
_LOSS = "loss = F.cross_entropy(logits, torch.tensor([0, -100]))\nloss.backward()\nloss"
_EACH = "kl = F.kl_div(log_p, torch.tensor([[0.5, 0.2, 0.3]]), reduction='none')\n"
_NOT_ONE = 1e-2
_FINITE = -1e4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="kl-target-not-normalised",
            family="divergences",
            title=said("A target of kl_div that does not sum to 1"),
            explanation=said(
                "A divergence is never negative between two distributions. Where the target does not sum to 1 it is "
                "not a probability distribution, Gibbs' inequality says nothing, and the sum of y · (log y - x) can be "
                "negative: normalise the target (softmax, or divide by its sum)."
            ),
            words=(
                "kl_div negative target not normalised",
                "KLDivLoss negative with log input",
                "kl_div target does not sum to 1",
            ),
            losses=frozenset({"kl_div"}),
            trigger=_unnormalised,
            positive=_HEAD + _LOG_P + "F.kl_div(log_p, torch.tensor([[0.15, 0.05, 0.1]]), reduction='batchmean')",
            control=_HEAD + _LOG_P + "F.kl_div(log_p, torch.tensor([[0.5, 0.2, 0.3]]), reduction='batchmean')",
            dominates=frozenset({"kl-reduction-mean", "reduction-expected-sum", "kl-terms-may-be-negative"}),
        ),
        Rule(
            slug="kl-terms-averaged-over-classes",
            family="divergences",
            title=said("The terms of a divergence are averaged over the classes"),
            explanation=said(
                "A divergence is the sum over the classes. A mean over the axis of the classes divides it by their "
                "number: a constant factor, which makes it too small by that much beside the definition, and beside "
                "other terms of the loss. Sum over the classes, then average over the rows, as batchmean does."
            ),
            words=(
                "kl_div reduction none mean(1) or sum(1)",
                "kl_div mean over the class dimension",
                "kd loss smaller than the real kl_div by the number of classes",
            ),
            losses=frozenset({"kl_div"}),
            trigger=_averaged_by_hand,
            positive=_HEAD + _LOG_P + _EACH + "kl.mean(1).mean()",
            control=_HEAD + _LOG_P + _EACH + "kl.sum(1).mean()",
            dominates=frozenset({"kl-reduction-mean"}),
        ),
        Rule(
            slug="ignored-row-all-infinite",
            family="spoiled-gradients",
            title=said("An ignored row whose scores are all -inf"),
            explanation=said(
                "ignore_index leaves a row out of the value, but backward still goes through its log_softmax: of a row "
                "of -inf that is inf - inf = nan, and its gradient, 0, is multiplied with that: 0 * nan is nan. Give "
                "such rows finite scores, or leave them out by indexing before the loss."
            ),
            words=(
                "ignore_index -inf logits gradient nan",
                "ignored rows with -inf nan gradient after backward",
                "ignore_index does not stop nan gradient",
            ),
            losses=frozenset({"cross_entropy"}),
            trigger=_ignored,
            positive=_HEAD + _ROWS.format("float('-inf')") + _LOSS,
            control=_HEAD + _ROWS.format("0.0") + _LOSS,
            concern="non-finite",
            dominates=frozenset({"gradient-not-finite", "ce-ignored-left-out"}),
            handwritten=True,
        ),
    )


def _unnormalised(scene: Scene) -> Suspicion | None:
    x, y = scene.array("input"), scene.array("target")
    if scene.call.argument("log_target") or x.shape != y.shape or not y.ndim or not y.size or (y < 0).any():
        return None
    predicted, sums = np.exp(x).sum(axis=-1), y.sum(axis=-1)
    off = np.abs(sums - 1)
    if float(np.abs(predicted - 1).max()) > _NOT_ONE or float(off.max()) <= _NOT_ONE or not (sums > 0).all():
        return None
    total = float(sums.reshape(-1)[off.argmax()])
    whole = graph_rerun(replaced(scene.given("target"), y / sums[..., None]))
    by_definition = graph_rerun(
        replaced(scene.given("target"), y / sums[..., None]),
        *reduced_by(scene.call, "sum" if y.ndim < 2 else "batchmean"),
    )
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is no divergence: the target does not sum to 1 but to {sum}.",
            value=of_call(scene),
            sum=number(total),
        ),
        evidence=(
            said("Row 0 of the target is {row}.", row=row(y.reshape(-1, y.shape[-1])[0])),
            *_averaged(scene, y),
        ),
        trials=(
            Trial(said("with the target divided by its sum"), whole),
            Trial(said("with the target divided by its sum, as the sum over the classes"), by_definition),
        ),
        fix=fixes.fix(
            scene,
            fixes.rewritten(scene, "target", "({} / {}.sum(-1, keepdim=True))"),
            "likely",
            said("Normalise the target; if it is one already, look at the axis of its classes."),
        ),
    )


def _averaged(scene: Scene, y: Floats) -> tuple[Message, ...]:
    if scene.reduction != "mean":
        return ()
    return (
        said(
            "Besides, reduction='mean' divides by the number of elements, {elements}; 'batchmean' divides by the rows.",
            elements=y.size,
        ),
    )


def _averaged_by_hand(scene: Scene) -> Suspicion | None:
    each = scene.recording.tensors.get(scene.call.outputs[0]) if scene.call.outputs else None
    mean = next((c for c in scene.needed() if short(c) == "mean" and set(c.inputs()) & set(scene.call.outputs)), None)
    axis = mean.argument("dim") if mean is not None else None
    if scene.reduction != "none" or each is None or mean is None or len(each.shape) < 2:
        return None
    if not isinstance(axis, int) or axis % len(each.shape) != len(each.shape) - 1 or each.shape[-1] < 2:
        return None
    return Suspicion(
        at=mean.index,
        verdict=said(
            "{value} averages the terms over the {count} classes: {count} times less than the divergence, their sum.",
            value=of_call(scene),
            count=each.shape[-1],
        ),
        evidence=(
            said("The terms have shape {shape}; the last axis is that of the classes.", shape=shape(each.shape)),
        ),
        trials=(Trial(said("with the sum over the classes"), graph_rerun(swapped(mean, "torch.sum", "input", "dim"))),),
        fix=fixes.fix(
            scene,
            fixes.called(scene, mean, "sum"),
            "likely",
            said("Sum over the classes: .sum(1) in place of .mean(1)."),
        ),
    )


def _ignored(scene: Scene) -> Suspicion | None:
    call = next((c for c in scene.needed() if short(c) == "cross_entropy"), None)
    turned = turned_backward(scene)
    if call is None or (scene.gradients is not None and (turned is None or turned[0].index != call.index)):
        return None
    own = Scene(scene.recording, scene.claims, scene.registry, call, scene.makers)
    if own.given("target").floating:
        return None
    rows, y = class_rows(own), own.array("target").astype(np.int64).reshape(-1)
    ignored = y == own.option("ignore_index", -100)
    if len(y) != len(rows) or not ignored.any() or ignored.all():
        return None
    bad = ignored & ~np.isfinite(rows).any(axis=1)
    if not bad.any() or not own.given("input").requires_grad:
        return None
    of = call.ref("input")
    finite = wrapped(call, "input", "torch.clamp", min=_FINITE)
    trials = (
        (Trial(said("the gradient, with -10000 instead of -inf"), gradient_rerun(of, finite), "gradient"),)
        if of is not None
        else ()
    )
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} is fine, but its gradient is nan: {count} ignored rows hold nothing but -inf.",
            value=of_call(scene),
            count=int(bad.sum()),
        ),
        evidence=(
            said(
                "Row {at} is {row}, and its target is the ignore_index.",
                at=int(bad.argmax()),
                row=row(rows[bad.argmax()]),
            ),
        ),
        trials=trials,
        fix=fixes.fix(
            scene,
            fixes.followed(own, "input", "clamp(min=-10000)"),
            "safe",
            said("Mask with a large negative number, such as -1e4, or leave the rows out: loss(x[kept], y[kept])."),
        ),
    )
