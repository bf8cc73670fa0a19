"""What a row of the attack suite says, and what is done with it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.evaluator import outcomes
from bot.evaluator.limits import Limits

Assault = Callable[..., Awaitable[outcomes.Outcome]]
"""Runs a program in the jail, holds its end against the endings given, then a canary's bits against those before."""


@dataclass(frozen=True)
class Attack:
    """One thing that a stranger tries, as a program.

    `story`: what it is wanted for; what stops it. `source`: goes on to its end only where it succeeds. `ends`: the
    endings that count as stopped, in the words of `conftest.ending`. `limits`: None for the suite's own.
    """

    story: str
    source: str
    ends: tuple[str, ...]
    limits: Limits | None = None


REFUSED = ("PermissionError",)
