"""What a message may say when it is created or edited: the limits of single fields, and of all of it together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from tests.loopback_discord.refusals import InvalidForm
from tests.loopback_discord.schema import components as c

Text = Annotated[str, Meta(min_length=1)]
Content = Annotated[str, Meta(max_length=2000)]

_EMBED_TEXT: Final = 6000


class EmbedMedia(msgspec.Struct, frozen=True):
    url: Annotated[str, Meta(min_length=1, max_length=2048)]


class EmbedFooter(msgspec.Struct, frozen=True):
    text: Annotated[str, Meta(max_length=2048)]


class EmbedAuthor(msgspec.Struct, frozen=True):
    name: Annotated[str, Meta(max_length=256)]


class EmbedField(msgspec.Struct, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    value: Annotated[str, Meta(min_length=1, max_length=1024)]
    inline: bool = False


class Embed(msgspec.Struct, frozen=True):
    title: Annotated[str, Meta(max_length=256)] | None = None
    description: Annotated[str, Meta(max_length=4096)] | None = None
    url: Annotated[str, Meta(max_length=2048)] | None = None
    color: Annotated[int, Meta(ge=0, le=0xFFFFFF)] | None = None
    timestamp: str | None = None
    footer: EmbedFooter | None = None
    image: EmbedMedia | None = None
    thumbnail: EmbedMedia | None = None
    author: EmbedAuthor | None = None
    fields: Annotated[list[EmbedField], Meta(max_length=25)] = []

    def characters(self) -> int:
        fixed = [self.title, self.description, self.footer and self.footer.text, self.author and self.author.name]
        return sum(len(text or "") for text in fixed) + sum(len(f.name) + len(f.value) for f in self.fields)

    def media(self) -> list[str]:
        return [each.url for each in (self.image, self.thumbnail) if each is not None]


class AllowedMentions(msgspec.Struct, frozen=True):
    parse: list[Literal["roles", "users", "everyone"]] = []
    roles: Annotated[list[c.Snowflake], Meta(max_length=100)] = []
    users: Annotated[list[c.Snowflake], Meta(max_length=100)] = []
    replied_user: bool = False


class AttachmentPart(msgspec.Struct, frozen=True):
    id: c.Snowflake
    filename: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    description: Annotated[str, Meta(max_length=1024)] | None = None


class Reference(msgspec.Struct, frozen=True):
    message_id: c.Snowflake
    channel_id: c.Snowflake | None = None
    guild_id: c.Snowflake | None = None
    fail_if_not_exists: bool = True
    type: Literal[0, 1] = 0


class MessageBody(msgspec.Struct, frozen=True):
    """Fields that are not sent are UNSET: an edit leaves them as they are. None empties them."""

    content: Content | msgspec.UnsetType | None = msgspec.UNSET
    embeds: Annotated[list[Embed], Meta(max_length=10)] | msgspec.UnsetType | None = msgspec.UNSET
    components: list[c.TopLevel] | msgspec.UnsetType | None = msgspec.UNSET
    attachments: Annotated[list[AttachmentPart], Meta(max_length=10)] | msgspec.UnsetType | None = msgspec.UNSET
    flags: Annotated[int, Meta(ge=0)] | None = None
    allowed_mentions: AllowedMentions | None = None
    message_reference: Reference | None = None
    nonce: Annotated[str, Meta(max_length=25)] | int | None = None
    enforce_nonce: bool = False
    tts: bool = False
    sticker_ids: Annotated[list[c.Snowflake], Meta(max_length=3)] = []


def check_mentions(allowed: AllowedMentions) -> None:
    """Raises InvalidForm where the same mentions are allowed twice, one by one or in general."""
    for kind, named in (("users", allowed.users), ("roles", allowed.roles)):
        if named and kind in allowed.parse:
            raise InvalidForm(("allowed_mentions",), f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.')
        if len(set(map(str, named))) < len(named):
            raise InvalidForm(("allowed_mentions", kind), "the same id is there twice")
    if len(set(allowed.parse)) < len(allowed.parse):
        raise InvalidForm(("allowed_mentions", "parse"), "the same kind is there twice")


def check_embeds(embeds: Sequence[Embed]) -> None:
    """Raises InvalidForm for what the embeds break together."""
    if sum(embed.characters() for embed in embeds) > _EMBED_TEXT:
        raise InvalidForm(("embeds",), f"at most {_EMBED_TEXT} characters in all embeds")
