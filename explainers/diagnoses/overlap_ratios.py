"""Ratios of overlaps whose numerator and denominator belong to different measures, and what weighs their errors."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced, set_to, wrapped
from explainers.diagnoses.overlaps import overlap
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\n\np, mask = torch.tensor([0.9, 0.8, 0.3, 0.1]), torch.tensor([1.0, 1.0, 0.0, 0.0])\n"
_SHARED = "shared = (p * mask).sum()\n"
_TVERSKY = (
    "hits, false_positives, false_negatives = p * mask, p * (1 - mask), (1 - p) * mask\n"
    "1 - hits.sum() / (hits + {} * false_positives + {} * false_negatives).sum()"
)
_SMOOTH = 1.5
_CLOSE = 1e-4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="twice-the-intersection-over-union",
            family="overlaps",
            title=said("Twice the intersection over the union is neither Dice nor IoU"),
            explanation=said(
                "Dice is 2·|A∩B| / (|A| + |B|), IoU (Jaccard) is |A∩B| / |A∪B|, with the union |A| + |B| − |A∩B|. Both "
                "are 1 for equal masks. Twice the intersection over the union is twice the IoU, 2 for equal masks, so "
                "that 1 minus it falls to −1. With a union the factor 2 has to go, or the denominator has to be "
                "doubled as well."
            ),
            words=(
                "jaccard loss below 0",
                "IoU loss negative factor 2",
                "dice loss with jaccard=True is negative",
                "2 * intersection / union",
            ),
            losses=frozenset(),
            about=frozenset({"dice_loss", "iou_loss"}),
            trigger=_twice,
            positive=_HEAD + _SHARED + "1 - 2 * shared / (p.sum() + mask.sum() - shared)",
            control=_HEAD + _SHARED + "1 - 2 * shared / (p.sum() + mask.sum())",
            dominates=frozenset({"dice-negated", "negated-score", "dice-is-not-iou"}),
        ),
        Rule(
            slug="tversky-weights",
            family="overlaps",
            title=said("What the weights of a Tversky loss weigh"),
            explanation=said(
                "The Tversky index is TP / (TP + a·FP + b·FN): the false positives are (1 − y)·p, what is predicted "
                "and is not there, and the false negatives y·(1 − p), what is there and was missed. The larger weight "
                "is of the error that costs more. Which letter stands before which is not the same everywhere; "
                "in the paper of Salehi et al. α is of FP and β of FN, and with ½ and ½ it is Dice."
            ),
            words=(
                "tversky alpha beta swapped",
                "tversky loss false positives false negatives weight",
                "which of alpha and beta weighs false negatives",
                "focal tversky alpha beta",
            ),
            losses=frozenset(),
            about=frozenset({"dice_loss"}),
            trigger=_tversky,
            positive=_HEAD + _TVERSKY.format(0.7, 0.3),
            control=_HEAD + _TVERSKY.format(0.5, 0.5),
            harmless=True,
        ),
    )


def _twice(scene: Scene) -> Suspicion | None:
    found = overlap(scene)
    if found is None:
        return None
    _, p, mask = found
    a, b = (each.array().astype(np.float64) for each in (p, mask))
    shared, both = float((a * b).sum()), float(a.sum() + b.sum())
    for call in (c for c in scene.needed() if short(c) == "div"):
        upper, lower = scene.held(call.ref("input")), scene.held(call.ref("other"))
        if upper is None or lower is None or upper.size != 1 or lower.size != 1 or shared <= 0:
            continue
        above, below = float(upper.reshape(())) - 2 * shared, float(lower.reshape(())) - (both - shared)
        if not (-_CLOSE <= above <= _SMOOTH and math.isclose(above, below, abs_tol=_CLOSE * both)):
            continue
        return _doubled(scene, call, (shared, both, float(upper.reshape(())) / float(lower.reshape(()))))
    return None


def _doubled(scene: Scene, call: Call, held: tuple[float, float, float]) -> Suspicion:
    shared, both, ratio = held
    doubling = next((c for c in scene.needed() if short(c) == "mul" and c.argument("other") == 2), None)
    by_left = next((c for c in scene.needed() if short(c) == "mul" and c.argument("input") == 2), None)
    edit = wrapped(call, "other", "torch.mul", other=2.0)
    if doubling is not None:
        edit = set_to(doubling, "other", 1.0)
    elif by_left is not None:
        edit = set_to(by_left, "input", 1.0)
    return Suspicion(
        at=call.index,
        verdict=said("{value}: the numerator is twice the intersection, but the denominator is the union: the ratio "
                     "goes up to 2, not 1.", value=stated(scene)),
        evidence=(
            said("The intersection is {shared}, the union {union}: IoU is {iou}, Dice {dice}, and this ratio {ratio}.",
                 shared=number(shared), union=number(both - shared), iou=number(shared / (both - shared)),
                 dice=number(2 * shared / both), ratio=number(ratio)),
        ),
        trials=(Trial(said("without the factor 2, as intersection over union"), graph_rerun(edit)),),
        fix=fixes.fix(scene, _without_two(scene, doubling or by_left), "likely",
                      said("Leave the factor 2 out where the denominator is a union.")),
    )  # fmt: skip


def _without_two(scene: Scene, call: Call | None) -> str | None:
    source = Source(scene.recording.source)
    node = None if call is None else source.at(call.span)
    match node:
        case ast.BinOp(left=ast.Constant(value=2 | 2.0), op=ast.Mult(), right=kept):
            return source.replaced(source.piece(node), source.written(kept))
        case ast.BinOp(left=kept, op=ast.Mult(), right=ast.Constant(value=2 | 2.0)):
            return source.replaced(source.piece(node), source.written(kept))
        case _:
            return None


def _tversky(scene: Scene) -> Suspicion | None:
    if not any(short(c) == "div" for c in scene.needed()):
        return None
    for y, p in _masks(scene):
        positives, negatives = _weighed(scene, (1 - y) * p), _weighed(scene, y * (1 - p))
        if positives is None or negatives is None or math.isclose(positives[1], negatives[1], rel_tol=1e-6):
            continue
        (fp, a), (fn, b) = positives, negatives
        tensors = scene.recording.tensors
        swapped = graph_rerun(
            replaced(tensors[fp.outputs[0]], _of(scene, fp) * (b / a)),
            replaced(tensors[fn.outputs[0]], _of(scene, fn) * (a / b)),
        )
        return Suspicion(
            at=fp.index,
            verdict=said("{value}: {a} multiplies the false positives, (1 − y)·p, and {b} the false negatives, "
                         "y·(1 − p).", value=stated(scene), a=number(a), b=number(b)),
            evidence=(
                said("The true positives add up to {tp}, the false positives to {fp}, the false negatives to {fn}.",
                     tp=number(float((y * p).sum())), fp=number(float(((1 - y) * p).sum())),
                     fn=number(float((y * (1 - p)).sum()))),
            ),
            trials=(
                Trial(said("with the two weights swapped, the other way round"), swapped,
                      "correction" if _other_number(scene) else "illustration"),
            ),
        )  # fmt: skip
    return None


def _other_number(scene: Scene) -> bool:
    """Whether the asker states a number that the loss is not."""
    stated_ = [c for c in scene.claims if c.kind != "behaviour" and isinstance(c.value, int | float)]
    return any(scene.value is not None and not c.agrees(scene.value) for c in stated_)


def _of(scene: Scene, call: Call) -> Floats:
    held = scene.held(call.outputs[0])
    assert held is not None
    return held


def _masks(scene: Scene) -> Iterator[tuple[Floats, Floats]]:
    """A mask of 0 and 1 and a prediction between them, of one shape, that are multiplied with each other."""
    for call in (c for c in scene.needed() if short(c) == "mul" and len(c.inputs()) == 2):
        pair = [scene.held(id) for id in call.inputs()]
        for mask, p in (pair, pair[::-1]):
            if mask is None or p is None or mask.shape != p.shape or mask.size < 2:
                continue
            if ((mask == 0) | (mask == 1)).all() and ((p >= 0) & (p <= 1)).all() and mask.any():
                yield mask, p


def _weighed(scene: Scene, errors: Floats) -> tuple[Call, float] | None:
    """The product that is some errors times one number, and that number."""
    at = errors != 0
    if not at.any():
        return None
    for call in reversed([c for c in scene.needed() if short(c) == "mul"]):
        held = scene.held(call.outputs[0])
        if held is not None and held.size == 1 and errors.size > 1 and (factor := _of_sum(scene, call, errors)):
            return call, factor
        if held is None or held.shape != errors.shape or held[~at].any():
            continue
        shares = held[at] / errors[at]
        if np.ptp(shares) <= 1e-5 * abs(shares[0]) and 0 < shares[0] < 100:
            return call, float(np.round(shares[0], 6))
    return None


def _of_sum(scene: Scene, call: Call, errors: Floats) -> float | None:
    """The plain number that a sum of some errors is multiplied by."""
    factors = [a.value for a in call.arguments if isinstance(a.value, int | float) and not isinstance(a.value, bool)]
    total = scene.makers.get(call.inputs()[0]) if len(call.inputs()) == 1 else None
    added = scene.held(total.ref("input")) if total is not None and short(total) == "sum" else None
    same = added is not None and added.shape == errors.shape and np.allclose(added, errors, rtol=1e-5, atol=1e-7)
    return float(factors[0]) if same and len(factors) == 1 and 0 < factors[0] < 100 else None
