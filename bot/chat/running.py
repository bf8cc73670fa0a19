"""`whyloss run`: the evaluator, the store and Discord, brought up together, kept up, and ended in good order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, cast

import discord
from discord.gateway import DiscordWebSocket

from bot.chat.client import LEAST_PERMISSIONS, Client, Parts
from bot.chat.retrying import FAILURES
from bot.fleet.supervised import opener, supervised
from bot.languages import translators
from bot.log import Log
from bot.settings import Settings
from bot.store import opened

_FATAL_CODES: Final = (4004, 4010, 4011, 4012, 4013)
"""Token, shards and intents that Discord will not take the next time either."""

_GOING_AWAY: Final = 4000
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0


class Refused(ValueError):
    """Discord will not have us as we are; says why, and what to change."""


async def run(settings: Settings, token: str, log: Log, tell: Callable[[str], None]) -> int:
    """Serves Discord until cancelled; `tell` gets lines for who started it. Raises Refused, StoreUnusable."""
    known = await asyncio.to_thread(translators)
    async with opened(settings.store.url) as claims, supervised(opener(settings), log) as fleet:
        return await serve(Parts(settings, fleet, claims, known, log), token, tell)


async def serve(parts: Parts, token: str, tell: Callable[[str], None]) -> int:
    """Serves Discord with these parts; cancelled, it finishes what is under way. Raises Refused."""
    _quiet(parts.log)
    client = await _logged_in(parts, token)
    _introduce(client, tell)
    connected = asyncio.create_task(_connected(client, parts.log))
    try:
        await asyncio.shield(connected)
    except asyncio.CancelledError:
        parts.log.info("ending")
        await client.finish()
        raise
    finally:
        await client.close()
        connected.cancel()
        await asyncio.wait([connected])
    return 0


def _introduce(client: Client, tell: Callable[[str], None]) -> None:
    assert client.application_id is not None, "the login was answered"
    server = discord.utils.oauth_url(
        client.application_id, permissions=LEAST_PERMISSIONS, scopes=("bot", "applications.commands")
    )
    user = discord.utils.oauth_url(client.application_id, scopes=("applications.commands",))
    tell(f"{client.user} is logged in")
    tell(f"add it to a server: {server}")
    tell(f"add it to your own apps: {user}&integration_type=1")


async def _logged_in(parts: Parts, token: str) -> Client:
    pause = _FIRST_PAUSE
    while True:
        client = Client(parts)
        try:
            await client.login(token)
            return client
        except discord.LoginFailure:
            await client.close()
            raise Refused("Discord does not know this token: copy it again from the Bot page of the portal") from None
        except FAILURES as error:
            await client.close()
            parts.log.error("not logged in", reason=type(error).__name__, retry_seconds=pause)
        except BaseException:
            await client.close()
            raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _connected(client: Client, log: Log) -> None:
    """The gateway, again and again: discord.py gives up where the first connection fails, or an event is odd."""
    pause = _FIRST_PAUSE
    while not client.is_closed():
        started = asyncio.get_running_loop().time()
        try:
            await client.connect()
        except discord.PrivilegedIntentsRequired:
            raise Refused(
                "Discord does not grant the Message Content intent: switch it on in the portal (Bot page), "
                "or set discord.message_content = false and do without forums"
            ) from None
        except discord.ConnectionClosed as closed:
            if closed.code in _FATAL_CODES:
                raise Refused(f"Discord closed the connection for good (code {closed.code})") from None
            log.error("connection closed", code=closed.code)
        except Exception as error:  # among them an AttributeError of discord.py's own
            log.error("connection failed", error=type(error).__name__, retry_seconds=pause)
        await _let_go(client)
        if asyncio.get_running_loop().time() - started > _LONGEST_PAUSE:
            pause = _FIRST_PAUSE
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _let_go(client: Client) -> None:
    """Closes what a failed connection left open."""
    socket = cast(DiscordWebSocket | None, client.ws)  # None until the first connection
    if socket is not None and socket.open:
        await socket.close(code=_GOING_AWAY)


def _quiet(log: Log) -> None:
    """discord.py's warnings come into our log as what they are made of, without what is filled in: that may quote."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
            log.warning("discord.py", source=record.name, template=str(record.msg), error=error)

    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # of what voice would need
    theirs = logging.getLogger("discord")
    theirs.handlers, theirs.propagate = [Handler()], False
    theirs.setLevel(logging.WARNING)
    logging.getLogger("discord.client").setLevel(logging.ERROR)  # it warns of libraries for voice
