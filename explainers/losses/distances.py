"""Distances and angles between vectors, and the losses made of them.

Formulas as in ATen's Distance.cpp, Loss.cpp and LinearAlgebra.cpp; the backward of a norm as in FunctionsManual.cpp.
Shapes: vectors along one dimension, all other dimensions broadcast.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array, Layout, broadcast
from explainers.graph.nodes import Axes, Node
from explainers.graph.norms import norm
from explainers.graph.scalars import promoted
from explainers.losses.loss import Loss
from explainers.losses.options import of_margins, of_vectors
from explainers.losses.reduction import legacy, reduced
from explainers.messages import said

LEAST_SQUARE = float(np.float32(1e-12))
Distance = Callable[[Array, Array], Array]


def losses() -> tuple[Loss, ...]:
    """Cosines, distances, unit vectors and triplets."""
    return (
        Loss(
            "cosine_embedding_loss",
            cosine_embedding_loss,
            {"input1": "u", "input2": "v", "target": "y"},
            "F.cosine_embedding_loss(torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0, 1.0]]), torch.tensor([1]))",
            said("Definition: one minus the cosine of a pair, or what it is above the margin"),
            said(
                "cosine_embedding_loss is 1 − cos where the target is 1, and max(0, cos − margin) where it is −1: it "
                "only sees angles, the lengths of both vectors cancel unless they are near 0."
            ),
            module="CosineEmbeddingLoss",
            words=("cosine embedding",),
            no_floor=said(
                "It is never below 0: it gets there with the same direction for label 1, and with a cosine of "
                "at most the margin for label −1; no least value is searched for, since it is not convex in its "
                "vectors: only their directions count."
            ),
            options=(of_margins.of_cosines(),),
        ),
        Loss(
            "triplet_margin_loss",
            triplet_margin_loss,
            {"anchor": "a", "positive": "p", "negative": "q"},
            "anchor = torch.tensor([[0.0, 1.0]])\n"
            "F.triplet_margin_loss(anchor, torch.tensor([[0.5, 1.0]]), torch.tensor([[1.0, 2.0]]))",
            said("Definition: the near distance minus the far one, and a margin"),
            said(
                "triplet_margin_loss is max(0, d(a,p) − d(a,n) + margin) of distances, Euclidean ones for p=2, and not "
                "of their squares; eps is added to every difference, so that no vector is at distance 0 from itself."
            ),
            module="TripletMarginLoss",
            words=("triplet loss", "triplet margin"),
            no_floor=said(
                "It is never below 0, and 0 once every negative is further away than its positive by the "
                "margin; no least value is searched for, since it is not convex in its vectors: the distance to "
                "the negative counts against it."
            ),
            options=(of_margins.of_triplets(), of_vectors.order(), of_vectors.added(), of_margins.swap()),
        ),
        Loss(
            "triplet_margin_with_distance_loss",
            triplet_margin_with_distance_loss,
            {"anchor": "a", "positive": "p", "negative": "q"},
            "anchor = torch.tensor([[0.0, 1.0]])\n"
            "F.triplet_margin_with_distance_loss(anchor, torch.tensor([[0.5, 1.0]]), torch.tensor([[1.0, 2.0]]))",
            said("Definition: the near distance minus the far one, and a margin"),
            said("triplet_margin_with_distance_loss takes pairwise_distance unless it is given another function."),
            module="TripletMarginWithDistanceLoss",
            words=("triplet loss with a distance",),
            no_floor=said(
                "It is never below 0, and 0 once every negative is further away than its positive by the "
                "margin; no least value is searched for, since its shape is that of the distance function."
            ),
            options=(of_margins.of_triplets(), of_margins.swap(), of_margins.distance()),
        ),
        Loss(
            "cosine_similarity",
            cosine_similarity,
            {"x1": "u", "x2": "v"},
            "F.cosine_similarity(torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0, 1.0]]))",
            said("Definition: the inner product of two unit vectors"),
            said("cosine_similarity divides each vector by its length first, but never by less than eps."),
            module="CosineSimilarity",
            is_loss=False,
            no_floor=said(
                "Each value lies between −1, for opposite directions, and 1, for the same one, up to rounding."
            ),
            words=("cosine",),
            options=(of_vectors.along(), of_vectors.least_length(1e-8)),
        ),
        Loss(
            "pairwise_distance",
            pairwise_distance,
            {"x1": "u", "x2": "v"},
            "F.pairwise_distance(torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0, 4.0]]))",
            said("Definition: the length of a difference"),
            said("pairwise_distance adds eps to every difference: equal vectors are at distance 0 only if eps is 0."),
            module="PairwiseDistance",
            is_loss=False,
            no_floor=said("No value is below 0, which is reached where x2 is x1 + eps in every entry."),
            words=("Euclidean distance", "L2 distance"),
            options=(of_vectors.order(), of_vectors.added(), of_vectors.kept()),
        ),
        Loss(
            "normalize",
            normalize,
            {"input": "x"},
            "F.normalize(torch.tensor([[3.0, 4.0]]))",
            said("Definition: a vector over its length"),
            said("normalize divides along one dimension by the norm, but never by less than eps."),
            is_loss=False,
            no_floor=said(
                "For a positive p each value lies between −1 and 1, and reaches them where all other entries of its "
                "vector are 0."
            ),
            words=("L2 normalisation", "unit vector"),
            options=(of_vectors.norm(), of_vectors.along(), of_vectors.least_length(1e-12)),
        ),
    )


def cosine_embedding_loss(
    input1: Array,
    input2: Array,
    target: Array,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """1 − cos where y is 1, max(0, cos − margin) where it is −1, else 0; a square more keeps the lengths from 0."""
    (a, b), layout = broadcast((input1, input2))
    dim = len(target.layout)
    over = Array(a, layout).along((dim,))
    lengths = ops.alone("mul", _raised_square(a, over), _raised_square(b, over))
    cosine = ops.div(ops.sum(ops.alone("mul", a, b), over), ops.unary("sqrt", lengths))
    rows = layout[:dim] + layout[dim + 1 :]
    (cosine, y), layout = broadcast((Array(cosine, rows), target))
    alike = ops.where(ops.compare("eq", y, 1), ops.sub(1, cosine), 0)
    apart = ops.where(ops.compare("eq", y, -1), ops.clamp_min(ops.sub(cosine, margin), 0), 0)
    return reduced(ops.add(alike, apart), layout, legacy(size_average, reduce, reduction))


def triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """max(0, margin + d(a, p) − d(a, q)); swapped, the smaller of d(a, q) and d(p, q) counts."""

    def distance(a: Array, b: Array) -> Array:
        return pairwise_distance(a, b, p, eps)

    item, layout = _triplet(distance, (anchor, positive, negative), margin, swap)
    return reduced(item, layout, legacy(size_average, reduce, reduction))


def triplet_margin_with_distance_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    *,
    distance_function: tuple[Array, ...] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Array:
    """The same with pairwise_distance, or with the distances that another function gave: of a and p, of a and q, and
    swapped of p and q. That function's own calls are recorded one by one."""
    given = iter(distance_function or ())
    distance = pairwise_distance if distance_function is None else lambda a, b: next(given)
    item, layout = _triplet(distance, (anchor, positive, negative), margin, swap)
    return reduced(item, layout, reduction)


def cosine_similarity(x1: Array, x2: Array, dim: int = 1, eps: float = 1e-8) -> Array:
    """Σ (u / max(‖u‖, ε)) · (v / max(‖v‖, ε)), through whose maxima the gradient goes as if there were none."""
    (a, b), layout = broadcast((x1, x2))
    common = promoted(a, b)
    a, b = ops.cast(a, common), ops.cast(b, common)
    both = Array(a, layout)
    dims = both.dims(dim)
    over = both.along(dims)
    unit = [ops.div(x, _held_up(norm(x, 2, over, len(layout)), eps)) for x in (a, b)]
    return Array(ops.sum(ops.mul(*unit), over), both.reduced(dims))


def pairwise_distance(x1: Array, x2: Array, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Array:
    """‖u − v + ε‖ₚ along the last dimension."""
    (a, b), layout = broadcast((x1, x2))
    difference = Array(ops.add(ops.sub(a, b), eps), layout)
    dims = difference.dims(-1)
    return Array(norm(difference.node, p, difference.along(dims), len(layout)), difference.reduced(dims, keepdim))


def normalize(input: Array, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None) -> Array:
    """x / max(‖x‖ₚ, ε) along one dimension."""
    length = ops.clamp_min(norm(input.node, p, input.along(input.dims(dim)), len(input.layout)), eps)
    return Array(ops.div(input.node, length), input.layout)


def _triplet(distance: Distance, triplet: tuple[Array, Array, Array], margin: float, swap: bool) -> tuple[Node, Layout]:
    anchor, positive, negative = triplet
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        (own, other), layout = broadcast((far, distance(positive, negative)))
        far = Array(ops.binary("minimum", own, other), layout)
    (d, e), layout = broadcast((near, far))
    return ops.clamp_min(ops.sub(ops.add(margin, d), e), 0), layout


def _raised_square(x: Node, over: Axes) -> Node:
    """Σ x² and 1e-12, which is 0 in float16."""
    wide = ops.cast(x, "float32") if x.dtype in ops.HALVES else x
    return ops.alone("add", ops.sum(ops.cast(ops.square(wide), x.dtype), over), LEAST_SQUARE)


def _held_up(length: Node, least: float) -> Node:
    """max(length, least), whose backward torch takes for 1 everywhere."""
    return ops.with_gradient(ops.clamp_min(length, least), ((length, ops.constant(1)),))
