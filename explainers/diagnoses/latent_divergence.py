"""The divergence of a variational autoencoder, −½ Σ(1 + log σ² − μ² − σ²): known as such, or with its sign turned."""

from __future__ import annotations

import ast
import math

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said
from explainers.recording import Call, scalar
from explainers.terms import Term, terms

_HEAD = "import torch\n\nmu, logvar = torch.tensor([[0.5, -1.0]]), torch.tensor([[0.1, -0.2]])\n"
_TERMS = "torch.sum(1 + logvar - mu.pow(2) - logvar.exp())"
_TOLERANCE = 1e-4
_TIMES = ((1, 1), (-1, 1), (1, 2), (-1, 2))
"""Signs of a term, and how many halves of the sum it may be before its weight."""


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
            positive=_HEAD + "0.5 * " + _TERMS,
            control=_HEAD + "-0.5 * " + _TERMS,
            variants=(_HEAD + "rec = torch.tensor(0.3)\nkld = -0.5 * " + _TERMS + "\nrec - kld",),
            about=frozenset({"kl_div"}),
            dominates=frozenset({"elbo-is-a-sum", "elbo-terms-on-different-scales"}),
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
    value, last = scene.value, scene.maker(scene.recording.subject)
    if value is None or last is None:
        return None
    for log, mean in latent_terms(scene):
        total = float((1 + log - mean**2 - np.exp(log)).sum())
        if value < 0 and _is_share(value, total, log.shape):
            return _of_whole(scene, last, total)
        for term in terms(scene.recording):
            alone = scalar(scene.recording.tensor(term.tensor))
            adds = alone is not None and any(_is_share(sign * alone, k * total, log.shape) for sign, k in _TIMES)
            if adds and term.part * total > 0 and value - term.part >= 0 and not _is_bound(scene):
                return _of_term(scene, term, total)
    return None


def _is_share(value: float, total: float, sizes: tuple[int, ...]) -> bool:
    """Whether a value is half the total, over nothing or over as many items, entries or both."""
    share = 0.5 * total / value if value else math.nan
    whole = share > 0 and math.isclose(share, round(share), rel_tol=_TOLERANCE)
    return whole and round(share) in (1, *sizes, math.prod(sizes))


def _is_bound(scene: Scene) -> bool:
    """Whether the program calls the value the lower bound, which is to be large."""
    held = scene.recording.tensors.get(scene.recording.subject or 0)
    return held is not None and "elbo" in (held.name or "").lower()


def _of_whole(scene: Scene, last: Call, total: float) -> Suspicion:
    return Suspicion(
        at=last.index,
        verdict=said(
            "{value} is the divergence with its sign turned: it is −½ Σ(1 + log σ² − μ² − σ²), never negative.",
            value=stated(scene),
        ),
        evidence=(_sum(total),),
        trials=(Trial(said("with a minus sign"), graph_rerun(followed_by(last, "torch.neg"))),),
        fix=fixes.fix(scene, _negated(scene, last), "safe", said("Put the minus sign before ½.")),
    )


def _of_term(scene: Scene, term: Term, total: float) -> Suspicion | None:
    """A divergence that is subtracted, or added with its own sign turned."""
    maker = scene.makers.get(term.tensor)
    if maker is None:
        return None
    source = Source(scene.recording.source)
    named = scene.recording.tensors[term.tensor].name
    at_place = term.weight < 0 or named is None
    changed = _other_operator(source, maker, named) if at_place else _negated(scene, maker)
    return Suspicion(
        at=maker.index,
        verdict=said(
            "{value} holds the divergence with its sign turned: it adds {part}, where −½ Σ(1 + log σ² − μ² − σ²) is "
            "{right}.",
            value=stated(scene),
            part=number(term.part),
            right=number(-term.part),
        ),
        evidence=(_sum(total),),
        trials=(Trial(said("with the sign of the divergence turned"), graph_rerun(followed_by(maker, "torch.neg"))),),
        fix=fixes.fix(scene, changed, "safe", said("The reconstruction error plus the divergence is to be small.")),
    )


def _sum(total: float) -> Message:
    return said("The sum of 1 + log σ² − μ² − σ² is {total}.", total=number(total))


def _negated(scene: Scene, call: Call) -> str | None:
    """The program with a minus sign before the expression of a call."""
    source = Source(scene.recording.source)
    node = source.at(call.span)
    if not isinstance(node, ast.BinOp | ast.Call):
        return None
    tight = isinstance(node, ast.Call) or isinstance(node.op, ast.Mult | ast.Div)
    text = source.written(node)
    return source.replaced(source.piece(node), f"-{text}" if tight else f"-({text})")


def _other_operator(source: Source, call: Call, named: str | None) -> str | None:
    """The program with plus for the minus, or minus for the plus, before a term."""
    node = source.at(call.span)
    place = source.piece(node) if node is not None else None
    for around in (
        n for n in ast.walk(source.tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add | ast.Sub)
    ):
        (start, end), (_, before) = source.piece(around.right), source.piece(around.left)
        is_it = isinstance(around.right, ast.Name) and around.right.id == named if named is not None else False
        if is_it or (named is None and place is not None and start <= place[0] and place[1] <= end):
            between = source.text[before:start]
            sign = ("+", "-") if isinstance(around.op, ast.Add) else ("-", "+")
            return source.replaced((before, start), between.replace(*sign, 1))
    return None


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
