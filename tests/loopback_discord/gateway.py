"""The WebSocket that tells the bot what happens, and what a test can do to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import web

from tests.loopback_discord.conversation import Conversation
from tests.loopback_discord.entities import Guild, Json
from tests.loopback_discord.gateway_codes import Close, Intent, Op
from tests.loopback_discord.portal import Portal
from tests.loopback_discord.sessions import Connection, Session, every, zlib_stream
from tests.loopback_discord.world import World

PACKERS: Final = {"zlib-stream": zlib_stream}
"""The transport compressions that are spoken here."""

_GIVING_UP: Final = {aiohttp.WSCloseCode.OK, aiohttp.WSCloseCode.GOING_AWAY}


@dataclass(eq=False)
class Gateway:
    """All sessions. `identifies`, `resumes`, `heartbeats` count what the client sent, `closed` is with which codes.

    `refusing` is how many of the next connections are refused, `invalidating` how many RESUMEs fail,
    `acknowledging` whether heartbeats are, and `heartbeat_ms` what HELLO asks for.
    """

    world: World
    portal: Portal
    url: str = ""
    refusing: int = 0
    invalidating: int = 0
    acknowledging: bool = True
    heartbeat_ms: int = 41_250
    identifies: int = 0
    resumes: int = 0
    heartbeats: int = 0
    closed: list[int] = field(default_factory=list[int])
    sessions: dict[str, Session] = field(default_factory=dict[str, Session])
    connections: set[Connection] = field(default_factory=set[Connection])

    def dispatch(self, name: str, data: Json, guild: Guild | None, intent: Intent) -> None:
        for session in every(tuple(self.sessions.values()), guild, intent):
            session.dispatch(name, data)

    def reconnect(self) -> None:
        """Asks every client to come back and resume."""
        self._send(Op.RECONNECT)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Tells every client that its session is void."""
        if not resumable:
            self.sessions.clear()
        self._send(Op.INVALID_SESSION, resumable)

    def close(self, code: int) -> None:
        for connection in self.connections:
            connection.close(code)

    def drop(self) -> None:
        """Cuts every connection without a word."""
        for connection in self.connections:
            connection.drop()

    def _send(self, op: Op, data: object = None) -> None:
        for connection in self.connections:
            connection.send(op, data)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One connection from HELLO to its end."""
        if self.refusing:
            self.refusing -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        packer = PACKERS.get(request.query.get("compress", ""))
        connection = Connection(socket, request, packer() if packer else None)
        self.connections.add(connection)
        try:
            await self._talk(socket, request, connection)
        finally:
            self._ended(connection, socket)
            await connection.ended()
        return socket

    async def _talk(self, socket: web.WebSocketResponse, request: web.Request, connection: Connection) -> None:
        if request.query.get("v") != "10" or request.query.get("encoding") != "json":
            connection.close(Close.INVALID_VERSION)
        connection.send(Op.HELLO, {"heartbeat_interval": self.heartbeat_ms, "_trace": []})
        conversation = Conversation(self, connection)
        async for message in socket:
            code = Close.DECODE_ERROR if message.type is not aiohttp.WSMsgType.TEXT else conversation.hear(message.data)
            if code is not None:
                self.closed.append(code)
                connection.close(code)
            self.world.pulse.beat()

    def _ended(self, connection: Connection, socket: web.WebSocketResponse) -> None:
        """A client that closes with 1000 or 1001 of its own accord gives its session up."""
        given_up = not connection.ended_here and socket.close_code in _GIVING_UP
        self.connections.discard(connection)
        for session in [each for each in self.sessions.values() if each.connection is connection]:
            session.connection = None
            if given_up:
                del self.sessions[session.id]
        self.world.pulse.beat()
