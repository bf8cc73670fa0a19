"""One alpha for both terms of a focal loss, which then balances nothing."""

from __future__ import annotations

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, set_to
from explainers.diagnoses.scene import Scene, short, upstream
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_DATA = "p, y = torch.tensor([0.8, 0.3, 0.6]), torch.tensor([1.0, 0.0, 1.0])\n"
_TERMS = (
    "pos = -y * (0.25 * (1 - p) ** 2 * torch.log(p))\nneg = -(1 - y) * ({} * p ** 2 * torch.log(1 - p))\n"
    "(pos + neg).mean()"
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="alpha-the-same-for-both",
            unedited="Any factor of the term of the negatives may take the weight: the asker chooses where it stands.",
            family="focal-terms",
            title=said("The same alpha for positives and negatives"),
            explanation=said(
                "In the focal loss alpha weighs the positives and 1 - alpha the negatives. The same alpha in both "
                "terms is a constant factor of the whole loss: it scales the value and the gradient, and balances "
                "nothing."
            ),
            words=(
                "focal loss alpha same for positive and negative samples",
                "alpha for both terms of the focal loss",
                "1 - alpha missing in focal loss",
                "focal loss weights of plus and minus samples alpha wrong",
                "focal loss alpha does not balance positive and negative samples",
            ),
            losses=frozenset(),
            trigger=_same,
            positive=_HEAD + _DATA + _TERMS.format("0.25"),
            control=_HEAD + _DATA + _TERMS.format("0.75"),
            about=frozenset({"focal_loss"}),
            dominates=frozenset({"focal-factor-lowers"}),
            handwritten=True,
        ),
    )


def _same(scene: Scene) -> Suspicion | None:
    if not scene.whole or scene.value is None:
        return None
    terms = [(call, of) for call in scene.needed() if (of := _of_positives(scene, call)) is not None]
    weights = {float(_factor(call)) for call, _ in terms}
    negatives = [call for call, positive in terms if not positive]
    if len(weights) != 1 or len(negatives) != 1 or len(terms) != 2:
        return None
    (alpha,) = weights
    if not 0 < alpha < 1 or alpha == 1 - alpha:
        return None
    return Suspicion(
        at=negatives[0].index,
        verdict=said(
            "{value} weighs both terms by alpha = {alpha}: a constant factor, where the negatives should get {rest}.",
            value=stated(scene),
            alpha=number(alpha),
            rest=number(1 - alpha),
        ),
        evidence=(said("Both terms are multiplied by {alpha}; divided by it the loss is {plain}.",
                       alpha=number(alpha), plain=number(scene.value / alpha)),),
        trials=(
            Trial(
                said("with 1 - alpha for the negatives"), graph_rerun(set_to(negatives[0], "other", 1 - alpha))
            ),
        ),
        fix=fixes.fix(scene, None, "likely", said("Weigh the term of the negatives by 1 - alpha.")),
    )  # fmt: skip


def _factor(call: Call) -> float:
    value = call.argument("other")
    return float(value) if isinstance(value, int | float) else 1.0


def _of_positives(scene: Scene, call: Call) -> bool | None:
    """Whether a constant weighs (1 − p)^γ, as of positives, or p^γ; None where it weighs no power at all."""
    if short(call) != "mul" or not isinstance(call.argument("other"), int | float):
        return None
    powers = [c for c in upstream(call.outputs[0], scene.makers) if short(c) == "pow"]
    if len(powers) != 1:
        return None
    maker = scene.makers.get(powers[0].inputs()[0])
    return maker is not None and short(maker) in ("sub", "rsub")
