"""`whyloss health`: whether the service at the socket answers, for a container's health check."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from bot.exchange import Ask
from bot.fleet.connection import Connection
from bot.fleet.port import FleetLost

_SECONDS: Final = 10.0


async def check(path: Path) -> int:
    """0 where an empty message gets its answer, which takes one jailed child; 1 where none comes."""
    try:
        connection = await Connection.to(path, _SECONDS)
        try:
            async with asyncio.timeout(_SECONDS):
                await connection.answer(Ask(id="health", text=""), lambda _news: None)
        finally:
            await connection.close()
    except (FleetLost, TimeoutError) as error:
        print(f"whyloss: no answer at {path}: {error or 'it takes too long'}", file=sys.stderr)
        return 1
    return 0
