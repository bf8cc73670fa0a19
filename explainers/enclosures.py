"""What torch's numbers have to lie in, computed without it, and whether they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from explainers.forms import Forms
from explainers.graph.enclosure import enclose
from explainers.graph.evaluation import Values
from explainers.graph.exact import Known
from explainers.graph.nodes import Axes, Input
from explainers.graph.rounding import Rounding
from explainers.recording import Tensor

Floats = npt.NDArray[np.float64]
Bounds = tuple[Floats, Floats]


@dataclass(frozen=True)
class Enclosures:
    """What torch's numbers must lie in: the value and every gradient as the program rounds, and in float64; the value
    without any rounding.
    """

    native: Bounds
    gradients: tuple[Bounds, ...]
    float64: Bounds
    float64_gradients: tuple[Bounds, ...]
    exact: Bounds


def enclosures(forms: Forms, values: Values, known: Known | None = None) -> Enclosures:
    """Computed from the recorded numbers alone, before torch is asked again."""
    root, gradients = forms.composition.root, forms.as_run.values()
    native, *native_gradients = enclose((root, *gradients), values, Rounding("native"))
    float64, *float64_gradients = enclose((root, *gradients), values, Rounding("float64"))
    (exact,) = (known or Known(values)).of(root)
    return Enclosures(native, tuple(native_gradients), float64, tuple(float64_gradients), exact.bounds())


def overflown(native: Bounds, float64: Bounds) -> Bounds:
    """A gradient's bounds, unknown where nan or infinity comes of an overflow that float64 does not have: in the order
    in which torch's backward multiplies and adds, and in the dtype of its sums, it may come elsewhere or not at all."""
    finite = [np.isfinite(end) for end in (*native, *float64)]
    unsure = ~(finite[0] & finite[1]) & finite[2] & finite[3]
    return np.where(unsure, -np.inf, native[0]), np.where(unsure, np.inf, native[1])


def held(x: Input, axes: Axes, bounds: Bounds, gradients: Mapping[int, Tensor]) -> bool | None:
    """Whether torch's gradient of one input lies in its enclosure."""
    if x.tensor not in gradients:
        return bool(((bounds[0] <= 0) & (bounds[1] >= 0)).all())
    torch = gradients[x.tensor].array().astype(np.float64).reshape(tuple(a.size for a in x.axes))
    return contains((_ordered(bounds[0], axes, x.axes), _ordered(bounds[1], axes, x.axes)), torch)


def contains(bounds: Bounds, value: Floats) -> bool | None:
    """Whether every element lies in its enclosure; a non-finite one must match in kind.

    None where no element lies outside, but some enclosure (−inf, inf) knows nothing.
    """
    low, high, value = np.broadcast_arrays(*bounds, value)
    if ((low <= value) & (value <= high)).all() and not (np.isneginf(low) & np.isposinf(high)).any():
        return True
    unknown = (low == -np.inf) & (high == np.inf)
    inside = np.where(np.isnan(value), np.isnan(low), (low <= value) & (value <= high))
    if not (inside | unknown).all():
        return False
    return None if unknown.any() else True


def _ordered(values: Floats, have: Axes, want: Axes) -> Floats:
    """Dimensions in another order, repeated along those they do not vary with."""
    turned = values.transpose([have.index(axis) for axis in want if axis in have])
    return turned.reshape([axis.size if axis in have else 1 for axis in want])
