"""What autocast does on a GPU and cannot do here: products in float16, and losses that it refuses."""

from __future__ import annotations

import ast

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun
from explainers.diagnoses.operands import rewritten
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source, last_name
from explainers.diagnoses.wording import number, stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_MODEL = (
    "w = torch.tensor([[{}, 1.0], [1.0, 2.0]], requires_grad=True)\nx = torch.ones(3, 2)\n"
    "with torch.autocast('cuda'):\n    out = x @ w.T\n    loss = F.cross_entropy(out, torch.tensor([0, 1, 0]))\nloss"
)
_BINARY = "x = torch.tensor([0.3, -0.4])\nwith torch.autocast('cuda'):\n    loss = nn.{}()({}, torch.ones(2))\nloss"
_PRODUCTS = frozenset({"linear", "matmul", "mm", "bmm", "addmm", "baddbmm", "conv1d", "conv2d", "conv3d"})
_LARGEST = 65504.0


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="autocast-overflow",
            family="overflows",
            title=said("Under autocast a product is too large for float16"),
            explanation=said(
                "On a GPU autocast computes products of matrices and convolutions in float16, whose largest number is "
                "65504: what is larger becomes inf there, and the loss nan. On the CPU, where I ran it, the same "
                "program computes in float32. Scale inputs and weights down, or take bfloat16, which reaches as far as "
                "float32."
            ),
            words=(
                "loss nan with AMP on GPU fine on CPU",
                "autocast float16 nan logits too large",
                "mixed precision loss nan linear layer overflow",
            ),
            losses=frozenset(),
            trigger=_overflow,
            positive=_HEAD + _MODEL.format("90000.0"),
            control=_HEAD + _MODEL.format("0.5"),
            dominates=frozenset({"chance-level-ln-c", "info-nce-at-chance", "shift-invariance"}),
            harmless=True,
        ),
        Rule(
            slug="autocast-refuses-bce",
            family="devices",
            title=said("Autocast refuses binary_cross_entropy of probabilities"),
            explanation=said(
                "In float16 a probability next to 0 or 1 is rounded to it, and its logarithm is lost; so autocast "
                "raises for binary_cross_entropy and BCELoss. binary_cross_entropy_with_logits takes the scores before "
                "the sigmoid, and is computed in float32."
            ),
            words=(
                "torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to autocast",
                "BCELoss autocast RuntimeError",
                "unsafe to autocast",
            ),
            losses=frozenset(),
            trigger=_refused,
            positive=_HEAD + _BINARY.format("BCELoss", "torch.sigmoid(x)"),
            control=_HEAD + _BINARY.format("BCEWithLogitsLoss", "x"),
            concern="exception",
        ),
    )


def _overflow(scene: Scene) -> Suspicion | None:
    text = scene.recording.source
    if not scene.whole or "autocast" not in text or "bfloat16" in text:
        return None
    for call in scene.needed():
        made = scene.held(call.outputs[0]) if short(call) in _PRODUCTS and call.outputs else None
        if made is None or not np.isfinite(made).all() or not (np.abs(made) > _LARGEST).any():
            continue
        return Suspicion(
            at=call.index,
            verdict=said(
                "{value} here; under autocast on a GPU line {line} gives inf: {largest} is too large for float16.",
                value=stated(scene),
                line=line_of(call),
                largest=number(float(np.abs(made).max())),
            ),
            evidence=(
                said(
                    "{count} of {all} numbers of {function} lie beyond 65504.",
                    count=int((np.abs(made) > _LARGEST).sum()),
                    all=made.size,
                    function=short(call),
                ),
            ),
            trials=(
                Trial(
                    said("with this product in float16"),
                    graph_rerun(followed_by(call, "torch.Tensor.half")),
                    "illustration",
                ),
            ),
            fix=fixes.fix(scene, _in_bfloat16(text), "likely", said("Scale the inputs, or take dtype=torch.bfloat16.")),
        )
    return None


def _in_bfloat16(text: str) -> str | None:
    """The program with bfloat16 under each autocast that names no dtype."""
    source = Source(text)
    calls = [node for node in source.calls() if last_name(node.func) == "autocast"]
    if not calls or any(each.arg == "dtype" for node in calls for each in node.keywords):
        return None
    ends = [source.piece(node)[1] - 1 for node in calls]
    given = [", " if node.args or node.keywords else "" for node in calls]
    pieces = [((end, end), f"{comma}dtype=torch.bfloat16") for end, comma in zip(ends, given, strict=True)]
    return rewritten(source, pieces)


def _refused(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    if raised is None or "unsafe to autocast" not in raised.message:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("autocast refuses binary_cross_entropy of probabilities; it takes their scores before sigmoid."),
        evidence=(said("Line {line} calls it within autocast.", line=line_of(scene.call)),),
        trials=(),
        fix=fixes.fix(
            scene,
            _of_scores(scene.recording.source),
            "safe",
            said("Give the scores, without sigmoid, to binary_cross_entropy_with_logits."),
        ),
    )


def _of_scores(text: str) -> str | None:
    """The program with the loss of scores, where it takes one sigmoid, in a call."""
    source = Source(text)
    sigmoids = [node for node in source.calls() if last_name(node.func) == "sigmoid"]
    losses = {"BCELoss": "BCEWithLogitsLoss", "binary_cross_entropy": "binary_cross_entropy_with_logits"}
    named = [node.func for node in source.calls() if last_name(node.func) in losses]
    if len(sigmoids) != 1 or len(named) != 1:
        return None
    sigmoid, function = sigmoids[0], named[0]
    inner = sigmoid.args[0] if sigmoid.args else sigmoid.func.value if isinstance(sigmoid.func, ast.Attribute) else None
    if inner is None:
        return None
    end, name = source.piece(function)[1], last_name(function)
    return rewritten(source, [((end - len(name), end), losses[name]), (source.piece(sigmoid), source.written(inner))])
