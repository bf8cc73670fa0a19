"""What nn.AdaptiveLogSoftmaxWithLoss refuses: cutoffs that are none, and features of another length."""

from __future__ import annotations

import ast

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, argument, last_name
from explainers.diagnoses.wording import described, shape
from explainers.messages import said
from explainers.recording import Items

_NAME = "AdaptiveLogSoftmaxWithLoss"
_HEAD = "import torch\nfrom torch import nn\n\ntorch.manual_seed(0)\nx = torch.tensor([[0.6, 0.5], [0.2, 0.7]])\n"
_CALL = f"nn.{_NAME}({{}}, 5, cutoffs={{}}, div_value=1.0)(x, torch.tensor([0, 3])).loss"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="adaptive-cutoffs",
            family="refused-options",
            title=said("The cutoffs of the adaptive softmax are none"),
            explanation=said(
                "cutoffs says where each cluster of rarer classes begins: whole numbers from 1 to n_classes − 1, each "
                "larger than the one before. The head takes the classes before the first one."
            ),
            words=("cutoffs should be a sequence of unique, positive integers sorted", "adaptive softmax cutoffs"),
            losses=frozenset(),
            about=frozenset({_NAME}),
            trigger=_cutoffs,
            positive=_HEAD + _CALL.format(2, "[3, 2]"),
            control=_HEAD + _CALL.format(2, "[2, 3]"),
            concern="exception",
        ),
        Rule(
            slug="adaptive-features",
            family="linear-shapes",
            title=said("The adaptive softmax was built for another number of features"),
            explanation=said(
                "AdaptiveLogSoftmaxWithLoss multiplies the input (N, in_features) by weights of its own, so the last "
                "axis of the input is as long as its in_features."
            ),
            words=("mat1 and mat2 shapes cannot be multiplied adaptive", "adaptive softmax in_features"),
            losses=frozenset({_NAME}),
            trigger=_features,
            positive=_HEAD + _CALL.format(3, "[2]"),
            control=_HEAD + _CALL.format(2, "[2]"),
            concern="exception",
        ),
    )


def _built_again(scene: Scene, source: Source, features: int) -> str | None:
    """The program with a module of as many features, and new weights, in the place of one that was built elsewhere."""
    node, cutoffs = source.at(scene.call.span), scene.call.argument("cutoffs")
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not isinstance(cutoffs, Items):
        return None
    *inner, classes = cutoffs.items
    bias = "" if scene.call.ref("head_bias") is None else ", head_bias=True"
    module = f"nn.{_NAME}({features}, {classes}, {inner}{bias})"
    return source.replaced(source.piece(node.func), module)


def _cutoffs(scene: Scene) -> Suspicion | None:
    raised, source = scene.recording.raised, Source(scene.recording.source)
    node = source.at(raised.span) if raised is not None else None
    if not isinstance(node, ast.Call) or last_name(node.func) != _NAME:
        return None
    written, classes = argument(node, 2, "cutoffs"), argument(node, 1, "n_classes")
    count = classes.value if isinstance(classes, ast.Constant) else None
    given = _integers(written)
    if written is None or given is None or not isinstance(count, int):
        return None
    kept = sorted({k for k in given if 0 < k < count}) or [max(1, count // 2)]
    return Suspicion(
        at=scene.call.index,
        verdict=said("cutoffs={given} does not part {count} classes: each has to be above the one before, from 1 to "
                     "{last}.", given=source.written(written), count=count, last=count - 1),
        evidence=(said("{value} is one that it takes.", value=str(kept)),),
        trials=(),
        fix=fixes.fix(scene, source.replaced(source.piece(written), str(kept)), "choose",
                      said("Name the first class of each cluster, in order.")),
    )  # fmt: skip


def _integers(node: ast.expr | None) -> list[int] | None:
    """Whole numbers as they were written, a single one too; None where they were computed."""
    try:
        found = ast.literal_eval(node) if node is not None else None
    except ValueError:
        return None
    items = [found] if isinstance(found, int) else found
    return [k for k in items if isinstance(k, int)] if isinstance(items, list | tuple) else None


def _features(scene: Scene) -> Suspicion | None:
    x, weight = scene.given("input"), scene.given("head_weight")
    if not x.shape or x.shape[-1] == weight.shape[-1]:
        return None
    source = Source(scene.recording.source)
    built = source.constructors(_NAME)
    first = argument(built[0], 0, "in_features") if len(built) == 1 else None
    changed = None if first is None else source.replaced(source.piece(first), str(x.shape[-1]))
    changed = changed if built else _built_again(scene, source, x.shape[-1])
    name = known_as(scene, "input")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} has {features} features on its last axis, but {weight} of shape {shape} wants {wanted}.",
                     name=name, features=x.shape[-1], weight="head.weight", shape=shape(weight.shape),
                     wanted=weight.shape[-1]),
        evidence=(described(name, x),),
        trials=(),
        fix=fixes.fix(scene, changed, "likely", said("Build it for as many features as the input has.")),
    )  # fmt: skip
