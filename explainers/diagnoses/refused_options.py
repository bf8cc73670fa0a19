"""Weights of another shape than a loss wants, and numbers outside what its options may be."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.class_axes import OF_FEATURES, scores
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, last_name
from explainers.diagnoses.wording import number, shape
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\n\nx = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\n"
_CLASSES = _HEAD + "y = torch.tensor([0, 1])\n"
_NUMBERS = _HEAD + "t = torch.zeros(2, 3)\n"
_OF_CLASSES = frozenset({"cross_entropy", "nll_loss", "multi_margin_loss", "linear_cross_entropy"})
_OF_ELEMENTS = frozenset({"mse_loss", "l1_loss", "huber_loss"})
_BROADCAST = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits", "multilabel_soft_margin_loss"})


@dataclass(frozen=True)
class _Option:
    """A number that a loss takes: what it may be, in words and as a test, and a number that it may be in its place."""

    loss: str
    name: str
    words: str
    allowed: Callable[[float], bool]
    nearest: Callable[[float], float]


def _share(given: float) -> float:
    """What may have been meant by a share above 1: percent, or a decimal point gone astray."""
    return given / 100 if given >= 5 else given / 10


_OPTIONS: Mapping[tuple[str, str], _Option] = MappingProxyType(
    {
        (option.loss, option.name): option
        for option in (
            _Option("cross_entropy", "label_smoothing", "0 … 1", lambda v: v <= 1, _share),
            _Option("linear_cross_entropy", "label_smoothing", "0 … 1", lambda v: v <= 1, _share),
            _Option("smooth_l1_loss", "beta", "≥ 0", lambda v: v >= 0, abs),
            _Option("huber_loss", "delta", "> 0", lambda v: v > 0, lambda v: abs(v) or 1.0),
            _Option("triplet_margin_loss", "margin", "> 0", lambda v: v > 0, lambda v: abs(v) or 1.0),
            _Option("triplet_margin_with_distance_loss", "margin", "> 0", lambda v: v > 0, lambda v: abs(v) or 1.0),
            _Option("multi_margin_loss", "p", "1, 2", lambda v: v in (1, 2), lambda v: 2 if v > 1 else 1),
        )
    }
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="class-weights-of-another-length",
            family="refused-options",
            title=said("There are not as many class weights as classes"),
            explanation=said(
                "The weight of these losses holds one number per class, and the classes are along one axis of the "
                "input: the last of (C) and (N, C), axis 1 of (N, C, …)."
            ),
            words=("weight tensor should be defined either for all classes", "inconsistent weight size"),
            losses=_OF_CLASSES,
            trigger=_class_weights,
            positive=_CLASSES + "F.cross_entropy(x, y, weight=torch.tensor([1.0, 2.0, 1.0, 3.0]), reduction='sum')",
            control=_CLASSES + "F.cross_entropy(x, y, weight=torch.tensor([1.0, 2.0, 1.0]), reduction='sum')",
            concern="exception",
        ),
        Rule(
            slug="weights-of-another-shape",
            family="refused-options",
            title=said("The weights do not have the shape of the elements"),
            explanation=said(
                "These losses multiply element by element. mse_loss, l1_loss and huber_loss want a weight of exactly "
                "the input's shape; binary cross-entropy takes one that broadcasts to it."
            ),
            words=("Weights and input must have the same size", "pos_weight size", "pos_weight shape"),
            losses=_OF_ELEMENTS | _BROADCAST,
            trigger=_element_weights,
            positive=_NUMBERS + "F.mse_loss(x, t, weight=torch.tensor([1.0, 2.0, 1.0]))",
            control=_NUMBERS + "F.mse_loss(x, t, weight=torch.tensor([[1.0, 2.0, 1.0], [1.0, 1.0, 1.0]]))",
            concern="exception",
            dominates=frozenset({"shapes-do-not-broadcast"}),
        ),
        Rule(
            slug="option-out-of-range",
            family="refused-options",
            title=said("An option has a value that the loss does not take"),
            explanation=said(
                "label_smoothing is a share of 1, delta and a triplet's margin are lengths above 0, beta one from "
                "0 on, and p of multi_margin_loss is 1 or 2."
            ),
            words=("label_smoothing must be between 0.0 and 1.0", "does not support non-positive values for delta",
                   "margin must be greater than 0", "only p == 1 and p == 2 supported"),
            losses=frozenset(),
            about=frozenset(loss for loss, _ in _OPTIONS),
            trigger=_out_of_range,
            positive=_NUMBERS + "F.huber_loss(x, t, delta=0.0)",
            control=_NUMBERS + "F.huber_loss(x, t, delta=1.0)",
            concern="exception",
        ),
    )  # fmt: skip


def _class_weights(scene: Scene) -> Suspicion | None:
    sizes, weight = scores(scene), scene.tensor("weight")
    axis = 1 if len(sizes) > 1 and scene.name != "multi_margin_loss" else len(sizes) - 1
    if weight is None or not sizes or weight.shape == (sizes[axis],):
        return None
    names = {"weight": known_as(scene, "weight"), "shape": shape(weight.shape), "classes": sizes[axis]}
    return Suspicion(
        at=scene.call.index,
        verdict=said("{weight} has shape {shape}: there are {classes} classes, so it needs ({classes},).", **names),
        evidence=() if scene.name in OF_FEATURES else (_classes_of(scene, axis),),
        trials=(),
        fix=_shortened(scene, sizes[axis], weight.elements),
    )


def _classes_of(scene: Scene, axis: int) -> Message:
    x = scene.given("input")
    named = {"name": known_as(scene, "input"), "dtype": x.dtype, "shape": shape(x.shape)}
    return said("{name} is {dtype} of shape {shape}; its classes are along axis {axis}.", axis=axis, **named)


def _shortened(scene: Scene, classes: int, given: int) -> Fix:
    if given == classes:
        flat = replaced(scene, weight="{}.flatten()")
        return fixes.fix(scene, flat, "safe", said("Give the weights as one dimension."))
    without = fixes.with_option(scene, scene.call, "weight", None)
    return fixes.fix(scene, without, "choose", said("Give one weight per class, or none."))


def _element_weights(scene: Scene) -> Suspicion | None:
    x = scene.given("input")
    found = next((name for name in ("weight", "pos_weight") if _does_not_fit(scene, name)), None)
    if found is None:
        return None
    weight = scene.given(found)
    names = {"weight": known_as(scene, found), "shape": shape(weight.shape)}
    same = said("{weight} has shape {shape}, but {name} has shape {other}.",
                name=known_as(scene, "input"), other=shape(x.shape), **names)  # fmt: skip
    wide = _broadcasts(weight.shape, x.shape)
    sizes = ", ".join(map(str, x.shape))
    changed = replaced(scene, **{found: f"{{}}.expand({sizes})"}) if wide else None
    if not wide and len(x.shape) > 1 and weight.shape == x.shape[:1] and scene.name in _BROADCAST:
        axes = ", 1" * (len(x.shape) - 1)
        return _per_item(scene, found, same, "{}.unsqueeze(1)" if len(x.shape) == 2 else f"{{}}.view(-1{axes})")
    if (axis := _of_length(weight.shape, x.shape)) is not None and not wide:
        return _along(scene, found, same, axis)
    if changed is None:
        changed = fixes.with_option(scene, scene.call, found, None)
    note = said("Repeat the weights over the other axes.") if wide else said("Give weights of that shape, or none.")
    return Suspicion(
        at=scene.call.index,
        verdict=same,
        evidence=(
            said("{function} multiplies by {argument} element by element.", function=scene.name, argument=found),
            *_of_positives(found),
        ),
        trials=(),
        fix=fixes.fix(scene, changed, "likely" if wide else "choose", note),
    )


def _of_positives(argument: str) -> tuple[Message, ...]:
    """What pos_weight is for, where it was taken for one weight per class."""
    only = said(
        "pos_weight weighs the positive class only, one number for each output along the last axis: for classes 0 and "
        "1 it is a single number, negatives / positives."
    )
    return (only,) if argument == "pos_weight" else ()


def _per_item(scene: Scene, argument: str, verdict: Message, column: str) -> Suspicion:
    """One weight for each item of the batch: broadcasting lines it up with the last axis instead."""
    changed = replaced(scene, **{argument: column}) or fixes.with_option(scene, scene.call, argument, column)
    return Suspicion(
        at=scene.call.index,
        verdict=verdict,
        evidence=(
            said(
                "There is one weight per item, and broadcasting lines axes up from the last one: it must be a column."
            ),
        ),
        trials=(),
        fix=fixes.fix(scene, changed, "likely", said("Make it a column, as unsqueeze(1) does of one axis.")),
    )


def _of_length(weight: tuple[int, ...], x: tuple[int, ...]) -> int | None:
    """The one axis of the input, none of the ends, that is as long as the weights."""
    fitting = [axis for axis, size in enumerate(x) if weight == (size,)]
    return fitting[0] if len(fitting) == 1 and 0 < fitting[0] < len(x) - 1 else None


def _along(scene: Scene, argument: str, verdict: Message, axis: int) -> Suspicion:
    """Weights of an axis that is not the last: it is the last that they are multiplied along."""
    x, ones = scene.given("input").shape, ", 1" * (len(scene.given("input").shape) - axis - 1)
    return Suspicion(
        at=scene.call.index,
        verdict=verdict,
        evidence=(
            said("Axis {axis} of {name} has {count} entries, as many as {weight}; broadcasting compares from the last "
                 "axis on, which has {last}. In shape {shape} the weights lie along axis {axis}.",
                 axis=axis, name=known_as(scene, "input"), count=x[axis], weight=known_as(scene, argument), last=x[-1],
                 shape=f"({x[axis]}{ones})"),
            *_of_positives(argument),
        ),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, **{argument: f"{{}}.view(-1{ones})"}), "likely",
                      said("Give the weights an axis of length 1 for each axis behind theirs.")),
    )  # fmt: skip


def _does_not_fit(scene: Scene, name: str) -> bool:
    weight, x = scene.tensor(name), scene.given("input")
    if weight is None:
        return False
    return weight.shape != x.shape if scene.name in _OF_ELEMENTS else not _broadcasts(weight.shape, x.shape)


def _broadcasts(one: tuple[int, ...], to: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(one, to) == to
    except ValueError:
        return False


def _out_of_range(scene: Scene) -> Suspicion | None:
    built = _built(scene)
    loss, given = built or (scene.name, scene.call.argument)
    options = (option for (name, _), option in _OPTIONS.items() if name == loss)
    wrong = next((o for o in options if _is_wrong(given(o.name), o)), None)
    value = None if wrong is None else given(wrong.name)
    if wrong is None or not isinstance(value, int | float):
        return None
    better = number(wrong.nearest(value))
    named = {"argument": wrong.name, "value": number(value), "function": loss, "range": wrong.words}
    return Suspicion(
        at=scene.call.index,
        verdict=said("{argument}={value} is out of range: {function} takes {range}.", **named),
        evidence=(said("{value} is one that it takes.", value=better),),
        trials=(),
        fix=fixes.fix(
            scene,
            _set(scene, wrong.name, better) if built else fixes.with_option(scene, scene.call, wrong.name, better),
            "likely",
            said("Give a value that the loss takes. Older versions of torch checked fewer of them."),
        ),
    )


def _built(scene: Scene) -> tuple[str, Callable[[str], object]] | None:
    """The loss whose module cannot be built, and the numbers written for its options; None where a call raised."""
    node = _constructor(scene)
    known = {loss.module: loss.name for loss in scene.registry.losses.values() if loss.module}
    if node is None or last_name(node.func) not in known:
        return None
    written = {k.arg: _number_written(k.value) for k in node.keywords if k.arg}
    return known[last_name(node.func)], written.get


def _constructor(scene: Scene) -> ast.Call | None:
    raised = scene.recording.raised
    node = Source(scene.recording.source).at(raised.span) if raised and not scene.call.function else None
    return node if isinstance(node, ast.Call) else None


def _number_written(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _set(scene: Scene, name: str, text: str) -> str | None:
    node, source = _constructor(scene), Source(scene.recording.source)
    keyword = next((k for k in node.keywords if k.arg == name), None) if node else None
    return source.replaced(source.piece(keyword.value), text) if keyword else None


def _is_wrong(given: object, option: _Option) -> bool:
    return isinstance(given, int | float) and not option.allowed(given)
