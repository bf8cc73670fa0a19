"""The divergence of N(μ, σ²) from N(0, 1) written with σ itself: its logarithm counts twice, as log σ² = 2 log σ."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun
from explainers.diagnoses.expectations import goals
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said
from explainers.recording import Call
from explainers.reruns import Edit

_PROGRAM = """\
import torch

mu, sigma = torch.tensor([0.0, 0.1]), torch.tensor([0.5, 0.8])
0.5 * torch.sum(mu**2 + sigma**2 - {log} - 1)
"""
_NEAR = 1e-4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="latent-logarithm-once",
            family="densities",
            title=said("The divergence of a variational autoencoder takes log σ for log σ²"),
            explanation=_why(),
            words=(
                "VAE KL log sigma or log sigma squared",
                "KL divergence of a VAE negative with log std",
                "VAE standard deviation instead of variance in the logarithm",
            ),
            losses=frozenset(),
            trigger=_once,
            unedited="The factor belongs to a term that is written in many ways.",
            positive=_PROGRAM.format(log="torch.log(sigma)"),
            control=_PROGRAM.format(log="2 * torch.log(sigma)"),
            about=frozenset({"kl_div", "elbo"}),
        ),
        Rule(
            slug="latent-logarithm-twice",
            family="densities",
            title=said("The 2 before log σ is right: log σ² = 2 log σ"),
            explanation=_why(),
            words=(
                "VAE KL why 2 log sigma",
                "VAE paper log sigma squared formula factor 2",
            ),
            losses=frozenset(),
            trigger=_twice,
            positive=_PROGRAM.format(log="2 * torch.log(sigma)"),
            positive_claims=(Claim("printed", -0.0919, 5e-5, "-0.0919"),),
            control=_PROGRAM.format(log="torch.log(sigma**2)"),
            about=frozenset({"kl_div", "elbo"}),
            harmless=True,
        ),
    )


def _why() -> Message:
    return said(
        "The divergence of N(μ, σ²) from N(0, 1) is ½ Σ(μ² + σ² - log σ² - 1), and the logarithm of the variance is "
        "log σ² = 2 log σ. A network that gives the standard deviation σ needs the 2; one that gives logvar = log σ² "
        "has it in there. With it the divergence is never negative, and 0 only for μ = 0 and σ = 1; without it, it may "
        "be negative, and is least at another σ."
    )


@dataclass(frozen=True)
class _Logarithm:
    """The call that takes log σ, with the sums that its being there once and twice give."""

    call: Call
    once: float
    twice: float


def _once(scene: Scene) -> Suspicion | None:
    found = _found(scene, "once")
    if found is None:
        return None
    return Suspicion(
        at=found.call.index,
        verdict=said("{value} counts log σ once, but log σ² = 2 log σ: the divergence is {right}.",
                     value=stated(scene), right=number(found.twice)),
        evidence=(said("With log σ in place of log σ² the sum is {once}, with 2 log σ {twice}.",
                       once=number(found.once), twice=number(found.twice)),),
        trials=(
            Trial(said("with 2 log σ"), graph_rerun(followed_by(found.call, "torch.mul", other=2.0))),
        ),
        fix=fixes.fix(scene, None, "likely", said("Write 2 log σ, or log of σ².")),
    )  # fmt: skip


def _twice(scene: Scene) -> Suspicion | None:
    found = _found(scene, "twice")
    if found is None or not any(claim.agrees(found.once) for claim in goals(scene)):
        return None
    return Suspicion(
        at=found.call.index,
        verdict=said("{value} is the divergence: log σ² = 2 log σ; without the 2 it would be {once}.",
                     value=stated(scene), once=number(found.once)),
        evidence=(said("With log σ in place of log σ² the sum is {once}, with 2 log σ {twice}.",
                       once=number(found.once), twice=number(found.twice)),),
        trials=(Trial(said("with log σ once"), graph_rerun(_halved(found.call)), "illustration"),),
    )  # fmt: skip


def _halved(call: Call) -> Edit:
    return followed_by(call, "torch.mul", other=0.5)


def _found(scene: Scene, which: str) -> _Logarithm | None:
    """The logarithm of a deviation whose square stands in the same sum, where the program's value is that sum."""
    value = scene.value
    if value is None or not math.isfinite(value) or not scene.whole:
        return None
    for call in (c for c in scene.needed() if short(c) == "log"):
        sigma = scene.held(call.ref("input"))
        squares = [x for c in scene.needed() if _is_square(c) and (x := scene.held(c.inputs()[0])) is not None]
        for mu in (m for m in squares if sigma is not None and m.shape == sigma.shape and (sigma > 0).all()):
            assert sigma is not None
            if any(other is not mu and _same(other, sigma) for other in squares):
                once, twice = (0.5 * (mu**2 + sigma**2 - k * np.log(sigma) - 1) for k in (1, 2))
                for share in (1, *sigma.shape, sigma.size):
                    found = _Logarithm(call, float(once.sum()) / share, float(twice.sum()) / share)
                    if math.isclose(getattr(found, which), value, rel_tol=_NEAR, abs_tol=_NEAR**2):
                        return found
    return None


def _same(one: Floats, other: Floats) -> bool:
    """Whether two arrays are the same up to a small number that is added before a logarithm."""
    return one.shape == other.shape and np.allclose(one, other, rtol=_NEAR, atol=_NEAR)


def _is_square(call: Call) -> bool:
    ids = call.inputs()
    named = short(call) == "square" or (short(call) == "pow" and call.argument("exponent") == 2)
    return bool(ids) and (named or (short(call) == "mul" and ids == (ids[0], ids[0])))
