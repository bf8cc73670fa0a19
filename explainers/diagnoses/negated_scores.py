"""Losses that are minus something people want more of: a score, a similarity, a log-density."""

from __future__ import annotations

import math

from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import dropped, followed_by, graph_rerun, set_to
from explainers.diagnoses.scene import VIEWS, Scene, is_library_loss, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call
from explainers.reruns import GraphRerun

_HEAD = "import math\nimport torch\nimport torch.nn.functional as F\n\n"
_SDR = (
    "clean = torch.tensor([1.0, -2.0, 3.0, 0.5])\nestimate = torch.tensor([{}])\n"
    "target = (estimate @ clean) / (clean @ clean) * clean\n"
    "si_sdr = 10 * torch.log10((target ** 2).sum() / ((estimate - target) ** 2).sum())\n-si_sdr"
)
_FLOW = (
    "x, scale = torch.tensor([0.01, -0.03]), torch.tensor([{}])\nz = x / scale\n"
    "log_density = (-0.5 * z ** 2 - 0.5 * math.log(2 * math.pi)).sum()\n"
    "log_det = -torch.log(scale).sum()\n-(log_density + log_det)"
)
_REDUCTIONS = frozenset({"mean", "sum"})
_OF_A_DENSITY = (2 * math.pi, math.log(2 * math.pi), 0.5 * math.log(2 * math.pi), math.sqrt(2 * math.pi))
"""The constants of a normal density, of which its formula always holds one."""


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="negated-score",
            family="negated-scores",
            title=said("The loss is minus a score"),
            explanation=said(
                "An optimizer makes a number small. What should become large, such as a similarity, a Dice "
                "coefficient or a ratio of signal to noise in decibels (SI-SDR, SNR), is therefore given a minus "
                "sign. Such a loss is negative wherever the score is positive, and the further below 0 the better: "
                "this is normal, not a bug. Only where the score has a greatest value does the loss have a least one "
                "(−1 for a cosine similarity or a Dice coefficient, none for decibels)."
            ),
            words=(
                "SI-SDR loss negative",
                "loss is the negative SNR",
                "speech separation loss negative",
                "negative cosine similarity loss goes to -1",
                "loss of SimSiam BYOL negative",
                "loss is minus the score",
                "maximise with a negative loss",
            ),
            losses=frozenset(),
            trigger=_negated,
            positive=_HEAD + _SDR.format("1.1, -1.8, 2.9, 0.7"),
            control=_HEAD + _SDR.format("1.1, 1.8, -0.9, 0.7"),
            harmless=True,
        ),
        Rule(
            slug="log-density-may-be-positive",
            family="negated-scores",
            title=said("The negative log-likelihood of a density may be negative"),
            explanation=said(
                "A probability density is no probability: where it is narrow it is greater than 1, its logarithm is "
                "positive, and minus that logarithm is negative. For a normalizing flow, a density model or a "
                "Gaussian likelihood this is normal, not a bug, and there is no least value: the narrower the "
                "density around the data, the further the loss falls. Data that are discrete or repeated, whose "
                "density can become arbitrarily narrow, are made continuous with a little noise (dequantisation)."
            ),
            words=(
                "normalizing flow loss negative",
                "negative log likelihood below zero",
                "log det jacobian negative loss",
                "nll of a density negative",
                "train loss of the flow becomes negative",
                "Normal log_prob positive",
                "mixture density network loss negative",
            ),
            losses=frozenset(),
            about=frozenset({"gaussian_nll_loss"}),
            trigger=_density,
            positive=_HEAD + _FLOW.format("0.05, 0.02"),
            control=_HEAD + _FLOW.format("1.0, 2.0"),
            dominates=frozenset({"negated-score"}),
            harmless=True,
        ),
    )


def _negated(scene: Scene) -> Suspicion | None:
    """The subject is below 0, and what is computed last is a minus sign, before or after a reduction."""
    minus = minus_of(scene)
    if minus is None or scene.value is None or not scene.value < 0:
        return None
    negated = scene.makers.get(next(iter(minus.inputs())))
    if negated is None or is_library_loss(negated, scene.registry):
        return None
    evidence = (said("Before the minus sign it is {score}.", score=number(-scene.value)),)
    return Suspicion(
        at=minus.index,
        verdict=said("{value} is minus a score that is above 0, so a negative loss is right.", value=stated(scene)),
        evidence=evidence,
        trials=(Trial(said("without the minus sign: the score itself"), _without(minus), "illustration"),),
    )


def _density(scene: Scene) -> Suspicion | None:
    """So is the logarithm of a density: its formula holds a constant of the normal density and a log of a scale."""
    minus = minus_of(scene)
    if minus is None or scene.value is None or not scene.value < 0:
        return None
    needed = scene.needed()
    scales = [call for call in needed if short(call) == "log"]
    if not scales or not any(_is_of_a_density(call) for call in needed):
        return None
    flat = graph_rerun(*(followed_by(call, "torch.zeros_like") for call in scales))
    return Suspicion(
        at=minus.index,
        verdict=said(
            "{value} is right: it is minus the logarithm of a density, which may be greater than 1.",
            value=stated(scene),
        ),
        evidence=(
            said(
                "The density is e^{log} = {density} here.", log=number(-scene.value), density=number(_exp(scene.value))
            ),
        ),
        trials=(Trial(said("with a scale of 1, whose logarithm is 0"), flat, "illustration"),),
    )


def _exp(loss: float) -> float:
    return math.exp(-loss) if -loss < math.log(1e300) else math.inf


def minus_of(scene: Scene) -> Call | None:
    """The call that turns the sign, seen through reductions, quotients and views of what it returns."""
    id = scene.recording.subject
    while id is not None and (call := scene.makers.get(id)) is not None:
        if short(call) == "neg" or (short(call) in ("mul", "rmul") and -1 in _numbers(call)):
            return call
        if short(call) not in _REDUCTIONS | VIEWS | {"div"}:
            return None
        id = next(iter(call.inputs()), None)
    return None


def _without(minus: Call) -> GraphRerun:
    other = next((a.name for a in minus.arguments if a.value == -1), None)
    return graph_rerun(dropped(minus) if other is None else set_to(minus, other, 1))


def _numbers(call: Call) -> list[float]:
    return [float(a.value) for a in call.arguments if isinstance(a.value, int | float)]


def _is_of_a_density(call: Call) -> bool:
    return any(math.isclose(abs(value), known, rel_tol=1e-6) for value in _numbers(call) for known in _OF_A_DENSITY)
