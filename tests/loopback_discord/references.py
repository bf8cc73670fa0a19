"""attachment://name: what refers to a file of its own message, and the addresses that take its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from tests.loopback_discord import message_payloads
from tests.loopback_discord.entities import Attachment, Json, Message
from tests.loopback_discord.refusals import InvalidForm, Place
from tests.loopback_discord.schema.layout import shown_media
from tests.loopback_discord.schema.messages import MessageBody

_REFERENCE: Final = "attachment://"


def referred(sent: MessageBody, names: Sequence[str]) -> set[str]:
    """The files that the body shows by name; raises InvalidForm for an address of nothing."""
    shown: set[str] = set()
    for address, path in _media(sent):
        if address.startswith(_REFERENCE):
            name = address.removeprefix(_REFERENCE)
            if names.count(name) != 1:
                raise InvalidForm(path, f"{names.count(name)} files have this name: {name}")
            shown.add(name)
        elif not address.startswith(("http://", "https://")) or path[-2] == "file":
            raise InvalidForm(path, f"not an address that may stand here: {address}")
    return shown


def check_all_shown(files: Sequence[Attachment], shown: set[str], components: list[Json], base: str) -> None:
    """Raises InvalidForm for a file that no component shows: nobody would see it."""
    addresses = str(components)
    for each in files:
        if each.name not in shown and message_payloads.url(each, base) not in addresses:
            raise InvalidForm(("attachments",), f"no component shows {each.name}")


def check_none_dropped(before: Message | None, files: Sequence[Attachment], parts: list[list[Json]], base: str) -> None:
    """Raises InvalidForm where something still shows a file that the edit drops."""
    addresses = str(parts)
    for each in before.attachments if before else []:
        if each not in files and message_payloads.url(each, base) in addresses:
            raise InvalidForm(("attachments",), f"{each.name} is dropped, and still shown")


def _media(sent: MessageBody) -> Iterator[tuple[str, Place]]:
    for at, embed in enumerate(sent.embeds or []):
        yield from ((address, ("embeds", at, "image", "url")) for address in embed.media())
    yield from shown_media(sent.components or [])


def resolved(parts: list[list[Json]], files: Sequence[Attachment], base: str) -> list[list[Json]]:
    """Embeds and components with addresses in place of references."""
    copied: list[list[Json]] = msgspec.json.decode(msgspec.json.encode(parts))
    by_name = {each.name: each for each in files}
    for part in message_payloads.parts(copied):
        if (address := str(part.get("url", ""))).startswith(_REFERENCE):
            part.update(_unfurled(by_name[address.removeprefix(_REFERENCE)], base))
    return copied


def _unfurled(attachment: Attachment, base: str) -> Json:
    address, kind = message_payloads.url(attachment, base), attachment.content_type or "application/octet-stream"
    facts: Json = {"url": address, "proxy_url": address, "attachment_id": str(attachment.id), "loading_state": 2}
    return facts | {"content_type": kind} | message_payloads.size(attachment)


def numbered(components: list[Json]) -> list[Json]:
    """The components, of which each has an id."""
    every = [part for part in message_payloads.parts(components) if "type" in part]
    taken = {part["id"] for part in every if part.get("id")}
    free = iter(number for number in range(1, 2**31) if number not in taken)
    for part in every:
        part["id"] = part.get("id") or next(free)
    return components
