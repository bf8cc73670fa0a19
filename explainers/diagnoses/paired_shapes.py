"""Operands that are compared item by item and do not fit: which axis of which one, and what makes them fit."""

from __future__ import annotations

import math
from collections.abc import Iterator

from explainers.diagnoses import embedding_shapes, fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced, tensors
from explainers.diagnoses.refitting import refitted
from explainers.diagnoses.scene import Scene, is_library_loss
from explainers.diagnoses.wording import shape
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
Shape = tuple[int, ...]
_SAME_DIMENSIONS = said("Give all of them as many dimensions.")
_SAME_SHAPE = said("Give both the same shape, or an axis of length 1.")
_ELEMENTWISE = frozenset(
    {"add", "sub", "mul", "div", "pow", "maximum", "minimum", "where", "eq", "ne", "lt", "le", "gt", "ge", "xlogy"}
    | {"max", "min"}
    | {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "poisson_nll_loss", "hinge_embedding_loss"}
    | {"soft_margin_loss", "binary_cross_entropy_with_logits", "multilabel_soft_margin_loss", "gaussian_nll_loss"}
    | {"triplet_margin_with_distance_loss"}
    | {"cosine_similarity", "pairwise_distance", "triplet_margin_loss", "margin_ranking_loss", "cosine_embedding_loss"}
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="shapes-do-not-broadcast",
            family="operand-shapes",
            title=said("Two shapes do not fit together"),
            explanation=said(
                "Shapes are compared from their last axis on; on each axis they have to be equal, or one of them is 1 "
                "and is repeated."
            ),
            words=("must match the size of tensor", "non-singleton dimension", "shapes cannot be broadcast"),
            losses=frozenset(),
            trigger=_not_broadcast,
            positive=_HEAD
            + "pred = torch.arange(6.0).reshape(2, 3)\ntarget = torch.ones(3, 2)\nF.l1_loss(pred, target)",
            control=_HEAD + "F.l1_loss(torch.arange(6.0).reshape(2, 3), torch.ones(2, 3))",
            concern="exception",
            dominates=frozenset({"arguments-do-not-fit"}),
        ),
        Rule(
            slug="dimensions-differ",
            family="operand-shapes",
            title=said("Arguments of a loss have different numbers of dimensions"),
            explanation=said(
                "Losses that compare items one by one want all arguments in as many dimensions, or one number per "
                "item as the target: an axis of length 1 too many or too few makes another comparison of it. "
                "Older versions broadcast here and compared the wrong pairs."
            ),
            words=("same number of dimensions", "All input tensors should have same dimension", "0D or 1D target"),
            losses=frozenset({"margin_ranking_loss", "cosine_embedding_loss", "triplet_margin_loss"}
                             | {"triplet_margin_with_distance_loss"}),
            trigger=_dimensions_differ,
            positive=_HEAD + "a = torch.tensor([[2.0], [0.5]])\nb = torch.tensor([[1.0], [1.5]])\n"
            "target = torch.tensor([1.0, 1.0])\nF.margin_ranking_loss(a, b, target)",
            control=_HEAD + "a = torch.tensor([2.0, 0.5])\nb = torch.tensor([1.0, 1.5])\n"
            "F.margin_ranking_loss(a, b, torch.tensor([1.0, 1.0]))",
            concern="exception",
            dominates=frozenset({"arguments-do-not-fit", "shapes-do-not-broadcast"}),
        ),
    )  # fmt: skip


def clash(a: Shape, b: Shape) -> int | None:
    """The last axis, counted from the end (−1, −2, …), on which two shapes do not broadcast; None where they do."""
    for k in range(1, min(len(a), len(b)) + 1):
        if a[-k] != b[-k] and 1 not in (a[-k], b[-k]):
            return -k
    return None


def _pairs(scene: Scene) -> Iterator[tuple[str, str]]:
    names = [k for k in tensors(scene) if k not in ("weight", "pos_weight")]
    return ((a, b) for i, a in enumerate(names) for b in names[i + 1 :])


def _not_broadcast(scene: Scene) -> Suspicion | None:
    if scene.name not in _ELEMENTWISE:
        return None
    shapes = {k: t.shape for k, t in tensors(scene).items()}
    found = next(((a, b) for a, b in _pairs(scene) if clash(shapes[a], shapes[b]) is not None), None)
    if found is None:
        return None
    a, b = found
    axis = clash(shapes[a], shapes[b])
    assert axis is not None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "shapes {first} and {second} do not fit: axis {axis} is {x} in {a} and {y} in {b}.",
            first=shape(shapes[a]),
            second=shape(shapes[b]),
            axis=axis,
            x=shapes[a][axis],
            y=shapes[b][axis],
            a=known_as(scene, a),
            b=known_as(scene, b),
        ),
        evidence=(said("{a} has {x} elements, {b} {y}.", a=known_as(scene, a), b=known_as(scene, b),
                       x=scene.given(a).elements, y=scene.given(b).elements), *_one_label_each(scene, a, b)),
        trials=(),
        fix=fixes.fix(scene, _fitted(scene, a, b, *_both(scene, a, b)), "likely",
                      _SAME_SHAPE),
        alternatives=refitted(scene, _SAME_SHAPE),
    )  # fmt: skip


def _one_label_each(scene: Scene, a: str, b: str) -> Iterator[Message]:
    """That a target of one number per item looks like class indices, which this loss does not take."""
    x, y = _both(scene, a, b)
    if b == "target" and len(x) == len(y) + 1 and x[0] == y[0] and is_library_loss(scene.call, scene.registry):
        yield said(
            "{b} holds one number per item, as class indices do: cross_entropy takes those. {loss} compares element by "
            "element and wants the same shape, {shape}: one-hot labels, F.one_hot({b}, {count}).float().",
            b=known_as(scene, b),
            loss=scene.name,
            shape=shape(x),
            count=x[1],
        )


def _both(scene: Scene, a: str, b: str) -> tuple[Shape, Shape]:
    return scene.given(a).shape, scene.given(b).shape


def _fitted(scene: Scene, a: str, b: str, x: Shape, y: Shape) -> str | None:
    """One of them turned, or given an axis of length 1; only where the elements keep their meaning."""
    if len(x) == len(y) and len(x) > 1 and sorted(x) == sorted(y):
        pair = next((i, j) for i in range(len(x)) for j in range(i) if x == _turned(y, i, j)) if _turns(x, y) else None
        return replaced(scene, **{b: f"{{}}.transpose({pair[1]}, {pair[0]})"}) if pair else None
    if len(y) == 1 and len(x) > 1 and x[0] == y[0]:
        return replaced(scene, **{b: "{}" + ".unsqueeze(-1)" * (len(x) - 1)})
    if len(x) == 1 and len(y) > 1 and y[0] == x[0]:
        return replaced(scene, **{a: "{}" + ".unsqueeze(-1)" * (len(y) - 1)})
    if math.prod(x) == math.prod(y) and [s for s in x if s != 1] == [s for s in y if s != 1]:
        return replaced(scene, **{b: f"{{}}.reshape({', '.join(map(str, x))})"})
    return None


def _turns(x: Shape, y: Shape) -> bool:
    return any(x == _turned(y, i, j) for i in range(len(x)) for j in range(i))


def _turned(y: Shape, i: int, j: int) -> Shape:
    sizes = list(y)
    sizes[i], sizes[j] = sizes[j], sizes[i]
    return tuple(sizes)


def _dimensions_differ(scene: Scene) -> Suspicion | None:
    given = tensors(scene)
    if len(given) < 2:
        return None
    first, last = _unlike(scene)
    x, y = given[first].shape, given[last].shape
    if scene.name == "cosine_embedding_loss":
        return embedding_shapes.suspicion(scene)
    if len({len(t.shape) for t in given.values()}) == 1:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{a} has shape {x}, but {b} has shape {y}: they need the same number of dimensions.",
            a=known_as(scene, first),
            x=shape(x),
            b=known_as(scene, last),
            y=shape(y),
        ),
        evidence=(said("The shapes are {shapes}.", shapes=", ".join(shape(t.shape) for t in given.values())),),
        trials=(),
        fix=fixes.fix(scene, _same_dimensions(scene, first, last, x, y), "likely",
                      said("Give the shorter one an axis of length 1: {target}.unsqueeze(1) is view(-1, 1).",
                           target=known_as(scene, last))),
        alternatives=refitted(scene, _SAME_DIMENSIONS),
    )  # fmt: skip


def _unlike(scene: Scene) -> tuple[str, str]:
    """The first argument, or the next one where that is alone with its number of dimensions, and one of another."""
    dimensions = {name: len(t.shape) for name, t in tensors(scene).items()}
    names, counts = list(dimensions), list(dimensions.values())
    first = next((n for n in names if counts.count(dimensions[n]) > 1), names[0])
    return first, next((n for n in reversed(names) if dimensions[n] != dimensions[first]), names[-1])


def _same_dimensions(scene: Scene, first: str, last: str, x: Shape, y: Shape) -> str | None:
    if len(x) == len(y) + 1 and x[:1] == y[:1]:
        return replaced(scene, **{last: "{}.unsqueeze(1)"})
    if len(y) == len(x) + 1 and 1 in y:
        return replaced(scene, **{last: f"{{}}.squeeze({y.index(1)})"})
    return None
