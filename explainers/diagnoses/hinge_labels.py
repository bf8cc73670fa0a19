"""Hinges written by hand whose labels are 0 and 1 where they have to be −1 and 1."""

from __future__ import annotations

from dataclasses import replace

from explainers.diagnoses import fixes, operands
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.diagnoses.hinges import Hinge, hinges
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\n\noutput = torch.tensor([2.0, -0.5, 0.3])\n"
_HINGE = "torch.clamp(1 - labels * output, min=0).mean()"
_SUBTRACTIONS = frozenset({"sub", "subtract", "rsub"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="hinge-labels-zero-one",
            family="margin-targets",
            title=said("Labels of 0 in a hinge loss, which takes −1 and 1"),
            explanation=said(
                "The hinge max(0, 1 − y · s) multiplies the score by its label, so the label must be −1 or 1. A label "
                "of 0 makes the product 0 * s = 0: the item costs always 1, whatever its score, and its gradient is 0, "
                "so the model learns nothing from the negatives. 2 · y − 1 makes −1 and 1 of 0 and 1."
            ),
            words=(
                "hinge loss labels 0 or 1",
                "hinge loss with 0/1 targets",
                "hinge loss target -1 and 1",
                "negatives always cost 1 in hinge loss",
            ),
            losses=frozenset(),
            trigger=_labelled,
            positive=_HEAD + "labels = torch.tensor([1.0, 0.0, 0.0])\n" + _HINGE,
            control=_HEAD + "labels = torch.tensor([1.0, -1.0, -1.0])\n" + _HINGE,
        ),
    )


def _labelled(scene: Scene) -> Suspicion | None:
    found = next((p for h in hinges(scene) if scene.whole and (p := _product(scene, h)) is not None), None)
    if found is None:
        return None
    product, argument = found
    own = replace(scene, call=product)
    labels, name = own.given(argument), operands.known_as(own, argument)
    values = own.array(argument)
    return Suspicion(
        at=product.index,
        verdict=said(
            "{value}: {labels} is 0 in {count} of {all} places, where the hinge costs 1 whatever the score is.",
            value=stated(scene),
            labels=name,
            count=int((values == 0).sum()),
            all=values.size,
        ),
        evidence=(said("0 times a score is 0: the score drops out there, and with it the gradient."),),
        trials=(Trial(said("with labels of −1 and 1"), graph_rerun(replaced(labels, 2 * values - 1))),),
        fix=fixes.fix(
            scene,
            operands.replaced(own, **{argument: "(2 * {} - 1)"}),
            "likely",
            said("Make −1 and 1 of the labels: 2 · y − 1."),
        ),
    )


def _product(scene: Scene, hinge: Hinge) -> tuple[Call, str] | None:
    """The product of labels of 0 and 1 with scores in max(0, margin − labels · scores), and which operand they are."""
    if short(hinge.less) not in _SUBTRACTIONS or len(hinge.less.inputs()) != 1:
        return None
    sides = [name for name in ("input", "other") if _are_zero_and_one(scene, hinge.product.ref(name))]
    return (hinge.product, sides[0]) if len(sides) == 1 else None


def _are_zero_and_one(scene: Scene, id: int | None) -> bool:
    """Whether a tensor was handed in and holds both numbers and no others."""
    held = scene.held(id)
    return id is not None and held is not None and scene.is_given(id) and set(held.reshape(-1).tolist()) == {0.0, 1.0}
