"""Losses over classes that refuse the shape of their target: which axis is too many, lacking or of another length."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.class_axes import OF_INDICES, OF_SCORES, are_indices, indices, scores
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.refitting import refitted, without_classes
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import shape
from explainers.messages import Message, said

LEAST_POSITIONS: Final = 2

_SAME_ITEMS = said("Give both the same number of items: keep the batch axis in view or reshape, as in x.flatten(1).")
_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_LOGITS = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\n"
_RIGHT = _HEAD + _LOGITS + "F.cross_entropy(logits, torch.tensor([0, 1]))"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ce-target-column",
            family="class-targets",
            title=said("The target is a column"),
            explanation=said(
                "One index per item makes a target of one dimension less than the input, without an axis of classes."
            ),
            words=("multi-target not supported", "0D or 1D target tensor expected", "target of shape (N, 1)"),
            losses=OF_INDICES,
            trigger=_column,
            positive=_HEAD + _LOGITS + "target = torch.tensor([[0], [1]])\nF.cross_entropy(logits, target)",
            control=_RIGHT,
            concern="exception",
            dominates=frozenset({"arguments-do-not-fit"}),
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
            losses=OF_SCORES,
            trigger=_class_dim_last,
            positive=_HEAD
            + "logits = torch.arange(24.0).reshape(2, 4, 3).sin()\ntarget = torch.tensor([[0, 1, 2, 0], [1] * 4])\n"
            "F.cross_entropy(logits, target)",
            control=_RIGHT,
            concern="exception",
            dominates=frozenset({"arguments-do-not-fit"}),
        ),
        Rule(
            slug="batch-sizes-differ",
            family="class-targets",
            title=said("Input and target have different numbers of items"),
            explanation=said(
                "The first axis of the input is the batch, and the target has one entry for each of its items."
            ),
            words=("Expected input batch_size to match target batch_size", "batch size mismatch", "batch_size"),
            losses=OF_INDICES,
            trigger=_batch_sizes,
            positive=_HEAD + "logits = torch.tensor([[2.0, 0.5, -1.0]])\nF.cross_entropy(logits, torch.tensor(0))",
            control=_RIGHT,
            concern="exception",
            dominates=frozenset({"arguments-do-not-fit"}),
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
            losses=OF_SCORES,
            trigger=_lacks_axis,
            positive=_HEAD
            + "logits = torch.arange(12.0).reshape(2, 2, 3)\nF.cross_entropy(logits, torch.tensor([0, 1]))",
            control=_RIGHT,
            concern="exception",
            dominates=frozenset({"arguments-do-not-fit"}),
        ),
    )


def _column(scene: Scene) -> Suspicion | None:
    x, y, wanted = scores(scene), scene.given("target").shape, indices(scene)
    if len(x) < 2 or len(y) != len(x) or y[1] != 1 or x == y or (y[0], *y[2:]) != wanted:
        return None
    name = known_as(scene, "target")
    change = "{}.squeeze(1)" if are_indices(scene.given("target")) else "{}.squeeze(1).long()"
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} has shape {shape}, a column: an index per item has shape {wanted}.",
            name=name,
            shape=shape(y),
            wanted=shape(wanted),
        ),
        evidence=(said("Axis 1 of {name} has length 1 and no meaning.", name=name),),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, target=change), "safe", said("Take the axis of length 1 away.")),
    )


def _class_dim_last(scene: Scene) -> Suspicion | None:
    x, y = scene.given("input").shape, scene.given("target").shape
    if len(x) < 3 or y != x[:-1] or y == indices(scene):
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
            replaced(
                scene,
                input="{}.transpose(1, 2)" if len(x) == 3 else "{}.movedim(-1, 1)",
                target=None if are_indices(scene.given("target")) else "{}.long()",
            ),
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
            wanted=shape(indices(scene)),
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
                       input=shape(x), wanted=shape(indices(scene))), *_positions(x, y), *_axes(x)),
        trials=(),
        fix=fixes.fix(scene, _matched(scene, x, y), "likely", _SAME_ITEMS),
        alternatives=refitted(scene, _SAME_ITEMS),
    )  # fmt: skip


def _axes(x: tuple[int, ...]) -> tuple[Message, ...]:
    return (without_classes(),) if len(x) > 2 else ()


def _positions(x: tuple[int, ...], y: tuple[int, ...]) -> tuple[Message, ...]:
    """Where every item of the target has several of the input: their number, and the square image that it may be."""
    if len(y) != 1 or y[0] < 1 or x[0] % y[0] or x[0] // y[0] < LEAST_POSITIONS:
        return ()
    count = x[0] // y[0]
    side = math.isqrt(count)
    numbers = {"items": x[0], "labels": y[0], "count": count}
    cause = said(
        "{items} = {count} · {labels}: each of the {labels} labels has {count} rows of the input. A view or flatten "
        "has put positions (time steps, pixels) into the batch: keep the batch axis, x.flatten(1) or pooling.",
        **numbers,
    )
    if side * side != count:
        return (cause,)
    return (
        cause,
        said(
            "{count} = {side}x{side}, the positions of a feature map of that size, for example.", count=count, side=side
        ),
    )


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
