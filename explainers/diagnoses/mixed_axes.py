"""Axes that are mixed up without an error: classes scrambled by a reshape, an overlap of masks that broadcast, a
divergence averaged over what it sums."""

from __future__ import annotations

import math

import numpy as np

from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, reshaped, wrapped
from explainers.diagnoses.latent_divergence import latent_terms
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import number, shape, stated
from explainers.messages import said
from explainers.recording import Call, Tensor

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_FRAMES = (
    "z = torch.tensor([[[3.0, 3.0, -1.0], [0.0, 0.0, 2.0]]])\ny = torch.tensor([0, 0, 1])\n"
    "log_p = torch.log_softmax(z, dim=1)\n"
)
_MASKS = "p = torch.tensor([[1.0, 0.0], [1.0, 1.0]])\nmask = torch.tensor([[[1.0, 0.0]], [[1.0, 1.0]]]){}\n"
_DICE = "1 - 2 * (p * mask).sum() / (p.sum() + mask.sum())"
_CODE = (
    "mu = torch.tensor([[0.5, -1.0, 0.3], [1.5, 0.2, 0.1]])\n"
    "logvar = torch.tensor([[-0.5, 0.3, 0.0], [0.1, -1.0, 0.2]])\n"
    "-0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).{}.mean()"
)
_RESHAPES = frozenset({"reshape", "view", "flatten"})
_MOVES = frozenset({"permute", "transpose", "movedim", "moveaxis", "swapaxes", "mT", "T"})
_CLOSE = 1e-4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="classes-scrambled-by-reshape",
            unedited="The reshape may be written anywhere, of anything: the axis is to be moved right before it.",
            family="class-labels",
            title=said("A reshape mixes the class axis with the others"),
            explanation=said(
                "reshape and view keep the order of the elements in memory (row-major) and only cut it into other "
                "rows. Of scores (N, C, L) with the classes in axis 1, reshape(-1, C) takes neighbours along L for the "
                "classes of one item: each row holds numbers of different frames or pixels. permute or transpose moves "
                "the class axis last first; or give cross_entropy the (N, C, L) scores and the (N, L) target as they "
                "are."
            ),
            words=(
                "reshape instead of permute class axis",
                "view(-1, num_classes) of (N, C, L) gives another loss",
                "cross entropy of reshaped logits differs from (N, C, H, W)",
                "segmentation view(-1, C) without permute",
            ),
            losses=frozenset({"cross_entropy", "nll_loss"}),
            trigger=_scrambled,
            positive=_HEAD + _FRAMES + "F.nll_loss(log_p.reshape(-1, 2), y)",
            control=_HEAD + _FRAMES + "F.nll_loss(log_p.transpose(1, 2).reshape(-1, 2), y)",
            dominates=frozenset({"nll-on-raw-logits", "nll-on-probabilities", "accuracy-is-not-loss"}),
        ),
        Rule(
            slug="overlap-broadcast",
            unedited="Which of the two masks has an axis too many is to be seen where they are made.",
            family="overlaps",
            title=said("Prediction and mask broadcast, so the intersection counts pixels several times"),
            explanation=said(
                "Where prediction and mask have different shapes, their product broadcasts: every entry of one is "
                "multiplied with several of the other. The intersection is then a sum over more pairs than there are "
                "pixels, while the sums below it are not, and a Dice coefficient exceeds 1 (1 - dice is negative). "
                "Both need the same shape: squeeze the axis of one that is too many."
            ),
            words=(
                "dice loss negative shapes broadcast",
                "1 - dice negative although prediction and mask are 0 and 1",
                "dice coefficient above 1 extra channel dimension",
                "IoU greater than 1 shape mismatch",
                "dice negative label unsqueeze extra axis",
                "dice numerator larger than the denominator output and label shapes",
            ),
            losses=frozenset(),
            about=frozenset({"dice_loss"}),
            trigger=_broadcast,
            positive=_HEAD + _MASKS.format("") + _DICE,
            control=_HEAD + _MASKS.format(".squeeze(1)") + _DICE,
            dominates=frozenset({"dice-negated", "negated-score", "dice-on-logits"}),
        ),
        Rule(
            slug="divergence-averaged-over-the-code",
            dominates=frozenset({"latent-divergence-as-it-should-be"}),
            unedited="Which of several means is the one over the code depends on how the formula is written.",
            family="densities",
            title=said("The KL divergence of a VAE is averaged over the latent dimensions"),
            explanation=said(
                "The KL divergence of the code of one item is a sum over its latent dimensions, "
                "−½ Σ(1 + log σ² − μ² − σ²); only over the items of a batch it may be averaged. A mean over the "
                "dimensions too divides it by their number, which weighs the KL term that much less against the "
                "reconstruction, as a β of 1/D does. That is no error of sign or formula, but another balance: less "
                "regular codes and sharper reconstructions."
            ),
            words=(
                "VAE KLD mean instead of sum over latent dimensions",
                "KL term torch.mean or torch.sum latent dim",
                "VAE KL loss divided by latent size",
            ),
            losses=frozenset(),
            about=frozenset({"elbo"}),
            trigger=_averaged,
            positive=_HEAD + _CODE.format("mean(1)"),
            control=_HEAD + _CODE.format("sum(1)"),
        ),
    )


def _scrambled(scene: Scene) -> Suspicion | None:
    maker = scene.maker(scene.call.ref("input"))
    before = _first(scene, maker) if maker is not None and short(maker) in _RESHAPES else None
    rows = scene.given("input").shape
    if maker is None or before is None or len(before.shape) < 3 or len(rows) != 2:
        return None
    classes, moved = before.shape[1], scene.makers.get(before.id)
    apart = before.shape[-1] != classes or _normalised_along_classes(scene, before)
    if rows[1] != classes or classes == 1 or math.prod(before.shape[2:]) == 1 or not apart:
        return None
    if moved is not None and short(moved) in _MOVES:
        return None
    return Suspicion(
        at=maker.index,
        verdict=said(
            "{value}: {reshape} of {before} to {after} mixes classes with positions; the class axis is axis 1.",
            value=stated(scene),
            reshape=short(maker),
            before=shape(before.shape),
            after=shape(rows),
        ),
        evidence=(
            said(
                "Row 0 takes {count} neighbours along the last axis, of length {length}, for its classes.",
                count=classes,
                length=before.shape[-1],
            ),
        ),
        trials=(
            Trial(
                said("with the class axis moved last before the reshape, as permute or transpose does"),
                graph_rerun(wrapped(maker, maker.arguments[0].name, "torch.movedim", source=1, destination=-1)),
            ),
        ),
        fix=Fix((), "safe", said("Move the class axis last first: x.movedim(1, -1).reshape(-1, C).")),
    )


def _normalised_along_classes(scene: Scene, made: Tensor) -> bool:
    maker = scene.makers.get(made.id)
    return maker is not None and short(maker) in ("softmax", "log_softmax") and maker.argument("dim") == 1


def _first(scene: Scene, call: Call) -> Tensor | None:
    return scene.recording.tensors.get(call.inputs()[0]) if call.inputs() else None


def _broadcast(scene: Scene) -> Suspicion | None:
    needed = scene.needed()
    summed = {id for c in needed if short(c) == "sum" for id in c.inputs()}
    if not any(short(c) == "div" for c in needed):
        return None
    for call in (c for c in needed if short(c) == "mul" and len(c.inputs()) == 2 and set(c.outputs) & summed):
        one, other = (scene.recording.tensors[id] for id in call.inputs())
        product = scene.recording.tensors[call.outputs[0]]
        if one.elements != other.elements or one.elements < 2 or product.elements <= one.elements:
            continue
        longer, shorter = (one, other) if len(one.shape) >= len(other.shape) else (other, one)
        argument = next(a.name for a in call.arguments if call.ref(a.name) == shorter.id)
        return Suspicion(
            at=call.index,
            verdict=said(
                "{value}: {one} and {other} broadcast to {product}, so the intersection counts {times} times too many.",
                value=stated(scene), one=shape(one.shape), other=shape(other.shape), product=shape(product.shape),
                times=product.elements // one.elements,
            ),
            evidence=(
                said("The product has {count} elements, prediction and mask have {own} each.",
                     count=product.elements, own=one.elements),
            ),
            trials=(
                Trial(said("with both in the shape {shape}", shape=shape(longer.shape)),
                      graph_rerun(reshaped(call, argument, longer.shape))),
            ),
            fix=Fix((), "safe", said("Give both the same shape, with squeeze or an index, and assert it.")),
        )  # fmt: skip
    return None


def _averaged(scene: Scene) -> Suspicion | None:
    value, last = scene.value, scene.maker(scene.recording.subject)
    if value is None or last is None or not value > 0:
        return None
    for log, mean in latent_terms(scene):
        if log.ndim != 2 or min(log.shape) < 2:
            continue
        items, width = log.shape
        whole = -0.5 * float((1 + log - mean**2 - np.exp(log)).sum()) / items
        if math.isclose(value, whole / width, rel_tol=_CLOSE):
            return Suspicion(
                at=last.index,
                verdict=said(
                    "{value} is averaged over the {width} latent dimensions, which the KL divergence sums: a factor "
                    "of {width} less.",
                    value=stated(scene),
                    width=width,
                ),
                evidence=(
                    said("Summed over the dimensions it is {whole} for each of the {items} items on average.",
                         whole=number(whole), items=items),
                ),
                trials=(
                    Trial(said("summed over the latent dimensions"),
                          graph_rerun(followed_by(last, "torch.mul", other=float(width)))),
                ),
                fix=Fix((), "choose", said("Sum over the latent dimensions, and average over the items alone.")),
            )  # fmt: skip
    return None
