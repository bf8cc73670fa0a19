"""Likelihoods of counts and measurements: Poisson and Gaussian."""

from __future__ import annotations

import math

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, set_to, wrapped
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import number, shape, stated
from explainers.messages import Message, said
from explainers.recording import Items

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_COUNTS = "counts = torch.tensor([3.0, 8.0, 5.0])\n"
_MEASURED = "mu, y = torch.tensor([0.0, 1.0]), torch.tensor([0.5, 2.0])\n"
_GAUSS = "mean = torch.tensor([0.0, 1.0])\ny = torch.tensor([0.5, 2.0])\nstd = torch.tensor([2.0, 3.0])\n"
_STD_NAMES = ("std", "stddev", "stdev", "sigma", "scale", "standard_deviation")


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
            slug="variance-below-eps",
            family="densities",
            title=said("A variance below eps counts as eps"),
            explanation=said(
                "gaussian_nll_loss clamps the variance: below eps it is replaced by eps (1e-6 unless said otherwise), "
                "so that neither the logarithm nor the division is infinite. A prediction that is exact then gives "
                "½ log(eps), which is negative, and not −inf. The gradient passes the clamp as if it were not there, "
                "with the slope at eps, about ½/eps for such a prediction, which is huge."
            ),
            words=("gaussian nll variance 0", "var=0 GaussianNLLLoss", "gaussian_nll_loss eps", "-6.9078"),
            losses=frozenset({"gaussian_nll_loss"}),
            trigger=_below_eps,
            positive=_HEAD + "mean, y = torch.tensor([1.0, 0.5]), torch.tensor([1.0, 2.0])\n"
            "F.gaussian_nll_loss(mean, y, torch.tensor([0.0, 1.0]))",
            control=_HEAD + "mean, y = torch.tensor([1.0, 0.5]), torch.tensor([1.0, 2.0])\n"
            "F.gaussian_nll_loss(mean, y, torch.tensor([1.0, 1.0]))",
            dominates=frozenset({"density-nll-may-be-negative"}),
            harmless=True,
        ),
        Rule(
            slug="gaussian-nll-std-as-var",
            family="densities",
            title=said("A standard deviation where gaussian_nll_loss expects a variance"),
            explanation=said(
                "The third argument of gaussian_nll_loss is a variance, σ². With σ in its place the fit is biased: "
                "the loss is then least where σ equals the squared error."
            ),
            words=(
                "gaussian nll eps clamp variance",
                "GaussianNLLLoss std or var",
                "gaussian nll sigma",
                "variance or standard deviation",
            ),
            losses=frozenset({"gaussian_nll_loss"}),
            trigger=_std_as_var,
            positive=_HEAD + _GAUSS + "F.gaussian_nll_loss(mean, y, std)",
            control=_HEAD + _GAUSS + "F.gaussian_nll_loss(mean, y, std ** 2)",
        ),
        Rule(
            slug="gaussian-var-broadcast",
            family="densities",
            title=said("A variance that is broadcast"),
            explanation=said(
                "Newer versions of torch accept a variance of any shape that can be broadcast to the input; older ones "
                "wanted the input's shape, or a last dimension of 1, and raised 'var is of incorrect size'. There "
                "var.expand_as(input) does the same."
            ),
            words=("var is of incorrect size", "GaussianNLLLoss var shape", "gaussian_nll_loss variance broadcast"),
            losses=frozenset({"gaussian_nll_loss"}),
            trigger=_broadcast_variance,
            positive=_HEAD + "mean, y = torch.zeros(2, 3, 4), torch.ones(2, 3, 4)\n"
            "var = torch.full((2, 1, 4), 2.0)\nF.gaussian_nll_loss(mean, y, var)",
            control=_HEAD + "mean, y = torch.zeros(2, 3, 4), torch.ones(2, 3, 4)\n"
            "var = torch.full((2, 3, 4), 2.0)\nF.gaussian_nll_loss(mean, y, var)",
            harmless=True,
        ),
        Rule(
            slug="density-nll-may-be-negative",
            family="densities",
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


def _std_as_var(scene: Scene) -> Suspicion | None:
    var, maker = scene.tensor("var"), scene.nearest("var")
    if var is None or not _is_deviation(scene):
        return None
    evidence = (
        said("var comes from {maker}.", maker=short(maker))
        if maker is not None and short(maker) in ("std", "sqrt")
        else said("The variance that is passed is called {name}.", name=var.name or "")
    )
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} reads a standard deviation as a variance.", value=stated(scene)),
        evidence=(evidence,),
        trials=(Trial(said("with the square of it"), graph_rerun(wrapped(scene.call, "var", "torch.square"))),),
        fix=fixes.fix(scene, fixes.rewritten(scene, "var", "{} ** 2"), "likely", said("Pass the variance: σ².")),
    )


def _is_deviation(scene: Scene) -> bool:
    var, maker = scene.tensor("var"), scene.nearest("var")
    if maker is not None:
        return short(maker) in ("std", "sqrt")
    name = (var.name or "").lower() if var else ""
    return any(name == word or name.endswith(f"_{word}") or name.startswith(f"{word}_") for word in _STD_NAMES)


def _broadcast_variance(scene: Scene) -> Suspicion | None:
    var, x = scene.given("var").shape, scene.given("input").shape
    if var == x or not var or (var[:-1] == x[:-1] and var[-1] == 1) or var == x[:-1]:
        return None
    expanded = wrapped(scene.call, "var", "torch.broadcast_to", size=Items("tuple", x))
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} uses a variance of shape {var}, broadcast to {input}.",
            value=stated(scene),
            var=shape(var),
            input=shape(x),
        ),
        evidence=(
            said(
                "Each variance serves {count} elements.",
                count=scene.given("input").elements // max(scene.given("var").elements, 1),
            ),
        ),
        trials=(Trial(said("with the variance expanded, var.expand_as(input)"), graph_rerun(expanded), "equivalent"),),
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


def _below_eps(scene: Scene) -> Suspicion | None:
    variance, eps = scene.recorded("var"), scene.option("eps", 1e-6)
    if variance is None:
        variance = np.asarray(scene.option("var", math.nan))
    below = variance[(variance >= 0) & (variance < eps)]
    if not below.size:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} counts a variance of {variance} as eps = {eps}.",
            value=stated(scene),
            variance=number(float(below.min())),
            eps=number(eps),
        ),
        evidence=(
            said("{count} of {all} variances are below eps.", count=int(below.size), all=variance.size),
            said("½ log(eps) is {half}.", half=number(0.5 * math.log(eps)) if eps > 0 else "−inf"),
        ),
        trials=(Trial(said("with eps=1"), graph_rerun(set_to(scene.call, "eps", 1.0)), "illustration"),),
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
