"""Hand-written overlaps of a prediction and a mask (Dice, IoU) that are given something else than probabilities."""

from __future__ import annotations

import ast
from dataclasses import replace

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import dropped, graph_rerun, replaced, set_to, wrapped
from explainers.diagnoses.operands import replaced as with_operands
from explainers.diagnoses.operands import rewritten
from explainers.diagnoses.scene import Floats, Scene, line_of, short, upstream
from explainers.diagnoses.source_edits import Source, operand
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call, Tensor

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_DICE = "dice = 2 * (p * mask).sum() / (p.sum() + mask.sum())\n1 - dice"
_SMOOTHED = "1 - (2 * (p * mask).sum() + 1e-6) / (p.sum() + mask.sum() + 1e-6)"
_SMALL = 1e-2
_EMPTY = "p, mask = torch.zeros(4), torch.zeros(4)\n"
_MASKS = "mask = torch.tensor([1.0, 0.0, 1.0, 0.0])\n"
_SCORES = "scores = torch.tensor([6.0, -3.0, 4.0, -5.0])\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="dice-on-logits",
            unedited="The scores are used in several places of an overlap, of which each would have to change.",
            family="overlaps",
            symptoms=(Symptom("negative", 6),),
            title=said("Raw scores in a Dice loss"),
            explanation=said(
                "A Dice coefficient lies between 0 and 1 only where both arguments do. Of raw scores (logits) "
                "it is any "
                "number: apply sigmoid first, or softmax over the classes."
            ),
            words=("dice loss negative", "dice coefficient greater than 1", "dice loss logits", "dice > 1"),
            losses=frozenset(),
            about=frozenset({"dice_loss"}),
            trigger=_scores,
            positive=_HEAD + _SCORES + "mask = torch.tensor([1.0, 0.0, 1.0, 0.0])\np = scores\n" + _DICE,
            control=_HEAD + _SCORES + "mask = torch.tensor([1.0, 0.0, 1.0, 0.0])\np = torch.sigmoid(scores)\n" + _DICE,
        ),
        Rule(
            slug="dice-of-probabilities-twice",
            family="overlaps",
            title=said("Sigmoid of what are probabilities already, in a Dice loss"),
            explanation=said(
                "sigmoid expects logits. Of a prediction between 0 and 1 it makes numbers between 0.5 and 0.73 (0 "
                "becomes 0.5, 1 becomes 0.7311), so that a perfect mask is no perfect overlap any more. Apply it once: "
                "to the logits, or not at all where the prediction holds probabilities."
            ),
            words=(
                "dice loss not 0 for perfect prediction",
                "dice loss sigmoid applied twice",
                "dice loss of identical masks is not zero",
            ),
            losses=frozenset(),
            about=frozenset({"dice_loss"}),
            trigger=_twice,
            positive=_HEAD + _MASKS + "p = torch.sigmoid(mask)\n" + _DICE,
            control=_HEAD + _MASKS + "p = torch.sigmoid(20 * mask - 10)\n" + _DICE,
        ),
        Rule(
            slug="empty-overlap-not-smoothed",
            family="overlaps",
            title=said("An overlap of two empty masks, smoothed in the denominator alone"),
            explanation=said(
                "Where prediction and mask are both empty (no foreground), the overlap is 0/0. An epsilon in the "
                "denominator alone makes it 0, the worst overlap, of a prediction that is completely right; added to "
                "the numerator as well it makes it 1."
            ),
            words=(
                "dice loss empty mask is 1",
                "dice loss no foreground smooth numerator",
                "iou of empty masks is 0",
                "dice eps only in the denominator",
            ),
            losses=frozenset(),
            about=frozenset({"dice_loss"}),
            trigger=_both_empty,
            positive=_HEAD + _EMPTY + "1 - 2 * (p * mask).sum() / (p.sum() + mask.sum() + 1e-5)",
            control=_HEAD + _EMPTY + "1 - (2 * (p * mask).sum() + 1e-5) / (p.sum() + mask.sum() + 1e-5)",
        ),
        Rule(
            slug="dice-mask-not-01",
            unedited="Whether a mask is to be scaled or compared is the asker's choice.",
            family="overlaps",
            title=said("A mask of 0 and 255 in a Dice loss"),
            explanation=said(
                "A mask must hold 0 and 1. An image file stores 255 for true, and the Dice coefficient grows far "
                "beyond 1 with it; also apply sigmoid, if the prediction is logits."
            ),
            words=("mask 255", "dice loss -1000", "dice target values", "segmentation mask 0 255 loss"),
            losses=frozenset(),
            about=frozenset({"dice_loss"}),
            trigger=_mask,
            positive=_HEAD
            + _SCORES
            + "mask = torch.tensor([255.0, 0.0, 255.0, 0.0])\np = torch.sigmoid(scores)\n"
            + _DICE,
            control=_HEAD + _SCORES + "mask = torch.tensor([1.0, 0.0, 1.0, 0.0])\np = torch.sigmoid(scores)\n" + _DICE,
            dominates=frozenset({"dice-on-logits"}),
        ),
        Rule(
            slug="dice-of-empty-mask",
            family="overlaps",
            title=said("The overlap with an empty mask"),
            explanation=said(
                "An empty mask has no overlap with anything, so the coefficient is smooth / (Σp + smooth): with a tiny "
                "smooth next to 0 as soon as the prediction holds a little anywhere, and the loss next to 1. A smooth "
                "of 1 lets a nearly empty prediction count as nearly right; or leave empty masks out."
            ),
            words=("dice loss is 1 for an empty mask", "dice loss smooth too small", "dice eps 1e-6 background only"),
            losses=frozenset(),
            about=frozenset({"dice_loss"}),
            trigger=_empty,
            positive=_HEAD + _SCORES + "mask = torch.zeros(4)\np = torch.sigmoid(scores)\n" + _SMOOTHED,
            control=_HEAD + _SCORES + "mask = torch.ones(4)\np = torch.sigmoid(scores)\n" + _SMOOTHED,
        ),
    )


def _empty(scene: Scene) -> Suspicion | None:
    found = overlap(scene)
    mask = None if found is None else scene.held(found[2].id)
    p = None if found is None else scene.held(found[1].id)
    small = [c for c in scene.needed() if short(c) == "add" and _smooth(c) is not None]
    if found is None or mask is None or p is None or mask.any() or not p.any() or not small:
        return None
    smooth = _smooth(small[0])
    return Suspicion(
        at=found[0].index,
        verdict=said("{value}: the mask is empty, so the overlap is {smooth} / ({sum} + {smooth}).",
                     value=stated(scene), smooth=number(smooth), sum=number(float(p.sum()))),
        evidence=(said("Nothing is true in {name}.", name=found[2].name or "the mask"),),
        trials=(Trial(said("with smooth = 1"), graph_rerun(*(set_to(c, "other", 1.0) for c in small))),),
        fix=fixes.fix(scene, _with_larger(scene, smooth), "choose",
                      said("Take a larger smooth, such as 1, or leave empty masks out.")),
    )  # fmt: skip


def _with_larger(scene: Scene, smooth: float | None) -> str | None:
    """The program with 1 wherever that small number is written."""
    source = Source(scene.recording.source)
    written = [n for n in ast.walk(source.tree) if isinstance(n, ast.Constant) and n.value == smooth]
    return rewritten(source, [(source.piece(node), "1.0") for node in written]) if written else None


def _smooth(call: Call) -> float | None:
    """The small number that a call adds."""
    other = call.argument("other")
    return other if isinstance(other, float) and 0 < other < _SMALL else None


def _scores(scene: Scene) -> Suspicion | None:
    found = overlap(scene)
    if found is None:
        return None
    call, p, mask = found
    x = p.array().astype(np.float64)
    if not x.size or (x.min() >= 0 and x.max() <= 1):
        return None
    sigmoid: Floats = 1 / (1 + np.exp(-x))
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} is no overlap: {name} is not in 0..1 but raw scores.", value=stated(scene), name=p.name or "p"
        ),
        evidence=(
            said(
                "{name} lies outside [0, 1]: from {low} to {high}; the mask {mask} holds 0 and 1.",
                name=p.name or "p",
                low=number(float(x.min())),
                high=number(float(x.max())),
                mask=mask.name or "",
            ),
        ),
        trials=(Trial(said("with sigmoid of {name}", name=p.name or "p"), graph_rerun(replaced(p, sigmoid))),),
        fix=fixes.fix(scene, None, "likely", said("Apply sigmoid to the scores before the overlap.")),
    )


def _twice(scene: Scene) -> Suspicion | None:
    found = overlap(scene)
    maker = next((c for c in upstream(found[1].id, scene.makers) if short(c) == "sigmoid"), None) if found else None
    x = scene.held(maker.ref("input")) if maker is not None else None
    if found is None or maker is None or x is None or not x.size or x.min() < 0 or x.max() > 1:
        return None
    source = Source(scene.recording.source)
    written, inner = source.call_at(maker.span), operand(source, maker)
    changed = source.replaced(source.piece(written), source.written(inner)) if written and inner else None
    made = 1 / (1 + np.exp(-x))
    return Suspicion(
        at=maker.index,
        verdict=said(
            "{value} applies sigmoid to numbers that are within 0 and 1 already (line {line}).",
            value=stated(scene),
            line=line_of(maker),
        ),
        evidence=(
            said(
                "The input of sigmoid lies between {least} and {most}; what comes out lies between {low} and {high}.",
                least=number(float(x.min())),
                most=number(float(x.max())),
                low=number(float(made.min())),
                high=number(float(made.max())),
            ),
        ),
        trials=(Trial(said("without the sigmoid"), graph_rerun(dropped(maker))),),
        fix=fixes.fix(scene, changed, "likely", said("Leave sigmoid away where the prediction holds probabilities.")),
    )


def _both_empty(scene: Scene) -> Suspicion | None:
    for call in scene.needed():
        added = scene.maker(call.ref("other")) if short(call) == "div" else None
        epsilon = added.argument("other") if added is not None and short(added) == "add" else None
        upper, lower = scene.held(call.ref("input")), scene.held(call.ref("other"))
        if upper is None or lower is None or not isinstance(epsilon, float) or epsilon <= 0:
            continue
        empty = (upper == 0) & np.isclose(lower, epsilon, rtol=1e-5)
        if empty.any() and any(short(c) == "sum" for c in upstream(call.ref("input"), scene.makers)):
            return _unsmoothed(scene, call, epsilon, int(empty.sum()))
    return None


def _unsmoothed(scene: Scene, call: Call, epsilon: float, count: int) -> Suspicion:
    changed = with_operands(replace(scene, call=call), input=f"({{}} + {epsilon})")
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} is of an empty overlap: 0 / (0 + {eps}) is 0, since only the denominator is smoothed.",
            value=stated(scene),
            eps=number(epsilon),
        ),
        evidence=(
            said(
                "In line {line} {count} intersections are 0 while the sums below them are 0, too: the numerator is 0, "
                "the denominator {eps}.",
                line=line_of(call),
                count=count,
                eps=number(epsilon),
            ),
        ),
        trials=(
            Trial(
                said("with {eps} in the numerator as well", eps=number(epsilon)),
                graph_rerun(wrapped(call, "input", "torch.add", other=epsilon)),
            ),
        ),
        fix=fixes.fix(scene, changed, "safe", said("Add the same number to numerator and denominator.")),
    )


def _mask(scene: Scene) -> Suspicion | None:
    found = overlap(scene)
    if found is None:
        return None
    call, _, mask = found
    y = mask.array().astype(np.float64)
    if not y.size or y.max() <= 1 or y.min() < 0:
        return None
    most = float(y.max())
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} is no overlap: the target values of {name} go up to {most}, not 1.",
            value=stated(scene),
            name=mask.name or "the mask",
            most=number(most),
        ),
        evidence=(
            said("{count} of {all} entries of the mask are greater than 1.", count=int((y > 1).sum()), all=y.size),
        ),
        trials=(
            Trial(said("with the mask divided by {most}", most=number(most)), graph_rerun(replaced(mask, y / most))),
        ),
        fix=fixes.fix(
            scene, None, "safe", said("Divide the mask by its largest value, or compare: (mask > 0).float().")
        ),
    )


def _squared(call: Call) -> tuple[int, ...]:
    """What a call squares."""
    ids = call.inputs()
    is_square = (short(call) == "mul" and len(ids) == 2 and ids[0] == ids[1]) or (
        short(call) == "pow" and call.argument("exponent") == 2
    )
    return ids[:1] if is_square or short(call) == "square" else ()


def overlap(scene: Scene) -> tuple[Call, Tensor, Tensor] | None:
    """A product that is summed and divided by what holds the sums of both factors, with prediction and mask told apart.

    The mask is the factor that holds whole numbers alone.
    """
    needed = scene.needed()
    summed = {id for c in needed if short(c) == "sum" for id in c.inputs()}
    if not any(short(c) == "div" for c in needed):
        return None
    for call in needed:
        factors = [scene.recording.tensors[id] for id in call.inputs()]
        if (
            short(call) != "mul"
            or len(factors) != 2
            or factors[0].id == factors[1].id
            or not set(call.outputs) & summed
            or any(f.data is None for f in factors)
        ):
            continue
        whole = [bool((f.array().astype(np.float64) % 1 == 0).all()) for f in factors]
        sums = summed | {id for c in needed if set(c.outputs) & summed for id in _squared(c)}
        if all(f.id in sums for f in factors) and factors[0].shape == factors[1].shape and any(whole):
            p, mask = factors if whole[1] else factors[::-1]
            return call, p, mask
    return None
