"""Losses whose arguments have shapes that torch accepts and the asker did not mean."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import graph_rerun, replaced, reshaped
from explainers.diagnoses.floors import FloorQuestion
from explainers.diagnoses.regions import Box
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import number, shape, stated
from explainers.messages import Message, said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
Shape = tuple[int, ...]
_REGRESSION = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="regression-broadcast",
            family="shapes",
            symptoms=(Symptom("stuck", 6),),
            title=said("Every prediction is compared with every target"),
            explanation=said(
                "Predictions are compared with targets that are not theirs. The loss is then least where all "
                "predictions are one number in the middle of the targets, so that is what training would learn."
            ),
            uncertainty=said("If all pairs were meant, the value is right; then write the broadcast out."),
            words=(
                "mse warning target size",
                "prediction is the mean of the targets broadcast",
                "broadcast",
                "target size different to the input size",
                "shape (N,) and (N,1)",
                "stuck at the variance of the targets, shapes (N,1) and (N,)",
            ),
            losses=_REGRESSION,
            handwritten=True,
            trigger=_regression_broadcast,
            positive=_HEAD
            + "pred = torch.tensor([1.0, 2.0, 3.0, 4.0])\ntarget = torch.tensor([[1.0], [2.0], [3.0], [4.0]])\n"
            "nn.MSELoss()(pred, target)",
            positive_claims=(Claim("expected", 0.0, text="0"),),
            control=_HEAD + "pred = torch.tensor([[1.0, 2.0], [3.0, 4.0]])\ntarget = torch.tensor([1.0, 2.0])\n"
            "F.l1_loss(pred, target)",
        ),
        Rule(
            slug="regression-target-lacks-axis",
            family="shapes",
            title=said("The target lacks an axis of length 1"),
            explanation=said(
                "Both hold the same elements in the same order, so the value is right: an axis of length 1 is added in "
                "front by broadcasting. Older versions of torch refused it (input and target shapes do not match), "
                "newer ones warn. Give both the same shape, with view, squeeze or unsqueeze."
            ),
            words=(
                "input and target shapes do not match",
                "shape (1, N) and (N,)",
                "target size warning same elements",
            ),
            losses=_REGRESSION,
            trigger=_lacks_axis,
            positive=_HEAD + "pred = torch.tensor([[1.0, 2.0, 3.0]])\ntarget = torch.tensor([1.0, 2.0, 5.0])\n"
            "F.mse_loss(pred, target)",
            control=_HEAD + "pred = torch.tensor([[1.0, 2.0, 3.0]])\ntarget = torch.tensor([[1.0, 2.0, 5.0]])\n"
            "F.mse_loss(pred, target)",
            harmless=True,
        ),
    )


def _lacks_axis(scene: Scene) -> Suspicion | None:
    first, second = scene.given("input").shape, scene.given("target").shape
    together = _broadcast(first, second)
    if first == second or together is None or math.prod(together) != math.prod(first) or not math.prod(first):
        return None
    if math.prod(first) != math.prod(second):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is right, although input has shape {input} and target {target}.",
            value=stated(scene),
            input=shape(first),
            target=shape(second),
        ),
        evidence=_warned(scene),
        trials=(
            Trial(
                said("with the target reshaped to {shape}", shape=shape(first)),
                graph_rerun(reshaped(scene.call, "target", first)),
                "equivalent",
            ),
        ),
    )


def _regression_broadcast(scene: Scene) -> Suspicion | None:
    if scene.name in _REGRESSION:
        return _suspected(scene, "target")
    subtracted = (c for c in scene.needed() if short(c) == "sub" and len(c.inputs()) == 2)
    found = (_suspected(replace(scene, call=call), "other") for call in subtracted if _is_measured(scene, call))
    return next((one for one in found if one is not None), None)


def _is_measured(scene: Scene, difference: Call) -> bool:
    """Whether a difference is squared or made positive next, so that it measures an error.

    Operands of as many dimensions were made to broadcast: that is how all pairs are written on purpose.
    """
    first, second = (scene.recording.tensors[id] for id in difference.inputs())
    if len(first.shape) == len(second.shape):
        return False
    made = set(difference.outputs)
    after = (c for c in scene.recording.calls if made & set(c.inputs()))
    return any(short(c) in ("pow", "square", "abs", "mul", "norm") for c in after)


def _suspected(scene: Scene, second_name: str) -> Suspicion | None:
    first, second = scene.given("input"), scene.given(second_name)
    both = _broadcast(first.shape, second.shape)
    pairs = int(np.prod(both, dtype=np.int64)) if both is not None else 0
    if both is None or pairs <= max(first.elements, second.elements):
        return None
    shapes = {"input": shape(first.shape), "target": shape(second.shape), "both": shape(both)}
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} compares {pairs} pairs, not {items}: shapes {input} and {target} broadcast to {both}.",
            value=stated(scene),
            pairs=pairs,
            items=max(first.elements, second.elements),
            **shapes,
        ),
        evidence=(
            said(
                "The input has shape {input}, the target {target}; together that is {both}, {pairs} elements.",
                pairs=pairs,
                **shapes,
            ),
            *_warned(scene),
            *_identity(scene, second_name),
        ),
        trials=(*_same_shape(scene, second_name), *_all_mean(scene, second_name)),
        fix=fixes.fix(scene, _fixed(scene, second_name), "likely", said("Give input and target the same shape.")),
        floors=_floors(scene) if second_name == "target" else (),
    )


def _broadcast(a: Shape, b: Shape) -> Shape | None:
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        return None


def _warned(scene: Scene) -> tuple[Message, ...]:
    """torch's own warning, known by its kind and line, since its words change."""
    line = scene.call.span.line if scene.call.span else None
    warned = any(w.category == "UserWarning" and w.line == line for w in scene.recording.warnings)
    return (said("torch warned about these sizes in line {line}.", line=line),) if warned and line is not None else ()


def _identity(scene: Scene, second_name: str) -> tuple[Message, ...]:
    """var + var + (difference of means)², said where it is indeed the value: when all pairs are compared."""
    x, y = scene.recorded("input"), scene.recorded(second_name)
    if x is None or y is None or scene.value is None or scene.name not in ("mse_loss", "sub"):
        return ()
    parts = (x.var(), y.var(), (x.mean() - y.mean()) ** 2)
    if not np.isclose(sum(parts), scene.value, rtol=1e-5, atol=1e-12):
        return ()
    a, b, c = (number(float(part)) for part in parts)
    text = "The value is var(input) + var(target) + (difference of the means)² = {a} + {b} + {c}."
    return (said(text, a=a, b=b, c=c),)


def _same_shape(scene: Scene, second_name: str) -> tuple[Trial, ...]:
    """The target in the input's shape, where the two differ by dimensions of length 1 only."""
    first, second = scene.given("input").shape, scene.given(second_name).shape
    if [s for s in first if s != 1] != [s for s in second if s != 1]:
        return ()
    what = said("with the target reshaped to {shape}", shape=shape(first))
    return (Trial(what, graph_rerun(reshaped(scene.call, second_name, first))),)


def _all_mean(scene: Scene, second_name: str) -> tuple[Trial, ...]:
    y = scene.recorded(second_name)
    if y is None or not np.isfinite(y).all():
        return ()
    mean = y.mean()
    what = said("with every prediction at the mean of the targets, {mean}", mean=number(float(mean)))
    return (Trial(what, graph_rerun(replaced(scene.given("input"), np.asarray(mean))), "illustration"),)


def _floors(scene: Scene) -> tuple[FloorQuestion, ...]:
    """Clipping predictions to the range of the targets never raises the loss, so the floor lies within it."""
    y = scene.recorded("target")
    if y is None or not np.isfinite(y).all():
        return ()
    return (FloorQuestion("input", Box(float(y.min()), float(y.max())), said("for any predictions of this shape")),)


def _fixed(scene: Scene, second_name: str) -> str | None:
    first, second = scene.given("input").shape, scene.given(second_name).shape
    if not _same_shape(scene, second_name):
        return None
    for axis in range(max(len(first), len(second))):
        if first == (*second[:axis], 1, *second[axis:]):
            return fixes.followed(scene, second_name, f"unsqueeze({axis})")
        if second == (*first[:axis], 1, *first[axis:]):
            return fixes.followed(scene, second_name, f"squeeze({axis})")
    name = fixes.name_passed(scene, "input")
    return fixes.followed(scene, second_name, f"view_as({name})") if name else None
