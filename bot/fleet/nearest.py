"""The service that runs on this machine, else one of our own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

from bot.fleet.connection import Connection
from bot.fleet.local import LocalFleet
from bot.fleet.port import EvaluatorFleet, FleetLost, FleetUnfit
from bot.settings import Settings

_GREETING_SECONDS: Final = 5.0


@asynccontextmanager
async def nearest(settings: Settings, on_start: Callable[[], None]) -> AsyncGenerator[EvaluatorFleet]:
    """The fleet at the configured socket; where none answers there, a LocalFleet for as long as the context lasts.

    `on_start` is called before one is started, which takes seconds. Raises FleetLost, FleetUnfit.
    """
    fleet: EvaluatorFleet
    try:
        fleet = await Connection.to(settings.evaluator.socket, _GREETING_SECONDS)
    except FleetUnfit:  # one of our own would have the same jail
        raise
    except FleetLost:
        on_start()
        fleet = await LocalFleet.started(settings)
    try:
        yield fleet
    finally:
        await fleet.close()
