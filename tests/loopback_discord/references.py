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

_UNSAID: Final[dict[int, Json]] = {
    3: {"min_values": 1, "max_values": 1},
    11: {"description": None, "spoiler": False},
    13: {"spoiler": False},
    14: {"spacing": 1, "divider": True},
    17: {"accent_color": None, "spoiler": False},
}
"""What Discord says of a component by its type, where the bot said nothing of it."""


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
    ids: Json = {"id": str(attachment.id), "attachment_id": str(attachment.id)}
    facts: Json = {"url": address, "proxy_url": address, "content_type": kind, "loading_state": 2}
    return ids | facts | message_payloads.size(attachment)


def completed(components: list[Json], files: Sequence[Attachment]) -> list[Json]:
    """The components as Discord tells of them: each with an id, and with what was not said."""
    every = [part for part in message_payloads.parts(components) if "type" in part]
    taken = {part["id"] for part in every if part.get("id")}
    free = iter(number for number in range(1, 2**31) if number not in taken)
    for part in every:
        part["id"] = part.get("id") or next(free)
        part.update({key: value for key, value in _UNSAID.get(part["type"], {}).items() if part.get(key) is None})
    for item in (item for part in every for item in part.get("items", [])):
        item.update({"description": item.get("description"), "spoiler": bool(item.get("spoiler"))})
    for part in (part for part in every if "file" in part):
        part.update(_described(part["file"].get("attachment_id"), files))
    return components


def _described(id_: str | None, files: Sequence[Attachment]) -> Json:
    """The name and size of a file that a component offers."""
    return next(({"name": each.name, "size": len(each.data)} for each in files if str(each.id) == id_), {})
