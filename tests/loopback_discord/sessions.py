"""A gateway session: the numbered events that outlive a connection, and the connection that carries them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from tests.loopback_discord.entities import Guild, Json
from tests.loopback_discord.gateway_codes import Intent, Op


class Packer(Protocol):
    """Makes of one payload's bytes what goes over the socket."""

    def __call__(self, payload: bytes, /) -> bytes: ...


def zlib_stream() -> Packer:
    """One zlib context for a whole connection, flushed (00 00 ff ff) after each payload."""
    context = zlib.compressobj()
    return lambda payload: context.compress(payload) + context.flush(zlib.Z_SYNC_FLUSH)


class Connection:
    """One WebSocket. What is sent goes out in order, from a task of its own, and `close` or `drop` after it."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, pack: Packer | None) -> None:
        self._socket = socket
        self._request = request
        self._pack = pack
        self.ended_here = False
        self._outbox: asyncio.Queue[Json | int | None] = asyncio.Queue()
        self._sending = asyncio.create_task(self._send())

    def send(self, op: Op, data: object = None, *, name: str | None = None, seq: int | None = None) -> None:
        self._outbox.put_nowait({"op": int(op), "d": data, "t": name, "s": seq})

    def close(self, code: int) -> None:
        self.ended_here = True
        self._outbox.put_nowait(code)

    def drop(self) -> None:
        """Ends the connection below the WebSocket, without a close frame, as a cut cable does."""
        self.ended_here = True
        self._outbox.put_nowait(None)

    async def ended(self) -> None:
        """The reading side has ended: nothing is sent any more."""
        self._sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sending

    async def _send(self) -> None:
        with contextlib.suppress(ConnectionError):  # whoever reads has noticed it too
            while isinstance(item := await self._outbox.get(), dict):
                await self._write(json.dumps(item).encode())
            if isinstance(item, int):
                await self._socket.close(code=item)
            elif self._request.transport is not None:
                self._request.transport.abort()

    async def _write(self, payload: bytes) -> None:
        if self._pack is None:
            await self._socket.send_str(payload.decode())
        else:
            await self._socket.send_bytes(self._pack(payload))


@dataclass(eq=False)
class Session:
    """`events` are all that were dispatched, in order; the first has number 1."""

    id: str
    intents: Intent
    shard: tuple[int, int]
    connection: Connection | None = None
    events: list[tuple[str, Json]] = field(default_factory=list[tuple[str, Json]])

    def dispatch(self, name: str, data: Json) -> None:
        """Sends the event, or keeps it for a RESUME."""
        self.events.append((name, data))
        if self.connection is not None:
            self.connection.send(Op.DISPATCH, data, name=name, seq=len(self.events))

    def resume(self, connection: Connection, seen: int) -> None:
        """Sends again what came after event number `seen`, then RESUMED."""
        self.connection = connection
        for number, (name, data) in enumerate(self.events[seen:], seen + 1):
            connection.send(Op.DISPATCH, data, name=name, seq=number)
        self.dispatch("RESUMED", {"_trace": []})

    def covers(self, guild: Guild | None) -> bool:
        """Whether this shard is told what happens there; direct messages go to shard 0."""
        index, count = self.shard
        return index == (0 if guild is None else (guild.id >> 22) % count)


def every(sessions: Sequence[Session], guild: Guild | None, intent: Intent) -> list[Session]:
    """Those that asked for events of this kind from there."""
    return [each for each in sessions if each.covers(guild) and each.intents & intent == intent]
