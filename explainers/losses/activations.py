"""Functions next to losses: of single numbers, and the logarithm of a sum of exponentials.

Formulas as in ATen's Activation.cpp and ReduceOps.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explainers.graph import ops
from explainers.graph.arrays import Array
from explainers.graph.nodes import Axis
from explainers.losses.loss import Loss
from explainers.losses.options import of_classes, of_numbers, of_vectors
from explainers.messages import said
from explainers.torch_indexing import Unsupported

_SAFE = 80
"""Up to here no exponential overflows in float32."""


def losses() -> tuple[Loss, ...]:
    """sigmoid, its logarithm, softplus, log-sum-exp and one-hot."""
    return (
        Loss(
            "sigmoid",
            sigmoid,
            {"input": "x"},
            "torch.sigmoid(torch.tensor([2.0, -1.0]))",
            said("Definition: one over one plus an exponential"),
            said("sigmoid reads the input as raw scores (logits); its probabilities need not add up to 1."),
            module="Sigmoid",
            is_loss=False,
            no_floor=said("Each value lies between 0 and 1; finite inputs reach neither, except by rounding."),
            words=("logistic function",),
        ),
        Loss(
            "logsigmoid",
            logsigmoid,
            {"input": "x"},
            "F.logsigmoid(torch.tensor([2.0, -1.0]))",
            said("Definition: the logarithm of sigmoid"),
            said("logsigmoid reads the input as raw scores (logits); it never underflows, as log(sigmoid(x)) does."),
            module="LogSigmoid",
            is_loss=False,
            no_floor=said(
                "Each value is below 0 and nears 0 as the input grows; there is no least value: it falls without end."
            ),
            words=("log-sigmoid",),
        ),
        Loss(
            "softplus",
            softplus,
            {"input": "x"},
            "F.softplus(torch.tensor([2.0, -1.0]))",
            said("Definition: a smooth max(x, 0)"),
            said("softplus is log(1 + e^βx) / β, and the input itself where βx is past the threshold."),
            module="Softplus",
            is_loss=False,
            no_floor=said(
                "For a positive beta and threshold each value is above 0; it nears 0 towards −∞, and finite inputs "
                "reach it only by rounding."
            ),
            options=(of_numbers.steepness(), of_numbers.threshold()),
        ),
        Loss(
            "logsumexp",
            logsumexp,
            {"input": "z"},
            "torch.logsumexp(torch.tensor([2.0, 0.5, -1.0]), dim=0)",
            said("Definition: the logarithm of the sum of exponentials"),
            said("logsumexp is a smooth maximum: at least the largest element, at most log n above it."),
            is_loss=False,
            no_floor=said(
                "There is no least value: it falls without end with the scores, and is always at least the largest of "
                "them."
            ),
            words=("log-sum-exp", "LSE"),
            owner="torch",
            options=(of_vectors.summed(), of_vectors.kept()),
        ),
        Loss(
            "one_hot",
            one_hot,
            {"input": "y"},
            "F.one_hot(torch.tensor([0, 2]), num_classes=3)",
            said("Definition: 1 at the class, 0 elsewhere"),
            said("one_hot gives integers (int64); a loss that wants probabilities needs .float() behind it."),
            is_loss=False,
            no_floor=said("Its values are 0 and 1 alone."),
            words=("one-hot",),
            no_curve=said("Nothing is plotted: its input is whole class indices, which cannot move a little."),
            options=(of_classes.class_count(),),
        ),
    )


def sigmoid(input: Array) -> Array:
    """1 / (1 + e^−x)."""
    return Array(ops.sigmoid(ops.real(input.node)), input.layout)


def logsigmoid(input: Array) -> Array:
    """log σ(x)."""
    return Array(ops.logsigmoid(input.node), input.layout)


def softplus(input: Array, beta: float = 1, threshold: float = 20) -> Array:
    """log(1 + e^βx) / β, and x itself where βx is past the threshold; torch takes the exponential as it is, in float32
    at least, and so it overflows below a threshold that is larger than usual."""
    scaled = ops.mul(beta, input.node)
    past = ops.compare("gt", scaled, threshold)
    if not beta:
        raise Unsupported(said("with beta=0 it divides by 0"))
    if threshold <= _SAFE:
        soft = ops.div(ops.unary("softplus", scaled), beta)
    else:
        wide = ops.cast(ops.where(past, 0, scaled), "float64" if input.node.dtype == "float64" else "float32")
        power = ops.exp(wide)
        soft = ops.cast(ops.div(ops.log1p(power), beta), input.node.dtype)
        slope = ops.cast(ops.div(power, ops.add(power, 1)), input.node.dtype)
        soft = ops.with_gradient(soft, ((input.node, slope),))
    return Array(ops.where(past, input.node, soft), input.layout)


def logsumexp(input: Array, dim: int | Sequence[int], keepdim: bool = False) -> Array:
    """log Σ e^x over some dimensions."""
    dims = input.dims(dim)
    x = ops.real(input.node)
    total = ops.logsumexp(x, input.along(dims))
    if total is x:  # one element, whose backward is e^(x − x): nan where x is not finite
        total = ops.with_gradient(x, ((x, ops.exp(ops.sub(x, x))),))
    return Array(total, input.reduced(dims, keepdim))


def one_hot(input: Array, num_classes: int = -1) -> Array:
    """1 where the class index is that of the new last dimension; without a number of classes, the largest sets it."""
    size = num_classes if num_classes >= 0 else int(np.asarray(input.values).max()) + 1
    axis = Axis("h", size) if size != 1 else None
    return Array(ops.one_hot(input.node, axis, "int64"), (*input.layout, axis))
