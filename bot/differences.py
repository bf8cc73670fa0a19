"""How losses of other frameworks differ from torch's, in a sentence each."""

from __future__ import annotations

import math
from typing import Final, assert_never

from bot.reading.question import Foreign
from explainers.messages import Message, said

_KERAS_EPSILON: Final = 1e-7


def difference(foreign: Foreign) -> Message:
    """What matters when the loss is replaced by torch's."""
    name, most = foreign.name, f"{-math.log(_KERAS_EPSILON):.5g}"
    match foreign.difference:
        case "keras-probabilities":
            return said(
                "Keras' {name} takes probabilities unless from_logits=True; torch's cross_entropy takes raw scores "
                "(logits) and applies log_softmax itself. Keras also clips probabilities at epsilon 1e-7, so no term "
                "exceeds -log(1e-7) ≈ {most}.",
                name=name,
                most=most,
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
                "{name} returns one value per row and leaves the mean to you; torch's loss averages unless "
                "reduction='none'.",
                name=name,
            )
        case "optax-half":
            return said("{name} has a factor of one half, which torch's mse_loss does not have.", name=name)
        case "sklearn":
            return said(
                "sklearn's {name} is the mean over the samples of natural logarithms: the same number as torch's "
                "binary_cross_entropy. It takes whole numbers as labels, where torch wants floats.",
                name=name,
            )
        case _:
            assert_never(foreign.difference)
