"""The bot on a Discord of our own: with the real evaluator service, or with a fleet that a test scripts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog

from bot.chat.client import Parts
from bot.chat.running import serve
from bot.exchange import PROTOCOL, Answer, Ask, Catalogue, Loss
from bot.fleet.connection import Connection
from bot.fleet.port import EvaluatorFleet, Progress
from bot.languages import translators
from bot.settings import DiscordSettings, Settings
from bot.store import opened
from tests.loopback_discord.entities import Channel, Guild
from tests.loopback_discord.fixtures import loopback
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.person import Person

__all__ = ["loopback"]

END_SECONDS = 20.0

MSE = Loss("mse_loss", "MSELoss", ("input", "target"), (), "F.mse_loss(x, y)")

Script = Callable[[Ask, Progress], Any]
Start = Callable[..., AbstractAsyncContextManager["Running"]]


@dataclass
class Logged:
    """The lines of a log."""

    lines: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, _logger: object, level: str, event: structlog.typing.EventDict) -> Any:
        """A structlog processor."""
        self.lines.append({"level": level, **event})
        self.changed.set()
        raise structlog.DropEvent


@dataclass
class Running:
    """A bot that is connected, what it told who started it, and its log."""

    task: asyncio.Task[int]
    told: list[str]
    logged: Logged

    async def has_logged(self, event: str, within: float = 10.0) -> dict[str, Any]:
        """The first line of this event, once it is there."""
        async with asyncio.timeout(within):
            while not (found := [line for line in self.logged.lines if line["event"] == event]):
                await self.logged.changed.wait()
                self.logged.changed.clear()
        return found[0]

    async def stop(self) -> None:
        """As SIGTERM does."""
        self.task.cancel()
        await asyncio.wait([self.task], timeout=END_SECONDS)
        assert self.task.done(), "the bot does not end"


@dataclass
class Scripted:
    """A fleet that answers as a test says, and remembers what it was asked, and what was cancelled."""

    script: Script
    asked: list[Ask] = field(default_factory=list[Ask])
    cancelled: list[Ask] = field(default_factory=list[Ask])

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(
            PROTOCOL, "2.0", (Loss("mse_loss", "MSELoss", ("input", "target"), (), "F.mse_loss(x, y)"),), ()
        )

    async def answer(self, ask: Ask, on_progress: Progress) -> Answer:
        self.asked.append(ask)
        try:
            found = self.script(ask, on_progress)
            return await found if asyncio.iscoroutine(found) else found
        except asyncio.CancelledError:
            self.cancelled.append(ask)
            raise

    async def close(self) -> None:
        pass


@pytest.fixture
def start(loopback: Loopback, tmp_path: Path) -> Start:
    """Starts the bot with a fleet, as often as a test likes: the store is the same each time."""

    @asynccontextmanager
    async def start(fleet: EvaluatorFleet, **discord: Any) -> AsyncGenerator[Running]:
        told, logged = list[str](), Logged()
        log = structlog.wrap_logger(None, processors=[logged.take])
        settings = Settings(discord=DiscordSettings(**discord))
        async with opened(f"sqlite+aiosqlite:///{tmp_path}/claims.sqlite3") as claims:
            parts = Parts(settings, fleet, claims, translators(), log)
            running = Running(asyncio.create_task(serve(parts, loopback.token, told.append)), told, logged)
            connected = asyncio.create_task(loopback.connected())
            await asyncio.wait([running.task, connected], return_when=asyncio.FIRST_COMPLETED)
            try:
                yield running
            finally:
                connected.cancel()
                await running.stop()

    return start


@pytest_asyncio.fixture
async def chat(start: Start, connection: Connection) -> AsyncGenerator[Running]:
    """The bot with the real evaluator service."""
    async with start(connection) as running:
        yield running


@dataclass(frozen=True)
class Place:
    """A server with a channel and somebody in it."""

    guild: Guild
    general: Channel
    alice: Person


@pytest.fixture
def place(loopback: Loopback) -> Place:
    guild = loopback.guild()
    return Place(guild, loopback.channel(guild), loopback.person("alice", guild))
