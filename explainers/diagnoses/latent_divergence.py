"""The divergence of a variational autoencoder, −½ Σ(1 + log σ² − μ² − σ²): known as such, or with its sign turned."""

from __future__ import annotations

import math

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import said

_HEAD = "import torch\n\nmu, logvar = torch.tensor([[0.5, -1.0]]), torch.tensor([[0.1, -0.2]])\n"
_TERMS = "torch.sum(1 + logvar - mu.pow(2) - logvar.exp())"
_TOLERANCE = 1e-4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="latent-divergence-sign",
            family="densities",
            title=said("The divergence of a variational autoencoder has its sign turned"),
            explanation=said(
                "The divergence of N(μ, σ²) from N(0, 1) is −½ Σ(1 + log σ² − μ² − σ²). Each term 1 + log σ² − μ² − σ² "
                "is at most 0, and 0 for μ = 0 and σ = 1, so with the minus sign the divergence is never negative. "
                "Without it, training pushes the latent code away from N(0, 1)."
            ),
            words=("VAE KL term negative", "KLD of a VAE is negative", "variational autoencoder kl loss sign"),
            losses=frozenset(),
            trigger=_turned,
            unedited="Where the sign belongs depends on how the sum is written: its terms have to be told apart first.",
            positive=_HEAD + "0.5 * " + _TERMS,
            control=_HEAD + "-0.5 * " + _TERMS,
            about=frozenset({"kl_div"}),
        ),
        Rule(
            slug="latent-divergence-as-it-should-be",
            family="densities",
            title=said("The minus sign of the divergence of a variational autoencoder is right"),
            explanation=said(
                "Articles maximise the evidence lower bound (ELBO), which holds the divergence with a minus sign: "
                "+½ Σ(1 + log σ² − μ² − σ²). A loss is minimised, so all signs turn: it holds the divergence itself, "
                "−½ Σ(1 + log σ² − μ² − σ²), which is never negative, and 0 for μ = 0 and σ = 1 alone."
            ),
            words=(
                "minus sign of KLD in the VAE loss",
                "why -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())",
                "ELBO sign of the KL term in the VAE example",
            ),
            losses=frozenset(),
            trigger=_right,
            positive=_HEAD + "-0.5 * " + _TERMS,
            control=_HEAD + "0.5 * " + _TERMS,
            about=frozenset({"kl_div"}),
            harmless=True,
        ),
    )


def _turned(scene: Scene) -> Suspicion | None:
    last, total = scene.maker(scene.recording.subject), _summed(scene)
    if scene.value is None or last is None or total is None or not scene.value < 0:
        return None
    return Suspicion(
        at=last.index,
        verdict=said(
            "{value} is the divergence with its sign turned: it is −½ Σ(1 + log σ² − μ² − σ²), never negative.",
            value=stated(scene),
        ),
        evidence=(said("The sum of 1 + log σ² − μ² − σ² is {total}.", total=number(total)),),
        trials=(Trial(said("with a minus sign"), graph_rerun(followed_by(last, "torch.neg"))),),
        fix=fixes.fix(scene, None, "safe", said("Put the minus sign before ½.")),
    )


def _right(scene: Scene) -> Suspicion | None:
    last, total = scene.maker(scene.recording.subject), _summed(scene)
    if scene.value is None or last is None or total is None or not scene.value > 0:
        return None
    return Suspicion(
        at=last.index,
        verdict=said(
            "{value} is the divergence of N(μ, σ²) from N(0, 1), −½ Σ(1 + log σ² − μ² − σ²), and so never negative.",
            value=stated(scene),
        ),
        evidence=(said("The sum of 1 + log σ² − μ² − σ² is {total}.", total=number(total)),),
        trials=(
            Trial(
                said("with its sign turned, as in the bound"),
                graph_rerun(followed_by(last, "torch.neg")),
                "illustration",
            ),
        ),
    )


def _summed(scene: Scene) -> float | None:
    """Σ(1 + log σ² − μ² − σ²), where the subject is half of it, added up or as a mean, with either sign; else None."""
    for log, mean in latent_terms(scene):
        total = float((1 + log - mean**2 - np.exp(log)).sum())
        share = abs(0.5 * total / scene.value) if scene.value else math.nan
        known = math.isclose(share, round(share), rel_tol=_TOLERANCE) if math.isfinite(share) else False
        if known and round(share) in (1, *log.shape, log.size):
            return total
    return None


def latent_terms(scene: Scene) -> list[tuple[Floats, Floats]]:
    """What is exponentiated and what is squared on the way to the subject, in pairs of one shape: log σ² and μ."""
    needed = scene.needed()
    logs = [x for c in needed if short(c) == "exp" and (x := scene.held(c.ref("input"))) is not None]
    means = [
        x
        for c in needed
        if _is_square(c.function, c.argument("exponent")) and (x := _first(scene, c.inputs())) is not None
    ]
    return [(a, b) for a in logs for b in means if a.shape == b.shape]


def _is_square(function: str, exponent: object) -> bool:
    name = function.rsplit(".", 1)[-1].strip("_")
    return name == "square" or (name == "pow" and exponent == 2)


def _first(scene: Scene, ids: tuple[int, ...]) -> Floats | None:
    return scene.held(ids[0]) if ids else None
