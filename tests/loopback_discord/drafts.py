"""What the bot sends, checked as a whole and made into what a message is."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
from msgspec import UNSET

from tests.loopback_discord import message_payloads
from tests.loopback_discord.calls import Upload
from tests.loopback_discord.entities import Account, Attachment, Channel, Flag, Json, Message
from tests.loopback_discord.refusals import InvalidForm, Place, Refusal
from tests.loopback_discord.schema.layout import check_components, shown_media
from tests.loopback_discord.schema.messages import AllowedMentions, MessageBody, check_embeds, check_mentions
from tests.loopback_discord.schema.reading import fitted
from tests.loopback_discord.state import Discord

FILES: Final = 10
FILE_BYTES: Final = 10 << 20

_SUPPRESSING: Final = 1 << 2 | 1 << 12
SETTABLE: Final = _SUPPRESSING | Flag.COMPONENTS_V2
"""The flags that a client may set on any message."""

_REFERENCE: Final = "attachment://"
_MENTION: Final = re.compile(r"<@!?(\d+)>")


@dataclass(frozen=True)
class Draft:
    """A message's changeable parts, as they shall be."""

    content: str = ""
    embeds: list[Json] = field(default_factory=list["Json"])
    components: list[Json] = field(default_factory=list["Json"])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    flags: int = 0
    allowed: AllowedMentions | None = None

    def texts(self) -> list[str]:
        """Everything in it that may mention somebody."""
        return [
            self.content,
            *(part["content"] for part in message_payloads.parts(self.components) if part.get("type") == 10),
        ]

    def pings(self, discord: Discord) -> tuple[Account, ...]:
        """Whom its text notifies, the bot's allowed mentions considered."""
        named = (int(found) for text in self.texts() for found in _MENTION.findall(text))
        accounts = (discord.world.accounts[each] for each in named if each in discord.world.accounts)
        allowed = self.allowed
        return tuple(
            each
            for each in dict.fromkeys(accounts)
            if allowed is None or "users" in allowed.parse or _in(each, allowed)
        )


def _in(account: Account, allowed: AllowedMentions) -> bool:
    return account.id in {int(each) for each in allowed.users}


def drafted(
    discord: Discord,
    body: Any,
    uploads: Mapping[int, Upload],
    channel: Channel,
    *,
    settable: int = SETTABLE,
    before: Message | None = None,
) -> tuple[MessageBody, Draft]:
    """The body as typed, and what the message is with it; `before` is the message that it edits.

    Raises InvalidForm, Refusal.
    """
    sent = fitted(body, MessageBody)
    flags = _flags(sent, settable, before)
    draft = Draft(
        content=_kept(sent.content, before.content if before else "") or "",
        embeds=_kept(body.get("embeds", UNSET), before.embeds if before else []) or [],
        components=_kept(body.get("components", UNSET), before.components if before else []) or [],
        attachments=_attachments(discord, sent, uploads, channel, before),
        flags=flags,
        allowed=sent.allowed_mentions,
    )
    _check_kind(draft, sent)
    if sent.allowed_mentions:
        check_mentions(sent.allowed_mentions)
    if sent.embeds:
        check_embeds(sent.embeds)
    if sent.components:
        check_components(sent.components, v2=bool(flags & Flag.COMPONENTS_V2))
    _check_shown(sent, draft, discord.base)
    _check_kept(draft, before, discord.base)
    return sent, _resolved(draft, discord.base)


def _kept(value: Any, before: Any) -> Any:
    return before if value is UNSET else value


def _flags(sent: MessageBody, settable: int, before: Message | None) -> int:
    old = before.flags if before else 0
    if sent.flags is None:
        return old
    if unknown := sent.flags & ~(settable | old):
        raise InvalidForm(("flags",), f"these bits may not be set here: {unknown}")
    if old & Flag.COMPONENTS_V2 and not sent.flags & Flag.COMPONENTS_V2:
        raise InvalidForm(("flags",), "the components v2 flag is never removed")
    return (old & ~_SUPPRESSING) | sent.flags


def _attachments(
    discord: Discord, sent: MessageBody, uploads: Mapping[int, Upload], channel: Channel, before: Message | None
) -> list[Attachment]:
    """Those that are kept, then those that are new, in the order that was sent."""
    old = {each.id: each for each in (before.attachments if before else [])}
    if sent.attachments is UNSET or sent.attachments is None:
        named, kept = {}, list(old.values()) if sent.attachments is UNSET else []
    else:
        named = {int(part.id): part for part in sent.attachments}
        kept = [old[each] for each in named if each in old]
        for at, part in enumerate(sent.attachments):
            if int(part.id) not in old and int(part.id) not in uploads:
                raise InvalidForm(("attachments", at, "id"), f"no file has this number: {part.id}")
    new = [_stored(discord, upload, named.get(at), channel) for at, upload in sorted(uploads.items())]
    if len(kept) + len(new) > FILES:
        raise InvalidForm(("attachments",), f"at most {FILES} files in a message")
    return [*kept, *new]


def _stored(discord: Discord, upload: Upload, part: Any, channel: Channel) -> Attachment:
    name = sanitized((part.filename if part else None) or upload.name)
    if not name:
        raise InvalidForm(("attachments",), "a file has no name")
    if len(upload.data) > FILE_BYTES:
        raise Refusal(413, 40005, f"Request entity too large: {name} has more than 10 MiB", is_violation=True)
    return stored(discord, name, upload.data, part.description if part else None, channel)


def stored(discord: Discord, name: str, data: bytes, alt: str | None, channel: Channel) -> Attachment:
    """A file that is served from now on."""
    kind, _ = mimetypes.guess_type(name)
    text = f"{kind}; charset=utf-8" if kind and kind.startswith("text/") else kind
    attachment = Attachment(discord.world.snowflake(), name, data, alt, channel.id, text)
    discord.world.files[attachment.id] = attachment
    return attachment


def sanitized(name: str) -> str:
    """A file's name as Discord keeps it: what is no letter, digit, dot, dash or underscore is gone, spaces are one."""
    return re.sub(r"[^\w.\-]", "", name.strip().replace(" ", "_"))


def _check_kind(draft: Draft, sent: MessageBody) -> None:
    if draft.flags & Flag.COMPONENTS_V2:
        for name, value in (("content", draft.content), ("embeds", draft.embeds), ("sticker_ids", sent.sticker_ids)):
            if value:
                raise InvalidForm((name,), f"{name} cannot be with the components v2 flag")
        if not draft.components:
            raise Refusal(400, 50006, "Cannot send an empty message", is_violation=True)
    elif not (draft.content.strip() or draft.embeds or draft.components or draft.attachments or sent.sticker_ids):
        raise Refusal(400, 50006, "Cannot send an empty message", is_violation=True)


def _check_shown(sent: MessageBody, draft: Draft, base: str) -> None:
    """Raises InvalidForm for a reference to no file, and with components v2 for a file that nothing shows."""
    names = [each.name for each in draft.attachments]
    shown: set[str] = set()
    for address, path in _media(sent):
        if address.startswith(_REFERENCE):
            name = address.removeprefix(_REFERENCE)
            if names.count(name) != 1:
                raise InvalidForm(path, f"{names.count(name)} files have this name: {name}")
            shown.add(name)
        elif not address.startswith(("http://", "https://")) or path[-2] == "file":
            raise InvalidForm(path, f"not an address that may stand here: {address}")
    if draft.flags & Flag.COMPONENTS_V2:
        addresses = str(draft.components)
        for each in draft.attachments:
            if each.name not in shown and message_payloads.url(each, base) not in addresses:
                raise InvalidForm(("attachments",), f"no component shows {each.name}")


def _check_kept(draft: Draft, before: Message | None, base: str) -> None:
    """Raises InvalidForm where something still shows a file that the edit drops."""
    shown = str([draft.components, draft.embeds])
    for each in before.attachments if before else []:
        if each not in draft.attachments and message_payloads.url(each, base) in shown:
            raise InvalidForm(("attachments",), f"{each.name} is dropped, and still shown")


def _media(sent: MessageBody) -> Iterator[tuple[str, Place]]:
    for at, embed in enumerate(sent.embeds or []):
        yield from ((address, ("embeds", at, "image", "url")) for address in embed.media())
    yield from shown_media(sent.components or [])


def _resolved(draft: Draft, base: str) -> Draft:
    """With numbered components, and with addresses in place of references."""
    embeds, components = msgspec.json.decode(msgspec.json.encode([draft.embeds, draft.components]))
    by_name = {each.name: each for each in draft.attachments}
    for part in message_payloads.parts([embeds, components]):
        if (address := str(part.get("url", ""))).startswith(_REFERENCE):
            part.update(_unfurled(by_name[address.removeprefix(_REFERENCE)], base))
    _number([part for part in message_payloads.parts(components) if "type" in part])
    return replace(draft, embeds=embeds, components=components)


def _unfurled(attachment: Attachment, base: str) -> Json:
    address = message_payloads.url(attachment, base)
    facts: Json = {"url": address, "proxy_url": address, "attachment_id": str(attachment.id), "loading_state": 2}
    return (
        facts
        | {"content_type": attachment.content_type or "application/octet-stream"}
        | message_payloads.size(attachment)
    )


def _number(components: list[Json]) -> None:
    taken = {part["id"] for part in components if part.get("id")}
    free = iter(number for number in range(1, 2**31) if number not in taken)
    for part in components:
        if not part.get("id"):
            part["id"] = next(free)
