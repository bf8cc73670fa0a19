"""Losses over independent labels that are given the wrong kind of numbers."""

from __future__ import annotations

import math

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import dropped, graph_rerun, swapped, wrapped
from explainers.diagnoses.expectations import sought
from explainers.diagnoses.floors import FloorQuestion
from explainers.diagnoses.regions import Box, Region, Simplex
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import entry, number, of_call, path
from explainers.messages import Message, said
from explainers.recording import Call

_HEAD = (
    "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
    "logits = torch.tensor([4.0, -4.0, 3.5])\ntarget = torch.tensor([1.0, 0.0, 1.0])\n"
)
_SURE = "import torch\nimport torch.nn.functional as F\n\nprobs = torch.tensor([1.0, 0.0, 1.0])\n"
_LOGITS_LOSS = frozenset({"binary_cross_entropy_with_logits"})
_EPSILON = 1e-12
_MANY = 4
_KEPT = ("input", "target", "weight", "size_average", "reduce", "reduction")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="bcewl-double-sigmoid",
            family="binary-inputs",
            title=said("Sigmoid is applied twice"),
            explanation=said(
                "binary_cross_entropy_with_logits applies sigmoid by itself. Of a number between 0 and 1 that lies "
                "between {bottom} and {top}, so before any weights a label 1 costs at least {positive} and a label 0 "
                "at least {negative}, however sure the model is.",
                bottom=number(_sigmoid(0)),
                top=number(_sigmoid(1)),
                positive=number(-math.log(_sigmoid(1))),
                negative=number(-math.log(1 - _sigmoid(0))),
            ),
            words=("sigmoid twice", "double sigmoid", "sigmoid before BCEWithLogits"),
            losses=_LOGITS_LOSS,
            trigger=_double_sigmoid,
            positive=_HEAD + "nn.BCEWithLogitsLoss()(torch.sigmoid(logits), target)",
            control=_HEAD + "probs = torch.sigmoid(logits)\nnn.BCEWithLogitsLoss()(logits, target)",
            dominates=frozenset({"bcewl-probabilities-as-logits"}),
        ),
        Rule(
            slug="bcewl-probabilities-as-logits",
            family="binary-inputs",
            title=said("Probabilities are read as raw scores"),
            explanation=said(
                "binary_cross_entropy_with_logits applies sigmoid by itself: a score of 1 becomes the probability "
                "{top}, a score of 0 becomes {bottom}. So a perfect prediction keeps a loss.",
                top=number(_sigmoid(1)),
                bottom=number(_sigmoid(0)),
            ),
            uncertainty=said(
                "I assume that the input was meant as probabilities. If it is raw scores, nothing is wrong."
            ),
            words=(
                "BCEWithLogits of probabilities",
                "perfect prediction BCEWithLogits not 0",
                "one-hot BCEWithLogitsLoss",
            ),
            losses=_LOGITS_LOSS,
            trigger=_probabilities_as_logits,
            positive=_SURE
            + "target = torch.tensor([1.0, 0.0, 1.0])\nF.binary_cross_entropy_with_logits(probs, target)",
            positive_claims=(Claim("expected", 0.0, text="0"),),
            control=_SURE
            + "target = torch.tensor([1.0, 0.0, 1.0])\nF.binary_cross_entropy_with_logits(8 * probs - 4, target)",
        ),
        Rule(
            slug="bce-clamped-at-100",
            family="binary-inputs",
            title=said("A logarithm of 0, cut off at −100"),
            explanation=said(
                "binary_cross_entropy takes no logarithm to be less than −100, so a probability of exactly 0 or 1 on "
                "the wrong side costs exactly 100, whatever the scores were, and through a sigmoid that has reached "
                "0 or 1 no gradient comes back. Elsewhere the probabilities are clipped instead: at 1e-15 in log_loss "
                "of older scikit-learn and of competitions, which gives 34.54, at 1e-7 in Keras, 16.12."
            ),
            words=(
                "BCELoss is exactly 100",
                "loss 100",
                "BCE stuck at 50",
                "BCELoss 27.63",
                "BCELoss clamp",
                "log loss of probability 0 is not infinite",
                "kaggle logloss 34.5 for a probability of zero",
            ),
            losses=frozenset({"binary_cross_entropy"}),
            trigger=_clamped,
            positive=_HEAD + "F.binary_cross_entropy(torch.sigmoid(50 * logits), 1 - target)",
            control=_HEAD + "F.binary_cross_entropy(torch.sigmoid(logits), 1 - target)",
        ),
        Rule(
            slug="bce-older-epsilon",
            family="binary-inputs",
            title=said("Older versions of torch added 1e-12 inside the logarithm"),
            explanation=said(
                "An old version of torch computed log(p + eps) with eps = 1e-12; newer ones take log p and clamp it at "
                "−100. So a certain prediction gave −1e-12 or 27.63 where it gives 0 or 100 today."
            ),
            words=("BCELoss 1e-12", "BCELoss 1e-12 older version", "BCELoss 27.6310"),
            losses=frozenset({"binary_cross_entropy"}),
            trigger=_older_epsilon,
            positive=_SURE + "target = torch.tensor([0.0, 1.0, 0.0])\nF.binary_cross_entropy(probs, target)",
            positive_claims=(Claim("printed", 27.6310, 5e-5, "27.6310"),),
            control=_SURE + "target = torch.tensor([0.0, 1.0, 0.0])\nF.binary_cross_entropy(0.8 * probs + 0.1, target)",
            control_claims=(Claim("printed", 27.6310, 5e-5, "27.6310"),),
            harmless=True,
            dominates=frozenset({"bce-clamped-at-100"}),
        ),
    )


def _double_sigmoid(scene: Scene) -> Suspicion | None:
    maker = scene.nearest("input")
    if maker is None or short(maker) not in ("sigmoid", "softmax"):
        return None
    name = short(maker)
    return Suspicion(
        at=maker.index,
        verdict=said(
            "{value} comes from {activation} before a loss that applies sigmoid by itself, so twice in all.",
            value=of_call(scene),
            activation=name,
        ),
        evidence=(path(maker, scene.call),),
        trials=(Trial(said("without the extra {activation}", activation=name), graph_rerun(dropped(maker))),),
        fix=fixes.fix(
            scene,
            fixes.without(scene, maker, "input"),
            "safe" if name == "sigmoid" else "choose",
            said("Give this loss the raw scores; keep {activation} for reporting only.", activation=name),
        ),
        floors=(
            FloorQuestion("input", _returns(scene, maker), said("for what {activation} can return", activation=name)),
        ),
    )


def _probabilities_as_logits(scene: Scene) -> Suspicion | None:
    x, maker = scene.array("input"), scene.nearest("input")
    known = maker is not None and short(maker) in ("sigmoid", "softmax")
    if known or not x.size or (x < 0).any() or (x > 1).any() or not (x > 0).any() or not _seem_meant(scene, x):
        return None
    changed = fixes.renamed(
        scene,
        scene.call,
        ("binary_cross_entropy_with_logits", "binary_cross_entropy"),
        ("BCEWithLogitsLoss", "BCELoss"),
    )
    plain = scene.call.ref("pos_weight") is None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} comes from reading probabilities as raw scores: this loss applies sigmoid by itself.",
            value=of_call(scene),
        ),
        evidence=(
            said(
                "All {count} inputs lie between {low} and {high}, as probabilities do.",
                count=x.size,
                low=number(float(x.min())),
                high=number(float(x.max())),
            ),
        ),
        trials=(
            Trial(
                said("read as probabilities"),
                graph_rerun(swapped(scene.call, "torch.nn.functional.binary_cross_entropy", *_KEPT))
                if plain
                else graph_rerun(wrapped(scene.call, "input", "torch.logit")),
            ),
        ),
        fix=fixes.fix(
            scene,
            changed if plain else None,
            "choose",
            said("Pass raw scores; or give probabilities to binary_cross_entropy."),
        ),
        floors=(FloorQuestion("input", Box(0.0, 1.0), said("for inputs within [0, 1]")),),
    )


def _seem_meant(scene: Scene, x: Floats) -> bool:
    """Whether numbers within [0, 1] are probabilities rather than scores that happen to lie there.

    So they are if all are 0 or 1, if there are many, or if the asker expects what they give as probabilities.
    """
    if x.size >= _MANY or set(np.unique(x)) <= {0.0, 1.0}:
        return True
    t = scene.array("target")
    if t.shape != x.shape or scene.reduction == "none":
        return False
    items = -(t * np.log(np.maximum(x, 1e-45)) + (1 - t) * np.log(np.maximum(1 - x, 1e-45)))
    return sought(scene, float(items.mean() if scene.reduction == "mean" else items.sum()))


def _clamped(scene: Scene) -> Suspicion | None:
    x, t = np.broadcast_arrays(scene.array("input"), scene.array("target"))
    wrong = _cut(x, t)
    count, maker = int(wrong.sum()), scene.nearest("input")
    if not count:
        return None
    sigmoid = maker is not None and short(maker) == "sigmoid"
    note = said("Give the raw scores to binary_cross_entropy_with_logits, which needs no cut.")
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} holds {count} of {all} terms at exactly 100: a logarithm of 0, which torch cuts off at −100.",
            value=of_call(scene),
            count=count,
            all=wrong.size,
        ),
        evidence=(
            _first_cut(x, t, wrong),
            *((said("sigmoid is exactly 1 in float32 from a score of about 16.64 on."),) if sigmoid else ()),
        ),
        trials=_uncut(scene, maker if sigmoid else None),
        fix=fixes.fix(scene, fixes.logits_instead(scene, maker) if sigmoid and maker else None, "safe", note),
    )


def _cut(x: Floats, t: Floats) -> np.ndarray:
    """Where a term needs the logarithm of 0."""
    return ((x == 0) & (t > 0)) | ((x == 1) & (t < 1))


def _first_cut(x: Floats, t: Floats, wrong: np.ndarray) -> Message:
    at = tuple(int(k) for k in np.argwhere(wrong)[0])
    text = "input{at} = {p} where the target is {t}: the term is −log 0."
    return said(text, at=entry(at), p=number(float(x[at])), t=number(float(t[at])))


def _uncut(scene: Scene, sigmoid: Call | None) -> tuple[Trial, ...]:
    """With the loss of logits, where the scores are known; else a small step away from 0 and 1."""
    if sigmoid is not None:
        return (of_scores(scene, sigmoid),)
    inside = wrapped(scene.call, "input", "torch.clamp", min=1e-7, max=1 - 1e-7)
    return (Trial(said("with probabilities kept 1e-7 away from 0 and 1"), graph_rerun(inside)),)


def of_scores(scene: Scene, made: Call) -> Trial:
    """With the scores that a call made probabilities of, in the loss of logits."""
    logits = swapped(scene.call, "torch.nn.functional.binary_cross_entropy_with_logits", *_KEPT)
    what = said("with the raw scores in binary_cross_entropy_with_logits")
    return Trial(what, graph_rerun(dropped(made), logits))


def _older_epsilon(scene: Scene) -> Suspicion | None:
    x, t = np.broadcast_arrays(scene.array("input"), scene.array("target"))
    if not ((x == 0) | (x == 1)).any() or scene.reduction == "none":
        return None
    items = -(t * np.log(x + _EPSILON) + (1 - t) * np.log(1 - x + _EPSILON))
    older = float(items.mean() if scene.reduction == "mean" else items.sum())
    today = float(scene.returned or 0.0)
    if not any(_is_printed(claim, older) and not claim.agrees(today) for claim in scene.claims):
        return None
    inside = wrapped(scene.call, "input", "torch.clamp", min=_EPSILON, max=1 - _EPSILON)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is what torch gives today; {older} is what old versions gave.",
            value=of_call(scene),
            older=number(older),
        ),
        evidence=(said("log(p + 1e-12) in place of log p, clamped at −100, gives {older} here.", older=number(older)),),
        trials=(
            Trial(said("in float64, with probabilities 1e-12 away from 0 and 1"), graph_rerun(inside, float64=True)),
        ),
    )


def _is_printed(claim: Claim, older: float) -> bool:
    """Whether a claim is the number of old, also where it is so small that every claim of 0 would agree."""
    if claim.kind == "behaviour" or not isinstance(claim.value, float | int) or claim.value == 0:
        return False
    return math.isclose(claim.value, older, rel_tol=1e-3, abs_tol=0.0)


def _returns(scene: Scene, maker: Call) -> Region:
    """What the activation can return: numbers between 0 and 1, or rows of them that sum to 1."""
    dim, width = maker.argument("dim"), len(scene.given("input").shape)
    same_shape = maker.outputs and scene.recording.tensor(maker.outputs[0]).shape == scene.given("input").shape
    if short(maker) == "softmax" and isinstance(dim, int) and width and same_shape:
        return Simplex(dim % width)
    return Box(0.0, 1.0, open=True)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))
