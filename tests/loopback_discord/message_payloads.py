"""Messages and their files as Discord writes them in JSON."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

from tests.loopback_discord.entities import Attachment, Json, Message
from tests.loopback_discord.payloads import account_payload, channel_payload, member_payload, stamp

_PNG: Final = b"\x89PNG\r\n\x1a\n"


def attachment_payload(attachment: Attachment, base: str) -> Json:
    payload: Json = {
        "id": str(attachment.id),
        "filename": attachment.name,
        "size": len(attachment.data),
        "url": url(attachment, base),
        "proxy_url": url(attachment, base),
    }
    if attachment.content_type:
        payload["content_type"] = attachment.content_type
    if attachment.alt is not None:
        payload["description"] = attachment.alt
    return payload | size(attachment)


def url(attachment: Attachment, base: str) -> str:
    """Where its bytes are: with a signature in the query, as Discord's links have."""
    return f"{base}/attachments/{attachment.channel}/{attachment.id}/{attachment.name}?ex=1&is=1&hm=0"


def size(attachment: Attachment) -> Json:
    """Width and height in pixels, of a PNG."""
    if not attachment.data.startswith(_PNG) or len(attachment.data) < 24:
        return {}
    width, height = struct.unpack(">II", attachment.data[16:24])
    return {"width": width, "height": height}


def parts(value: Any) -> Iterator[Json]:
    """Every object in nested JSON, outer ones first."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from parts(each)
    elif isinstance(value, list):
        for each in value:
            yield from parts(each)


def message_payload(message: Message, base: str) -> Json:
    """As REST gives it; with its member where it is told about in a guild."""
    payload: Json = {
        "id": str(message.id),
        "channel_id": str(message.channel.id),
        "author": account_payload(message.author),
        "content": message.content,
        "timestamp": stamp(message.created),
        "edited_timestamp": stamp(message.edited),
        "tts": False,
        "mention_everyone": message.pings_everyone,
        "mentions": [account_payload(each) for each in message.pings],
        "mention_roles": [],
        "attachments": [attachment_payload(each, base) for each in _loose(message)],
        "embeds": message.embeds,
        "components": message.components,
        "pinned": False,
        "type": int(message.kind),
        "flags": message.flags,
    }
    if message.nonce is not None:
        payload["nonce"] = message.nonce
    return payload | _interaction(message) | _reference(message, base) | _started(message)


def _loose(message: Message) -> list[Attachment]:
    """The files that no component and no embed shows: only these are told as attachments."""
    shown = {part.get("attachment_id") for part in parts([message.embeds, message.components])}
    return [each for each in message.attachments if str(each.id) not in shown]


def _interaction(message: Message) -> Json:
    if message.interaction is None:
        return {}
    return {
        "application_id": str(message.author.id),
        "webhook_id": str(message.author.id),
        "interaction_metadata": message.interaction,
    }


def _reference(message: Message, base: str) -> Json:
    if message.reference_ids is None:
        return {}
    referred = message.reference
    payload = None if referred is None or referred.deleted else message_payload(referred, base)
    if payload is not None:
        payload.pop("referenced_message", None)
    return {"message_reference": message.reference_ids, "referenced_message": payload}


def _started(message: Message) -> Json:
    return {} if message.thread is None else {"thread": channel_payload(message.thread)}


def told(message: Message, base: str) -> Json:
    """As the gateway tells of it."""
    payload = message_payload(message, base)
    guild = message.channel.guild
    if guild is not None:
        payload["guild_id"] = str(guild.id)
        known = guild.members.get(message.author.id)
        if known is not None:
            payload["member"] = member_payload(known)
    return payload
