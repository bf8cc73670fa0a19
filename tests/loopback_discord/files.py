"""The files of a message: stored, named as Discord names them, kept and dropped by edits."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from tests.loopback_discord.calls import Upload
from tests.loopback_discord.entities import Attachment, Channel, Message
from tests.loopback_discord.refusals import InvalidForm, Refusal
from tests.loopback_discord.schema.messages import AttachmentPart, MessageBody
from tests.loopback_discord.state import Discord

FILES: Final = 10
FILE_BYTES: Final = 10 << 20


def attachments(
    discord: Discord, sent: MessageBody, uploads: Mapping[int, Upload], channel: Channel, before: Message | None
) -> list[Attachment]:
    """Those that are kept, then those that are new; raises InvalidForm, Refusal."""
    old = {each.id: each for each in (before.attachments if before else [])}
    if sent.attachments is UNSET or sent.attachments is None:
        named = dict[int, AttachmentPart]()
        kept = list(old.values()) if sent.attachments is UNSET else []
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


def _stored(discord: Discord, upload: Upload, part: AttachmentPart | None, channel: Channel) -> Attachment:
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
