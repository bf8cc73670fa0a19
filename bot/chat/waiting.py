"""The place in the queue, said to who waits: where the answer will stand, in words that it takes the place of."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from bot.chat import composing
from bot.chat.retrying import FAILURES
from bot.chat.shown import Shown
from bot.chat.surfaces import Gone
from bot.exchange import Queued, Stage
from explainers.locale import Translator
from explainers.messages import said

_PAUSE_SECONDS: Final = 2.0
"""Before it is said at all, and between two changes of it: who waits for less is not told."""

Say: TypeAlias = Callable[[Shown], Awaitable[None]]


class Waiting:
    """Begins with the first place that is heard of, and ends with the turn.

    The place is said again when it is half of what was said: Discord limits a channel's edits, and answers need them.
    """

    def __init__(self, say: Say, translator: Translator) -> None:
        self._say = say
        self._translator = translator
        self._position = 0
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def hear(self, news: Queued | Stage) -> None:
        if isinstance(news, Stage):
            self._over.set()
        else:
            self._position = news.position
            self._task = self._task or asyncio.create_task(self._keep())

    async def end(self) -> None:
        """From here on nothing is said any more: what is being said is said to its end, so that it can't come last."""
        self._over.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)  # the answer meets the same fault, or none

    async def _keep(self) -> None:
        told = 0
        while not await self._ended():
            if not told or self._position <= told / 2:
                told = self._position
                message = said("Your question is number {position} in the queue: its answer comes here.", position=told)
                with contextlib.suppress(Gone, *FAILURES):  # the answer is what they wait for
                    await self._say(composing.sentence(message.say(self._translator)))

    async def _ended(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE_SECONDS):
                await self._over.wait()
        return self._over.is_set()


@asynccontextmanager
async def waiting(say: Say, translator: Translator) -> AsyncGenerator[Waiting]:
    """Says the place with `say`, which may raise Gone and FAILURES, until the context ends."""
    shown = Waiting(say, translator)
    try:
        yield shown
    finally:
        await shown.end()
