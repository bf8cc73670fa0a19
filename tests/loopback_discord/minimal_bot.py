"""The least bot of discord.py, for the loopback's own tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import discord
from discord import app_commands

from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.pulse import Pulse

Hears = Callable[[discord.Message], Awaitable[object]]


class Bot(discord.Client):
    """`hears` is awaited for each message of another; `heard` are their texts as they came, `pulse` beats at events."""

    def __init__(
        self, *, intents: discord.Intents | None = None, hears: Hears | None = None, heartbeat_timeout: float = 60.0
    ) -> None:
        super().__init__(
            intents=intents or with_content(),
            guild_ready_timeout=0.02,
            heartbeat_timeout=heartbeat_timeout,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self.tree = app_commands.CommandTree(
            self,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
        )
        self.heard: list[str] = []
        self.pulse = Pulse()
        self._hears = hears

    def dispatch(self, event: str, /, *args: object, **kwargs: object) -> None:
        super().dispatch(event, *args, **kwargs)
        self.pulse.beat()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Waits no five seconds before a second IDENTIFY, as discord.py does out of regard for Discord."""

    async def on_message(self, message: discord.Message) -> None:
        if message.author == self.user:
            return
        self.heard.append(message.content)
        self.pulse.beat()
        if self._hears is not None:
            await self._hears(message)


def with_content() -> discord.Intents:
    intents = discord.Intents.default()
    intents.message_content = True
    return intents


@asynccontextmanager
async def online(loopback: Loopback, bot: Bot) -> AsyncGenerator[Bot]:
    """The bot, connected and ready, for as long as the context lasts; an error that ends it is raised."""
    async with bot:
        running = asyncio.create_task(bot.start(loopback.token))
        ready = asyncio.create_task(bot.wait_until_ready())
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            ready.cancel()
            running.result()
        try:
            yield bot
        finally:
            await bot.close()
            with contextlib.suppress(asyncio.CancelledError):
                await running
