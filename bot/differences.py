"""How losses of other frameworks differ from torch's, in a sentence each."""

from __future__ import annotations

import math
from typing import Final, Literal, assert_never

from bot.reading.question import Foreign
from explainers.messages import Message, said

Rarer = Literal[
    "hinge", "squared-hinge", "categorical-hinge", "rate", "cosine", "brier", "scipy-kl", "scipy-entropy",
    "relative-entropy", "rows-of-kl", "half-sum", "same-mean", "log1p", "boosted",
    "transducer",
]  # fmt: skip
_KERAS_EPSILON: Final = 1e-7


def difference(foreign: Foreign) -> Message:
    """What matters when the loss is replaced by torch's."""
    name, most = foreign.name, f"{-math.log(_KERAS_EPSILON):.5g}"
    match foreign.difference:
        case "keras-probabilities":
            return said(
                "Keras' {name} takes probabilities unless from_logits=True; torch's cross_entropy takes raw scores "
                "(logits) and applies log_softmax itself. Keras also divides each row by its sum first, so that it "
                "sums to 1, and clips probabilities at epsilon 1e-7, so no term "
                "exceeds -log(1e-7) ≈ {most}.",
                name=name,
                most=most,
            )
        case "keras-scores":
            return said(
                "Keras' {name} with from_logits=True takes raw scores (logits), as torch's loss of them does, and "
                "clips nothing.",
                name=name,
            )
        case "keras-clip":
            return said(
                "Keras' {name} takes probabilities unless from_logits=True, and clips them at epsilon 1e-7, so no term "
                "exceeds -log(1e-7) ≈ {most}. torch's binary_cross_entropy clips no probability, but lets no logarithm "
                "fall below -100.",
                name=name,
                most=most,
            )
        case "keras-mean":
            return said(
                "Keras' {name} averages over the last axis, then over the rows; torch's mean is over all elements at "
                "once. Both are the same where all rows have the same length.",
                name=name,
            )
        case "keras-kl":
            return said(
                "Keras' {name} takes probabilities on both sides and sums over the last axis; torch's kl_div takes the "
                "logarithm of its input, and its mean divides by the number of all elements.",
                name=name,
            )
        case "per-row":
            return said(
                "{name} returns every loss and leaves the mean to you; torch's loss averages unless reduction='none'.",
                name=name,
            )
        case "optax-half":
            return said("{name} has a factor of one half, which torch's mse_loss does not have.", name=name)
        case "sklearn":
            return said(
                "sklearn's {name} is the mean over the samples of natural logarithms: the same number as torch's "
                "binary_cross_entropy, or as nll_loss of their logarithms where each sample has a row of "
                "probabilities. It takes whole numbers as labels, where binary_cross_entropy wants floats.",
                name=name,
            )
        case (
            "hinge" | "squared-hinge" | "categorical-hinge" | "rate" | "cosine" | "brier" | "scipy-kl"
            | "scipy-entropy" | "relative-entropy" | "rows-of-kl" | "half-sum" | "same-mean" | "log1p" | "boosted"
            | "transducer"
        ) as rarer:  # fmt: skip
            return _of_rarer(rarer, name)
        case _:
            assert_never(foreign.difference)


def _of_rarer(difference: Rarer, name: str) -> Message:
    match difference:
        case "hinge":
            return said(
                "{name} is the mean (in optax one value per entry) of max(0, 1 − y·score), with labels −1 and 1. "
                "torch's hinge_embedding_loss is another function; margin_ranking_loss of score, 0 and label with "
                "margin=1 is this one.",
                name=name,
            )
        case "squared-hinge":
            return said("{name} squares max(0, 1 − y·score), with labels −1 and 1; torch has no such loss.", name=name)
        case "categorical-hinge":
            return said(
                "{name} is max(0, 1 + wrong − right), where wrong is the highest wrong score, or 0 if all are "
                "negative. torch's multi_margin_loss adds up over all wrong classes and divides by the number of "
                "classes.",
                name=name,
            )
        case "rate":
            return said(
                "{name} takes the rate itself; torch's poisson_nll_loss takes its logarithm, unless log_input=False.",
                name=name,
            )
        case "cosine":
            return said(
                "{name} is minus the cosine, between −1 and 1; torch's cosine_embedding_loss is 1 minus the cosine.",
                name=name,
            )
        case "brier":
            return said(
                "{name} is the mean squared difference of probability and label: torch's mse_loss of the two.",
                name=name,
            )
        case "scipy-kl":
            return said(
                "{name} gives p·log(p/q) − p + q per entry, p first. torch's kl_div takes log q first, then p, has no "
                "− p + q, and averages over all entries unless told otherwise.",
                name=name,
            )
        case "scipy-entropy":
            return said(
                "{name} of p and q is KL(p ‖ q), p first, and divides both by their sums. torch's kl_div takes them "
                "in the other order, log q first, then p: kl_div(q.log(), p, reduction='sum') is the same number, and "
                "kl_div(p.log(), q) is KL(q ‖ p), another one.",
                name=name,
            )
        case "relative-entropy":
            return said(
                "{name} gives p·log(p/q) per entry, p first. torch's kl_div takes log q first, then p, and averages "
                "over all entries unless told otherwise.",
                name=name,
            )
        case "rows-of-kl":
            return said(
                "{name} takes log q first, as torch's kl_div does, and adds up over the last axis. torch's mean "
                "divides by the number of all entries; reduction='batchmean' is the mean of these rows.",
                name=name,
            )
        case "half-sum":
            return said(
                "{name} is half the sum of squares of one tensor; torch's mse_loss is the mean of squared differences "
                "of two.",
                name=name,
            )
        case "same-mean":
            return said("sklearn's {name} is the mean over all entries, as torch's loss is.", name=name)
        case "log1p":
            return said("{name} compares log(1 + value) of both: torch's mse_loss of torch.log1p of both.", name=name)
        case "boosted":
            return said(
                "{name} of gradient boosting is the mean of −log of the probability that the right label got, like "
                "torch's binary_cross_entropy (mlogloss: cross_entropy) on probabilities. The raw scores (margins) "
                "belong into binary_cross_entropy_with_logits.",
                name=name,
            )
        case "transducer":
            return said(
                "torch.nn.functional has no {name} loss (torchaudio has rnnt_loss). Like ctc_loss, for which the "
                "example stands, it is −log of the probability of all alignments added up. Of normalised outputs "
                "(log_softmax over labels and blank at every step) that probability is at most 1, so the loss cannot "
                "be negative; of others it can exceed 1.",
                name=name,
            )
        case _:
            assert_never(difference)
