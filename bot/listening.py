"""A unix socket for this user alone, and who stands behind it: the service, or one who only says why there is none."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from bot.evaluator.frames import encode, send_frame
from bot.exchange import Unfit

_SEND_SECONDS: Final = 1.0


class SocketTaken(RuntimeError):
    """A service listens there already, or what lies there is no socket."""


class Talker(Protocol):
    """Talks to each client that connects."""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until it or the talker goes."""
        ...

    async def close(self) -> None:
        """Ends all conversations."""
        ...


class Refusal:
    """Tells each client why no code is evaluated here, and no more."""

    def __init__(self, reason: str) -> None:
        self._greeting = encode(Unfit(reason))

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_SEND_SECONDS):
                await send_frame(writer, self._greeting, len(self._greeting))
        writer.close()

    async def close(self) -> None:
        """Nobody is talked to for longer than a second."""


@asynccontextmanager
async def listening(talker: Talker, path: Path) -> AsyncGenerator[None]:
    """A socket at `path` that only this user may open; takes the place of one that a dead service left.

    Raises SocketTaken, OSError.
    """
    clear(path)
    before = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(talker.talk, path)
    finally:
        os.umask(before)
    try:
        yield
    finally:
        server.close()
        clear(path)
        await talker.close()


def clear(path: Path) -> None:
    """Removes a socket that nobody listens at any more; raises SocketTaken for what must stay."""
    if not path.exists():
        return
    if not path.is_socket():
        raise SocketTaken(f"{path} is no socket: name another place with --socket")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise SocketTaken(f"a service listens at {path} already: stop it, or name another place with --socket")
