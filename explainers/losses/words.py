"""What a reader is told about each loss: the sentence over its definition, and how its input is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from explainers.messages import Message, said


@dataclass(frozen=True)
class LossWords:
    """`definition` heads the formula, `reading` says how the input is read."""

    definition: Message
    reading: Message


def words() -> Mapping[str, LossWords]:
    """By the loss's name; every registered one has an entry."""
    return MappingProxyType(
        {
            "cross_entropy": LossWords(
                said("Definition: logits in, not probabilities"),
                said(
                    "cross_entropy applies softmax itself: the input is read as raw scores (logits), not probabilities."
                ),
            ),
            "nll_loss": LossWords(
                said("Definition: minus the log-probability of the target"),
                said(
                    "nll_loss only picks the target's entry and flips its sign: the input is read as log-probabilities."
                ),
            ),
            "mse_loss": LossWords(
                said("Definition: squared differences"),
                said("mse_loss squares every difference of the broadcast shapes; there is no factor ½."),
            ),
            "binary_cross_entropy": LossWords(
                said("Definition: probabilities in"),
                said(
                    "binary_cross_entropy reads the input as probabilities in [0, 1] and cuts each logarithm at −100."
                ),
            ),
            "binary_cross_entropy_with_logits": LossWords(
                said("Definition: logits in, not probabilities"),
                said(
                    "binary_cross_entropy_with_logits applies sigmoid itself: the input is read as raw scores (logits)."
                ),
            ),
            "log_softmax": LossWords(
                said("Definition: the logarithm of softmax"),
                said("log_softmax reads the input as raw scores (logits)."),
            ),
            "softmax": LossWords(
                said("Definition: exponentials that sum to one"),
                said("softmax reads the input as raw scores (logits)."),
            ),
        }
    )
