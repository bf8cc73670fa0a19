"""torch.autograd.grad inside a program: a gradient that goes on into the loss, as the derivative walk writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from explainers.graph import ops
from explainers.graph.arrays import Array, aligned
from explainers.graph.derivative import gradient
from explainers.messages import said
from explainers.torch_indexing import Unsupported

GRAD = "torch.autograd.grad"


def differentiated(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Array, ...]:
    """Σ grad_outputs · ∂outputs/∂input for each input; followed further with `create_graph` alone.

    Raises Unsupported where an output is made by an operation that has no second derivative.
    """
    above, below = _listed(outputs), _listed(inputs)
    weights = _listed(grad_outputs) if grad_outputs is not None else [None] * len(above)
    whole = [
        y.node if w is None else ops.mul(y.node, aligned(w, y.layout)) for y, w in zip(above, weights, strict=True)
    ]
    total = ops.constant(0)
    for y, part in zip(above, whole, strict=True):
        total = ops.add(total, ops.sum(part, y.axes))
    try:
        found = gradient(total, [x.node for x in below])
    except TypeError as error:
        raise Unsupported(said("a second derivative that torch has not")) from error
    made = [found[x.node] for x in below]
    return tuple(
        Array(node if create_graph else ops.stop_gradient(node), x.layout) for x, node in zip(below, made, strict=True)
    )


def _listed(given: Any) -> Sequence[Any]:
    return [given] if isinstance(given, Array) else list(given)
