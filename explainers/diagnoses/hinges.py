"""Hinges that people write by hand: max(0, margin − label · score)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explainers.diagnoses.scene import Scene, short
from explainers.recording import Call

_CUTS = frozenset({"clamp", "clip", "clamp_min", "relu", "maximum", "max"})


@dataclass(frozen=True)
class Hinge:
    """What is cut at 0, what it is `less` a product, and the product of labels and scores."""

    cut: Call
    less: Call
    product: Call


def hinges(scene: Scene) -> Iterator[Hinge]:
    """Each cut of what a product was put into, earliest first."""
    for cut in (call for call in scene.needed() if short(call) in _CUTS and call.inputs()):
        less = scene.makers.get(cut.inputs()[0])
        product = next((made for id in less.inputs() if (made := scene.makers.get(id))), None) if less else None
        if less is not None and product is not None and short(product) == "mul":
            yield Hinge(cut, less, product)
