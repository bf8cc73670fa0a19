"""Losses over independent labels that are given the wrong kind of numbers."""

from __future__ import annotations

import math

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import dropped, graph_rerun
from explainers.diagnoses.floors import FloorQuestion
from explainers.diagnoses.regions import Box, Region, Simplex
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import number, path, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = (
    "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
    "logits = torch.tensor([4.0, -4.0, 3.5])\ntarget = torch.tensor([1.0, 0.0, 1.0])\n"
)


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
            losses=frozenset({"binary_cross_entropy_with_logits"}),
            trigger=_double_sigmoid,
            positive=_HEAD + "nn.BCEWithLogitsLoss()(torch.sigmoid(logits), target)",
            control=_HEAD + "probs = torch.sigmoid(logits)\nnn.BCEWithLogitsLoss()(logits, target)",
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
            "{value} comes from {activation} before a loss that applies sigmoid by itself.",
            value=stated(scene),
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


def _returns(scene: Scene, maker: Call) -> Region:
    """What the activation can return: numbers between 0 and 1, or rows of them that sum to 1."""
    dim, width = maker.argument("dim"), len(scene.given("input").shape)
    same_shape = maker.outputs and scene.recording.tensor(maker.outputs[0]).shape == scene.given("input").shape
    if short(maker) == "softmax" and isinstance(dim, int) and width and same_shape:
        return Simplex(dim % width)
    return Box(0.0, 1.0, open=True)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))
