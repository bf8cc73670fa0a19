"""Losses of torch in a form that a recording can hold: of tensors and numbers, without a callable or a module in them.

`triplet_margin_with_distance_loss` takes the distances in place of the function that measures them (its own calls are
written down one by one), `linear_cross_entropy` its options as a tuple of their fields, and
`adaptive_log_softmax_with_loss` the parameters of nn.AdaptiveLogSoftmaxWithLoss, of which torch has no functional form.
All run torch's own code.
"""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.linear_cross_entropy_options import LinearCrossEntropyOptions as Options

from explainers.tracing.internals import unwatched

LINEAR: Final = "torch.nn.functional.linear_cross_entropy"
TRIPLET: Final = "torch.nn.functional.triplet_margin_with_distance_loss"
GRAD: Final = "torch.autograd.grad"
ADAPTIVE: Final = "torch.nn.AdaptiveLogSoftmaxWithLoss"
Distance = Callable[[Tensor, Tensor], Any]


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Sequence[Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """torch's function, given the distances anchor–positive, anchor–negative and, swapped, positive–negative."""
    given = iter(distance_function or ())
    measure = None if distance_function is None else lambda a, b: next(given)
    return F.triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=measure, margin=margin, swap=swap, reduction=reduction
    )


def measured(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], distance: Distance
) -> tuple[Any, ...]:
    """The distances that torch's function asks for, in its order; raises what it or the distance raises."""
    found: list[Any] = []

    def noted(a: Tensor, b: Tensor) -> Any:
        found.append(distance(a, b))
        return found[-1]

    function(*args, **{**kwargs, "distance_function": noted})
    return tuple(found)


def linear_cross_entropy(
    input: Tensor, linear_weight: Tensor, target: Tensor, *, options: tuple[Any, ...] | None = None, **rest: Any
) -> Tensor:
    """torch's function, given the fields of its options in order; what float64 is run in accumulates in it too."""
    made = None if options is None else Options(*options)
    if made is not None and input.dtype == torch.float64:
        made = dataclasses.replace(made, acc_dtype=None)
    return F.linear_cross_entropy(input, linear_weight, target, options=made, **rest)


def adaptive_log_softmax_with_loss(
    input: Tensor,
    target: Tensor,
    head_weight: Tensor,
    tail: Sequence[Sequence[Tensor]],
    cutoffs: Sequence[int],
    head_bias: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """(output, loss) of the module with these parameters.

    Shapes: input (N, F) or (F); target (N) or (); head_weight (cutoffs[0] + clusters, F), head_bias alike without F;
    tail a pair (H, F), (classes of the cluster, H) for each cluster; cutoffs as the module has them, with the number
    of classes at their end.
    """
    sizes = head_weight.shape[-1], cutoffs[-1], list(cutoffs[:-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that it initialises layers without features
        module = nn.AdaptiveLogSoftmaxWithLoss(*sizes, head_bias=head_bias is not None, device="meta")
    given = {"head.weight": head_weight} | ({} if head_bias is None else {"head.bias": head_bias})
    for k, (narrow, wide) in enumerate(tail):
        given |= {f"tail.{k}.0.weight": narrow, f"tail.{k}.1.weight": wide}
    output, loss = functional_call(module, given, (input, target))
    return output, loss


def watched_forward(
    original: Callable[..., Any], note: Callable[[Callable[..., Any], str, tuple[Any, ...]], Any]
) -> Callable[..., Any]:
    """The module's forward, which tells `note` of its call by name and arguments; a subclass, or a module with other
    layers in it, is left alone."""

    @functools.wraps(original)
    def forward(module: nn.AdaptiveLogSoftmaxWithLoss, input_: Tensor, target_: Tensor) -> Any:
        if not _is_plain(module):
            return original(module, input_, target_)

        def run(
            input: Tensor, target: Tensor, head_weight: Tensor, tail: object, cutoffs: object, head_bias: Tensor | None
        ) -> Any:
            return original(module, input, target)

        with unwatched():
            return note(run, ADAPTIVE, _of_module(module, input_, target_))

    return forward


def grad(outputs: Any, inputs: Any, **rest: Any) -> Any:
    """torch.autograd.grad, after which the graph is still there: who runs a loss again differentiates it further."""
    options: dict[str, Any] = {**rest, "retain_graph": True}
    return torch.autograd.grad(outputs, inputs, **options)


def _of_module(module: nn.AdaptiveLogSoftmaxWithLoss, input: Tensor, target: Tensor) -> tuple[Any, ...]:
    """The arguments of `adaptive_log_softmax_with_loss` that a module's call stands for."""
    clusters: list[Any] = list(module.tail)
    tail = tuple(tuple(layer.weight for layer in cluster) for cluster in clusters)
    return input, target, module.head.weight, tail, tuple(module.cutoffs), module.head.bias


def _is_plain(module: nn.Module) -> bool:
    """Whether the layers of a module are those that its class makes."""
    layers: list[Any] = [getattr(module, "head", None)]
    layers += [layer for cluster in getattr(module, "tail", ()) for layer in cluster]
    return type(module) is nn.AdaptiveLogSoftmaxWithLoss and all(type(layer) is nn.Linear for layer in layers)
