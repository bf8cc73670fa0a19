"""Factors inside losses that people write themselves: the focal factor, alpha, and terms that are masked out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, set_to, wrapped
from explainers.diagnoses.scene import Floats, Scene, short, upstream
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call
from explainers.reruns import GraphRerun

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_DATA = "logits = torch.tensor([2.0, -1.0, 0.5])\ny = torch.tensor([1.0, 0.0, 1.0])\n"
_EACH = _DATA + "ce = F.binary_cross_entropy_with_logits(logits, y, reduction='none')\n"
_PROBABILITY = _EACH + "p = torch.sigmoid(logits)\np_t = p * y + (1 - p) * (1 - y)\n"
_NEAR_ONE = 2e-7
_LOGS = frozenset({"log", "log2", "log10", "log1p"})
_ABOUT = frozenset({"focal_loss"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="masked-terms-are-zero",
            family="focal-terms",
            title=said("Where a term does not belong, its logarithm is that of 1"),
            explanation=said(
                "torch.where puts a number there whose term vanishes: log(1) = 0, so it contributes 0. The "
                "probabilities of the true class (the positives) keep log p, those of the other classes (the "
                "negatives) log(1 − p), and the mean divides by all of them, masked or not."
            ),
            words=(
                "what do pt_1 and pt_0 do",
                "torch.where ones_like zeros_like focal",
                "why ones_like in focal loss",
                "masked terms log(1)",
            ),
            losses=frozenset(),
            trigger=_masked,
            positive=_HEAD
            + "p, y = torch.tensor([0.8, 0.3, 0.6]), torch.tensor([1, 0, 1])\n"
            + "pt_1 = torch.where(y == 1, p, torch.ones_like(p))\npt_0 = torch.where(y == 0, p, torch.zeros_like(p))\n"
            + "-(torch.log(pt_1)).mean() - torch.log(1 - pt_0).mean()",
            control=_HEAD
            + "p, y = torch.tensor([0.8, 0.3, 0.6]), torch.tensor([1, 0, 1])\n"
            + "-(torch.log(torch.where(y == 1, p, 1 - p))).mean()",
            about=_ABOUT,
            handwritten=True,
            harmless=True,
        ),
        Rule(
            slug="alpha-weighs-classes",
            family="focal-terms",
            title=said("Alpha weighs positive and negative items"),
            explanation=said(
                "alpha·y + (1 − alpha)·(1 − y) is alpha for a positive item (y=1) and 1 − alpha for a negative one "
                "(y=0): a weight of the two classes, whatever the prediction. With alpha below 0.5 the negatives "
                "count more."
            ),
            words=("what does alpha do in focal loss", "alpha_t", "alpha 0.25 positives", "focal loss alpha balance"),
            losses=frozenset(),
            trigger=_alpha,
            positive=_HEAD + _EACH + "alpha_t = 0.25 * y + (1 - 0.25) * (1 - y)\n(alpha_t * ce).mean()",
            control=_HEAD + _EACH + "ce.mean()",
            about=_ABOUT,
            handwritten=True,
            harmless=True,
        ),
        Rule(
            slug="focal-factor-lowers",
            family="focal-terms",
            title=said("The focal factor makes easy items count less"),
            explanation=said(
                "(1 − p)^γ is near 0 where the right class has a probability p near 1, and near 1 where it does not: "
                "easy items are down-weighted, so the loss is smaller than the cross-entropy it multiplies. The two "
                "are not to be compared; γ = 0 gives the cross-entropy back. The cross-entropy is -log p_t already, so "
                "no further minus belongs in front of the product."
            ),
            words=(
                "minus sign in focal loss",
                "why multiply by cross entropy in focal loss",
                "focal loss weight binary_cross_entropy_with_logits",
                "focal loss smaller than cross entropy",
                "focal loss much smaller",
                "what does gamma do",
                "focal loss value too small",
                "gamma focal easy examples",
                "focal loss missing minus sign",
                "focal loss code lacks the negative sign of the paper, negative loss pushed the wrong way",
                "is focal loss -(1 - p_t)**gamma * log(p_t)",
            ),
            losses=frozenset(),
            trigger=_factor,
            positive=_HEAD + _PROBABILITY + "((1 - p_t) ** 2 * ce).mean()",
            control=_HEAD + _PROBABILITY + "ce.mean()",
            about=_ABOUT,
            handwritten=True,
            harmless=True,
        ),
    )


def _needing(scene: Scene, call: Call) -> Iterator[Call]:
    """The calls on the way to the subject that need what a call returned."""
    return (
        c for c in scene.needed() if c.index > call.index and c.outputs and call in upstream(c.outputs[0], scene.makers)
    )


def _factor(scene: Scene) -> Suspicion | None:
    for call in scene.needed():
        below, gamma = scene.held(call.ref("input")), call.argument("exponent")
        maker = scene.maker(call.ref("input"))
        if (
            short(call) != "pow"
            or maker is None
            or short(maker) not in ("sub", "rsub")
            or not isinstance(gamma, int | float)
        ):
            continue
        is_share = below is not None and below.size > 0 and bool(((below >= 0) & (below <= 1)).all())
        if below is None or not is_share or gamma <= 0 or not multiplies_logarithm(scene, call):
            continue
        return Suspicion(
            at=call.index,
            verdict=said(
                "{value} has a focal factor (1 − p)^{gamma}, which makes easy items count less.",
                value=stated(scene),
                gamma=number(gamma),
            ),
            evidence=(
                said(
                    "The factor lies between {low} and {high} here.",
                    low=number(float(below.min() ** gamma)),
                    high=number(float(below.max() ** gamma)),
                ),
            ),
            trials=(Trial(said("with γ = 0, so without the factor"), _without_factor(scene, gamma), "illustration"),),
        )
    return None


def _without_factor(scene: Scene, gamma: float) -> GraphRerun:
    """γ = 0 wherever a power has this exponent."""
    powers = [c for c in scene.needed() if short(c) == "pow" and c.argument("exponent") == gamma]
    return graph_rerun(*(set_to(c, "exponent", 0.0) for c in powers))


def multiplies_logarithm(scene: Scene, factor: Call) -> bool:
    """Whether the factor, item by item, is multiplied with what a logarithm or a cross-entropy gave without it."""
    for call in _needing(scene, factor):
        sides = [upstream(id, scene.makers) for id in call.inputs()] if short(call) == "mul" else []
        if len(sides) == 2 and any(_weighs(factor, *pair) for pair in (sides, sides[::-1])):
            return True
    return False


def _weighs(factor: Call, weight: list[Call], term: list[Call]) -> bool:
    since = [short(c) for c in weight if c.index > factor.index]
    return (
        factor in weight
        and factor not in term
        and any(map(is_of_logarithm, term))
        and not {"sum", "mean"}.intersection(since)
    )


def is_of_logarithm(call: Call) -> bool:
    """Whether a call takes a logarithm, or is a cross-entropy."""
    return short(call) in _LOGS or "entropy" in short(call) or short(call) == "log_softmax"


def _alpha(scene: Scene) -> Suspicion | None:
    for call in scene.needed():
        weights = scene.held(call.outputs[0]) if short(call) == "add" and call.outputs else None
        labels = _labels(scene, call) if weights is not None else None
        if weights is None or labels is None or labels.shape != weights.shape or not 0 < labels.sum() < labels.size:
            continue
        alpha, rest = float(weights[labels == 1].mean()), float(weights[labels == 0].mean())
        is_weight = 0 < alpha < 1 and np.allclose(weights, alpha * labels + (1 - alpha) * (1 - labels), atol=1e-6)
        if not is_weight or abs(alpha - rest) < _NEAR_ONE or not _is_factor(scene, call) or _has_rest(scene, call):
            continue
        return Suspicion(
            at=call.index,
            verdict=said(
                "{value} weighs positive items by {alpha} and negative ones by {rest}.",
                value=stated(scene),
                alpha=number(alpha),
                rest=number(rest),
            ),
            evidence=(
                said(
                    "{positive} of {all} items are positive (1), the others negative (0).",
                    positive=int(labels.sum()),
                    all=labels.size,
                ),
            ),
            trials=(
                Trial(
                    said("with every item weighed by 1"),
                    graph_rerun(followed_by(call, "torch.ones_like")),
                    "illustration",
                ),
            ),
        )
    return None


def _is_factor(scene: Scene, call: Call) -> bool:
    """Whether what a call returned is multiplied with something next."""
    return any(short(c) == "mul" and call.outputs[0] in c.inputs() for c in scene.needed())


def _has_rest(scene: Scene, call: Call) -> bool:
    """Whether 1 minus what a call returned weighs something too: then it is a smoothed label, and no weight."""
    rests = [c for c in scene.needed() if short(c) in ("sub", "rsub") and c.ref("other") == call.outputs[0]]
    return any(c.argument("input") == 1 and _is_factor(scene, c) for c in rests)


def _labels(scene: Scene, call: Call) -> Floats | None:
    """The labels 0 and 1 that a weight is built of, where nothing else goes into it."""
    made = upstream(call.outputs[0], scene.makers)
    if any(short(c) not in ("add", "mul", "sub", "rsub", "float", "to", "type", "tensor", "eq") for c in made):
        return None
    leaves = {id for c in made for id in c.inputs()}
    held = [values for id in sorted(leaves) if (values := scene.held(id)) is not None]
    return next((values for values in held if values.size and set(np.unique(values)) == {0.0, 1.0}), None)


def _masked(scene: Scene) -> Suspicion | None:
    for call in scene.needed():
        condition = scene.held(call.ref("condition")) if short(call) == "where" else None
        branch, at = _constant_branch(scene, call, condition)
        log = next((c for c in _needing(scene, call) if short(c) in _LOGS), None) if branch else None
        under = scene.held(log.ref("input")) if log is not None else None
        if branch is None or log is None or under is None or at is None or under.shape != at.shape or not at.any():
            continue
        if np.abs(under[at] - (0 if short(log) == "log1p" else 1)).max() > _NEAR_ONE:
            continue
        return Suspicion(
            at=call.index,
            verdict=said(
                "{value} has {count} of {all} terms masked out: their logarithm is that of 1, which is 0.",
                value=stated(scene),
                count=int(at.sum()),
                all=at.size,
            ),
            evidence=(
                said(
                    "Where torch.where masks, log(1) = 0 contributes 0; {kept} terms are left.",
                    kept=int(at.size - at.sum()),
                ),
            ),
            trials=(
                Trial(
                    said("with 0.5 in the masked places"),
                    graph_rerun(wrapped(call, branch, "torch.full_like", fill_value=0.5)),
                    "illustration",
                ),
            ),
        )
    return None


def _constant_branch(
    scene: Scene, call: Call, condition: Floats | None
) -> tuple[str | None, npt.NDArray[np.bool_] | None]:
    """The argument of a where that is all 0 or all 1, and the places at which it is taken."""
    result = scene.held(call.outputs[0]) if condition is not None and call.outputs else None
    if condition is None or result is None:
        return None, None
    taken = np.broadcast_to(condition != 0, result.shape)
    for name, places in (("other", ~taken), ("input", taken)):
        held = scene.held(call.ref(name))
        if held is not None and held.size and set(np.unique(held)) in ({0.0}, {1.0}):
            return name, places
    return None, None
