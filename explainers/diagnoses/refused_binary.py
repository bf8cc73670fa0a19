"""Binary cross entropy that refuses its arguments: numbers outside 0 and 1, shapes that differ, whole numbers."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.refitting import refitted
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.wording import number, shape
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_PROBS = "probs = torch.tensor([0.9, 0.2, 0.7])\n"
_SCORES = "logits = torch.tensor([2.2, -1.4, 0.8])\n"
_LABELS = "target = torch.tensor([1.0, 0.0, 1.0])\n"
_RIGHT = _HEAD + _PROBS + _LABELS + "F.binary_cross_entropy(probs, target)"
_PLAIN = frozenset({"binary_cross_entropy"})
_SAME_SHAPE = said("Give input and target the same shape.")
_BOTH = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="bce-on-logits",
            family="binary-targets",
            title=said("Raw scores are passed as probabilities"),
            explanation=said(
                "binary_cross_entropy takes the logarithm of its input and of 1 less its input, so the input has to "
                "be a probability. binary_cross_entropy_with_logits takes raw scores and applies sigmoid by itself."
            ),
            uncertainty=said("I assume that the input was meant as raw scores (logits)."),
            words=("all elements of input should be between 0 and 1", "BCELoss on logits", "no sigmoid before BCELoss"),
            losses=_PLAIN,
            trigger=_on_logits,
            positive=_HEAD + "logits = torch.tensor([2.2, -1.4, 0.8])\n" + _LABELS + "nn.BCELoss()(logits, target)",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="bce-target-outside-01",
            family="binary-targets",
            title=said("Binary labels are not between 0 and 1"),
            explanation=said(
                "Each target is the probability of the label, 1 for yes and 0 for no. binary_cross_entropy checks "
                "that; binary_cross_entropy_with_logits does not, and gives a loss that falls below 0 without end."
            ),
            words=("all elements of target should be between 0 and 1", "BCE target 255", "labels -1 and 1 in BCELoss"),
            losses=_PLAIN,
            trigger=_target_outside,
            positive=_HEAD + _PROBS + "target = torch.tensor([1.0, -1.0, 1.0])\nnn.BCELoss()(probs, target)",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="bce-sizes-differ",
            family="binary-targets",
            title=said("Input and target of a binary loss differ in shape"),
            explanation=said(
                "There is one label for each probability, so both have the same shape; torch refuses to broadcast "
                "here, since that would compare every prediction with every label."
            ),
            words=("Using a target size that is different to the input size", "Target size must be the same as input"),
            losses=_BOTH,
            trigger=_sizes,
            positive=_HEAD + "probs = torch.tensor([[0.9], [0.2], [0.7]])\n" + _LABELS + "nn.BCELoss()(probs, target)",
            control=_RIGHT,
            concern="exception",
            dominates=frozenset({"arguments-do-not-fit", "shapes-do-not-broadcast"}),
        ),
        Rule(
            slug="integer-binary-target",
            family="binary-targets",
            title=said("Binary labels are whole numbers"),
            explanation=said(
                "The label is multiplied with a logarithm, so torch wants it in the dtype of the input: float, "
                "not whole numbers or truth values. Only losses over class indices take integers."
            ),
            words=("Found dtype Long but expected Float", "BCE with integer labels", "result type Float can't be cast"),
            losses=_BOTH,
            trigger=_integers,
            positive=_HEAD + _PROBS + "target = torch.tensor([1, 0, 1])\nF.binary_cross_entropy(probs, target)",
            control=_RIGHT,
            concern="exception",
            dominates=frozenset({"operand-dtypes", "truth-values-in-arithmetic"}),
        ),
    )


def _outside(values: Floats) -> Floats:
    return values[~((values >= 0) & (values <= 1))]


def _on_logits(scene: Scene) -> Suspicion | None:
    x = scene.array("input")
    if scene.given("input").shape != scene.given("target").shape or not _outside(x).size:
        return None
    name, first = known_as(scene, "input"), _outside(x).reshape(-1)[0]
    cast = None if scene.given("target").floating else "{}.float()"
    sigmoid = replaced(scene, input="{}.sigmoid()", target=cast)
    if np.isnan(_outside(x)).all():
        return _not_numbers(scene, x)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} holds {bad}, which is no probability between 0 and 1.", name=name, bad=number(first)),
        evidence=(
            said("{count} of {all} entries of {name} lie outside 0 and 1; the least is {low}, the largest {high}.",
                 count=_outside(x).size, all=x.size, name=name, low=number(np.nanmin(x)), high=number(np.nanmax(x))),
        ),
        trials=(),
        fix=fixes.fix(
            scene,
            fixes.renamed(scene, scene.call, ("binary_cross_entropy", "binary_cross_entropy_with_logits"),
                          ("BCELoss", "BCEWithLogitsLoss")),
            "likely",
            said("Let the loss apply sigmoid by itself."),
        ),
        alternatives=(fixes.fix(scene, sigmoid, "likely", said("Apply sigmoid first.")),),
    )  # fmt: skip


def _not_numbers(scene: Scene, x: Floats) -> Suspicion:
    """nan lies in no interval: what made it is to be found upstream."""
    name, count = known_as(scene, "input"), int(np.isnan(x).sum())
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} holds nan, which is no probability between 0 and 1.", name=name),
        evidence=(said("{count} of {all} entries of {name} are nan.", count=count, all=x.size, name=name),),
        trials=(),
        fix=fixes.fix(
            scene,
            replaced(scene, input="{}.nan_to_num(0.5)"),
            "choose",
            said("With 1/2 in place of nan it runs: find the computation that makes nan, and mend it there."),
        ),
    )


def _target_outside(scene: Scene) -> Suspicion | None:
    y = scene.array("target")
    if scene.given("input").shape != scene.given("target").shape or not _outside(y).size:
        return None
    if _outside(scene.array("input")).size:
        return None
    name = known_as(scene, "target")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} holds {bad}; a target has to be between 0 and 1.", name=name, bad=number(_outside(y)[0])),
        evidence=(said("The least target is {low}, the largest {high}.", low=number(y.min()), high=number(y.max())),),
        trials=(),
        fix=_rescaled(scene, y),
    )


def _rescaled(scene: Scene, y: Floats) -> Fix:
    """Labels −1 and 1, 1 and 2, or shades from 0 to 255 brought to 0 and 1."""
    found = set(np.unique(y).tolist()) if y.size < 10**6 else set[float]()
    if found <= {-1.0, 1.0}:
        return fixes.fix(scene, replaced(scene, target="({} + 1) / 2"), "likely", said("Map −1 and 1 to 0 and 1."))
    if found <= {1.0, 2.0}:
        return fixes.fix(scene, replaced(scene, target="{} - 1"), "likely", said("Map 1 and 2 to 0 and 1."))
    top = 255 if y.max() > 1 and y.min() >= 0 and y.max() <= 255 and 255.0 in found else None
    changed = replaced(scene, target="{} / 255" if top else "{}.clamp(0, 1)")
    note = (
        said("Scale the targets to lie between 0 and 1.")
        if top
        else said("Cut off at 0 and 1 it runs: find out what the other numbers mean.")
    )
    return fixes.fix(scene, changed, "choose", note)


def _sizes(scene: Scene) -> Suspicion | None:
    x, y = scene.given("input").shape, scene.given("target").shape
    if x == y:
        return None
    names = {"input": known_as(scene, "input"), "target": known_as(scene, "target")}
    return Suspicion(
        at=scene.call.index,
        verdict=said("{input} has shape {x}, but {target} has shape {y}: they have to be the same.",
                     **names, x=shape(x), y=shape(y)),
        evidence=(said("{input} has {xs} numbers, {target} {ys}.", **names,
                       xs=scene.given("input").elements, ys=scene.given("target").elements),
                  *_squeezed(names, x, y)),
        trials=(),
        fix=fixes.fix(scene, _same_shape(scene, x, y), "likely", _SAME_SHAPE),
        alternatives=refitted(scene, _SAME_SHAPE),
    )  # fmt: skip


def _squeezed(names: dict[str, str], x: tuple[int, ...], y: tuple[int, ...]) -> tuple[Message, ...]:
    """What leaves a batch of one item without any axis."""
    if () not in (x, y) or max(x, y) not in ((1,), (1, 1)):
        return ()
    bare = names["input" if x == () else "target"]
    return (
        said("{name} has no axis at all. squeeze() takes away every axis of length 1, also that of a batch of one "
             "item, such as the last batch of an epoch. squeeze(-1) or reshape(-1) keeps it, and drop_last=True leaves "
             "out a last batch that is not full.", name=bare),
    )  # fmt: skip


def _same_shape(scene: Scene, x: tuple[int, ...], y: tuple[int, ...]) -> str | None:
    """The axis of length 1 taken from the one that has it, the dtype mended where that would stop it next."""
    cast = "" if scene.given("target").floating else ".float()"
    if x == () and y == (1,):
        return replaced(scene, input="{}.reshape(-1)", target=f"{{}}{cast}" if cast else None)
    if x == (*y, 1):
        return replaced(scene, input=f"{{}}.squeeze({len(x) - 1})", target=f"{{}}{cast}" if cast else None)
    if y == (*x, 1):
        return replaced(scene, target=f"{{}}.squeeze({len(y) - 1}){cast}")
    for axis in range(max(len(x), len(y))):
        if x == (*y[:axis], 1, *y[axis:]):
            return replaced(scene, target=f"{{}}{cast}.unsqueeze({axis})")
        if y == (*x[:axis], 1, *x[axis:]):
            return replaced(scene, target=f"{{}}{cast}.squeeze({axis})")
    if [s for s in x if s != 1] == [s for s in y if s != 1]:
        return replaced(scene, target=f"{{}}{cast}.reshape({', '.join(map(str, x))})")
    return None


def _integers(scene: Scene) -> Suspicion | None:
    target = scene.given("target")
    if target.floating or scene.given("input").shape != target.shape:
        return None
    name = known_as(scene, "target")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} is {dtype}, but this loss wants float labels.", name=name, dtype=target.dtype),
        evidence=(said("The input is {dtype}.", dtype=scene.given("input").dtype),),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, target="{}.float()"), "safe", said("Make the labels float.")),
    )
