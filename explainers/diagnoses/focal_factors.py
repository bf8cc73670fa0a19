"""A focal factor that is no share: of raw scores, or multiplied by gamma where gamma is an exponent."""

from __future__ import annotations

import ast
import re

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced, set_to
from explainers.diagnoses.focal_terms import is_of_logarithm, multiplies_logarithm
from explainers.diagnoses.operands import atom
from explainers.diagnoses.scene import Floats, Scene, short, upstream
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said
from explainers.recording import Argument, Call
from explainers.reruns import GraphRerun, SwapFunction

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_SCORES = (
    "logits, y = torch.tensor([-1.0, 2.0]), torch.tensor([1.0, 1.0])\n"
    "ce = F.binary_cross_entropy_with_logits(logits, y, reduction='none')\n"
)
_SHARES = "p, gamma = torch.tensor([0.9, 0.6]), 2.0\n"
_FOCAL = re.compile(r"gamma|focal|γ", re.I)
_ABOUT = frozenset({"focal_loss"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="focal-factor-of-scores",
            family="focal-terms",
            title=said("The focal factor is taken of a raw score, not of a probability"),
            explanation=said(
                "The focal factor is (1 − p_t)^γ with p_t the probability of the right class, a number between 0 and "
                "1: it is at most 1, so a focal loss is never above its cross-entropy. A raw score (logit) is no "
                "probability: 1 minus it may be anything, and its power raises the loss or even turns with it. Take "
                "sigmoid or softmax of the logits first, or exp(−cross-entropy), which is p_t."
            ),
            words=(
                "focal loss larger than cross entropy",
                "focal factor greater than 1",
                "focal loss with logits instead of probabilities",
                "1 minus logit to the power gamma",
            ),
            losses=frozenset(),
            about=_ABOUT,
            trigger=_of_scores,
            positive=_HEAD + _SCORES + "((1 - logits) ** 2 * ce).mean()",
            control=_HEAD + _SCORES + "((1 - torch.sigmoid(logits)) ** 2 * ce).mean()",
            dominates=frozenset({"focal-factor-lowers"}),
        ),
        Rule(
            slug="focal-gamma-multiplied",
            family="focal-terms",
            title=said("Gamma is multiplied where it is an exponent"),
            explanation=said(
                "In a focal loss γ is the exponent of (1 − p_t): in Python ** is the power, * the product. (1 − p)·γ "
                "falls only in a straight line, so easy items count far more than with (1 − p)^γ, and where γ(1 − p) "
                "is above 1 the loss is above the cross-entropy. In the paper α weighs the positive class (y=1) and "
                "1 − α the negative one; swapped, they favour the other class."
            ),
            words=(
                "focal loss gamma multiplied instead of power",
                "* and ** in focal loss",
                "(1 - p) * gamma focal loss wrong",
            ),
            losses=frozenset(),
            about=_ABOUT,
            trigger=_multiplied,
            positive=_HEAD + _SHARES + "-((1 - p) * gamma * torch.log(p)).mean()",
            control=_HEAD + _SHARES + "-((1 - p) ** gamma * torch.log(p)).mean()",
            dominates=frozenset({"focal-factor-lowers"}),
        ),
    )


def _of_scores(scene: Scene) -> Suspicion | None:
    for call in scene.needed():
        below, gamma = scene.held(call.ref("input")), call.argument("exponent")
        maker = scene.maker(call.ref("input"))
        if short(call) != "pow" or maker is None or short(maker) not in ("sub", "rsub") or below is None:
            continue
        outside = (below < 0) | (below > 1)
        if isinstance(gamma, int | float) and gamma > 0 and outside.any() and multiplies_logarithm(scene, call):
            scores = 1 - below
            made = scene.recording.tensors[maker.outputs[0]]
            trial = graph_rerun(replaced(made, 1 - _sigmoid(scores)))
            span = float(scores.min()), float(scores.max())
            return _unlike(scene, call, span, float((np.abs(below) ** gamma).max()), trial, _with_sigmoid(scene, maker))
    return _written(scene)


def _written(scene: Scene) -> Suspicion | None:
    """The same of a number that the program computes without torch: (1 - (-1)) ** 2."""
    for node in ast.walk(Source(scene.recording.source).tree):
        match node:
            case ast.BinOp(left=ast.BinOp(left=ast.Constant(value=1 | 1.0), op=ast.Sub(), right=inner), op=ast.Pow()):
                score = _number(inner)
            case _:
                continue
        factor = None if score is None else next((c for c in scene.needed() if _is_factor(scene, c, score)), None)
        if factor is None or score is None or 0 <= score <= 1:
            continue
        by = "other" if isinstance(factor.argument("other"), int | float) else "input"
        held = float(str(factor.argument(by)))
        gamma = np.log(held) / np.log(1 - score)
        trial = graph_rerun(set_to(factor, by, float((1 - _sigmoid(np.array(score))) ** gamma)))
        return _unlike(scene, factor, (score, score), held, trial, None)
    return None


def _with_sigmoid(scene: Scene, rest: Call) -> str | None:
    """The program with the sigmoid of what is taken from 1."""
    source = Source(scene.recording.source)
    node = source.at(rest.span)
    if not isinstance(node, ast.BinOp):
        return None
    return source.replaced(source.piece(node.right), f"torch.sigmoid({source.written(node.right)})")


def _is_factor(scene: Scene, call: Call, score: float) -> bool:
    """Whether a call multiplies a cross-entropy by a power of 1 minus the score."""
    factor = next((x for x in (call.argument("other"), call.argument("input")) if isinstance(x, int | float)), None)
    if short(call) != "mul" or factor is None or factor <= 1 or score >= 0:
        return False
    gamma = np.log(factor) / np.log(1 - score)
    whole = abs(2 * gamma - round(2 * gamma)) < 1e-6
    return bool(whole) and any(is_of_logarithm(c) for id in call.inputs() for c in upstream(id, scene.makers))


def _number(node: ast.expr) -> float | None:
    try:
        found = ast.literal_eval(node)
    except ValueError:
        return None
    return float(found) if isinstance(found, int | float) else None


def _unlike(
    scene: Scene, call: Call, span: tuple[float, float], most: float, trial: GraphRerun, changed: str | None
) -> Suspicion:
    return Suspicion(
        at=call.index,
        verdict=said("{value} has a focal factor of a raw score: it goes up to {most}, where a factor of a probability "
                     "is at most 1.", value=stated(scene), most=number(float(most))),
        evidence=(_probabilities(span),),
        trials=(Trial(said("with sigmoid of the score as the probability"), trial),),
        fix=fixes.fix(scene, changed, "likely",
                      said("Take the probability of the right class: sigmoid or softmax of the logits first.")),
    )  # fmt: skip


def _probabilities(span: tuple[float, float]) -> Message:
    low, high = (float(_sigmoid(np.array(x))) for x in span)
    if span[0] == span[1]:
        return said("The score {score} is no probability; sigmoid makes {p} of it.",
                    score=number(span[0]), p=number(low))  # fmt: skip
    return said("The scores from {least} to {most} are no probabilities; sigmoid makes {low} to {high} of them.",
                least=number(span[0]), most=number(span[1]), low=number(low), high=number(high))  # fmt: skip


def _sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def _multiplied(scene: Scene) -> Suspicion | None:
    if not _FOCAL.search(scene.recording.source):
        return None
    for call in (c for c in scene.needed() if short(c) == "mul"):
        by = next((n for n in ("other", "input") if isinstance(call.argument(n), int | float)), None)
        gamma = None if by is None else float(str(call.argument(by)))
        id = next(iter(call.inputs()), None)
        rest, maker = scene.held(id), scene.maker(id)
        if by is None or gamma is None or gamma <= 1 or rest is None or maker is None or not rest.size:
            continue
        between = ((rest > 0) & (rest < 1)).any() and ((rest >= 0) & (rest <= 1)).all()
        if short(maker) in ("sub", "rsub") and between and multiplies_logarithm(scene, call):
            return _powered(scene, call, by, gamma, rest)
    return None


def _powered(scene: Scene, call: Call, by: str, gamma: float, rest: Floats) -> Suspicion:
    tensor = call.argument("input" if by == "other" else "other")
    power = SwapFunction(call.index, "torch.pow", (Argument("input", tensor), Argument("exponent", gamma)))
    source = Source(scene.recording.source)
    node = source.at(call.span)
    product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and by == "other"
    changed = None
    if product and isinstance(node, ast.BinOp):
        changed = source.replaced(source.piece(node), f"{atom(source, node.left)} ** {atom(source, node.right)}")
    return Suspicion(
        at=call.index,
        verdict=said("{value} multiplies 1 − p by {gamma}, where a focal loss takes the power: *, not **.",
                     value=stated(scene), gamma=number(gamma)),
        evidence=(
            said("1 − p lies between {least} and {most}: times {gamma} that is up to {product}, to the power {gamma} "
                 "up to {power}.", least=number(float(rest.min())), most=number(float(rest.max())),
                 gamma=number(gamma), product=number(gamma * float(rest.max())),
                 power=number(float(rest.max()) ** gamma)),
        ),
        trials=(Trial(said("with the power, (1 − p) ** {gamma}", gamma=number(gamma)), graph_rerun(power)),),
        fix=fixes.fix(scene, changed, "likely", said("Write ** for the power.")),
    )  # fmt: skip
