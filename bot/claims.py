"""What the asker states, as it was read → as the explainer judges it, and as the Answer repeats it."""

from __future__ import annotations

from bot import exchange
from bot.exchange import worded
from bot.reading.question import Claim
from explainers import claims


def for_explainer(found: tuple[Claim, ...]) -> tuple[claims.Claim, ...]:
    """The claims without their place in the message."""
    return tuple(claims.Claim(each.kind, worded(each.value), each.radius, each.text) for each in found)


def for_answer(found: tuple[Claim, ...]) -> tuple[exchange.Claim, ...]:
    """The claims without digits' radius and place."""
    return tuple(exchange.Claim(each.kind, worded(each.value)) for each in found)


def printed(found: tuple[Claim, ...]) -> tuple[tuple[float, float], ...]:
    """The single numbers that were printed, each with the radius that its digits leave open."""
    values = ((claim.value, claim.radius) for claim in found if claim.kind == "printed")
    return tuple((float(value), radius) for value, radius in values if not isinstance(value, tuple))
