"""Losses over classes: how many there are, along which axis, and what shape their indices have."""

from __future__ import annotations

from typing import Final

from explainers.diagnoses.fitting import Shape, per_item
from explainers.diagnoses.scene import Scene, Unrecorded
from explainers.recording import Items, Tensor

OF_SCORES: Final = frozenset({"cross_entropy", "nll_loss"})
"""The losses whose input holds the scores of the classes, on axis 1."""
OF_FEATURES: Final = frozenset({"linear_cross_entropy", "AdaptiveLogSoftmaxWithLoss"})
"""The losses that make the scores of features themselves."""
OF_INDICES: Final = OF_SCORES | OF_FEATURES


def scores(scene: Scene) -> Shape:
    """The shape of the scores: that of the input, or what the loss makes of (N, features) or (features)."""
    x = scene.given("input").shape
    if scene.name == "linear_cross_entropy":
        weight = scene.given("linear_weight").shape
        if len(weight) < 2:
            raise Unrecorded("linear_weight")
        return x[:-1] + weight[:-1]
    if scene.name == "AdaptiveLogSoftmaxWithLoss":
        ends = scene.call.argument("cutoffs")
        last = ends.items[-1] if isinstance(ends, Items) and ends.items else None
        return (*x[:-1], last) if isinstance(last, int) else x
    return x


def classes(scene: Scene) -> int | None:
    """The number of classes, None where the input has no axis for them."""
    sizes = scores(scene)
    return sizes[min(1, len(sizes) - 1)] if sizes else None


def indices(scene: Scene) -> Shape:
    """The shape of the class indices for the scene's input."""
    return per_item(scores(scene))


def are_indices(tensor: Tensor) -> bool:
    """Whether a tensor is of a dtype that these losses take as class indices."""
    return tensor.dtype in ("int64", "uint8")
