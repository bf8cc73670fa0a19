"""Keeps one zygote alive: starts another when it dies, and replaces it when it has forked enough."""

import asyncio
import contextlib
from typing import Final

from bot.evaluator.orders import ZygoteSettings
from bot.evaluator.zygote_process import START_SECONDS, ZygoteFailed, ZygoteProcess

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 30.0


class ZygoteKeeper:
    """Gives the current zygote.

    All children of a zygote share its address layout and hash secret, so it is replaced after `rotate_after` forks; its
    successor is ready before it retires.
    """

    def __init__(self, settings: ZygoteSettings, rotate_after: int) -> None:
        self._settings = settings
        self._rotate_after = rotate_after
        self._zygote: ZygoteProcess | None = None
        self._changed = asyncio.Condition()
        self._worn = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._retired: list[ZygoteProcess] = []

    async def start(self) -> ZygoteProcess:
        """The first zygote; raises ZygoteFailed, because one that never started will not start the next time either."""
        self._zygote = await ZygoteProcess.start(self._settings)
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
        if self._zygote.forks >= self._rotate_after:
            self._worn.set()
        return self._zygote

    def is_current(self, zygote: ZygoteProcess) -> bool:
        return zygote is self._zygote and zygote.alive

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for zygote in (*self._retired, *([] if self._zygote is None else [self._zygote])):
            await zygote.close()

    async def _keep(self) -> None:
        while True:
            old = await self._until_replacement()
            self._worn.clear()
            new = await self._start_another()
            async with self._changed:
                self._zygote = new
                self._changed.notify_all()
            await self._put_aside(old)

    async def _until_replacement(self) -> ZygoteProcess:
        assert self._zygote is not None
        worn = asyncio.create_task(self._worn.wait())
        try:
            await asyncio.wait([worn, self._zygote.died], return_when=asyncio.FIRST_COMPLETED)
        finally:
            worn.cancel()
        return self._zygote

    async def _start_another(self) -> ZygoteProcess:
        pause = _FIRST_PAUSE
        while True:
            try:
                return await ZygoteProcess.start(self._settings)
            except (ZygoteFailed, OSError):
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def _put_aside(self, old: ZygoteProcess) -> None:
        old.retire()
        self._retired.append(old)
        for zygote in [zygote for zygote in self._retired if not zygote.alive]:
            self._retired.remove(zygote)
            await zygote.close()
