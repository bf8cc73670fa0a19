"""The variance of a variational autoencoder's code, e^logvar, where it runs away."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.operands import atom
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.source_edits import Source, operand
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\n\nmu, logvar = torch.tensor([[0.5, -1.0]]), torch.tensor([[{}, -0.2]])\n"
_KLD = "-0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())"
_CAP = 10.0
_SHARE = 0.9
_LARGEST_EXPONENT = float(np.log(np.finfo(np.float32).max))


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="latent-variance-explodes",
            family="densities",
            title=said("The variance of the code runs away: e^logvar is huge"),
            explanation=said(
                "The KL term of a variational autoencoder holds σ² = e^logvar, so a score of 20 costs e²⁰/2 ≈ "
                "{cost}, and from {limit} on exp overflows float32 to inf, and nan follows. Nothing bounds what a "
                "layer gives for logvar: a learning rate that is too high, unscaled inputs or a poor initialisation "
                "are enough. Clamp logvar, lower the learning rate, normalise the inputs.",
                cost=number(float(np.exp(20.0) / 2)),
                limit=f"{_LARGEST_EXPONENT:.1f}",
            ),
            words=(
                "VAE KL loss explodes then nan",
                "KL loss of a VAE is huge, millions",
                "logvar exp overflow VAE nan",
                "KL loss grows without end while the reconstruction loss is fine",
            ),
            losses=frozenset(),
            trigger=_explodes,
            positive=_HEAD.format("20.0") + _KLD,
            control=_HEAD.format("0.1") + _KLD,
            about=frozenset({"elbo"}),
            dominates=frozenset({"latent-divergence-as-it-should-be", "elbo-is-a-sum"}),
        ),
    )


def _explodes(scene: Scene) -> Suspicion | None:
    """One logvar is so large that its exponential is nearly all of the subject, which squares of μ are beside."""
    squared = any(short(c) in ("pow", "square", "mul") for c in scene.needed())
    found = next(((c, x) for c in scene.needed() if (x := _logvar(scene, c)) is not None), None)
    if found is None or scene.value is None or not squared or not _carries(scene.value, found[1]):
        return None
    call, x = found
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} is nearly all e^logvar: a logvar of {most} makes {exp} of it.",
            value=stated(scene),
            most=number(float(x.max())),
            exp=number(float(np.exp(x.max()))),
        ),
        evidence=(
            said("logvar lies between {low} and {high}.", low=number(float(x.min())), high=number(float(x.max()))),
        ),
        trials=(
            Trial(
                said("with logvar cut at {cap}", cap=number(_CAP)),
                graph_rerun(wrapped(call, "input", "torch.clamp", max=_CAP)),
            ),
        ),
        fix=fixes.fix(scene, _clamped(scene, call), "choose", said("Bound logvar, and look for what makes it grow.")),
    )


def _logvar(scene: Scene, call: Call) -> Floats | None:
    """What is exponentiated, where an entry is beyond any usual logarithm of a variance but finite."""
    x = scene.held(call.ref("input")) if short(call) == "exp" else None
    return x if x is not None and x.size and _CAP < x.max() < _LARGEST_EXPONENT else None


def _carries(value: float, logvar: Floats) -> bool:
    """Whether half the sum of the variances, or a mean over rows or columns of it, is nearly all of the value."""
    half = 0.5 * float(np.exp(logvar).sum())
    return any(_SHARE < half / n / value < 1 / _SHARE for n in (1, *logvar.shape, logvar.size) if value > 0 and n)


def _clamped(scene: Scene, call: Call) -> str | None:
    source = Source(scene.recording.source)
    x = operand(source, call)
    return None if x is None else source.replaced(source.piece(x), f"{atom(source, x)}.clamp(max={_CAP:g})")
