"""What was under way when the process before this one ended: fetched again, and answered, or recorded as lost."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import discord

from bot.chat.desk import Desk
from bot.chat.gathering import revision
from bot.chat.retrying import FAILURES, retried
from bot.log import Log
from bot.store import Claim, Claims

NONCE_SECONDS: Final = 120.0
"""So long a message sent again with its nonce is surely the same message to Discord."""

_MOST_AFTER: Final = 50


async def resume(
    client: discord.Client,
    unfinished: tuple[Claim, ...],
    claims: Claims,
    desk: Desk,
    addressed: Callable[[discord.Message], Awaitable[bool | None]],
    log: Log,
) -> None:
    """Hands every claim that was unfinished before we connected, and that nothing has touched since, to the desk."""
    for claim in unfinished:
        if await claims.find(claim.question) != claim:
            continue  # an edit or a deletion came first
        known_channel = client.get_channel(claim.channel)
        is_known = isinstance(known_channel, discord.abc.Messageable)
        channel = known_channel if is_known else client.get_partial_messageable(claim.channel)
        try:
            message = await retried(lambda channel=channel, id=claim.question: channel.fetch_message(id))
            known = await _with_its_reply(client, message, claim)
        except discord.NotFound:
            await claims.enter(claim.question, "withdrawn")
        except FAILURES as error:
            log.warning("question not answered after the restart", ask=claim.question, reason=type(error).__name__)
            await claims.enter(claim.question, "unknown")
        else:
            await claims.revise(claim.question, revision(message))
            desk.resumed(message, known, direct=await addressed(message) is not False)
    log.info("resumed", questions=len(unfinished))


async def _with_its_reply(client: discord.Client, message: discord.Message, claim: Claim) -> Claim:
    """The claim with the reply that may have been sent without our hearing of it. Raises FAILURES."""
    if claim.reply is not None or claim.state != "sending" or time.time() - claim.changed < NONCE_SECONDS:
        return claim
    assert client.user is not None
    async for later in message.channel.history(after=message, limit=_MOST_AFTER):
        if later.author.id == client.user.id and later.reference and later.reference.message_id == message.id:
            return replace(claim, reply=later.id, layout=later.flags.components_v2)
    return claim
