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

_TOO_MANY: Final = 429
_PAUSES: Final = (0.3, 1.0, 3.0)


async def retried(request: Callable[[], Awaitable[T]]) -> T:
    """Only for what may happen twice without harm: an edit, a deletion, a message with a nonce. Raises FAILURES."""
    for pause in _PAUSES:
        try:
            return await request()
        except FAILURES as error:
            if not may_succeed(error):
                raise
            await asyncio.sleep(pause)
    return await request()


def may_succeed(error: BaseException) -> bool:
    """Whether the same request may succeed soon; a 429 comes here where discord.py takes it for a ban by a proxy."""
    return isinstance(error, CUT) or (isinstance(error, discord.HTTPException) and error.status == _TOO_MANY)
