"""Contrastive losses written by hand: the similarity of an item with itself in the denominator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced, set_to
from explainers.diagnoses.scene import Floats, Scene, line_of, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said
from explainers.recording import Call, Tensor
from explainers.reruns import Edit

_PROGRAM = """\
import math
import torch

a = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
b = torch.tensor([[0.8, 0.6], [0.6, 0.8]])
temperature = 0.5
out = torch.cat([a, b])
sim = torch.exp(out @ out.T / temperature)
neg = sim.sum(dim=-1){less}
pos = torch.exp((a * b).sum(dim=-1) / temperature)
-torch.log(torch.cat([pos, pos]) / neg).mean()
"""
_NEAR = 1e-4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="self-similarity-in-denominator",
            family="collapse",
            title=said("The denominator holds each item's similarity with itself"),
            explanation=said(
                "In NT-Xent (SimCLR) an item is compared with all others, not with itself. Its own entry, the "
                "diagonal, is exp(s/τ) with s = 1 for normalised embeddings, that is exp(1/temperature) and not e: "
                "subtract that, or mask the diagonal. Left in, it is the largest entry of the row, and the loss has a "
                "floor far above 0."
            ),
            words=(
                "SimCLR denominator subtract exp(1/temperature)",
                "NT-Xent self similarity not removed from the denominator",
                "contrastive loss diagonal in the denominator",
                "InfoNCE row sum minus e",
            ),
            losses=frozenset(),
            about=frozenset({"info_nce"}),
            trigger=_kept,
            unedited="The diagonal is reached in as many ways as the sum is written; the formula to write is named.",
            positive=_PROGRAM.format(less=" - math.e"),
            control=_PROGRAM.format(less=" - math.exp(1 / temperature)"),
        ),
    )


@dataclass(frozen=True)
class _Denominator:
    """Row sums of a square matrix of exponentials, what is taken off them, and the matrix's diagonal."""

    matrix: Tensor
    summed: Call
    less: Call | None
    off: float
    diagonal: Floats
    exponents: Floats


def _kept(scene: Scene) -> Suspicion | None:
    found = next((each for call in scene.needed() if (each := _denominator(scene, call)) is not None), None)
    if found is None or np.allclose(found.off, found.diagonal, rtol=_NEAR):
        return None
    own, exponent = float(found.diagonal.mean()), float(found.exponents.mean())
    return Suspicion(
        at=(found.less or found.summed).index,
        verdict=_verdict(scene, found, own, exponent),
        evidence=(
            said(
                "The diagonal of the {n} by {n} exponentials is {own} = exp({exponent}): {share} of a row's sum on "
                "average.",
                n=len(found.diagonal),
                own=number(own),
                exponent=number(exponent),
                share=f"{float((found.diagonal / _rows(scene, found)).mean()):.0%}",
            ),
        ),
        trials=(
            Trial(
                said("with exp({exponent}) = {own} taken off instead", exponent=number(exponent), own=number(own)),
                graph_rerun(_right(scene, found)),
            ),
        ),
        fix=fixes.fix(
            scene, None, "likely", said("Take exp(1/temperature) off each row's sum, or set the diagonal to 0 before.")
        ),
    )


def _verdict(scene: Scene, found: _Denominator, own: float, exponent: float) -> Message:
    if found.less is None:
        return said(
            "{value}: the row sums in line {line} hold each item's similarity with itself, exp({exponent}) = {own}.",
            value=stated(scene),
            line=line_of(found.summed),
            exponent=number(exponent),
            own=number(own),
        )
    return said(
        "{value}: line {line} takes {off} off each row, but an item's entry with itself is exp({exponent}) = {own}.",
        value=stated(scene),
        line=line_of(found.less),
        off=number(found.off),
        exponent=number(exponent),
        own=number(own),
    )


def _rows(scene: Scene, found: _Denominator) -> Floats:
    held = scene.held(found.matrix.id)
    assert held is not None
    return held.sum(axis=-1)


def _right(scene: Scene, found: _Denominator) -> Edit:
    """The edit that leaves the diagonal out."""
    if found.less is None:
        held = scene.held(found.matrix.id)
        assert held is not None
        return replaced(found.matrix, held * (1 - np.eye(len(held))))
    other = found.less.ref("other")
    if other is None:
        return set_to(found.less, "other", float(found.diagonal.mean()))
    taken = scene.recording.tensors[other]
    return replaced(taken, np.full(taken.shape, found.diagonal.mean()))


def _denominator(scene: Scene, exp: Call) -> _Denominator | None:
    """A sum over the rows of exp of a matrix of products of embeddings with themselves, under a logarithm."""
    matrix, exponents = (scene.held(id) for id in (exp.outputs[0], exp.ref("input"))) if short(exp) == "exp" else (0, 0)
    if not isinstance(matrix, np.ndarray) or not isinstance(exponents, np.ndarray) or not _is_of_itself(exponents):
        return None
    summed = next((c for c in scene.needed() if short(c) == "sum" and c.ref("input") == exp.outputs[0]), None)
    if summed is None or summed.argument("dim") not in (1, -1):
        return None
    used = [c for c in scene.needed() if summed.outputs[0] in c.inputs()]
    less = used[0] if len(used) == 1 and short(used[0]) == "sub" else None
    off = _constant(scene, less) if less is not None else 0.0
    after = {short(c) for c in scene.needed() if c.index > summed.index}
    if off is None or "log" not in after or (less is None and not any(short(c) in ("div", "log") for c in used)):
        return None
    tensor = scene.recording.tensors[exp.outputs[0]]
    return _Denominator(tensor, summed, less, off, np.diag(matrix), np.diag(exponents))


def _is_of_itself(exponents: Floats) -> bool:
    """Whether a matrix is square and symmetric with one number on its diagonal, which no other entry exceeds."""
    if exponents.ndim != 2 or exponents.shape[0] != exponents.shape[1] or len(exponents) < 3:
        return False
    own = np.diag(exponents)
    same = np.allclose(own, own[0], rtol=_NEAR) and own[0] > 0 and np.allclose(exponents, exponents.T, rtol=_NEAR)
    return bool(same and (exponents <= own[0] * (1 + _NEAR)).all())


def _constant(scene: Scene, less: Call) -> float | None:
    """The one number that a call takes off, None where it is none."""
    other = less.argument("other")
    if isinstance(other, int | float):
        return float(other)
    held = scene.held(less.ref("other"))
    return float(held.flat[0]) if held is not None and held.size and (held == held.flat[0]).all() else None
