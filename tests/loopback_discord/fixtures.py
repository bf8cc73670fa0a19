"""The fixture, for a conftest to import."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest_asyncio

from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.server import serving


@pytest_asyncio.fixture
async def loopback() -> AsyncGenerator[Loopback]:
    """A Discord of its own for each test; a body that breaks a rule of Discord's fails the test."""
    async with serving() as discord:
        here = Loopback(discord)
        yield here
    assert not here.violations(), "the bot sent what Discord refuses"
