"""Activations between the last layer and cross_entropy."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.class_rows import class_dim, class_rows, entry_range, tolerance
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import dropped, graph_rerun, swapped, wrapped
from explainers.diagnoses.floors import FloorQuestion
from explainers.diagnoses.regions import Box
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, of_call, path, row
from explainers.graph.floats import log_sum_exp
from explainers.messages import Message, said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_LOGITS = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ntarget = torch.tensor([0, 1])\n"
_NEGATIVE = "logits = torch.tensor([[-1.0, -2.0, -3.0], [-0.5, 2.0, -1.0]])\ntarget = torch.tensor([0, 1])\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ce-after-sigmoid",
            family="cross-entropy-inputs",
            title=said("Sigmoid before cross_entropy"),
            explanation=said(
                "cross_entropy applies softmax by itself and wants raw scores. Sigmoid squeezes them into (0, 1) "
                "first, where softmax can tell classes apart by a factor of e at most."
            ),
            words=("sigmoid before cross entropy", "sigmoid and CrossEntropyLoss", "cross entropy after sigmoid"),
            losses=frozenset({"cross_entropy"}),
            trigger=_after_sigmoid,
            positive=_HEAD + _LOGITS + "F.cross_entropy(torch.sigmoid(logits), target)",
            control=_HEAD + _LOGITS + "probs = torch.sigmoid(logits)\nF.cross_entropy(logits, target)",
            dominates=frozenset({"accuracy-is-not-loss", "ce-probabilities-as-logits", "chance-level-ln-c"}),
        ),
        Rule(
            slug="ce-after-relu",
            family="cross-entropy-inputs",
            title=said("Negative scores are cut off before cross_entropy"),
            explanation=said(
                "cross_entropy wants raw scores, and negative ones tell it which classes are unlikely. Cut to 0 they "
                "are all alike, and no gradient passes through a score that was cut."
            ),
            words=("relu before cross entropy", "relu on the last layer", "relu output layer loss stuck at ln C"),
            losses=frozenset({"cross_entropy"}),
            trigger=_after_relu,
            positive=_HEAD + _NEGATIVE + "F.cross_entropy(torch.relu(logits), target)",
            control=_HEAD + _NEGATIVE + "hidden = torch.relu(logits)\nF.cross_entropy(logits, target)",
            dominates=frozenset({"accuracy-is-not-loss", "chance-level-ln-c"}),
        ),
        Rule(
            slug="ce-on-log-probabilities",
            family="cross-entropy-inputs",
            title=said("log_softmax before cross_entropy is superfluous"),
            explanation=said(
                "cross_entropy applies log_softmax by itself. Of log-probabilities it is the identity, since the "
                "logsumexp that it subtracts is 0 already: the value and the gradient stay the same."
            ),
            words=(
                "log_softmax before cross entropy",
                "LogSoftmax and CrossEntropyLoss",
                "log_softmax twice",
                "forward returns log_softmax, CrossEntropyLoss wants logits, is softmax taken twice",
            ),
            losses=frozenset({"cross_entropy"}),
            trigger=_on_log_probabilities,
            positive=_HEAD + _LOGITS + "F.cross_entropy(F.log_softmax(logits, dim=1), target)",
            control=_HEAD
            + _LOGITS
            + "F.nll_loss(F.log_softmax(logits, dim=1), target)\nF.cross_entropy(logits, target)",
            harmless=True,
        ),
    )


def _after_sigmoid(scene: Scene) -> Suspicion | None:
    maker = scene.nearest("input")
    if maker is None or short(maker) != "sigmoid":
        return None
    note = said(
        "Give the loss the raw scores; for labels that may be true together use binary_cross_entropy_with_logits."
    )
    return Suspicion(
        at=maker.index,
        verdict=said(
            "{value} comes from sigmoid before cross_entropy, which applies softmax by itself.", value=of_call(scene)
        ),
        evidence=(path(maker, scene.call), *entry_range(scene)),
        trials=(Trial(said("without the sigmoid"), graph_rerun(dropped(maker))),),
        fix=fixes.fix(scene, fixes.without(scene, maker, "input"), "safe", note),
        floors=(FloorQuestion("input", Box(0.0, 1.0, open=True), said("for what sigmoid can return")),),
    )


def _after_relu(scene: Scene) -> Suspicion | None:
    maker = scene.nearest("input")
    if maker is None or not _cuts_at_zero(maker):
        return None
    x = scene.array("input")
    zeros = int((x == 0).sum())
    if not zeros or (x < 0).any():
        return None
    return Suspicion(
        at=maker.index,
        verdict=said(
            "{value} comes from {activation} before cross_entropy: {zeros} of {all} scores are cut to 0.",
            value=of_call(scene),
            activation=short(maker),
            zeros=zeros,
            all=x.size,
        ),
        evidence=(path(maker, scene.call), *_indistinguishable(scene)),
        trials=(Trial(said("without {activation}", activation=short(maker)), graph_rerun(dropped(maker))),),
        fix=fixes.fix(
            scene,
            fixes.without(scene, maker, "input"),
            "safe",
            said("The last layer before cross_entropy has no activation."),
        ),
    )


def _cuts_at_zero(maker: Call) -> bool:
    cut = short(maker) in ("clamp", "clamp_min", "clip") and maker.argument("min") == 0
    return cut or (
        short(maker) in ("relu", "relu6", "threshold", "hardtanh") and maker.argument("min_val") in (None, 0, 0.0)
    )


def _indistinguishable(scene: Scene) -> tuple[Message, ...]:
    """Rows in which every score is 0: there the loss is ln C and nothing can be learned."""
    rows = class_rows(scene)
    flat = int((rows == 0).all(axis=1).sum())
    if not flat:
        return ()
    text = "In {count} of {rows} rows every score is 0: the loss there is ln {classes} = {chance}, and the gradient 0."
    chance = number(float(np.log(rows.shape[1])))
    return (said(text, count=flat, rows=len(rows), classes=rows.shape[1], chance=chance),)


def _on_log_probabilities(scene: Scene) -> Suspicion | None:
    rows, maker = class_rows(scene), scene.nearest("input")
    if not _normalised(scene, rows):
        return None
    again = wrapped(scene.call, "input", "torch.log_softmax", dim=class_dim(scene))
    once_more = Trial(said("with log_softmax once more"), graph_rerun(again), "equivalent")
    kept = ("input", "target", "weight", "size_average", "ignore_index", "reduce", "reduction")
    swap = swapped(scene.call, "torch.nn.functional.nll_loss", *kept)
    plain = not scene.given("target").floating and not scene.call.argument("label_smoothing")
    as_nll = (Trial(said("with nll_loss instead"), graph_rerun(swap), "equivalent"),) if plain else ()
    return Suspicion(
        at=maker.index if maker else scene.call.index,
        verdict=said(
            "{value} is right: the input is log-probabilities already, and cross_entropy leaves them as they are.",
            value=of_call(scene),
        ),
        evidence=(
            said("Row 0 of the input is {row}: log Σ exp of it is 0.", row=row(rows[0])),
            *((path(maker, scene.call),) if maker else ()),
        ),
        trials=(once_more, *as_nll),
    )


def _normalised(scene: Scene, rows: Floats) -> bool:
    """Whether every row is log-probabilities of at least two classes."""
    some = (rows[:9], rows)  # most inputs are logits, and the first rows say so
    return rows.shape[1] > 1 and all((np.abs(log_sum_exp(r, 1)) <= tolerance(scene, 1e-5)).all() for r in some)
