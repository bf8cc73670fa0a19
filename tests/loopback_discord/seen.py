"""A message as a person sees it: texts, pictures with their alt text, files, buttons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.loopback_discord.entities import Attachment, Flag, Json, Message
from tests.loopback_discord.message_payloads import parts


@dataclass(frozen=True)
class Picture:
    name: str
    alt: str | None
    data: bytes


@dataclass(frozen=True)
class File:
    name: str
    data: bytes


@dataclass(frozen=True)
class Button:
    """`custom_id` is None for a link, `url` for every other."""

    label: str | None
    custom_id: str | None
    url: str | None
    disabled: bool
    style: int
    emoji: str | None


@dataclass(frozen=True)
class Seen:
    """`notification` is what a phone shows of it; `pings` are names; `answers` is the message that it replies to."""

    message: Message
    texts: tuple[str, ...]
    pictures: tuple[Picture, ...]
    files: tuple[File, ...]
    buttons: tuple[Button, ...]
    notification: str
    pings: tuple[str, ...]
    revision: int
    answers: Message | None
    is_ephemeral: bool
    is_loading: bool
    is_v2: bool

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    def button(self, which: str) -> Button:
        """The button with this label or custom_id."""
        found = [each for each in self.buttons if which in {each.label, each.custom_id}]
        assert len(found) == 1, f"{len(found)} buttons are {which!r} among {[each.label for each in self.buttons]}"
        return found[0]


def seen(message: Message) -> Seen:
    """The message as it looks now."""
    texts = tuple(_texts(message))
    shown = {picture.id: description for picture, description in _gallery(message)}
    pictures = [each for each in message.attachments if each.id in shown or (not message.is_v2 and _is_picture(each))]
    return Seen(
        message=message,
        texts=texts,
        pictures=tuple(Picture(each.name, shown.get(each.id) or each.alt, each.data) for each in pictures),
        files=tuple(File(each.name, each.data) for each in message.attachments if each not in pictures),
        buttons=tuple(_buttons(message.components)),
        notification=texts[0] if texts else "",
        pings=tuple(each.name for each in message.pings),
        revision=message.revision,
        answers=message.reference,
        is_ephemeral=bool(message.flags & Flag.EPHEMERAL),
        is_loading=message.is_loading,
        is_v2=message.is_v2,
    )


def _texts(message: Message) -> Iterator[str]:
    if message.content:
        yield message.content
    for embed in message.embeds:
        yield from (embed[key] for key in ("title", "description") if embed.get(key))
        for field in embed.get("fields", []):
            yield from (field["name"], field["value"])
        if embed.get("footer"):
            yield embed["footer"]["text"]
    yield from (part["content"] for part in parts(message.components) if part.get("type") == 10)


def _gallery(message: Message) -> Iterator[tuple[Attachment, str | None]]:
    """The message's own files that are shown as pictures, with the description beside them."""
    by_id = {str(each.id): each for each in message.attachments}
    for part in parts(message.components):
        media = part.get("media")
        if isinstance(media, dict) and media.get("attachment_id") in by_id:
            yield by_id[media["attachment_id"]], part.get("description")
    for embed in message.embeds:
        for media in (embed.get("image"), embed.get("thumbnail")):
            if media and media.get("attachment_id") in by_id:
                yield by_id[media["attachment_id"]], None


def _is_picture(attachment: Attachment) -> bool:
    return (attachment.content_type or "").startswith("image/")


def _buttons(components: list[Json]) -> Iterator[Button]:
    for part in parts(components):
        if part.get("type") == 2:
            yield Button(
                label=part.get("label"),
                custom_id=part.get("custom_id"),
                url=part.get("url"),
                disabled=part.get("disabled", False),
                style=part["style"],
                emoji=(part.get("emoji") or {}).get("name"),
            )
