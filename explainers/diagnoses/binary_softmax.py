"""Softmax and sigmoid where labels exclude each other or do not."""

from __future__ import annotations

import math

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import dropped, graph_rerun, swapped
from explainers.diagnoses.expectations import seeks, sought
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import number, of_call, path, row
from explainers.graph.floats import log_sum_exp
from explainers.messages import Message, said
from explainers.recording import scalar
from explainers.reruns import SwapFunction

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_TWO = "logits = torch.tensor([[2.0, -1.0], [0.5, 1.5]])\ntarget = torch.tensor([[1.0, 0.0], [0.0, 1.0]])\n"
_THREE = "logits = torch.tensor([[2.0, -1.0, 0.5]])\ntarget = torch.tensor([[1.0, 0.0, 0.0]])\n"
_CLOSE = 1e-5
_LOGITS = frozenset({"binary_cross_entropy_with_logits"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="bce-two-column-softmax-target",
            family="binary-targets",
            title=said("One sigmoid for every class, where softmax over them was expected"),
            explanation=said(
                "binary_cross_entropy_with_logits takes a sigmoid of every class by itself, independent of the others, "
                "and averages over all of them; cross_entropy lets the classes compete in a softmax. The two are "
                "different numbers, also for two classes: of two outputs a softmax sees their difference alone."
            ),
            words=(
                "BCEWithLogitsLoss and CrossEntropyLoss differ for two outputs",
                "binary cross entropy one-hot different from cross entropy",
                "two output units sigmoid or softmax",
                "log(1-p) of every output node",
                "cross entropy ignores the other classes",
                "why only the true class counts in cross entropy",
                "binary cross entropy summed over all output nodes",
                "BCE vs cross entropy two classes",
                "BCEWithLogits one-hot two columns",
                "binary cross entropy with two outputs",
            ),
            about=frozenset({"cross_entropy"}),
            losses=_LOGITS,
            trigger=_softmax_expected,
            positive=_HEAD + _TWO + "F.binary_cross_entropy_with_logits(logits, target)",
            positive_claims=(Claim("expected", 0.1809, 5e-5, "0.1809"),),
            control=_HEAD + _TWO + "F.binary_cross_entropy_with_logits(logits, target)",
        ),
        Rule(
            slug="bce-after-softmax-onehot",
            unedited=(
                "cross_entropy takes other targets and another module in place of the loss: more than one place "
                "changes."
            ),
            family="binary-targets",
            title=said("binary_cross_entropy of a softmax is not cross_entropy"),
            explanation=said(
                "binary_cross_entropy adds −(1−y)·log(1−p) of all the other classes, the negative classes, to −log p "
                "of the right one, and takes the mean over all elements: it divides by N·C. cross_entropy has "
                "the first part alone, divided by N: softmax is normalised, so that raising the right class lowers all "
                "the others, and they need no term of their own. The two are not the same: another number, other "
                "gradients."
            ),
            words=(
                "softmax then binary_cross_entropy",
                "BCE after softmax",
                "binary cross entropy of softmax and one_hot",
            ),
            losses=frozenset({"binary_cross_entropy"}),
            trigger=_after_softmax_onehot,
            positive=_HEAD + _THREE + "F.binary_cross_entropy(logits.softmax(dim=1), target)",
            control=_HEAD + _THREE + "F.binary_cross_entropy(logits.sigmoid(), target)",
        ),
        Rule(
            slug="bce-after-softmax-multilabel",
            unedited=(
                "The softmax may stand in a model far from the loss, and which of the two ways is wanted is the "
                "asker's choice."
            ),
            family="binary-targets",
            title=said("Softmax makes independent labels share one probability"),
            explanation=said(
                "Softmax lets the labels of a row share a probability of 1: with k labels true at once each "
                "gets 1/k at "
                "most, and the loss cannot come near 0. Independent labels want a sigmoid each."
            ),
            words=("softmax for multi-label", "multi-label BCE softmax", "multilabel classification softmax"),
            losses=frozenset({"binary_cross_entropy"}),
            trigger=_after_softmax_multilabel,
            positive=_HEAD
            + (
                "logits = torch.tensor([[4.0, 4.0, -4.0]])\ntarget = torch.tensor([[1.0, 1.0, 0.0]])\n"
                "F.binary_cross_entropy(logits.softmax(dim=1), target)"
            ),
            control=_HEAD
            + (
                "logits = torch.tensor([[4.0, 4.0, -4.0]])\ntarget = torch.tensor([[1.0, 1.0, 0.0]])\n"
                "F.binary_cross_entropy(logits.sigmoid(), target)"
            ),
        ),
    )


def _one_hot(scene: Scene, axis: int = -1) -> bool:
    """Whether along an axis of at least two labels there is a single 1 and else 0 everywhere."""
    y = scene.array("target")
    if y.ndim < 2 or not y.size:
        return False
    return y.shape[axis] > 1 and bool(((y == 0) | (y == 1)).all() and (y.sum(axis=axis) == 1).all())


def _softmax_expected(scene: Scene) -> Suspicion | None:
    x = scene.array("input")
    if (
        x.ndim < 2
        or not _one_hot(scene, 1)
        or scene.given("target").shape != x.shape
        or scene.call.ref("pos_weight") is not None
        or not (seeks(scene) or scene.recording.others)
    ):
        return None
    log_p = x - np.expand_dims(log_sum_exp(x, 1), 1)
    rows = -(scene.array("target") * log_p).sum(axis=1)
    if not any(sought(scene, float(value)) or _is_shown(scene, float(value)) for value in (rows.mean(), rows.sum())):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} asks {classes} classes one by one; cross_entropy of the same is another number.",
            value=of_call(scene),
            classes=x.shape[1],
        ),
        evidence=(
            said(
                "Every row of the target is one-hot, {row} for instance: the classes exclude each other.",
                row=row(np.moveaxis(scene.array("target"), 1, -1).reshape(-1, x.shape[1])[0]),
            ),
        ),
        trials=(Trial(said("with cross_entropy"), graph_rerun(_cross_entropy(scene))),),
        fix=fixes.fix(
            scene,
            fixes.renamed(
                scene,
                scene.call,
                ("binary_cross_entropy_with_logits", "cross_entropy"),
                ("BCEWithLogitsLoss", "CrossEntropyLoss"),
            ),
            "likely",
            said("For classes that exclude each other use cross_entropy."),
        ),
    )


def _is_shown(scene: Scene, value: float) -> bool:
    """Whether the program shows the number as another value."""
    tensors = scene.recording.tensors
    shown = (scalar(tensors[id]) for id in scene.recording.others if id in tensors)
    return any(x is not None and math.isclose(x, value, rel_tol=_CLOSE) for x in shown)


def _cross_entropy(scene: Scene) -> SwapFunction:
    return swapped(
        scene.call, "torch.nn.functional.cross_entropy", "input", "target", "size_average", "reduce", "reduction"
    )


def _after_softmax_onehot(scene: Scene) -> Suspicion | None:
    maker = scene.nearest("input")
    if maker is None or short(maker) != "softmax" or not _one_hot(scene):
        return None
    return Suspicion(
        at=maker.index,
        verdict=said(
            "{value} is not cross_entropy: it also counts −(1−y)·log(1−p) of the other classes.", value=of_call(scene)
        ),
        evidence=(path(maker, scene.call), _both_parts(scene)),
        trials=(Trial(said("as cross_entropy of the scores"), graph_rerun(dropped(maker), _cross_entropy(scene))),),
        fix=fixes.fix(
            scene,
            None,
            "likely",
            said("For classes that exclude each other give the scores to cross_entropy, without softmax."),
        ),
    )


def _both_parts(scene: Scene) -> Message:
    p, y = scene.array("input"), scene.array("target")
    yes = float(-np.where(y == 1, np.log(np.maximum(p, 1e-45)), 0.0).sum())
    no = float(-np.where(y == 0, np.log1p(-np.minimum(p, 1 - 1e-16)), 0.0).sum())
    text = "The sum of −log p is {yes}, of −log(1−p) of the negative classes {no}; divided by {all} elements."
    return said(text, yes=number(yes), no=number(no), all=y.size)


def _after_softmax_multilabel(scene: Scene) -> Suspicion | None:
    maker, y = scene.nearest("input"), scene.array("target")
    if maker is None or short(maker) != "softmax" or not y.ndim:
        return None
    sums = y.sum(axis=-1).reshape(-1)
    if (np.abs(sums - 1) < 1e-6).all() or (y < 0).any():
        return None
    most = int(sums.max())
    return Suspicion(
        at=maker.index,
        verdict=said(
            "{value} comes from softmax before binary_cross_entropy: the labels share one probability.",
            value=of_call(scene),
        ),
        evidence=(
            path(maker, scene.call),
            said("A row of the target has {count} labels, but softmax can give each at most 1/{count}.", count=most)
            if most > 1
            else said("A row of the target has no label, but softmax must give 1 to the row."),
        ),
        trials=(Trial(said("with a sigmoid for every label"), graph_rerun(swapped(maker, "torch.sigmoid", "input"))),),
        fix=fixes.fix(
            scene,
            None,
            "safe",
            said("Use sigmoid in place of softmax, or the scores in binary_cross_entropy_with_logits."),
        ),
    )
