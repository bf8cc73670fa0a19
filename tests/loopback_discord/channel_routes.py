"""Channels, threads and conversations over REST."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from tests.loopback_discord import message_payloads, payloads, posting
from tests.loopback_discord.calls import Call
from tests.loopback_discord.drafts import drafted
from tests.loopback_discord.entities import Channel, ChannelKind, Json
from tests.loopback_discord.interaction_routes import with_prefix
from tests.loopback_discord.message_routes import channel_of, check_sending, message_of
from tests.loopback_discord.permissions import Permission
from tests.loopback_discord.refusals import MissingAccess, Refusal, Unknown
from tests.loopback_discord.rest import Route
from tests.loopback_discord.schema.components import Snowflake
from tests.loopback_discord.schema.reading import fitted
from tests.loopback_discord.state import Discord


class ThreadBody(msgspec.Struct, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    auto_archive_duration: Literal[60, 1440, 4320, 10080] | None = None
    rate_limit_per_user: Annotated[int, Meta(ge=0, le=21600)] | None = None
    type: int | None = None
    message: dict[str, Any] | None = None
    applied_tags: Annotated[list[Snowflake], Meta(max_length=5)] = []


class RecipientBody(msgspec.Struct, frozen=True):
    recipient_id: Snowflake


def get(discord: Discord, call: Call) -> Json:
    return payloads.channel_payload(channel_of(discord, call))


def open_conversation(discord: Discord, call: Call) -> Json:
    account = discord.world.accounts.get(int(fitted(call.body, RecipientBody).recipient_id))
    if account is None:
        raise Unknown("User")
    if account.bot:
        raise Refusal(400, 50007, "Cannot send messages to this user", is_violation=True)
    return payloads.channel_payload(discord.world.conversation(account, discord.world.bot))


def thread_of_message(discord: Discord, call: Call) -> Json:
    """A thread under a message, with the message's id."""
    channel = channel_of(discord, call, Permission.CREATE_PUBLIC_THREADS)
    message, body = message_of(channel, call), fitted(call.body, ThreadBody)
    if message.thread is not None:
        raise Refusal(400, 160004, "A thread has already been created for this message", is_violation=True)
    message.thread = _thread(discord, channel, body.name, message.id)
    discord.tell_channel("THREAD_CREATE", message.thread, newly_created=True)
    return payloads.channel_payload(message.thread)


def thread(discord: Discord, call: Call) -> Json:
    """A thread on its own, or a forum's post with its message."""
    channel, body = channel_of(discord, call, Permission.SEND_MESSAGES), fitted(call.body, ThreadBody)
    made = _thread(discord, channel, body.name, discord.world.snowflake())
    if channel.kind is not ChannelKind.FORUM:
        discord.tell_channel("THREAD_CREATE", made, newly_created=True)
        return payloads.channel_payload(made)
    with_prefix(lambda: _open_post(discord, call, body, made), "message")
    first = made.messages[made.id]
    return payloads.channel_payload(made) | {"message": message_payloads.message_payload(first, discord.base)}


def _open_post(discord: Discord, call: Call, body: ThreadBody, made: Channel) -> None:
    _, draft = drafted(discord, body.message or {}, call.uploads, made)
    check_sending(discord, made, embeds=bool(draft.embeds), files=bool(draft.attachments))
    discord.tell_channel("THREAD_CREATE", made, newly_created=True)
    posting.create(discord, made, discord.world.bot, draft, at=made.id)


def _thread(discord: Discord, parent: Channel, name: str, id_: int) -> Channel:
    guild = parent.guild
    if guild is None:
        raise MissingAccess
    made = Channel(id_, ChannelKind.PUBLIC_THREAD, name, guild, parent, discord.world.bot)
    guild.channels.append(made)
    discord.world.channels[id_] = made
    return made


ROUTES: Final = (
    Route("GET", "/channels/{channel}", get),
    Route("POST", "/users/@me/channels", open_conversation),
    Route("POST", "/channels/{channel}/messages/{message}/threads", thread_of_message, status=201),
    Route("POST", "/channels/{channel}/threads", thread, status=201),
)
