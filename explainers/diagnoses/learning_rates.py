"""Training loops whose learning rate is too small or too large."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.training import CONTROL, loop_of, program, suspected
from explainers.diagnoses.turning import turns
from explainers.diagnoses.wording import code_of, entry, number, stated
from explainers.messages import Message, said

_GROWTH = 2.0
_FIRST_ROUNDS = 8
_TINY_RATE = 1e-7
_USUAL_RATE = 0.01


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="learning-rate-too-small",
            family="training",
            symptoms=(Symptom("stuck", 7),),
            title=said("The learning rate is (almost) 0"),
            explanation=said(
                "A step changes each parameter by the learning rate times its gradient: with a rate of 0 by nothing, "
                "and with a tiny one by less than float32 holds beside it."
            ),
            words=("lr=0", "learning rate zero", "learning rate too small", "loss stays the same"),
            losses=frozenset(),
            trigger=_too_small,
            positive=program("SGD(model.parameters(), lr=0.0)"),
            control=CONTROL,
        ),
        Rule(
            slug="learning-rate-too-large",
            family="training",
            symptoms=(Symptom("nan", 4), Symptom("inf", 5), Symptom("stuck", 8)),
            title=said("The learning rate is too large"),
            explanation=said(
                "Each step goes beyond the minimum, to a point that is higher than the one before: the loss grows from "
                "round to round."
            ),
            words=(
                "learning rate too high loss nan",
                "loss inf then nan after some steps learning rate",
                "loss diverges learning rate not normalised data",
                "learning rate too high",
                "loss explodes",
                "loss diverges",
                "loss increasing every epoch",
                "learning rate loss jumps up and down",
                "loss oscillates and does not go below learning rate",
            ),
            losses=frozenset(),
            trigger=_too_large,
            positive=program("SGD(model.parameters(), lr=1.0)"),
            control=CONTROL,
        ),
    )


def _too_small(scene: Scene) -> Suspicion | None:
    loop = loop_of(scene)
    rate = loop.rate if loop else None
    if loop is None or rate is None or rate > _TINY_RATE or not loop.steps:
        return None
    return suspected(
        scene,
        said("{value}: with a learning rate of {rate} no step changes anything that float32 could show.",
             value=stated(scene), rate=number(rate)),
        loop.with_rate(_USUAL_RATE),
        said("with lr={rate}", rate=_USUAL_RATE),
        said("Take a usual learning rate, such as 0.01."),
        sure=False,
    )  # fmt: skip


def _too_large(scene: Scene) -> Suspicion | None:
    loop, losses = loop_of(scene), scene.recording.losses
    rate = loop.rate if loop else None
    if loop is None or rate is None or not loop.steps or not loop.clears or not _grows(losses):
        return None
    smaller = _smaller(rate, losses)
    found = suspected(
        scene,
        said("{value}: the loss grows from {first}, since steps with a learning rate of {rate} overshoot.",
             value=stated(scene), first=number(losses[0]), rate=number(rate)),
        loop.with_rate(smaller),
        said("with lr={rate}", rate=number(smaller)),
        said("Take a smaller learning rate."),
        sure=False,
    )  # fmt: skip
    return replace(found, evidence=(*found.evidence, *_lost(scene)))


def _lost(scene: Scene) -> tuple[Message, ...]:
    """The first call of the loop that made nan or infinity of finite numbers: its round, line, place and input."""
    calls = scene.recording.calls
    call = next((c for c in calls if c.outputs and c.span is not None and turns(scene.recording, c)), None)
    made = scene.held(call.outputs[0]) if call is not None else None
    if call is None or made is None or np.isfinite(made).all():
        return ()
    at = tuple(int(k) for k in np.argwhere(~np.isfinite(made))[0])
    given = scene.held(next(iter(call.inputs()), None))
    if given is None or not given.size:
        return ()
    of = float(given[at]) if given.shape == made.shape else float(np.abs(given).max())
    rounds = sum(short(c) == "backward" for c in calls if c.index < call.index) + 1
    told: dict[str, object] = {"code": code_of(call), "line": line_of(call), "round": rounds, "entry": entry(at)}
    told |= {"value": number(float(made[at])), "of": number(of)}
    if given.shape != made.shape:
        return (said("Round {round} has the first number that is not finite: {code}{entry} in line {line} is {value}, "
                     "computed from numbers as large as {of}.", **told),)  # fmt: skip
    return (said("Round {round} has the first number that is not finite: {code}{entry} in line {line} is {value}, "
                 "computed from {of}.", **told),)  # fmt: skip


def _grows(losses: Sequence[float]) -> bool:
    """Whether the loss ends far above its first value, or rose so far that it ends infinite or nan."""
    most = max((loss for loss in losses if not math.isnan(loss)), default=math.nan)
    ends = losses[-1] if math.isfinite(losses[-1]) else most
    return ends > _GROWTH * losses[0] > 0


def _smaller(rate: float, losses: Sequence[float]) -> float:
    """A tenth of the rate, or less where the loss says so, in one digit.

    A step on a loss of curvature λ multiplies it by (1 − rate · λ)², so that one which grows by a factor r each round
    has λ = (1 + √r) / rate, and 1 / λ is the rate that goes straight to the minimum along the steepest direction.
    """
    pairs = [(a, b) for a, b in pairwise(losses) if a > 0 and math.isfinite(b)]
    wanted = rate / max(10.0, *(1 + math.sqrt(b / a) for a, b in pairs[:_FIRST_ROUNDS]), 0.0)
    unit = 10.0 ** math.floor(math.log10(wanted))
    return float(f"{math.floor(wanted / unit + 1e-9) * unit:.0e}")
