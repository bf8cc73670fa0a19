"""The sign that somebody is typing: our acknowledgement of a message, until its reply is there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import discord

from bot.chat.retrying import FAILURES
from bot.exchange import Queued, Stage

_SHOWN_SECONDS: Final = 8.0
"""Discord shows it for ten."""


class Typing:
    """Begins when it is told to; a request for it that fails or hangs holds up nothing."""

    def __init__(self, channel: discord.abc.Messageable) -> None:
        self._channel = channel
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = self._task or asyncio.create_task(self._keep())

    def hear(self, news: Queued | Stage) -> None:
        """Begins when it turns out that a message is a question: it is being evaluated."""
        if isinstance(news, Stage) and news.name != "read":
            self.begin()

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(*FAILURES):
                await self._channel.typing()
            await asyncio.sleep(_SHOWN_SECONDS)


@asynccontextmanager
async def typing(channel: discord.abc.Messageable, *, at_once: bool) -> AsyncGenerator[Typing]:
    """Typing until the context ends, from its beginning or from when it is told."""
    shown = Typing(channel)
    if at_once:
        shown.begin()
    try:
        yield shown
    finally:
        await shown.end()
