"""The fixture, for a conftest to import."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.server import serving


@asynccontextmanager
async def judged() -> AsyncGenerator[Loopback]:
    """A Discord; whatever was asked of it that a correct client does not ask fails the test at its end."""
    async with serving() as discord:
        here = Loopback(discord)
        yield here
    if violations := here.violations():
        pytest.fail("the bot asked what a correct client does not:\n" + "\n".join(violations))


@pytest_asyncio.fixture
async def loopback() -> AsyncGenerator[Loopback]:
    """A Discord of its own for each test."""
    async with judged() as loopback:
        yield loopback
