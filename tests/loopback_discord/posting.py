"""Messages come to be, change, and go; everybody who may know is told."""

from __future__ import annotations

from dataclasses import replace

from tests.loopback_discord.drafts import Draft
from tests.loopback_discord.entities import Account, Channel, Flag, Json, Message, MessageKind
from tests.loopback_discord.state import Discord


def create(
    discord: Discord,
    channel: Channel,
    author: Account,
    draft: Draft,
    *,
    kind: MessageKind = MessageKind.DEFAULT,
    reference: Message | None = None,
    reference_ids: Json | None = None,
    interaction: Json | None = None,
    audience: Account | None = None,
    nonce: str | None = None,
    at: int | None = None,
) -> Message:
    """A new message, told; `audience` is the only one to see it, `at` the id it is to have."""
    message = Message(
        id=at or discord.world.snowflake(),
        channel=channel,
        author=author,
        content=draft.content,
        created=discord.world.now(),
        kind=kind,
        flags=draft.flags,
        embeds=draft.embeds,
        components=draft.components,
        attachments=draft.attachments,
        reference=reference,
        reference_ids=reference_ids,
        interaction=interaction,
        audience=audience,
        nonce=nonce,
    )
    message.pings = _pinged(discord, message, draft)
    message.pings_everyone = _pings_everyone(draft)
    channel.messages[message.id] = message
    discord.tell("MESSAGE_CREATE", message)
    return message


def _pinged(discord: Discord, message: Message, draft: Draft) -> tuple[Account, ...]:
    """Those named in the text, and whom a reply answers."""
    pings = draft.pings(discord)
    replied = message.reference.author if message.reference else None
    if replied is None or replied is message.author or not (draft.allowed is None or draft.allowed.replied_user):
        return pings
    return tuple(dict.fromkeys((*pings, replied)))


def _pings_everyone(draft: Draft) -> bool:
    named = any(word in text for text in draft.texts() for word in ("@everyone", "@here"))
    return named and (draft.allowed is None or "everyone" in draft.allowed.parse)


def revise(discord: Discord, message: Message, draft: Draft) -> None:
    """The message as it is from now on; one that was loading has now come."""
    was_loading = message.is_loading
    message.past.append(replace(message, past=[]))
    message.content, message.embeds, message.components = draft.content, draft.embeds, draft.components
    message.attachments = draft.attachments
    message.flags = draft.flags & ~Flag.LOADING
    message.pings = draft.pings(discord)
    if not was_loading:
        message.edited = discord.world.now()
    discord.tell("MESSAGE_UPDATE", message)


def delete(discord: Discord, message: Message) -> None:
    message.deleted = True
    discord.tell_deleted(message)
