"""A connection that ends before it began."""

import asyncio
import socket

from bot.fleet.connection import Connection


async def test_a_service_that_is_given_up_before_it_greets_is_let_go() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.settimeout(2)
        greeting = asyncio.create_task(Connection.over(ours, 60))
        await asyncio.sleep(0.05)
        greeting.cancel()
        await asyncio.wait([greeting])
        assert await asyncio.to_thread(theirs.recv, 1) == b""
