"""Messages over REST."""

from __future__ import annotations

from typing import Final

from tests.loopback_discord import message_payloads, posting
from tests.loopback_discord.calls import Call
from tests.loopback_discord.drafts import drafted
from tests.loopback_discord.entities import Channel, ChannelKind, Json, Message, MessageKind
from tests.loopback_discord.permissions import Permission
from tests.loopback_discord.refusals import InvalidForm, MissingAccess, MissingPermissions, Refusal, Unknown
from tests.loopback_discord.rest import Route
from tests.loopback_discord.schema.messages import MessageBody
from tests.loopback_discord.state import Discord

_NONCE_SECONDS: Final = 300.0
"""How long Discord remembers the nonces of an author, "a few minutes"."""


class _RepliesToNothing(InvalidForm):
    """A question can be deleted before its reply comes, so this is nobody's fault."""

    def __init__(self) -> None:
        where, code = ("message_reference",), "REPLIES_UNKNOWN_MESSAGE"
        super().__init__(where, "Unknown message", code=code, is_violation=False)


def channel_of(discord: Discord, call: Call, *needed: Permission) -> Channel:
    """The channel in the path, where the bot has the permissions; raises Refusal."""
    channel = discord.world.channels.get(call.id("channel"))
    if channel is None:
        raise Unknown("Channel")
    allowed = channel.permissions(discord.world.bot)
    if not allowed & Permission.VIEW_CHANNEL:
        raise MissingAccess
    if any(permission & ~allowed for permission in needed):
        raise MissingPermissions
    return channel


def message_of(channel: Channel, call: Call) -> Message:
    message = channel.messages.get(call.id("message"))
    if message is None or message.deleted or message.audience is not None:
        raise Unknown("Message")
    return message


def create(discord: Discord, call: Call) -> Json:
    channel = channel_of(discord, call)
    if channel.kind is ChannelKind.FORUM:
        raise Refusal(400, 50008, "Cannot send messages in a non-text channel", is_violation=True)
    sent, draft = drafted(discord, call.body, call.uploads, channel)
    check_sending(discord, channel, embeds=bool(draft.embeds), files=bool(draft.attachments))
    if channel.locked:
        raise Refusal(400, 50083, "Thread is archived")
    if (before := _said_already(discord, channel, sent)) is not None:
        return message_payloads.message_payload(before, discord.base)
    reference, ids = _reference(discord, channel, sent)
    message = posting.create(
        discord,
        channel,
        discord.world.bot,
        draft,
        kind=MessageKind.REPLY if ids else MessageKind.DEFAULT,
        reference=reference,
        reference_ids=ids,
        nonce=None if sent.nonce is None else str(sent.nonce),
    )
    return message_payloads.message_payload(message, discord.base)


def check_sending(discord: Discord, channel: Channel, *, embeds: bool, files: bool) -> None:
    """Raises MissingPermissions where the bot may not send this there."""
    needed = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
    needed |= Permission.EMBED_LINKS if embeds else Permission.NONE
    needed |= Permission.ATTACH_FILES if files else Permission.NONE
    if needed & ~channel.permissions(discord.world.bot):
        raise MissingPermissions


def _said_already(discord: Discord, channel: Channel, sent: MessageBody) -> Message | None:
    """The bot's message of the last minutes that had this nonce."""
    if sent.nonce is None or not sent.enforce_nonce:
        return None
    recent = (each for each in channel.messages.values() if discord.world.now() - each.created < _NONCE_SECONDS)
    same = (each for each in recent if each.author is discord.world.bot and each.nonce == str(sent.nonce))
    return next(same, None)


def _reference(discord: Discord, channel: Channel, sent: MessageBody) -> tuple[Message | None, Json | None]:
    """What the message replies to; a deleted message only where the reply may stand without."""
    reference = sent.message_reference
    if reference is None:
        return None, None
    if Permission.READ_MESSAGE_HISTORY & ~channel.permissions(discord.world.bot):
        raise Refusal(400, 160002, "Cannot reply without permission to read message history")
    message = channel.messages.get(int(reference.message_id))
    if message is None or message.deleted:
        if reference.fail_if_not_exists:
            raise _RepliesToNothing
        return None, None
    return message, reference_ids(message)


def reference_ids(message: Message) -> Json:
    ids: Json = {"type": 0, "message_id": str(message.id), "channel_id": str(message.channel.id)}
    return ids | ({"guild_id": str(message.channel.guild.id)} if message.channel.guild else {})


def edit(discord: Discord, call: Call) -> Json:
    channel = channel_of(discord, call)
    message = message_of(channel, call)
    if message.author is not discord.world.bot:
        raise Refusal(403, 50005, "Cannot edit a message authored by another user", is_violation=True)
    _, draft = drafted(discord, call.body, call.uploads, channel, before=message)
    if call.uploads and Permission.ATTACH_FILES & ~channel.permissions(discord.world.bot):
        raise MissingPermissions
    posting.revise(discord, message, draft)
    return message_payloads.message_payload(message, discord.base)


def delete(discord: Discord, call: Call) -> None:
    channel = channel_of(discord, call)
    message = message_of(channel, call)
    if message.author is not discord.world.bot:
        if channel.guild is None:
            raise Refusal(403, 50003, "Cannot execute action on a DM channel", is_violation=True)
        channel_of(discord, call, Permission.MANAGE_MESSAGES)
    posting.delete(discord, message)


def get(discord: Discord, call: Call) -> Json:
    channel = channel_of(discord, call, Permission.READ_MESSAGE_HISTORY)
    return message_payloads.message_payload(message_of(channel, call), discord.base)


def history(discord: Discord, call: Call) -> list[Json]:
    """The newest first, as `before`, `after`, `around` and `limit` say."""
    channel = channel_of(discord, call)
    if Permission.READ_MESSAGE_HISTORY & ~channel.permissions(discord.world.bot):
        return []
    limit, query = int(call.query.get("limit", 50)), call.query
    if not 1 <= limit <= 100:
        raise InvalidForm(("limit",), "int value should be between 1 and 100")
    found = [each for each in channel.messages.values() if not each.deleted and each.audience is None]
    found.sort(key=lambda each: -each.id)
    if "before" in query:
        found = [each for each in found if each.id < int(query["before"])][:limit]
    elif "after" in query:
        found = [each for each in found if each.id > int(query["after"])][-limit:]
    elif "around" in query:
        nearest = sorted(found, key=lambda each: abs(each.id - int(query["around"])))[:limit]
        found = sorted(nearest, key=lambda each: -each.id)
    return [message_payloads.message_payload(each, discord.base) for each in found[:limit]]


def typing(discord: Discord, call: Call) -> None:
    channel = channel_of(discord, call)
    check_sending(discord, channel, embeds=False, files=False)


ROUTES: Final = (
    Route("POST", "/channels/{channel}/messages", create),
    Route("GET", "/channels/{channel}/messages", history),
    Route("GET", "/channels/{channel}/messages/{message}", get),
    Route("PATCH", "/channels/{channel}/messages/{message}", edit),
    Route("DELETE", "/channels/{channel}/messages/{message}", delete),
    Route("POST", "/channels/{channel}/typing", typing),
)
