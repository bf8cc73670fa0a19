"""Negative log-likelihoods of counts and of measured numbers, and the divergence between two distributions.

Formulas as in ATen's Loss.cpp and torch.nn.functional. Shapes: all arguments broadcast.
"""

from __future__ import annotations

import math

from explainers.graph import ops
from explainers.graph.arrays import Array, Layout, broadcast, in_its_dtype
from explainers.graph.nodes import Node
from explainers.losses.loss import Loss
from explainers.losses.options import of_numbers
from explainers.losses.reduction import legacy, reduced
from explainers.messages import said


def losses() -> tuple[Loss, ...]:
    """Poisson, Gaussian, Kullback-Leibler."""
    return (
        Loss(
            "poisson_nll_loss",
            poisson_nll_loss,
            {"input": "x", "target": "t"},
            "F.poisson_nll_loss(torch.tensor([0.5, 1.0]), torch.tensor([2.0, 3.0]))",
            said("Definition: the negative log-likelihood of a count"),
            said(
                "poisson_nll_loss is e^x − y · x: the input x is the logarithm of the expected count, unless "
                "log_input=False."
            ),
            module="PoissonNLLLoss",
            convex_in=("input",),
            rate_without="log_input",
            words=("Poisson NLL", "Poisson loss"),
            options=of_numbers.poisson(),
        ),
        Loss(
            "gaussian_nll_loss",
            gaussian_nll_loss,
            {"input": "x", "target": "t", "var": "v"},
            "F.gaussian_nll_loss(torch.tensor([0.5, 1.0]), torch.tensor([1.0, 3.0]), torch.tensor([0.5, 2.0]))",
            said("Definition: the negative log-likelihood of a normal distribution"),
            said("gaussian_nll_loss reads var as a variance, not a standard deviation, and never below eps."),
            module="GaussianNLLLoss",
            convex_in=("input", "target"),
            words=("Gaussian NLL",),
            varied=said("over every input, with var as it is,"),
            options=of_numbers.gaussian(),
        ),
        Loss(
            "kl_div",
            kl_div,
            {"input": "z", "target": "t"},
            "log_q = torch.log_softmax(torch.tensor([[1.0, 2.0, 0.5]]), dim=1)\n"
            'F.kl_div(log_q, torch.tensor([[0.2, 0.5, 0.3]]), reduction="batchmean")',
            said("Definition: the target's logarithm minus the input, weighted by the target"),
            said(
                "kl_div is y · (log y − x): the input x is read as log-probabilities, the target y as probabilities "
                "(with log_target=True as their logarithms), so it is KL(target ‖ input)."
            ),
            module="KLDivLoss",
            convex_in=("input",),
            words=("KL divergence", "Kullback-Leibler", "KL"),
            no_floor=said(
                "Between probabilities that add up to 1 it is never below 0, and 0 where both agree; of any "
                "other input it falls without end, since it is linear in it."
            ),
            options=(of_numbers.logarithms(),),
        ),
    )


def poisson_nll_loss(
    input: Array,
    target: Array,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """e^x − t · x, or x − t · log(x + ε); full, Stirling's t log t − t + ½ log 2πt is added where t > 1."""
    (x, t), layout = broadcast((input, target))
    if log_input:
        expected, logarithm = in_its_dtype(lambda x: ops.exp(ops.real(x)), input, x), x
    else:
        expected, logarithm = x, in_its_dtype(lambda x: ops.log(ops.alone("add", ops.real(x), eps)), input, x)
    item = ops.sub(expected, ops.mul(t, logarithm))
    if full:
        stirling = in_its_dtype(_stirling, target, t)
        whole = ops.add(item, ops.where(ops.compare("le", t, 1), 0, stirling))
        item = ops.cast(whole, item.dtype)  # torch adds it in place
    return reduced(item, layout, legacy(size_average, reduce, reduction))


def gaussian_nll_loss(
    input: Array,
    target: Array | float,
    var: Array | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Array:
    """½ (log v + (x − t)² / v) for v = max(var, ε), through which the gradient goes as if there were no maximum."""
    wanted = target if isinstance(target, Array) else Array(ops.constant(target))
    (x, t, v), layout = broadcast((input, wanted, _variance(input, var)))
    v = ops.with_gradient(ops.clamp_min(v, eps), ((v, ops.constant(1)),))
    item = ops.mul(0.5, ops.add(ops.log(v), ops.div(ops.square(ops.sub(x, t)), v)))
    if full:
        item = ops.add(item, 0.5 * math.log(2 * math.pi))
    return reduced(item, layout, reduction)


def kl_div(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Array:
    """t log t − t · x, where 0 log 0 is 0; or e^t · (t − x). Its "batchmean" is the sum over the input's first size."""
    (x, t), layout = broadcast((input, target))
    own = in_its_dtype(ops.exp if log_target else _entropy, target, t)
    item = ops.mul(own, ops.sub(t, x)) if log_target else ops.sub(own, ops.mul(t, x))
    if reduction != "batchmean":
        return reduced(item, layout, legacy(size_average, reduce, reduction))
    total = reduced(item, layout, legacy(size_average, reduce, "sum"))
    return Array(ops.div(total.node, input.shape[0]), total.layout) if input.layout else total


def _stirling(t: Node) -> Node:
    """t log t − t + ½ log 2πt."""
    root = ops.mul(0.5, ops.log(ops.mul(2 * math.pi, t)))
    return ops.add(ops.sub(ops.mul(t, ops.log(ops.real(t))), t), root)


def _entropy(t: Node) -> Node:
    """t log t, 0 at 0; torch's backward is g log t + g t / t, which is nan there, and far off where g t underflows."""
    logarithm = ops.log(t)
    value = ops.where(ops.compare("eq", t, 0), 0, ops.mul(t, logarithm))
    return ops.with_gradient(value, ((t, logarithm), (logarithm, t)))


def _variance(input: Array, var: Array | float) -> Array:
    """The variance with as many dimensions as the input; one that lacks the last gets it."""
    if not isinstance(var, Array):
        return Array(ops.cast(ops.constant(var), input.node.dtype))
    missing: Layout = (None,) if var.shape != input.shape and var.shape == input.shape[:-1] else ()
    return Array(var.node, (*var.layout, *missing))
