"""Requests that are made again where a connection was cut or Discord failed, beyond what discord.py retries itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import aiohttp
import discord

T = TypeVar("T")

CUT: Final = (discord.DiscordServerError, aiohttp.ClientError, TimeoutError, OSError)
"""What discord.py raises where a request may or may not have had its effect."""

FAILURES: Final = (discord.DiscordException, *CUT)
"""What any request may raise."""

_PAUSES: Final = (0.3, 1.0, 3.0)


async def retried(request: Callable[[], Awaitable[T]]) -> T:
    """Only for what may happen twice without harm: an edit, a deletion, a message with a nonce. Raises FAILURES."""
    for pause in _PAUSES:
        try:
            return await request()
        except CUT:
            await asyncio.sleep(pause)
    return await request()
