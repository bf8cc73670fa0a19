"""Losses over classes that refuse their target: which class there is not, and which shape or dtype is wanted."""

from __future__ import annotations

import ast

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced, with_option
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, shape
from explainers.messages import Message, said
from explainers.recording import Tensor

_SAME_ITEMS = said("Give both the same number of items: keep the batch axis in view or reshape, as in x.flatten(1).")
_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_LOGITS = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\n"
_LOSSES = frozenset({"cross_entropy", "nll_loss"})
_MODULES = {"cross_entropy": "CrossEntropyLoss", "nll_loss": "NLLLoss"}
_RIGHT = _HEAD + _LOGITS + "F.cross_entropy(logits, torch.tensor([0, 1]))"


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
            losses=_LOSSES,
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
            losses=_LOSSES,
            trigger=_out_of_range,
            positive=_HEAD + _LOGITS + "target = torch.tensor([0, -1])\nnn.CrossEntropyLoss()(logits, target)",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="ce-target-column",
            family="class-targets",
            title=said("The target is a column"),
            explanation=said(
                "One index per item makes a target of one dimension less than the input, without an axis of classes."
            ),
            words=("multi-target not supported", "0D or 1D target tensor expected", "target of shape (N, 1)"),
            losses=_LOSSES,
            trigger=_column,
            positive=_HEAD + _LOGITS + "target = torch.tensor([[0], [1]])\nF.cross_entropy(logits, target)",
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
            losses=_LOSSES,
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
            losses=frozenset({"cross_entropy"}),
            trigger=_int_one_hot,
            positive=_HEAD + _LOGITS + "target = torch.tensor([[1, 0, 0], [0, 1, 0]])\nF.cross_entropy(logits, target)",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="ce-class-dim-last",
            family="class-targets",
            title=said("The classes are on the last axis"),
            explanation=said(
                "The axis of the classes is axis 1, behind the batch; all further axes of the input are those of the "
                "target."
            ),
            words=("class dimension last", "Expected target size", "sequence logits (B, T, C)", "size mismatch"),
            losses=_LOSSES,
            trigger=_class_dim_last,
            positive=_HEAD
            + "logits = torch.arange(24.0).reshape(2, 4, 3).sin()\ntarget = torch.tensor([[0, 1, 2, 0], [1] * 4])\n"
            "F.cross_entropy(logits, target)",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="batch-sizes-differ",
            family="class-targets",
            title=said("Input and target have different numbers of items"),
            explanation=said(
                "The first axis of the input is the batch, and the target has one entry for each of its items."
            ),
            words=("Expected input batch_size to match target batch_size", "batch size mismatch", "batch_size"),
            losses=_LOSSES,
            trigger=_batch_sizes,
            positive=_HEAD + "logits = torch.tensor([[2.0, 0.5, -1.0]])\nF.cross_entropy(logits, torch.tensor(0))",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="ce-target-lacks-axis",
            family="class-targets",
            title=said("One label per item, where there is one prediction per position"),
            explanation=said(
                "Axis 1 of the input holds the classes; every axis behind it holds positions (time steps, pixels), and "
                "each position needs a label of its own. Where only one prediction per item is wanted, pick it first: "
                "the last step is x[:, -1] where the classes are on the last axis."
            ),
            words=("Expected target size got one dimension", "target has no sequence axis", "last step only"),
            losses=_LOSSES,
            trigger=_lacks_axis,
            positive=_HEAD
            + "logits = torch.arange(12.0).reshape(2, 2, 3)\nF.cross_entropy(logits, torch.tensor([0, 1]))",
            control=_RIGHT,
            concern="exception",
        ),
    )


def _classes(scene: Scene) -> int | None:
    """The number of classes, None where the input has no axis for them."""
    sizes = scene.given("input").shape
    return sizes[min(1, len(sizes) - 1)] if sizes else None


def _without_classes(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return sizes[:1] + sizes[2:] if len(sizes) > 1 else ()


def _is_indices(tensor: Tensor) -> bool:
    return tensor.dtype in ("int64", "uint8")


def _impossible(scene: Scene) -> tuple[Floats, int] | None:
    """The targets that are no class, and the number of classes; None where the target is no list of indices."""
    target, classes = scene.given("target"), _classes(scene)
    if classes is None or not _is_indices(target) or target.shape != _without_classes(scene.given("input").shape):
        return None
    y = scene.array("target").reshape(-1)
    bad = y[((y < 0) | (y >= classes)) & (y != scene.call.argument("ignore_index"))]
    return (bad, classes) if bad.size else None


def _one_based(scene: Scene) -> Suspicion | None:
    found = _impossible(scene)
    y = scene.array("target") if found else np.zeros(0)
    if found is None or y.min() < 1 or y.max() != found[1]:
        return None
    name, classes = known_as(scene, "target"), found[1]
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} holds {top}, but the {classes} classes are numbered 0 to {last}: the labels count from 1.",
            name=name,
            top=classes,
            classes=classes,
            last=classes - 1,
        ),
        evidence=(said("The least target is {low}, the largest {high}.", low=int(y.min()), high=int(y.max())),),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, target="{} - 1"), "likely", said("Count the classes from 0.")),
    )


def _out_of_range(scene: Scene) -> Suspicion | None:
    found = _impossible(scene)
    if found is None:
        return None
    bad, classes = found
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} holds {bad}, which is out of bounds: the {classes} classes are numbered 0 to {last}.",
            name=known_as(scene, "target"),
            bad=number(float(bad[0])),
            classes=classes,
            last=classes - 1,
        ),
        evidence=(
            said("{count} of {all} targets are out of bounds.", count=bad.size, all=scene.given("target").elements),
            *_none_left(scene, bad),
        ),
        trials=(),
        fix=_allowed(scene, bad, classes),
        alternatives=(_ignored(scene, bad),) if bad.min() >= classes else (),
    )


def _none_left(scene: Scene, bad: Floats) -> tuple[Message, ...]:
    if bad.size < scene.given("target").elements or scene.call.argument("reduction") != "mean":
        return ()
    return (said("If all of them are ignored, the mean is one over no items, 0/0: it is nan."),)


def _allowed(scene: Scene, bad: Floats, classes: int) -> Fix:
    """More outputs for labels beyond the last class, else the one value left out."""
    if bad.min() < classes:
        return _ignored(scene, bad)
    source = Source(scene.recording.source)
    last = [c.args[1] for c in source.constructors("Linear") if len(c.args) > 1 and _is(c.args[1], classes)]
    wide = str(int(bad.max()) + 1)
    changed = source.replaced(source.piece(last[0]), wide) if len(last) == 1 else None
    return fixes.fix(scene, changed, "choose", said("Give the model {count} outputs, or mend the labels.", count=wide))


def _is(node: ast.expr, value: int) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def _ignored(scene: Scene, bad: Floats) -> Fix:
    value = int(bad[0])
    changed = with_option(scene, _MODULES[scene.name], "ignore_index", str(value)) if (bad == value).all() else None
    note = said("ignore_index={value} leaves these items out; if they are labels, mend them.", value=value)
    return fixes.fix(scene, changed, "likely", note)


def _column(scene: Scene) -> Suspicion | None:
    x, y = scene.given("input").shape, scene.given("target").shape
    if len(x) < 2 or len(y) != len(x) or y[1] != 1 or x == y or (y[0], *y[2:]) != _without_classes(x):
        return None
    name = known_as(scene, "target")
    change = "{}.squeeze(1)" if _is_indices(scene.given("target")) else "{}.squeeze(1).long()"
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} has shape {shape}, a column: an index per item has shape {wanted}.",
            name=name,
            shape=shape(y),
            wanted=shape(_without_classes(x)),
        ),
        evidence=(said("Axis 1 of {name} has length 1 and no meaning.", name=name),),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, target=change), "safe", said("Take the axis of length 1 away.")),
    )


def _float_indices(scene: Scene) -> Suspicion | None:
    x, target = scene.given("input").shape, scene.given("target")
    if target.shape != _without_classes(x) or _is_indices(target):
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


def _as_binary(scene: Scene) -> str | None:
    """One score per item against 0 and 1, where the input has a single class."""
    if _classes(scene) != 1:
        return None
    return fixes.called_instead(scene, "binary_cross_entropy_with_logits", "squeeze(1)")


def _int_one_hot(scene: Scene) -> Suspicion | None:
    x, target = scene.given("input"), scene.given("target")
    if target.shape != x.shape or target.floating or not x.shape:
        return None
    name, axis = known_as(scene, "target"), min(1, len(x.shape) - 1)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} is {dtype} and as large as the input: probabilities have to be floats, class indices fewer.",
            name=name,
            dtype=target.dtype,
        ),
        evidence=(
            said("{name} has shape {shape}, that of the input; indices have {wanted}.",
                 name=name, shape=shape(target.shape), wanted=shape(_without_classes(x.shape))),
            *_without_batch(x.shape),
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


def _class_dim_last(scene: Scene) -> Suspicion | None:
    x, y = scene.given("input").shape, scene.given("target").shape
    if len(x) < 3 or y != x[:-1]:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} has shape {shape} with its {classes} classes on the last axis; they have to be on axis 1.",
            name=known_as(scene, "input"),
            shape=shape(x),
            classes=x[-1],
        ),
        evidence=(
            said("The target's shape {target} is the input's without its last axis.", target=shape(y)),
            said("torch reads axis 1, of length {size}, as the classes.", size=x[1]),
        ),
        trials=(),
        fix=fixes.fix(
            scene,
            replaced(scene, input="{}.transpose(1, 2)" if len(x) == 3 else "{}.movedim(-1, 1)"),
            "safe",
            said("Move the axis of the classes behind the batch."),
        ),
    )


def _lacks_axis(scene: Scene) -> Suspicion | None:
    x, y = scene.given("input").shape, scene.given("target").shape
    if len(x) != 3 or len(y) != 1 or x[0] != y[0]:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{input} has shape {shape}: with {classes} classes on axis 1 the target needs shape {wanted}, not {given}.",
            input=known_as(scene, "input"),
            shape=shape(x),
            classes=x[1],
            wanted=shape(_without_classes(x)),
            given=shape(y),
        ),
        evidence=(
            said("There are {count} positions on the last axis, and one label for each item.", count=x[2]),
        ),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, input="{}[:, -1]"), "choose",
                      said("Take the last step, or give a label for every position.")),
    )  # fmt: skip


def _batch_sizes(scene: Scene) -> Suspicion | None:
    x, y = scene.given("input").shape, scene.given("target").shape
    if len(x) < 2 or (y and x[0] == y[0]) or y == x:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{input} has {items} items on axis 0, but {target} has shape {shape}.",
            input=known_as(scene, "input"),
            items=x[0],
            target=known_as(scene, "target"),
            shape=shape(y),
        ),
        evidence=(said("For an input of shape {input} the target has shape {wanted}.",
                       input=shape(x), wanted=shape(_without_classes(x))),),
        trials=(),
        fix=fixes.fix(scene, _matched(scene, x, y), "likely", _SAME_ITEMS),
    )  # fmt: skip


def _matched(scene: Scene, x: tuple[int, ...], y: tuple[int, ...]) -> str | None:
    if not y and x[0] == 1:
        return replaced(scene, target="{}.unsqueeze(0)")
    if len(y) == 1 and len(x) == 2 and x[1] == y[0]:
        return replaced(scene, input="{}.T")
    if len(y) == 1 and len(x) > 2 and int(np.prod(x[:-1])) == y[0]:
        return replaced(scene, input="{}.flatten(0, -2)")
    if len(y) == 2 and len(x) == 2 and y[0] * y[1] == x[0]:
        return replaced(scene, target="{}.flatten()")
    return None
