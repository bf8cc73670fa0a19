"""Likelihoods of counts and measurements: Poisson and Gaussian."""

from __future__ import annotations

import math

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import graph_rerun, set_to, wrapped
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_COUNTS = "counts = torch.tensor([3.0, 8.0, 5.0])\n"
_MEASURED = "mu, y = torch.tensor([0.0, 1.0]), torch.tensor([0.5, 2.0])\n"
_GAUSS = "mean = torch.tensor([0.0, 1.0])\ny = torch.tensor([0.5, 2.0])\nstd = torch.tensor([2.0, 3.0])\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="poisson-log-input",
            family="densities",
            title=said("Rates where poisson_nll_loss expects their logarithms"),
            explanation=said(
                "By default, log_input=True, the input is read as the logarithm of the rate: the loss is e^input − "
                "target · input. A rate itself is exponentiated once too often."
            ),
            words=("poisson_nll_loss huge", "poisson nll log_input", "PoissonNLLLoss explodes"),
            losses=frozenset({"poisson_nll_loss"}),
            trigger=_poisson_rates,
            positive=_HEAD + _COUNTS + "rate = torch.tensor([3.5, 7.5, 5.0])\nF.poisson_nll_loss(rate, counts)",
            control=_HEAD
            + _COUNTS
            + "log_rate = torch.tensor([1.25, 2.0, 1.6])\nF.poisson_nll_loss(log_rate, counts, full=True)",
        ),
        Rule(
            slug="poisson-nll-without-constant",
            family="densities",
            title=said("poisson_nll_loss leaves out log(target!)"),
            explanation=said(
                "The likelihood of a count holds 1 / target!, which does not depend on the model; torch leaves its "
                "logarithm out unless full=True (then it is added by Stirling's formula). So the value may be negative."
            ),
            words=("poisson nll negative", "PoissonNLLLoss negative", "poisson loss below zero"),
            losses=frozenset({"poisson_nll_loss"}),
            trigger=_poisson_negative,
            positive=_HEAD
            + _COUNTS
            + "log_rate = torch.tensor([1.25, 2.0, 1.6])\nF.poisson_nll_loss(log_rate, counts)",
            control=_HEAD
            + _COUNTS
            + "log_rate = torch.tensor([1.25, 2.0, 1.6])\nF.poisson_nll_loss(log_rate, counts, full=True)",
            harmless=True,
        ),
        Rule(
            slug="gaussian-nll-without-constant",
            family="densities",
            title=said("gaussian_nll_loss leaves out ½ log 2π"),
            explanation=said(
                "The negative log-likelihood of a normal distribution holds ½ log(2π) ≈ 0.9189 for each element, a "
                "constant that no gradient depends on; torch leaves it out unless full=True."
            ),
            words=("gaussian nll constant", "norm.logpdf differs from gaussian_nll_loss", "log(2*pi) missing"),
            losses=frozenset({"gaussian_nll_loss"}),
            trigger=_constant_left_out,
            positive=_HEAD + _MEASURED + "F.gaussian_nll_loss(mu, y, torch.tensor([1.0, 0.25]))",
            positive_claims=(Claim("expected", 1.634865, 5e-7, "1.634865"),),
            control=_HEAD + _MEASURED + "F.gaussian_nll_loss(mu, y, torch.tensor([1.0, 0.25]), full=True)",
            harmless=True,
        ),
        Rule(
            slug="density-nll-may-be-negative",
            family="densities",
            symptoms=(Symptom("negative", 5),),
            title=said("The likelihood of a measurement is a density, which may exceed 1"),
            explanation=said(
                "A probability density is no probability: with a small variance it is greater than 1, and minus its "
                "logarithm is negative. So 0 is no bound here, and the sign says nothing; only differences do."
            ),
            words=(
                "nll of a gaussian density is negative",
                "nll of predicted gaussians negative",
                "GaussianNLLLoss with a small variance below 0",
                "vae decoder nll negative",
            ),
            losses=frozenset({"gaussian_nll_loss"}),
            about=frozenset({"nll_loss"}),
            trigger=_negative_density,
            positive=_HEAD + "mean, y = torch.tensor([0.0, 1.0]), torch.tensor([0.01, 1.0])\n"
            "var = torch.tensor([0.01, 0.01])\nF.gaussian_nll_loss(mean, y, var)",
            control=_HEAD + _GAUSS + "F.gaussian_nll_loss(mean, y, std ** 2)",
            dominates=frozenset({"log-density-may-be-positive"}),
            harmless=True,
        ),
    )


def _poisson_rates(scene: Scene) -> Suspicion | None:
    x, y = scene.array("input"), scene.array("target")
    if scene.call.argument("log_input") is False or not x.size or (x <= 0).any() or x.shape != y.shape:
        return None
    as_rate, as_log = float(np.abs(x - y).mean()), float(np.abs(np.exp(x) - y).mean())
    if not as_log > 10 * as_rate:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} comes from e^input: with log_input=True the input is read as log-rates.", value=stated(scene)
        ),
        evidence=(
            said(
                "The input is {input} on average and the target {target}; e^input would be {exp}.",
                input=number(float(x.mean())),
                target=number(float(y.mean())),
                exp=number(float(np.exp(x).mean())),
            ),
        ),
        trials=(Trial(said("with log_input=False"), graph_rerun(set_to(scene.call, "log_input", False))),),
        fix=fixes.fix(
            scene,
            fixes.with_option(scene, scene.call, "log_input", "False"),
            "likely",
            said("Say log_input=False for rates, or let the model return their logarithm."),
        ),
    )


def _constant_left_out(scene: Scene) -> Suspicion | None:
    """Only where somebody states the number that the constant would give."""
    if scene.call.argument("full") is True or scene.value is None:
        return None
    items = scene.given("input").elements if scene.call.argument("reduction") == "sum" else 1
    whole = scene.value + items * 0.5 * math.log(2 * math.pi)
    if not any(claim.agrees(whole) for claim in scene.claims):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} leaves out the constant ½ log(2π); with full=True it is {whole}.",
            value=stated(scene),
            whole=number(whole),
        ),
        evidence=(said("½ log(2π) is {constant} for each element.", constant=number(0.5 * math.log(2 * math.pi))),),
        trials=(Trial(said("with full=True"), graph_rerun(set_to(scene.call, "full", True))),),
        fix=fixes.fix(scene, fixes.with_option(scene, scene.call, "full", "True"), "choose", said("Set full=True.")),
    )


def _poisson_negative(scene: Scene) -> Suspicion | None:
    if scene.value is None or not scene.value < 0 or scene.call.argument("full"):
        return None
    y = scene.array("target")
    constant = (
        float(np.mean([math.lgamma(max(float(one), 0.0) + 1) for one in y.reshape(-1)[:10_000]])) if y.size else 0.0
    )
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} may be negative: the constant log(target!) is left out.", value=stated(scene)),
        evidence=(said("Per element log(target!) is {constant} on average here.", constant=number(constant)),),
        trials=(Trial(said("with full=True"), graph_rerun(set_to(scene.call, "full", True)), "illustration"),),
    )


def _negative_density(scene: Scene) -> Suspicion | None:
    if scene.value is None or scene.value >= 0:
        return None
    variance = scene.recorded("var")
    if variance is None:
        given = scene.option("var", math.nan)
        variance = np.asarray(given)
    if not variance.size or not (variance > 0).all():
        return None
    ones = Trial(
        said("with a variance of 1"), graph_rerun(wrapped(scene.call, "var", "torch.ones_like")), "illustration"
    )
    full = Trial(
        said("with the constant ½ log 2π, full=True"), graph_rerun(set_to(scene.call, "full", True)), "illustration"
    )
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is right: it is minus the logarithm of a density, which may be greater than 1.",
            value=stated(scene),
        ),
        evidence=_densest(float(variance.min())),
        trials=(
            *((ones,) if scene.call.ref("var") is not None else ()),
            *(() if scene.call.argument("full") else (full,)),
        ),
    )


def _densest(variance: float) -> tuple[Message, ...]:
    return (
        said(
            "The smallest variance is {variance}: the density at the mean is 1/√(2π·var) = {density}, and ½ log(var) "
            "is {half}.",
            variance=number(variance),
            density=number(1 / math.sqrt(2 * math.pi * variance)),
            half=number(0.5 * math.log(variance)),
        ),
    )
