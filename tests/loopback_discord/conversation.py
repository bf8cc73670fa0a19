"""One client's side of a gateway connection: what it says, and what it is told."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING

from tests.loopback_discord import payloads
from tests.loopback_discord.entities import Json
from tests.loopback_discord.gateway_codes import (
    KNOWN_INTENTS,
    PAYLOAD_BYTES,
    PRIVILEGED,
    SENDS_A_MINUTE,
    Close,
    Intent,
    Op,
)
from tests.loopback_discord.sessions import Connection, Session

if TYPE_CHECKING:
    from tests.loopback_discord.gateway import Gateway


class Conversation:
    """What one client says on one connection, and what it is told."""

    def __init__(self, gateway: Gateway, connection: Connection) -> None:
        self._gateway = gateway
        self._connection = connection
        self._session: Session | None = None
        self._heard: list[float] = []

    def hear(self, text: str) -> Close | None:
        """The code to close with, where this may not be said."""
        now = asyncio.get_running_loop().time()
        self._heard = [*(at for at in self._heard if now - at < 60), now]
        if len(self._heard) > SENDS_A_MINUTE:
            return Close.RATE_LIMITED
        if len(text.encode()) > PAYLOAD_BYTES:
            return Close.DECODE_ERROR
        try:
            payload = json.loads(text)
            op, data = payload["op"], payload.get("d")
        except (ValueError, TypeError, KeyError):
            return Close.DECODE_ERROR
        return self._answer(op, data)

    def _answer(self, op: int, data: Json) -> Close | None:
        match op:
            case Op.HEARTBEAT:
                self._gateway.heartbeats += 1
                if self._gateway.acknowledging:
                    self._connection.send(Op.HEARTBEAT_ACK)
                return None
            case Op.IDENTIFY:
                return self._identify(data)
            case Op.RESUME:
                return self._resume(data)
            case Op.PRESENCE_UPDATE | Op.REQUEST_GUILD_MEMBERS:
                return None if self._session else Close.NOT_AUTHENTICATED
            case _:
                return Close.UNKNOWN_OPCODE

    def _identify(self, data: Json) -> Close | None:
        gateway = self._gateway
        gateway.identifies += 1
        intents, shard = data.get("intents"), tuple(data.get("shard") or (0, 1))
        if self._session is not None:
            return Close.ALREADY_AUTHENTICATED
        if data.get("token") != gateway.portal.token:
            return Close.AUTHENTICATION_FAILED
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            return Close.INVALID_INTENTS
        if intents & PRIVILEGED & ~gateway.portal.privileged:
            return Close.DISALLOWED_INTENTS
        if len(shard) != 2 or not 0 <= shard[0] < shard[1]:
            return Close.INVALID_SHARD
        self._session = Session(secrets.token_hex(16), Intent(intents), shard, self._connection)
        gateway.sessions[self._session.id] = self._session
        self._welcome(self._session)
        return None

    def _welcome(self, session: Session) -> None:
        world, portal = self._gateway.world, self._gateway.portal
        guilds = [each for each in world.guilds.values() if each.bot_joined and session.covers(each)]
        ready: Json = {
            "v": 10,
            "user": payloads.account_payload(world.bot) | {"verified": True, "mfa_enabled": True, "flags": 0},
            "guilds": [{"id": str(each.id), "unavailable": True} for each in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self._gateway.url,
            "shard": list(session.shard),
            "application": {"id": str(world.bot.id), "flags": portal.flags()},
            "private_channels": [],
            "user_settings": {},
            "_trace": [],
        }
        session.dispatch("READY", ready)
        if session.intents & Intent.GUILDS:
            for guild in guilds:
                session.dispatch("GUILD_CREATE", payloads.guild_payload(guild, world.bot))

    def _resume(self, data: Json) -> Close | None:
        gateway = self._gateway
        gateway.resumes += 1
        session, seen = gateway.sessions.get(data.get("session_id", "")), data.get("seq")
        if data.get("token") != gateway.portal.token:
            return Close.AUTHENTICATION_FAILED
        if session is None or gateway.invalidating:
            gateway.invalidating = max(0, gateway.invalidating - 1)
            self._connection.send(Op.INVALID_SESSION, False)
            return None
        if not isinstance(seen, int) or seen > len(session.events):
            return Close.INVALID_SEQUENCE
        self._session = session
        session.resume(self._connection, seen)
        return None
