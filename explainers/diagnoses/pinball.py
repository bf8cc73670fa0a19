"""The quantile (pinball) loss written by hand, with the sign of the errors below the prediction turned."""

from __future__ import annotations

import math

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun
from explainers.diagnoses.scene import Floats, Scene, line_of, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_PROGRAM = """\
import torch

y, pred, q = torch.tensor([2.0, -1.0, 0.5]), torch.tensor([1.0, 1.5, 1.0]), 0.3
error = y - pred
torch.where(error > 0, q * error, {below} * error).mean()
"""
_NEAR = 1e-5
_TELLING = frozenset({"gt", "ge", "lt", "le", "where", "maximum", "max", "clamp", "relu"})
"""What tells errors above 0 from those below."""


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="quantile-loss-sign",
            family="reductions",
            title=said("The quantile loss keeps the sign of the negative errors"),
            explanation=said(
                "The quantile (pinball) loss of the error e = y - prediction is max(q·e, (q - 1)·e), which is never "
                "negative: where e is below 0 its factor is q - 1, negative as well. With 1 - q there the error keeps "
                "its minus sign, so the loss goes below 0 and a prediction that is too high is rewarded."
            ),
            words=(
                "quantile loss negative",
                "pinball loss sign error",
                "quantile regression loss below zero",
                "quantile loss 1 - q or q - 1",
            ),
            losses=frozenset(),
            trigger=_turned,
            unedited="The branch is written in many ways; the factor to write is named.",
            positive=_PROGRAM.format(below="(1 - q)"),
            control=_PROGRAM.format(below="(q - 1)"),
            handwritten=True,
        ),
    )


def _turned(scene: Scene) -> Suspicion | None:
    value = scene.value
    if value is None or not value < 0 or not any(short(c) in _TELLING for c in scene.recording.calls):
        return None
    for error in (scene.held(c.outputs[0]) for c in scene.needed() if short(c) == "sub" and c.outputs):
        if error is None or not error.size or not (error < 0).any():
            continue
        for factor, call in _factors(scene):
            q, below = 1 - factor, float(error[error < 0].sum())
            wrong = q * float(error[error > 0].sum()) + factor * below
            if any(math.isclose(value * n, wrong, rel_tol=_NEAR) for n in (1, error.size)) and _is_below(
                scene, call, error, factor
            ):
                return _suspicion(scene, call, error, factor)
    return None


def _factors(scene: Scene) -> list[tuple[float, Call]]:
    """The numbers between 0 and 1 that something is multiplied by."""
    made = ((c.argument("other"), c) for c in scene.needed() if short(c) == "mul")
    return [(float(other), c) for other, c in made if isinstance(other, int | float) and 0 < other < 1]


def _is_below(scene: Scene, call: Call, error: Floats, factor: float) -> bool:
    """Whether a product is that of the negative errors: one by one, or already added up."""
    given, negative = scene.held(call.ref("input")), error[error < 0]
    if given is None:
        return False
    if given.size == 1:
        return math.isclose(float(given.reshape(())), float(negative.sum()), rel_tol=_NEAR)
    return given.size in (error.size, negative.size) and math.isclose(
        float(given[given < 0].sum()), float(negative.sum()), rel_tol=_NEAR
    )


def _suspicion(scene: Scene, call: Call, error: Floats, factor: float) -> Suspicion:
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} keeps the minus sign of {count} of {all} errors, so a quantile loss that is never negative goes "
            "below 0.",
            value=stated(scene),
            count=int((error < 0).sum()),
            all=error.size,
        ),
        evidence=(
            said(
                "In line {line} errors that add up to {sum} are multiplied by {factor}, not by {right}.",
                line=line_of(call),
                sum=number(float(error[error < 0].sum())),
                factor=number(factor),
                right=number(-factor),
            ),
        ),
        trials=(
            Trial(said("with the factor {right}", right=number(-factor)), graph_rerun(followed_by(call, "torch.neg"))),
        ),
        fix=fixes.fix(
            scene, None, "safe", said("Multiply negative errors by q - 1, or take max(q·e, (q - 1)·e) of every error.")
        ),
    )
