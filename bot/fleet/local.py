"""The evaluator service as a child of this process, over a socket that has no name."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from typing import Final, Self

from bot.exchange import Answer, Ask, Catalogue
from bot.fleet.connection import Connection
from bot.fleet.port import FleetLost, FleetUnfit, Progress
from bot.settings import BELOW_FLOOR, Settings, environment_of

START_SECONDS: Final = 180.0
_END_SECONDS: Final = 5.0


class LocalFleet:
    """One service of our own. It inherits no environment but these settings, and ends with the connection."""

    def __init__(self, process: asyncio.subprocess.Process, connection: Connection) -> None:
        self._process = process
        self._connection = connection

    @classmethod
    async def started(cls, settings: Settings) -> Self:
        """Starts it and waits until it is warm (seconds); raises FleetLost, FleetUnfit."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            process = await _execute(settings, theirs)
        try:
            return cls(process, await Connection.over(ours, START_SECONDS))
        except FleetLost as error:
            ours.close()
            status = await _ended(process)
            if status == BELOW_FLOOR:
                raise FleetUnfit("the jail is weaker than evaluator.sandbox_floor accepts (whyloss doctor)") from None
            raise FleetLost(f"{error} (exit status {status})") from None
        except BaseException:
            ours.close()
            await _ended(process)
            raise

    @property
    def pid(self) -> int:
        """Of the service's process."""
        return self._process.pid

    @property
    def catalogue(self) -> Catalogue:
        return self._connection.catalogue

    async def answer(self, ask: Ask, on_progress: Progress) -> Answer:
        return await self._connection.answer(ask, on_progress)

    async def lost(self) -> str:
        return await self._connection.lost()

    async def close(self) -> None:
        """Ends the service."""
        await self._connection.close()
        await _ended(self._process)


async def _execute(settings: Settings, theirs: socket.socket) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", "bot", "evaluator", "--descriptor", str(theirs.fileno()), "--log-level", "error"),
        pass_fds=[theirs.fileno()],
        env=environment_of(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd="/",
    )


async def _ended(process: asyncio.subprocess.Process) -> int:
    """Its exit status; it ends by itself when its connection does, and is made to where it doesn't."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            return await process.wait()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    return await process.wait()
