"""A program that raises a pasted message, made of tensors with the shapes that the message names."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

from explainers.older_messages import OLDER, labels_of_dtype
from explainers.standin_arguments import REFUSED, REFUSED_NUMBER, refused_argument, refused_number
from explainers.standin_kernels import NOT_IMPLEMENTED, without_kernel

_HEAD: Final = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\ntorch.manual_seed(0)\n"
_SIZES: Final = r"(?:torch\.Size\()?\[?([\d, x]*)\]?\)?"
_MOST: Final = 10**6  # elements of a stand-in
_MOST_SCORES: Final = 4 * _MOST  # and of scores over a vocabulary, which nothing is computed of

_BUILT: Final = re.compile(r"\bnn\.(\w*Loss)\(\s*[A-Za-z_]\w*\s*,\s*[A-Za-z_]\w*\s*\)")
_CALLED: Final = re.compile(
    r"\b(mse_loss|l1_loss|smooth_l1_loss|huber_loss)\(|\b(MSELoss|L1Loss|SmoothL1Loss|HuberLoss)\b"
)
_ASSERTED: Final = re.compile(r"device-side assert triggered|\b(?:t|cur_target) >= 0 && (?:t|cur_target) < n_classes")
_CLASSES: Final = re.compile(r"(?<![\d.])(\d{1,5})[\s-]*(?:classes|class\b|labels)", re.I)
_WHOLE: Final = re.compile(r"(?<![\w.=/-])-?\d{1,3}(?![\w.]|\s*%)")
_REDUCED: Final = re.compile(r"reduction\s*=\s*['\"](sum|mean)['\"]")
_ACTIVATIONS: Final = frozenset({"sigmoid", "exp", "tanh", "sqrt", "relu"})
_OF_CLASSES: Final = frozenset({"CrossEntropyLoss", "NLLLoss", "MultiMarginLoss"})

_TUPLE: Final = re.compile(r"[(\[]\s*\d+(?:\s*,\s*\d+)+\s*,?\s*[)\]]")
_MASKS: Final = re.compile(r"masks = torch\.randint\(0, 3, \(([\d, ]+)\)\)")
_SCORES: Final = "torch.randn(2, 3, 4, 4)"

Match = re.Match[str]


def stand_in(message: str, around: str = "") -> str | None:
    """A program whose exception has this message in the torch that is installed, or had it in an older one.

    `around` is the text that it stands in, for a message that names no call of its own.
    None where the message is of no kind that is known, or where it names tensors too large to make up.
    """
    if _ASSERTED.search(message):
        return f"{_HEAD}{_on_gpu(around)}"
    for pattern, program in (*_PROGRAMS, *OLDER):
        found = pattern.search(message)
        source = program(found) if found is not None else None
        if source is not None:
            return f"{_HEAD}{_with_shapes(_with_loss(source, around), around)}"
    call = _BUILT.search(around) if "Boolean value of Tensor with more than one value" in message else None
    return f"{_HEAD}{_built_with_tensors(call[1])}" if call is not None else None


def _with_loss(source: str, around: str) -> str:
    """The program with the regression loss that the text around its message calls, and the reduction of it."""
    called = _CALLED.search(around)
    if called is None or "F.mse_loss(" not in source:
        return source
    call = f"F.{called[1]}(" if called[1] else f"nn.{called[2]}()("
    reduction = _REDUCED.search(around[called.end() : called.end() + 80])
    if reduction is None or not called[1]:
        return source.replace("F.mse_loss(", call)
    return source.replace("F.mse_loss(pred, target)", f"{call}pred, target, reduction='{reduction[1]}')")


def _with_shapes(source: str, around: str) -> str:
    """The program with scores of the four axes that the text states, and masks of a shape that begins as theirs does,
    where it makes up both."""
    masks = _MASKS.search(source)
    stated = [tuple(int(n) for n in re.findall(r"\d+", each)) for each in _TUPLE.findall(around)]
    scores = next((each for each in stated if len(each) == 4 and each[1] > 1 and math.prod(each) <= _MOST), None)
    if masks is None or scores is None or _SCORES not in source:
        return source
    axes = masks[1].count(",")
    found = next((each for each in stated if len(each) == axes and each[0] == scores[0]), None)
    if found is None:
        return source
    made = source.replace(_SCORES, f"torch.randn({_of(scores)})")
    return made.replace(masks[0], f"masks = torch.randint(0, {scores[1]}, ({_of(found)},))")


def _built_with_tensors(name: str) -> str:
    """A loss that is constructed of its input and target: the constructor asks whether a tensor is true."""
    target = "torch.randint(0, 3, (4,))" if name in _OF_CLASSES else "torch.rand(4, 3)"
    return f"input = torch.randn(4, 3)\ntarget = {target}\nnn.{name}(input, target)"


def _shape(text: str) -> tuple[int, ...] | None:
    """The sizes in "[64, 1]", "64x512" or "64 x 512"; None where they make too large a tensor."""
    sizes = tuple(int(each) for each in re.findall(r"\d+", text))
    return sizes if math.prod(sizes) <= _MOST else None


def _of(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def _shapes(found: Match) -> list[tuple[int, ...]] | None:
    shapes = [_shape(text) for text in found.groups()]
    known = [shape for shape in shapes if shape is not None]
    return known if len(known) == len(shapes) else None


def _batches(found: Match) -> str | None:
    items, targets = int(found[1]), int(found[2])
    if max(items, targets) > _MOST // 10:
        return None
    target = f"target = torch.randint(0, 10, ({targets},))"
    return f"logits = torch.randn({items}, 10)\n{target}\nF.cross_entropy(logits, target)"


def _product(found: Match) -> str | None:
    shapes = _shapes(found)
    if shapes is None or any(len(shape) != 2 for shape in shapes):
        return None
    first, second = shapes
    return (
        f"x = torch.randn({_of(first)})\nlayer = nn.Linear({second[0]}, {second[1]})\nout = layer(x)\nout.pow(2).mean()"
    )


def _binary(loss: str, first: str) -> Callable[[Match], str | None]:
    """Losses that refuse a target of another size than the input: the message names the target first."""

    def program(found: Match) -> str | None:
        shapes = _shapes(found)
        if shapes is None:
            return None
        target, input = shapes
        return f"y_pred = torch.{first}({input})\ny = torch.randint(0, 2, {target}).float()\nnn.{loss}()(y_pred, y)"

    return program


def _spread(found: Match) -> str | None:
    """A regression loss that warns of a target of another size: the message names the target first."""
    shapes = _shapes(found)
    if shapes is None:
        return None
    target, input = shapes
    return f"pred = torch.randn({input})\ntarget = torch.randn({target})\nF.mse_loss(pred, target)"


def _clash(found: Match) -> str | None:
    a, b, axis = int(found[1]), int(found[2]), int(found[3])
    if axis > 4 or max(a, b) > _MOST // 2**axis:
        return None
    first, second = (2,) * axis + (a,), (2,) * axis + (b,)
    return f"pred = torch.randn({_of(first)})\ntarget = torch.randn({_of(second)})\nF.mse_loss(pred, target)"


def _classes_last(found: Match) -> str | None:
    shapes = _shapes(found)
    if shapes is None or any(len(shape) != 2 for shape in shapes):
        return None
    (items, classes), (_, steps) = shapes
    items = min(items, _MOST_SCORES // (steps * classes))
    if not items:
        return None
    return (
        f"logits = torch.randn({items}, {steps}, {classes})\n"
        f"target = torch.randint(0, {classes}, ({items}, {steps}))\nF.cross_entropy(logits, target)"
    )


def _spatial(found: Match) -> str | None:
    """Masks that keep the axis of their channel, or lack that of the batch: the message has the dimensions only."""
    dimensions = int(found[1])
    if not 1 < dimensions < 6 or dimensions == 3:
        return None
    shape = (2, 1, *(4,) * (dimensions - 2)) if dimensions > 3 else (4, 4)
    return (
        f"logits = torch.randn(2, 3, 4, 4)\nmasks = torch.randint(0, 3, ({_of(shape)},))\n"
        "F.cross_entropy(logits, masks)"
    )


def _spatial_of(found: Match) -> str | None:
    """Masks with an axis of channels or of colours: the message has their shape."""
    shape = [int(each) for each in re.findall(r"\d+", found[1])]
    if len(shape) != 4:
        return None
    last = shape[-1] in (3, 4) and shape[1] not in (1, 3, 4)
    items, channels, *size = (shape[0], shape[3], shape[1], shape[2]) if last else shape
    classes = 5 if channels in (3, 4) else max(channels, 2)  # three channels are colours rather than classes
    if items * classes * math.prod(size) > _MOST:
        items, size = min(items, 2), [min(each, 4) for each in size]
    masks = (items, *size, channels) if last else (items, channels, *size)
    return (
        f"logits = torch.randn({items}, {classes}, {_of(tuple(size))})\n"
        f"masks = torch.randint(0, 2, ({_of(masks)},))\nF.cross_entropy(logits, masks)"
    )


def _items_only(found: Match) -> str | None:
    """A target with one label per item, where the input has a further axis."""
    items, positions = int(found[1]), int(found[2])
    if items * positions > _MOST // 10:
        return None
    return (
        f"logits = torch.randn({items}, 5, {positions})\ntarget = torch.randint(0, 5, ({items},))\n"
        "F.cross_entropy(logits, target)"
    )


def _out_of_range(found: Match) -> str | None:
    """A binary loss of scores that are no probabilities, or of labels beyond 0 and 1."""
    if found[1] == "input":
        return "scores = torch.randn(4)\ny = torch.tensor([1.0, 0.0, 1.0, 0.0])\nnn.BCELoss()(scores, y)"
    return "p = torch.rand(4)\ny = torch.tensor([2.0, 0.0, 1.0, 0.0])\nnn.BCELoss()(p, y)"


def _on_gpu(around: str) -> str:
    """What asserts on a GPU is an exception on the CPU: most often a label beyond the classes.

    Both are those of the text, where it says how many classes there are and names a number that is none of them.
    """
    stated = _CLASSES.search(around)
    classes = int(stated[1]) if stated and 1 < int(stated[1]) <= _MOST // 10 else 5
    rest = around[: stated.start()] + around[stated.end() :] if stated else ""
    labels = (int(each) for each in _WHOLE.findall(rest))
    label = next((each for each in labels if each >= classes or each < 0), classes)
    return f"logits = torch.randn(2, {classes})\ntarget = torch.tensor([0, {label}])\nF.cross_entropy(logits, target)"


def _to_numpy(_found: Match) -> str | None:
    return (
        "w = torch.tensor([1.0, 2.0], requires_grad=True)\nloss = (w - 3).pow(2).mean()\nloss.backward()\n"
        "print(loss.numpy())"
    )


def _overwritten(found: Match) -> str | None:
    """The result of an activation that is changed in place before backward()."""
    activation = found[1].lower()
    if activation not in _ACTIVATIONS:
        return None
    return (
        f"x = torch.rand(3, requires_grad=True)\np = torch.{activation}(x)\np[0] = 0.5\nloss = -p.log().mean()\n"
        "loss.backward()"
    )


def _ranking(found: Match) -> str | None:
    shapes = _shapes(found)
    if shapes is None:
        return None
    a, b, y = shapes
    return f"a = torch.randn({a})\nb = torch.randn({b})\ntarget = torch.ones({y})\nF.margin_ranking_loss(a, b, target)"


def _label(found: Match) -> str | None:
    label = int(found[1])
    if abs(label) > _MOST // 10:
        return None
    classes = label if label > 1 else 5
    return f"logits = torch.randn(2, {classes})\ntarget = torch.tensor([0, {label}])\nF.cross_entropy(logits, target)"


def _lengths(found: Match) -> str:
    """One length for several sequences."""
    given = {"input": "(12,), (4, 4, 4)", "target": "(12, 12, 12), (4,)"}[found[1]]
    return (
        "log_probs = torch.randn(12, 3, 5).log_softmax(2)\ntargets = torch.randint(1, 5, (3, 4))\n"
        f"F.ctc_loss(log_probs, targets, {given})"
    )


def _layout(found: Match) -> str | None:
    elements = int(found[2])
    if elements > _MOST:
        return None
    return f"x = torch.arange({elements}.0)\nx.view({found[1].strip()}).mean()"


_PROGRAMS: Final[tuple[tuple[re.Pattern[str], Callable[[Match], str | None]], ...]] = (
    (re.compile(r"input batch_size \((\d+)\) to match target batch_size \((\d+)\)"), _batches),
    (re.compile(r"shapes cannot be multiplied \((\d+x\d+) and (\d+x\d+)\)"), _product),
    (re.compile(r"size mismatch, m1: \[(\d+ x \d+)\], m2: \[(\d+ x \d+)\]"), _product),
    (re.compile(rf"margin_ranking_loss.*input1: {_SIZES}, input2: {_SIZES}, target: {_SIZES}"), _ranking),
    (
        re.compile(rf"Using a target size \({_SIZES}\) that is different to the input size \({_SIZES}\) is deprecated"),
        _binary("BCELoss", "rand"),
    ),
    (
        re.compile(rf"Target size \({_SIZES}\) must be the same as input size \({_SIZES}\)"),
        _binary("BCEWithLogitsLoss", "randn"),
    ),
    (
        re.compile(
            rf"Using a target size \({_SIZES}\) that is different to the input size \({_SIZES}\)\. This will likely"
        ),
        _spread,
    ),
    (re.compile(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at \D*(\d+)"), _clash),
    (re.compile(r"Expected target size \[(\d+, \d+)\], got \[(\d+, \d+)\]"), _classes_last),
    (re.compile(r"only batches of spatial targets supported \(.*\) but got targets of dimension: (\d)"), _spatial),
    (
        re.compile(rf"only batches of spatial targets supported \(.*\) but got targets of size: :? ?{_SIZES}"),
        _spatial_of,
    ),
    (re.compile(r"modified by an inplace operation.*output \d of (\w+?)(?:Backward|\b)", re.DOTALL), _overwritten),
    (re.compile(r"Expected target size \[(\d+), (\d+)\], got \[\d+\]"), _items_only),
    (re.compile(r"all elements of (input|target) should be between 0 and 1"), _out_of_range),
    (re.compile(r"Can't call numpy\(\) on Tensor that requires grad"), _to_numpy),
    (re.compile(r"Target (-?\d+) is out of bounds"), _label),
    (
        re.compile(r"scalar type Long but (?:found|got scalar type) (Float|Double|Half)\b"),
        labels_of_dtype,
    ),
    (re.compile(r"\b(input|target)_lengths must be of size batch_size"), _lengths),
    (REFUSED, refused_argument),
    (REFUSED_NUMBER, refused_number),
    (NOT_IMPLEMENTED, without_kernel),
    (re.compile(r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)"), _layout),
)
