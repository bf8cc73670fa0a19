"""Losses between numbers: squared, absolute, and the two that go from one to the other.

Formulas as in ATen's Loss.cpp and BinaryOpsKernel.cpp. Shapes: input and target broadcast (torch warns when they
differ); a weight has the input's shape.
"""

from __future__ import annotations

from explainers.graph import ops
from explainers.graph.arrays import Array, Layout, expanded
from explainers.graph.nodes import Node
from explainers.losses.loss import Loss
from explainers.losses.options import of_numbers
from explainers.losses.reduction import legacy, reduced
from explainers.messages import said


def losses() -> tuple[Loss, ...]:
    """Squared and absolute differences, smooth L1 and Huber."""
    return (
        Loss(
            "mse_loss",
            mse_loss,
            {"input": "x", "target": "y", "weight": "w"},
            "F.mse_loss(torch.tensor([2.5, 0.0]), torch.tensor([3.0, -0.5]))",
            said("Definition: squared differences"),
            said("mse_loss squares every difference of the broadcast shapes; there is no factor ½."),
            module="MSELoss",
            convex_in=("input", "target"),
            words=("mean squared error", "MSE", "L2 loss"),
            options=(of_numbers.weights(),),
        ),
        Loss(
            "l1_loss",
            l1_loss,
            {"input": "x", "target": "y", "weight": "w"},
            "F.l1_loss(torch.tensor([2.5, 0.0]), torch.tensor([3.0, -0.5]))",
            said("Definition: absolute differences"),
            said("l1_loss takes every difference of the broadcast shapes without its sign; its slope is 0 at a tie."),
            module="L1Loss",
            convex_in=("input", "target"),
            words=("mean absolute error", "MAE", "L1 loss"),
            options=(of_numbers.weights(),),
        ),
        Loss(
            "smooth_l1_loss",
            smooth_l1_loss,
            {"input": "x", "target": "y"},
            "F.smooth_l1_loss(torch.tensor([2.5, 0.0]), torch.tensor([3.0, -2.0]), beta=1.0)",
            said("Definition: squared below beta, absolute from beta on"),
            said(
                "smooth_l1_loss is d²/(2 beta) for a difference d below beta and |d| − beta/2 from there on: its slope "
                "is 1 beyond beta. The sigma of Fast R-CNN's code, which takes ½(sigma · d)² below 1/sigma², is beta = "
                "1/sigma²."
            ),
            module="SmoothL1Loss",
            convex_in=("input", "target"),
            words=("smooth L1",),
            options=(of_numbers.beta(),),
        ),
        Loss(
            "huber_loss",
            huber_loss,
            {"input": "x", "target": "y", "weight": "w"},
            "F.huber_loss(torch.tensor([2.5, 0.0]), torch.tensor([3.0, -2.0]), delta=1.0)",
            said("Definition: squared up to delta, linear beyond"),
            said(
                "huber_loss is d²/2 for a difference d up to delta and delta · (|d| − delta/2) beyond: its slope is "
                "the difference, at most delta."
            ),
            module="HuberLoss",
            convex_in=("input", "target"),
            words=("Huber",),
            options=(of_numbers.delta(), of_numbers.plain_weights()),
        ),
    )


def mse_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Array | None = None,
) -> Array:
    """(input − target)², without a ½; weighted, the mean is over Σ w."""
    difference, layout = _difference(input, target)
    return _reduced(ops.square(difference), layout, weight, legacy(size_average, reduce, reduction))


def l1_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Array | None = None,
) -> Array:
    """|input − target|, whose slope is 0 where both agree; weighted, the mean is over Σ w."""
    difference, layout = _difference(input, target)
    return _reduced(ops.unary("abs", difference), layout, weight, legacy(size_average, reduce, reduction))


def smooth_l1_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Array:
    """d² / 2β where |d| < β, else |d| − β/2, for d = input − target; with β = 0 it is |d|."""
    if not beta:
        return l1_loss(input, target, size_average, reduce, reduction)
    difference, layout = _difference(input, target)
    size = ops.unary("abs", difference)
    near = ops.div(ops.mul(ops.square(difference), 0.5), beta)
    item = ops.where(ops.compare("lt", size, beta), near, ops.sub(size, ops.mul(beta, 0.5)))
    item = ops.with_gradient(item, ((difference, _within(ops.div(difference, beta), ops.constant(1))),))
    return reduced(item, layout, legacy(size_average, reduce, reduction))


def huber_loss(
    input: Array, target: Array, reduction: str = "mean", delta: float = 1.0, weight: Array | None = None
) -> Array:
    """d² / 2 where |d| ≤ δ, else δ · (|d| − δ/2), for d = input − target; weights do not normalise the mean."""
    difference, layout = _difference(input, target)
    size = ops.unary("abs", difference)
    near = ops.mul(ops.square(difference), 0.5)
    far = ops.mul(delta, ops.sub(size, ops.mul(delta, 0.5)))
    item = ops.where(ops.compare("le", size, delta), near, far)
    wide = ops.cast(difference, "float32") if difference.dtype in ops.HALVES else difference  # delta is not rounded
    most = ops.cast(ops.constant(delta), wide.dtype)  # torch's loop over what is left multiplies by the double itself
    item = ops.with_gradient(item, ((difference, _within(wide, most)),))
    item = ops.cast(item, input.node.dtype)  # torch writes it over the input's shape, in its dtype
    if weight is not None:
        item = ops.mul(item, expanded((Array(item, layout), weight))[0][1])
    return reduced(item, layout, reduction)


def _difference(input: Array, target: Array) -> tuple[Node, Layout]:
    (x, y), layout = expanded((input, target))
    return ops.sub(x, y), layout


def _within(x: Node, most: Node) -> Node:
    """x, or the nearest of −most and most: torch's backward, which is nan where x is."""
    return ops.binary("clamp_max", ops.binary("clamp_min", x, ops.neg(most)), most)


def _reduced(item: Node, layout: Layout, weight: Array | None, reduction: str) -> Array:
    if weight is None:
        return reduced(item, layout, reduction)
    weights = expanded((Array(item, layout), weight))[0][1]
    weighted = ops.mul(item, weights)
    if reduction != "mean":
        return reduced(weighted, layout, reduction)
    total = ops.sum(weights, weights.axes)  # as many as were given, however often they are repeated
    return Array(ops.div(reduced(weighted, layout, "sum").node, total))
