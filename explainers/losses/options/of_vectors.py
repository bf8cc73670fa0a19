"""Options of distances, cosines and norms: along which axis, of which order, and what keeps them from 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explainers.digits import shown
from explainers.losses.options.option import Option, Setting
from explainers.messages import Message, said

_VECTORS = ("x1", "x2", "anchor", "positive", "negative")


def order(default: float = 2.0) -> Option:
    """p of a norm of differences."""
    return Option("p", default, _order)


def norm() -> Option:
    """p of normalize."""
    return Option("p", 2.0, _norm)


def along() -> Option:
    """dim of vectors."""
    return Option("dim", 1, _along)


def shares() -> Option:
    """dim of a softmax."""
    return Option("dim", None, _shares)


def added() -> Option:
    """eps that is added to differences."""
    return Option("eps", 1e-6, _added)


def least_length(default: float) -> Option:
    """eps that a length is not below."""
    return Option("eps", default, _least_length)


def kept() -> Option:
    """keepdim."""
    return Option("keepdim", False, _kept)


def summed() -> Option:
    """dim of logsumexp, which has no default."""
    return Option("dim", None, _summed)


def _order(set_: Setting) -> Iterator[Message]:
    formulas = {0: "#(d ≠ 0)", 1: "Σ|d|", np.inf: "max |d|", -np.inf: "min |d|"}
    p = shown(set_.number)
    yield said(
        "p={p} measures distances by {formula} of the differences d, not by √Σd².",
        p=p,
        formula=formulas.get(set_.number, f"(Σ|d|^{p})^(1/{p})"),
    )


def _norm(set_: Setting) -> Iterator[Message]:
    x, p = set_.numbers("input"), set_.number
    formulas = {0: "#(x ≠ 0)", 1: "Σ|x|", np.inf: "max |x|", -np.inf: "min |x|"}
    dim = set_.call.argument("dim")
    if x is None or not x.size or not isinstance(dim, int) or not -x.ndim <= dim < max(x.ndim, 1):
        return
    first = np.moveaxis(np.atleast_1d(x), dim, -1).reshape(-1, np.atleast_1d(x).shape[dim])[0]
    with np.errstate(all="ignore"):
        length = float(np.linalg.norm(first, p))
    yield said(
        "p={p} divides by {formula}, in absolute values: of the first vector that is {length}. It is the norm that "
        "becomes 1, not the sum, unless all numbers are positive and p is 1.",
        p=shown(p),
        formula=formulas.get(p, f"(Σ|x|^{shown(p)})^(1/{shown(p)})"),
        length=shown(length),
    )


def _along(set_: Setting) -> Iterator[Message]:
    dim, sizes = set_.value, set_.sizes
    if isinstance(dim, int) and -len(sizes) <= dim < len(sizes) and dim % len(sizes) != 1:
        yield said(
            "dim={dim}: the vectors lie along axis {axis} of shape {shape} and have {size} numbers each.",
            dim=dim,
            axis=dim % len(sizes),
            shape=str(sizes),
            size=sizes[dim],
        )


def _before_last(set_: Setting) -> dict[str, int | str] | None:
    """The axis that dim names, where it is one before the last."""
    dim, sizes = set_.value, set_.sizes
    if not isinstance(dim, int) or not -len(sizes) <= dim < len(sizes) - 1 or dim == -1:
        return None
    return {"dim": dim, "axis": dim % len(sizes), "shape": str(sizes), "size": sizes[dim]}


def _shares(set_: Setting) -> Iterator[Message]:
    if (facts := _before_last(set_)) is not None:
        yield said(
            "dim={dim}: it is along axis {axis} of shape {shape} that its {size} probabilities add up to 1, not along "
            "the last one.",
            **facts,
        )


def _summed(set_: Setting) -> Iterator[Message]:
    if (facts := _before_last(set_)) is not None:
        yield said(
            "dim={dim}: it adds up along axis {axis} of shape {shape}, {size} terms each, not along the last one.",
            **facts,
        )


def _added(set_: Setting) -> Iterator[Message]:
    count = set_.sizes[-1] if set_.sizes else 1
    eps = set_.number
    if eps == 0:
        equal, pairs = _equal_pairs(set_)
        if equal:
            yield said(
                "eps=0 adds nothing to the differences: {equal} of {pairs} pairs of vectors here are equal, so at "
                "distance 0, where the distance has a kink and no single slope.",
                equal=equal,
                pairs=pairs,
            )
        elif pairs:
            yield said(
                "eps=0 adds nothing to the differences, so that equal vectors would be at distance 0, where the "
                "distance has no single slope; none of the {pairs} pairs of vectors here are equal.",
                pairs=pairs,
            )
        return
    order = set_.call.argument("p")
    p = float(order) if isinstance(order, int | float) else 2.0
    of_equal = abs(eps) * count ** (1 / p) if p > 0 and np.isfinite(p) else abs(eps)
    yield said(
        "eps={eps} is added to every difference of two numbers, so that equal vectors of {count} numbers are at "
        "distance {distance}; it also keeps the gradient there from being undefined.",
        eps=f"{eps:g}",
        count=count,
        distance=shown(of_equal) if of_equal else "0",
    )


def _equal_pairs(set_: Setting) -> tuple[int, int]:
    """How many pairs of vectors whose distance is taken are equal, of how many."""
    named = {name: x for name in _VECTORS if (x := set_.numbers(name)) is not None}
    wanted = [("x1", "x2"), ("anchor", "positive"), ("anchor", "negative")]
    wanted += [("positive", "negative")] if set_.call.argument("swap") is True else []
    found = [(named[a] == named[b]).all(axis=-1) for a, b in wanted if a in named and b in named]
    return sum(int(alike.sum()) for alike in found), sum(alike.size for alike in found)


def _least_length(set_: Setting) -> Iterator[Message]:
    yield said(
        "eps={eps} is no summand: a length below it counts as {eps}, and only such vectors are changed by it. At 0 a "
        "vector of zeros gives 0/0 = nan; torch's default is {default}.",
        eps=f"{set_.number:g}",
        default="1e-12" if set_.call.function.endswith("normalize") else "1e-8",
    )


def _kept(_set: Setting) -> Iterator[Message]:
    yield said("keepdim=True keeps the axis that is summed over, with size 1, so that the result broadcasts.")
