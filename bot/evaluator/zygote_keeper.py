"""Keeps one zygote alive and fresh: another takes its place when it dies, is worn, or says what it should not."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from bot.evaluator.orders import ZygoteSettings
from bot.evaluator.zygote_process import START_SECONDS, ZygoteFailed, ZygoteProcess

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 30.0

Check = Callable[[ZygoteProcess], Awaitable[None]]


@dataclass(frozen=True)
class Wear:
    """When a zygote is replaced: all children of one share its address layout and its hash secret.

    `standby`: seconds after which a stand-in is started, so that a zygote's death costs no import of torch; a service
    that lives for less needs none. None: never before it is needed.
    """

    forks: int
    seconds: float = 6 * 3600.0
    standby: float | None = 20.0


class ZygoteKeeper:
    """Gives the current zygote. `check`: asked of every zygote before it serves; what it raises keeps that one out."""

    def __init__(self, settings: ZygoteSettings, wear: Wear, check: Check | None = None) -> None:
        self._settings = settings
        self._wear = wear
        self._check = check
        self._zygote: ZygoteProcess | None = None
        self._changed = asyncio.Condition()
        self._worn = asyncio.Event()
        self._wanted = asyncio.Event()
        self._standby: asyncio.Task[ZygoteProcess] | None = None
        self._task: asyncio.Task[None] | None = None
        self._retired: list[ZygoteProcess] = []

    async def start(self) -> ZygoteProcess:
        """The first zygote; raises ZygoteFailed and what the check raises, because one that never started will not
        start the next time either.
        """
        self._zygote = await self._start_one()
        self._standby = asyncio.create_task(self._stand_by())
        self._task = asyncio.create_task(self._keep())
        return self._zygote

    async def current(self) -> ZygoteProcess:
        """A living zygote to fork from, as soon as there is one; raises ZygoteFailed when none comes."""
        try:
            async with asyncio.timeout(START_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self._zygote is not None and self._zygote.alive)
        except TimeoutError:
            raise ZygoteFailed(f"no zygote could be started within {START_SECONDS:g} s") from None
        assert self._zygote is not None
        if self._zygote.forks >= self._wear.forks:
            self._worn.set()
        return self._zygote

    def is_current(self, zygote: ZygoteProcess) -> bool:
        return zygote is self._zygote and zygote.alive

    async def stood_by(self) -> None:
        """Until a stand-in is ready, after `start`."""
        if self._standby is not None:
            await asyncio.shield(self._standby)

    async def close(self) -> None:
        for task in (self._task, self._standby):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        ready = [] if self._standby is None or self._standby.cancelled() else [self._standby.result()]
        for zygote in (*self._retired, *ready, *([] if self._zygote is None else [self._zygote])):
            await zygote.close()

    async def _keep(self) -> None:
        while True:
            assert self._zygote is not None
            assert self._standby is not None
            old = self._zygote
            await self._until_replacement(old)
            self._wanted.set()
            new = await self._standby
            if not new.alive:
                new = await self._start_another()
            self._wanted.clear()
            self._standby = asyncio.create_task(self._stand_by())
            async with self._changed:
                self._zygote = new
                self._worn.clear()
                self._changed.notify_all()
            await self._put_aside(old)

    async def _until_replacement(self, zygote: ZygoteProcess) -> None:
        waits = [asyncio.create_task(self._worn.wait()), asyncio.create_task(zygote.faulty.wait())]
        try:
            await asyncio.wait([*waits, zygote.died], timeout=self._wear.seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _stand_by(self) -> ZygoteProcess:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._wear.standby):
                await self._wanted.wait()
        return await self._start_another()

    async def _start_another(self) -> ZygoteProcess:
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._start_one()
            except (RuntimeError, OSError):  # whatever keeps it out may pass; until then there is no zygote
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def _start_one(self) -> ZygoteProcess:
        zygote = await ZygoteProcess.start(self._settings)
        try:
            if self._check is not None:
                await self._check(zygote)
        except BaseException:
            await zygote.close()
            raise
        return zygote

    async def _put_aside(self, old: ZygoteProcess) -> None:
        old.retire()
        self._retired.append(old)
        for zygote in [zygote for zygote in self._retired if not zygote.alive]:
            self._retired.remove(zygote)
            await zygote.close()
