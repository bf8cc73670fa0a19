"""The port: what anybody who asks needs to know of those who answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from bot.exchange import Answer, Ask, Catalogue, Queued, Stage

Progress: TypeAlias = Callable[[Queued | Stage], None]


class FleetLost(RuntimeError):
    """Nobody answers any more, or nobody who speaks this protocol; says what happened."""


class FleetAbsent(FleetLost):
    """Nobody is there to be asked: none has started yet, or none listens."""


class FleetUnfit(FleetLost):
    """The evaluator will not serve on this machine: its jail would be weaker than the settings accept."""


class EvaluatorFleet(Protocol):
    """One or many evaluator services."""

    @property
    def catalogue(self) -> Catalogue:
        """What they know."""
        ...

    async def answer(self, ask: Ask, on_progress: Progress) -> Answer:
        """The Answer to an Ask, whose id is the caller's own affair; raises FleetLost.

        Cancelling this cancels the work.
        """
        ...

    async def close(self) -> None:
        """Lets go of whatever it holds; Asks in flight raise FleetLost."""
        ...


class LosableFleet(EvaluatorFleet, Protocol):
    """A fleet that may go away and does not come back."""

    async def lost(self) -> str:
        """Waits until it has gone, and says why."""
        ...
