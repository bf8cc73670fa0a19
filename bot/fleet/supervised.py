"""A fleet that comes back: what is lost is opened again, and who was waiting for it is answered by the next."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from bot.exchange import Answer, Ask, Catalogue
from bot.fleet.connection import Connection
from bot.fleet.local import START_SECONDS, LocalFleet
from bot.fleet.port import FleetAbsent, FleetLost, FleetUnfit, LosableFleet, Progress
from bot.log import Log
from bot.settings import Settings

Opener: TypeAlias = Callable[[], Awaitable[LosableFleet]]

_GREETING_SECONDS: Final = 5.0
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0


def opener(settings: Settings) -> Opener:
    """Connects to the socket that the settings name, or starts a service of our own where they name none."""
    if "socket" in settings.evaluator.model_fields_set:
        return lambda: Connection.to(settings.evaluator.socket, _GREETING_SECONDS)
    return lambda: LocalFleet.started(settings)


@asynccontextmanager
async def supervised(open_fleet: Opener, log: Log) -> AsyncGenerator[Supervised]:
    """Returns at once; Asks wait for the first fleet, which takes seconds to start."""
    fleet = Supervised(open_fleet, log)
    try:
        yield fleet
    finally:
        await fleet.close()


class Supervised:
    """An EvaluatorFleet over one LosableFleet after the other."""

    def __init__(self, open_fleet: Opener, log: Log) -> None:
        self._open = open_fleet
        self._log = log
        self._fleet: LosableFleet | None = None
        self._changed = asyncio.Condition()
        self._lost: FleetLost = FleetAbsent("the evaluator has not started yet")
        self._is_starting = True
        self._keeping = asyncio.create_task(self._keep())

    @property
    def catalogue(self) -> Catalogue:
        """Of the fleet that is there now; raises FleetLost, FleetUnfit while there is none."""
        if self._fleet is None:
            raise self._lost.with_traceback(None)
        return self._fleet.catalogue

    async def answer(self, ask: Ask, on_progress: Progress) -> Answer:
        """An Ask that was lost with its fleet is asked once more: it need not be what the fleet died of.

        Raises FleetAbsent where none came to ask.
        """
        await self._until(lambda: not self._is_starting, START_SECONDS)
        fleet = await self._other_than(None, ask.deadline)
        try:
            return await fleet.answer(ask, on_progress)
        except FleetLost:
            fleet = await self._other_than(fleet, ask.deadline)
            return await fleet.answer(ask, on_progress)

    @property
    def _is_unfit(self) -> bool:
        return isinstance(self._lost, FleetUnfit)

    async def close(self) -> None:
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)

    async def _other_than(self, gone: LosableFleet | None, seconds: float) -> LosableFleet:
        """The fleet that is there, waited for; raises FleetLost after so many seconds, FleetUnfit at once."""
        await self._until(lambda: self._fleet not in (None, gone) or self._is_unfit, seconds)
        if self._fleet is None or self._fleet is gone:
            raise self._lost.with_traceback(None)
        return self._fleet

    async def _until(self, holds: Callable[[], bool], seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(holds)

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                fleet = await self._open()
            except (FleetLost, OSError) as error:
                await self._become(None, error if isinstance(error, FleetUnfit) else FleetAbsent(str(error)))
                self._log.error("no evaluator", reason=str(error), retry_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            await self._stay_with(fleet)

    async def _stay_with(self, fleet: LosableFleet) -> None:
        try:
            await self._become(fleet, FleetLost("the evaluator went away"))
            self._log.info("evaluator ready", torch=fleet.catalogue.torch)
            self._lost = FleetLost(await fleet.lost())
            self._log.error("evaluator lost", reason=str(self._lost))
        finally:
            self._fleet = None
            await fleet.close()

    async def _become(self, fleet: LosableFleet | None, lost: FleetLost) -> None:
        """`lost` is why there is none, or will be none."""
        async with self._changed:
            self._fleet, self._lost, self._is_starting = fleet, lost, False
            self._changed.notify_all()
