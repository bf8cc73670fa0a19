from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.loopback_discord.entities import Channel
from tests.loopback_discord.fixtures import loopback
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.raw import Raw, speaking

__all__ = ["loopback"]


@pytest_asyncio.fixture
async def raw(loopback: Loopback) -> AsyncGenerator[Raw]:
    async with speaking(loopback.discord) as raw:
        yield raw


@pytest.fixture
def general(loopback: Loopback) -> Channel:
    """A text channel where the bot may do what everybody may."""
    return loopback.channel(loopback.guild())
