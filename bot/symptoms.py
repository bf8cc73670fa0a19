"""A symptom without anything to compute: the example of what causes it most often is run; what else it can be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from bot.exchange import Catalogue
from bot.reading.question import Claim
from explainers.messages import Message, said

CAUSES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "nan": (
            *("log-of-nonpositive", "zero-over-zero", "sqrt-zero-gradient", "learning-rate-too-large"),
            *("half-overflow", "ce-all-targets-ignored", "inf-minus-inf", "nonfinite-input"),
        ),
        "inf": (
            *("number-overflow", "division-by-zero", "log-of-nonpositive", "half-overflow", "learning-rate-too-large"),
            *("ctc-input-too-short", "masked-target-minus-inf"),
        ),
        "negative": (
            *("nll-on-probabilities", "nll-on-raw-logits", "kl-input-not-log", "bcewl-target-outside-01"),
            *("density-nll-may-be-negative", "dice-on-logits", "dice-negated", "ctc-needs-log-probs"),
        ),
        "stuck": (
            *("ce-double-softmax", "chance-level-ln-c", "optimizer-not-stepped", "zero-grad-before-step"),
            *("gradient-cut-silently", "regression-broadcast", "learning-rate-too-small", "learning-rate-too-large"),
            *("parameters-frozen", "softmax-over-single-logit"),
        ),
    }
)
"""Symptom → slugs, what is met most often first."""

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"nan": "nan", "inf": "inf", "negative": "negative", "not-decreasing": "stuck", "always-same": "stuck"}
)


def symptom(claims: tuple[Claim, ...]) -> str | None:
    """The first symptom that the claims name, None where they name none."""
    named = (_WORDS.get(claim.value) for claim in claims if isinstance(claim.value, str))
    return next((word for word in named if word is not None), None)


def causes(of: str, shown: Collection[str], catalogue: Catalogue, locale: str) -> Iterator[Message]:
    """What else most often causes the symptom than what an example has shown, and how to find the place."""
    titles = {kind.slug: kind.titles for kind in catalogue.diagnoses}
    known = [titles[slug].get(locale, slug) for slug in CAUSES[of] if slug in titles and slug not in shown]
    yield said(
        "This is one cause of it, run on numbers of ours; without your code it may as well be: {titles}.",
        titles="; ".join(known),
    )
    match of:
        case "nan" | "inf":
            yield said(
                "To find the place: torch.autograd.set_detect_anomaly(True) names the step of the backward pass that "
                "gives the first nan; torch.isfinite(x).all() of inputs, outputs and loss tells which of them is the "
                "first. If it comes after many good steps, try a smaller learning rate or clip the gradients, which "
                "explode before they overflow."
            )
        case "negative":
            yield said(
                "To find the place: print the least and the largest of what the loss is given, and of its targets."
            )
        case _:
            yield said(
                "To find the place: print the norm of each parameter's gradient after backward(), and the loss of one "
                "small batch trained for a hundred steps, which must come near its least value."
            )
