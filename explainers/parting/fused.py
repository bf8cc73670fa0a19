"""What fused operations go through inside: softmax with its maximum, its powers and their sum, and the sigmoid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from explainers.messages import said
from explainers.parting.matching import bare, close
from explainers.parting.terms import Computation, Term

_SOFTMAX = frozenset(("softmax", "log_softmax", "logsumexp", "cross_entropy"))
_SIGMOID = frozenset(("sigmoid", "logsigmoid", "softplus", "binary_cross_entropy_with_logits"))


def with_insides(found: Computation) -> Computation:
    """A computation of a program with what its own fused calls go through."""
    inner = [replace(inside, line=term.line) for term in found.terms for inside in _of_call(term)]
    return Computation((*found.terms, *inner), found.result)


def _of_call(term: Term) -> Iterator[Term]:
    x = next((t for t in term.operands if t.real), None)
    if x is None or term.function not in _SOFTMAX | _SIGMOID:
        return
    if term.function in _SIGMOID:
        yield from sigmoid(x)
        return
    for axis in range(x.value.ndim):
        inside = tuple(softmax(x, (axis,)))
        if any(t.value.size == term.value.size and close(bare(t.value), bare(term.value)) for t in inside):
            yield from inside
            return


def softmax(x: Term, axes: tuple[int, ...]) -> Iterator[Term]:
    """The values on the way to a softmax, a log-softmax or a log Σ exp along these axes."""
    with np.errstate(all="ignore"):
        top = Term(x.value.max(axes, keepdims=True), (x,), name=said("the largest score of each row"))
        shifted = Term(x.value - top.value, (x, top), name=said("the shifted scores"))
        plain = Term(np.exp(x.value), (x,), name=said("exp of the scores"))
        powers = Term(np.exp(shifted.value), (shifted,), name=said("exp of the shifted scores"))
        total = Term(powers.value.sum(axes, keepdims=True), (powers,), name=said("the sum of exp in each row"))
        whole = Term(plain.value.sum(axes, keepdims=True), (plain,), name=said("the sum of exp in each row"))
        rest = Term(np.log(total.value), (total,), name=said("log Σ exp of the shifted scores"))
        lse = Term(rest.value + top.value, (rest, top), name=said("log Σ exp"))
        share = Term(powers.value / total.value, (powers, total, plain, whole), name=said("the softmax"))
        log = Term(shifted.value - rest.value, (shifted, rest, lse, x), name=said("the log-softmax"))
    yield from (top, shifted, plain, powers, total, whole, rest, lse, share, log)


def sigmoid(x: Term) -> Iterator[Term]:
    """The values on the way to a sigmoid and to the logarithms of it and of what it lacks to 1."""
    with np.errstate(all="ignore"):
        down = Term(np.exp(-x.value), (x,), name=said("exp of the negated scores"))
        one_more = Term(1 + down.value, (down,))
        share = Term(1 / one_more.value, (one_more, x), name=said("the sigmoid"))
        rest = Term(1 - share.value, (share,), name=said("1 − the sigmoid"))
        log = Term(-np.log1p(down.value), (share,), name=said("the logarithm of the sigmoid"))
        log_rest = Term(log.value - x.value, (rest,), name=said("the logarithm of 1 − the sigmoid"))
    yield from (down, one_more, share, rest, log, log_rest)
