"""The pinball loss written by hand, with the error taken the other way round."""

from __future__ import annotations

from dataclasses import replace

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun
from explainers.diagnoses.operands import replaced as written_otherwise
from explainers.diagnoses.operands import written
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\n\n"
_DATA = "y = torch.tensor([10.0, 12.0, 9.0])\npred = torch.tensor([8.0, 11.0, 6.0], requires_grad=True)\n"
_LARGER = frozenset({"max", "maximum", "where"})
_SAME = 1e-6


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="quantile-error-turned",
            family="one-sided",
            title=said("The error of the quantile loss is taken the other way round"),
            explanation=said(
                "The pinball loss of the quantile q is max(q · e, (q − 1) · e) with e = target − prediction: too low a "
                "prediction costs q per unit, too high a one 1 − q, so that a share q of the targets lies below it. "
                "With e = prediction − target the two costs are exchanged, and the model learns the quantile 1 − q."
            ),
            words=(
                "pinball loss sign of the error",
                "quantile loss 0.9 gives the lower quantile",
                "quantile regression predicts the wrong quantile",
            ),
            losses=frozenset(),
            trigger=_turned,
            positive=_HEAD + _DATA + "e = pred - y\ntorch.max(0.9 * e, (0.9 - 1) * e).mean()",
            control=_HEAD + _DATA + "e = y - pred\ntorch.max(0.9 * e, (0.9 - 1) * e).mean()",
        ),
    )


def _turned(scene: Scene) -> Suspicion | None:
    for call in scene.needed():
        found = _sides(scene, call) if short(call) in _LARGER else None
        if found is None:
            continue
        error, quantile = found
        one, other = (scene.recording.known(error.ref(name)) for name in ("input", "other"))
        if one is None or other is None or not one.requires_grad or other.requires_grad or quantile == 0.5:
            continue
        return Suspicion(
            at=error.index,
            verdict=said(
                "{value} is the loss of the quantile {other}, not {quantile}: line {line} takes the target from the "
                "prediction.",
                value=stated(scene),
                other=number(1 - quantile),
                quantile=number(quantile),
                line=line_of(error),
            ),
            evidence=(
                said(
                    "As it is, a prediction that is too high costs {high} per unit, one that is too low {low}.",
                    high=number(quantile),
                    low=number(1 - quantile),
                ),
            ),
            trials=(Trial(said("with target − prediction"), graph_rerun(followed_by(error, "torch.neg"))),),
            fix=fixes.fix(scene, _exchanged(scene, error), "safe", said("Take the prediction from the target.")),
        )
    return None


def _sides(scene: Scene, call: Call) -> tuple[Call, float] | None:
    """The difference that a call takes the larger multiple of, by q and by q − 1, and q."""
    made = [scene.makers.get(id) for id in call.inputs()]
    products = [c for c in made if c is not None and short(c) == "mul" and len(c.inputs()) == 1]
    if len(products) != 2 or products[0].inputs() != products[1].inputs():
        return None
    factors = sorted(_factor(each) for each in products)
    error = scene.maker(products[0].inputs()[0])
    if error is None or short(error) != "sub" or len(error.inputs()) != 2:
        return None
    fits = 0 < factors[1] < 1 and abs(factors[1] - factors[0] - 1) < _SAME
    return (error, factors[1]) if fits else None


def _factor(call: Call) -> float:
    values = (call.argument(name) for name in ("input", "other"))
    return next((float(value) for value in values if isinstance(value, int | float)), 0.0)


def _exchanged(scene: Scene, error: Call) -> str | None:
    """The program with the two operands of the difference exchanged."""
    own, source = replace(scene, call=error), Source(scene.recording.source)
    one, other = written(own, "input"), written(own, "other")
    if one is None or other is None:
        return None
    return written_otherwise(own, input=source.written(other), other=source.written(one))
