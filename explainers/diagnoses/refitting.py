"""Arguments of a loss that do not fit each other, as fixes and, where nothing more special is known, as a diagnosis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from explainers.diagnoses import fixes
from explainers.diagnoses.class_axes import OF_INDICES, indices, scores
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.fitting import FITS, Fitted, Shape, fits, fitted, given, has_many_axes
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, functional
from explainers.diagnoses.wording import described, shape
from explainers.messages import Message, said
from explainers.recording import Tensor

_HEAD = "import torch\nimport torch.nn.functional as F\n\nx = torch.tensor([[0.6, 0.5, -1.0], [0.2, 0.7, -0.3]])\n"
_OF_PROBABILITIES = frozenset({"cross_entropy", "linear_cross_entropy"})
_CUT = said("Only what all of them have is compared then: find out why one has more.")
_OF_PICTURES = 4
"""Axes of a batch of pictures: items, classes, height and width."""


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="arguments-do-not-fit",
            family="operand-shapes",
            title=said("An argument has another shape than the loss wants"),
            explanation=said(
                "Each loss wants of its arguments shapes that belong together: one class index per item, one label "
                "per pair of vectors, one number per number of the input."
            ),
            words=("inconsistent target size", "target tensor should be 1-D", "var is of incorrect size",
                   "only batches of spatial targets supported"),
            losses=frozenset(FITS),
            trigger=_unfit,
            positive=_HEAD + "F.multi_margin_loss(x, torch.tensor([[0], [1]]))",
            control=_HEAD + "F.multi_margin_loss(x, torch.tensor([0, 1]))",
            concern="exception",
        ),
    )  # fmt: skip


def refitted(scene: Scene, note: Message) -> tuple[Fix, ...]:
    """The least changes of shape with which the arguments fit, said with `note` where they keep all elements."""
    return tuple(
        fixes.fix(scene, found.source, "choose" if found.cut else "likely", _note(found, note))
        for found in fitted(scene)
    )


def _note(found: Fitted, note: Message) -> Message:
    match found.read:
        case _ if found.cut:
            return _CUT
        case "rows":
            return said("Class indices have to be rows of 0 and 1 here, with a column for each class.")
        case "indices":
            return said("Pass the index of each class: the largest of its row.")
        case None:
            return note


def _unfit(scene: Scene) -> Suspicion | None:
    if fits(scene):
        return None
    tensors = given(scene)
    if (probabilities := _other_classes(scene, tensors)) is not None:
        return probabilities
    (first, x), *_ = tensors.items()
    odd, wanted = _odd(scene, tensors)
    changes = _one_channel(scene, tensors) or refitted(scene, said("Give it that shape."))
    named = {"name": known_as(scene, odd), "given": shape(tensors[odd].shape)}
    reference = {"first": known_as(scene, first), "shape": shape(x.shape)}
    verdict = said(
        "{name} has shape {given}: for {first} of shape {shape} it has to be {wanted}.",
        wanted=shape(wanted),
        **named,
        **reference,
    )
    if has_many_axes(scene.name, x.shape) or (not x.shape and tensors[odd].shape == wanted):
        verdict = said(
            "{first} has shape {shape}: {loss} takes one item, (C), or a row of scores for each, (N, C).",
            loss=scene.name,
            **reference,
        )
    return Suspicion(
        at=scene.call.index,
        verdict=verdict,
        evidence=(
            *(described(known_as(scene, name), tensor) for name, tensor in tensors.items()),
            *_one_index_each(scene, tensors),
            *_colours(scene, tensors),
        ),
        trials=(),
        fix=next(iter(changes), fixes.fix(scene, None, "choose", said("Give it that shape."))),
        alternatives=changes[1:],
    )  # fmt: skip


def _other_classes(scene: Scene, tensors: Mapping[str, Tensor]) -> Suspicion | None:
    """Probabilities of another number of classes than there are scores of, else of the shape of the scores."""
    target = tensors["target"] if scene.name in _OF_PROBABILITIES else None
    x = () if target is None else scores(scene)
    axis = min(1, len(x) - 1)
    if target is None or not target.floating or not x or len(target.shape) != len(x):
        return None
    (have, want), alike = (target.shape[axis], x[axis]), (*target.shape[:axis], x[axis], *target.shape[axis + 1 :])
    if have == want or alike != x:
        return None
    name, sliced = known_as(scene, "target"), f"[{':, ' * axis}:{want}]"
    note = said("Only the first of them are kept then: find out what the others stand for.")
    changed = replaced(scene, target="{}" + sliced) if have > want else None
    if have < want:
        ends = ", ".join(map(str, (*(0, 0) * (len(x) - 1 - axis), 0, want - have)))
        pad = f"{functional(Source(scene.recording.source))}.pad({{}}, ({ends}))"
        note = said("The classes that it lacks get the probability 0 then: find out which they are.")
        changed = replaced(scene, target=pad)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} has shape {given}: probabilities of the classes have the shape of the scores, {wanted}.",
                     name=name, given=shape(target.shape), wanted=shape(x)),
        evidence=(
            *(described(known_as(scene, each), tensor) for each, tensor in tensors.items()),
            said("There are scores of {classes} classes on axis {axis}, and probabilities of {columns}.",
                 classes=want, axis=axis, columns=have),
        ),
        trials=(),
        fix=fixes.fix(scene, changed, "choose", note),
    )  # fmt: skip


def _axis_of_colours(scene: Scene, tensors: Mapping[str, Tensor]) -> int | None:
    """The axis of a mask that has the length which colours have, where there are not as many classes."""
    x, target = tensors.get("input"), tensors.get("target")
    if scene.name not in ("cross_entropy", "nll_loss") or x is None or target is None:
        return None
    if len(target.shape) != len(x.shape) or len(x.shape) < _OF_PICTURES:
        return None
    return next((k for k in (1, -1) if target.shape[k] in (3, 4) and target.shape[k] != x.shape[1]), None)


def _one_channel(scene: Scene, tensors: Mapping[str, Tensor]) -> tuple[Fix, ...]:
    """One of the colours, for a mask that has the same number in all of them."""
    axis = _axis_of_colours(scene, tensors)
    if axis is None:
        return ()
    channel = replaced(scene, target="{}[:, 0]" if axis == 1 else "{}[..., 0]")
    note = said(
        "One channel is enough where all of them hold the class; else map each colour to the index of its class."
    )
    return (fixes.fix(scene, channel, "choose", note),)


def _colours(scene: Scene, tensors: Mapping[str, Tensor]) -> Iterator[Message]:
    """That a mask has an axis of the length that colours have."""
    axis = _axis_of_colours(scene, tensors)
    if axis is not None:
        yield said(
            "An axis of length {size} beside height and width is that of the colours of a picture (RGB): a mask holds "
            "the index of a class for each pixel, so every colour has to become its class first.",
            size=tensors["target"].shape[axis],
        )


def _one_index_each(scene: Scene, tensors: Mapping[str, Tensor]) -> tuple[Message, ...]:
    """What a loss over classes takes: an index for each row; and who takes several labels for one."""
    if scene.name == "multi_margin_loss" and len(tensors["input"].shape) == 2:
        rows, labels = tensors["input"].shape[0], tensors["target"].elements
        return (
            said(
                "multi_margin_loss takes one class index per row of the input (its batch size): {rows} rows, and the "
                "target holds {labels}. Several labels of one row are for multilabel_margin_loss.",
                rows=rows,
                labels=labels,
            ),
        )
    if scene.name in ("cross_entropy", "nll_loss") and len(tensors["input"].shape) > 1:
        return (without_classes(),)
    if scene.name in ("cross_entropy", "nll_loss"):
        text = (
            "An input of one axis, (C,), is a single sample without a batch dimension, and its target one class index. "
            "For N samples the input has shape (N, C) and the target (N,)."
        )
        return (said(text),)
    return ()


def without_classes() -> Message:
    """The shape of class indices for any number of axes."""
    return said(
        "Class indices have the shape of the scores without axis 1, the classes: (N,) for (N, C), (N, L) for (N, C, "
        "L), (N, H, W) for (N, C, H, W). Any number of axes is taken as it is, without unsqueeze."
    )


def _odd(scene: Scene, tensors: Mapping[str, Tensor]) -> tuple[str, Shape]:
    """The argument that does not fit the first one, and the shape that it has to have."""
    (_, x), *others = tensors.items()
    if scene.name in OF_INDICES:
        return "target", indices(scene)
    wanted = {name: x.shape for name, _ in others}
    if scene.name in ("multi_margin_loss", "cosine_embedding_loss"):
        wanted["target"] = x.shape[:-1]
    return next(((n, wanted[n]) for n, t in others if t.shape != wanted[n]), (others[-1][0], wanted[others[-1][0]]))
