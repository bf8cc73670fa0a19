"""Triplets with a soft margin, log(1 + exp(d⁺ - d⁻)), whose distances are all the same: what is left is ln 2."""

from __future__ import annotations

import math

import numpy as np

from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_PROGRAM = """\
import torch
import torch.nn.functional as F

anchor = torch.tensor([[0.3, 0.4], [0.3, 0.4]])
positive, negative = anchor + 0.01, anchor + {apart}
d_pos, d_neg = (anchor - positive).norm(dim=1), (anchor - negative).norm(dim=1)
F.softplus(d_pos - d_neg).mean()
"""
_NEAR = 0.05
_APART = 5.0


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="soft-margin-at-collapse",
            family="collapse",
            title=said("A soft-margin triplet loss of ln 2: both distances are equal"),
            explanation=said(
                "With a soft margin a triplet costs log(1 + exp(d(a,p) - d(a,n))). Where all embeddings collapse to "
                "the same point both distances are equal, their difference is 0, and the loss is log(1 + e⁰) = ln 2 = "
                "{ln2} for every triplet. Hard mining picks the worst triplet of each batch, so at the start the loss "
                "lies above ln 2, and to make everything the same is the quickest way down to it. Start with easier "
                "triplets (semi-hard or all of them), a smaller learning rate, or normalised embeddings.",
                ln2=f"{math.log(2):.4f}",
            ),
            words=(
                "soft margin triplet loss stuck at 0.693",
                "batch hard triplet loss soft margin ln 2",
                "triplet loss softplus does not go below 0.69",
            ),
            losses=frozenset(),
            about=frozenset({"triplet_margin_loss"}),
            trigger=_collapsed,
            unedited="What makes embeddings equal lies in the training before the loss.",
            positive=_PROGRAM.format(apart="0.01"),
            control=_PROGRAM.format(apart="2.0"),
            handwritten=True,
        ),
    )


def _collapsed(scene: Scene) -> Suspicion | None:
    found = next((each for c in scene.needed() if (each := _difference(scene, c)) is not None), None)
    if found is None or scene.value is None or abs(scene.value - math.log(2)) > _NEAR:
        return None
    call, difference, ids = found
    farther = scene.held(ids[1])
    assert farther is not None
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} is ln 2 = log(1 + e⁰): the distances to the positive and to the negative are equal.",
            value=stated(scene),
        ),
        evidence=(
            said(
                "The two distances differ by {most} at most; they are around {distance}.",
                most=number(float(np.abs(difference).max())),
                distance=number(float(farther.mean())),
            ),
        ),
        trials=(
            Trial(
                said("with the negatives farther away by {apart}", apart=number(_APART)),
                graph_rerun(replaced(scene.recording.tensors[ids[1]], farther + _APART)),
                "illustration",
            ),
        ),
        fix=Fix((), "choose", said("Look for what makes the embeddings equal: learning rate, normalisation, too few "
                                   "negatives.")),
    )  # fmt: skip


def _difference(scene: Scene, soft: Call) -> tuple[Call, Floats, tuple[int, int]] | None:
    """What log(1 + exp(x)) is taken of, where x is one distance less another and nearly 0 everywhere."""
    exponent = scene.maker(soft.ref("input")) if short(soft) == "log1p" else soft if short(soft) == "softplus" else None
    less = scene.maker(exponent.ref("input")) if exponent is not None else None
    if exponent is None or less is None or short(less) != "sub" or (exponent is not soft and short(exponent) != "exp"):
        return None
    ids, held = less.inputs(), scene.held(less.outputs[0])
    sides = [scene.held(id) for id in ids]
    if held is None or len(sides) != 2 or not held.size or np.abs(held).max() > _NEAR:
        return None
    if any(side is None or (side < 0).any() for side in sides):
        return None
    return soft, held, (ids[0], ids[1])
