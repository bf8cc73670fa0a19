"""The variance of a Gaussian likelihood: given as a deviation, broadcast, below eps."""

from __future__ import annotations

import math

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, set_to, wrapped
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import number, shape, stated
from explainers.messages import said
from explainers.recording import Items

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_GAUSS = "mean = torch.tensor([0.0, 1.0])\ny = torch.tensor([0.5, 2.0])\nstd = torch.tensor([2.0, 3.0])\n"
_STD_NAMES = ("std", "stddev", "stdev", "sigma", "scale", "standard_deviation")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
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
