"""Losses over classes that refuse their target: which class there is not, and which dtype is wanted."""

from __future__ import annotations

import ast

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.class_axes import OF_INDICES, are_indices, classes, indices, scores
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced, with_option
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, shape
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_LOGITS = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\n"
_RIGHT = _HEAD + _LOGITS + "F.cross_entropy(logits, torch.tensor([0, 1]))"

_DEFAULT_IGNORED = -100
_LEAST_GREY, _WHITE = 100, 255
"""Labels between these are rarely the number of a class, and often a pixel's."""


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ce-target-one-based",
            family="class-targets",
            title=said("Class labels count from 1"),
            explanation=said(
                "The target is an index into the classes, and torch counts them from 0. Where the last class does not "
                "occur, labels that count from 1 pass without an error, and every item is learnt as its neighbour."
            ),
            words=("labels start at 1", "one-based labels", "labels from 1 to C", "target is out of bounds"),
            losses=OF_INDICES,
            trigger=_one_based,
            positive=_HEAD + _LOGITS + "target = torch.tensor([1, 3])\nF.cross_entropy(logits, target)",
            control=_RIGHT,
            concern="exception",
            dominates=frozenset({"ce-target-out-of-range"}),
        ),
        Rule(
            slug="ce-target-out-of-range",
            family="class-targets",
            title=said("A target is no index of a class"),
            explanation=said(
                "The target of each item is the index of its class, from 0 to the number of classes less one. Only "
                "ignore_index is left out, and it is -100 by default."
            ),
            words=(
                "void label 255 device-side assert",
                "t >= 0 && t < n_classes",
                "target out of bounds",
                "class index out of range",
                "target -1",
                "Target 3 is out of bounds",
            ),
            losses=OF_INDICES,
            trigger=_out_of_range,
            positive=_HEAD + _LOGITS + "target = torch.tensor([0, -1])\nnn.CrossEntropyLoss()(logits, target)",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="ce-target-float-indices",
            family="class-targets",
            title=said("Class indices have to be int64"),
            explanation=said(
                "A target with one number per item is an index of a class, and torch takes an index as Long (int64) "
                "only. Numbers with a fraction are read as probabilities, which need one number per class."
            ),
            words=(
                "expected scalar type Long but found Float",
                "target dtype to be Long",
                "expected Long but got Float",
            ),
            losses=OF_INDICES,
            trigger=_float_indices,
            positive=_HEAD + _LOGITS + "target = torch.tensor([0.0, 1.0])\nF.cross_entropy(logits, target)",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="ce-target-int-one-hot",
            family="class-targets",
            title=said("The target is one-hot in whole numbers"),
            explanation=said(
                "A target as large as the input is read as probabilities of the classes, which are floating-point "
                "numbers. The usual target is the class index itself, one whole number per item, not one-hot."
            ),
            words=("one-hot target", "floating point type for target with class probabilities", "one hot long"),
            losses=frozenset({"cross_entropy", "linear_cross_entropy"}),
            trigger=_int_one_hot,
            positive=_HEAD + _LOGITS + "target = torch.tensor([[1, 0, 0], [0, 1, 0]])\nF.cross_entropy(logits, target)",
            control=_RIGHT,
            concern="exception",
            dominates=frozenset({"arguments-do-not-fit"}),
        ),
    )


def _impossible(scene: Scene) -> tuple[Floats, int] | None:
    """The targets that are no class, and the number of classes; None where the target is no list of indices."""
    target, count = scene.given("target"), classes(scene)
    if count is None or not are_indices(target) or target.shape != indices(scene):
        return None
    y = scene.array("target").reshape(-1)
    bad = y[((y < 0) | (y >= count)) & (y != scene.call.argument("ignore_index"))]
    return (bad, count) if bad.size else None


def _one_based(scene: Scene) -> Suspicion | None:
    found = _impossible(scene)
    y = scene.array("target") if found else np.zeros(0)
    if found is None or y.min() < 1 or y.max() != found[1]:
        return None
    name, count = known_as(scene, "target"), found[1]
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} holds {top}, but the {classes} classes are numbered 0 to {last}: the labels count from 1.",
            name=name,
            top=count,
            classes=count,
            last=count - 1,
        ),
        evidence=(said("The least target is {low}, the largest {high}.", low=int(y.min()), high=int(y.max())),),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, target="{} - 1"), "likely", said("Count the classes from 0.")),
    )


def _out_of_range(scene: Scene) -> Suspicion | None:
    found = _impossible(scene)
    if found is None:
        return None
    bad, count = found
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} holds {bad}, which is out of bounds: the {classes} classes are numbered 0 to {last}.",
            name=known_as(scene, "target"),
            bad=number(float(bad[0])),
            classes=count,
            last=count - 1,
        ),
        evidence=(
            said("{count} of {all} targets are out of bounds.", count=bad.size, all=scene.given("target").elements),
            *_one_value_ignored(scene, bad, count),
            *_none_left(scene, bad),
            *_grey(bad),
        ),
        trials=(),
        fix=_allowed(scene, bad, count),
        alternatives=(_ignored(scene, bad),) if bad.min() >= count else (),
    )


def _one_value_ignored(scene: Scene, bad: Floats, count: int) -> tuple[Message, ...]:
    """That an ignore_index which is set is one value, and no bound that others lie beyond."""
    given = scene.call.argument("ignore_index")
    if not isinstance(given, int) or given == _DEFAULT_IGNORED:
        return ()
    text = (
        "ignore_index is {given} here: only that one value is left out, {bad} is not. Every other target has to lie "
        "between 0 and {last}."
    )
    return (said(text, given=given, bad=number(float(bad[0])), last=count - 1),)


def _none_left(scene: Scene, bad: Floats) -> tuple[Message, ...]:
    if bad.size < scene.given("target").elements or scene.call.argument("reduction") != "mean":
        return ()
    return (said("If all of them are ignored, the mean is one over no items, 0/0: it is nan."),)


def _grey(bad: Floats) -> tuple[Message, ...]:
    """What a label beyond the classes looks like that is a grey value of a mask."""
    if _LEAST_GREY <= bad.max() <= _WHITE:
        return (
            said(
                "{value} looks like a grey value (0 to 255) of a mask that was read from a picture. Map each value "
                "to the index of its class before, as in torch.where(mask == {value}, 1, 0).",
                value=number(float(bad.max())),
            ),
        )
    return ()


def _allowed(scene: Scene, bad: Floats, count: int) -> Fix:
    """More outputs for labels beyond the last class, else the one value left out."""
    if bad.min() < count:
        return _ignored(scene, bad)
    source = Source(scene.recording.source)
    layer = scene.name if scene.name == "AdaptiveLogSoftmaxWithLoss" else "Linear"
    last = [c.args[1] for c in source.constructors(layer) if len(c.args) > 1 and _is(c.args[1], count)]
    wide = str(int(bad.max()) + 1)
    changed = source.replaced(source.piece(last[0]), wide) if len(last) == 1 else None
    return fixes.fix(scene, changed, "choose", said("Give the model {count} outputs, or mend the labels.", count=wide))


def _is(node: ast.expr, value: int) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def _ignored(scene: Scene, bad: Floats) -> Fix:
    """The labels left out where a value marks them, else brought into the range of the classes."""
    value, loss = int(bad[0]), scene.registry.of(scene.call.function)
    if scene.name == "AdaptiveLogSoftmaxWithLoss" or not (bad == value).all() or loss is None or loss.module is None:
        last = (classes(scene) or 1) - 1
        note = said("It runs with labels from 0 to {last}: find out where the others come from.", last=last)
        return fixes.fix(scene, replaced(scene, target=f"{{}}.clamp(0, {last})"), "choose", note)
    changed = with_option(scene, loss.module, "ignore_index", str(value))
    note = said("ignore_index={value} leaves these items out; if they are labels, mend them.", value=value)
    return fixes.fix(scene, changed, "likely", note)


def _float_indices(scene: Scene) -> Suspicion | None:
    target = scene.given("target")
    if target.shape != indices(scene) or (are_indices(target) and not _bytes_refused(scene)):
        return None
    name = known_as(scene, "target")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} is {dtype}, but class indices have to be int64 (Long).", name=name, dtype=target.dtype),
        evidence=(said("{name} has one number per item, so each is read as the index of a class.", name=name),),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, target="{}.long()"), "safe", said("Make the target whole numbers.")),
        alternatives=(fixes.fix(scene, _as_binary(scene), "choose", said("Labels 0 and 1 may be meant for BCE.")),),
    )


def _bytes_refused(scene: Scene) -> bool:
    """Bytes are taken of items without further axes, and not with label smoothing."""
    raised = scene.recording.raised
    refused = raised is not None and ("found Byte" in raised.message or raised.message.startswith("gather()"))
    return refused and scene.given("target").dtype == "uint8"


def _as_binary(scene: Scene) -> str | None:
    """One score per item against 0 and 1, where the input has a single class."""
    if classes(scene) != 1 or scene.name != "cross_entropy":
        return None
    return fixes.called_instead(scene, "binary_cross_entropy_with_logits", "squeeze(1)")


def _int_one_hot(scene: Scene) -> Suspicion | None:
    x, target = scores(scene), scene.given("target")
    if target.shape != x or target.floating or not x:
        return None
    name, axis = known_as(scene, "target"), min(1, len(x) - 1)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} is {dtype} and as large as the input: probabilities have to be floats, class indices fewer.",
            name=name,
            dtype=target.dtype,
        ),
        evidence=(
            said("{name} has shape {shape}, that of the input; indices have {wanted}.",
                 name=name, shape=shape(target.shape), wanted=shape(indices(scene))),
            *_without_batch(x),
            *_of_two_classes(scene),
        ),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, target=f"{{}}.argmax({axis})"), "likely",
                      said("Pass the index of each class, not one-hot; .float() gives the same loss.")),
        alternatives=(fixes.fix(scene, replaced(scene, target="{}.float()"), "likely",
                                said("Make them floating-point probabilities.")),),
    )  # fmt: skip


def _of_two_classes(scene: Scene) -> tuple[Message, ...]:
    """One score and one label, 0 or 1, per item: what is classed is yes or no."""
    if len(scene.given("input").shape) != 1 or not np.isin(scene.array("target"), (0, 1)).all():
        return ()
    text = (
        "If each number belongs to an item of its own, with labels 0 and 1 (binary classification), the loss is "
        "binary_cross_entropy of probabilities, or binary_cross_entropy_with_logits of raw scores, with target.float()."
    )
    return (said(text),)


def _without_batch(sizes: tuple[int, ...]) -> tuple[Message, ...]:
    """What an input of one item takes, and how it gets a batch dimension."""
    if len(sizes) != 1:
        return ()
    text = (
        "Without a batch dimension the target is one index as a tensor, not an int; with unsqueeze(0) the input is a "
        "batch of one, (1, C), and the target has shape (1,)."
    )
    return (said(text),)
