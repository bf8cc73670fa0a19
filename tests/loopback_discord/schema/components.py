"""The components of messages and modals with the limits that each has for itself.

Source: discord.com/developers/docs/components/reference. A component's `type` is its tag.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Snowflake = Annotated[str, Meta(pattern="^[0-9]+$")] | int
"""An id. The document says text; Discord takes numbers too, and discord.py sends them in some places."""

CustomId = Annotated[str, Meta(min_length=1, max_length=100)]
AltText = Annotated[str, Meta(min_length=1, max_length=1024)]


class Component(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """`id` is a number that Discord gives where it is not sent."""

    id: Annotated[int, Meta(ge=0, le=2**31 - 1)] | UnsetType = UNSET


class Several(Component, frozen=True, kw_only=True):
    """What people choose from, or upload: how many at least and at most, one where it is not said."""

    custom_id: CustomId
    min_values: int | None = None
    max_values: int | None = None

    @property
    def least(self) -> int:
        return 1 if self.min_values is None else self.min_values

    @property
    def most(self) -> int:
        return 1 if self.max_values is None else self.max_values


class Emoji(msgspec.Struct, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=32)]
    id: Snowflake | None = None
    animated: bool | None = None


class Button(Component, frozen=True, kw_only=True, tag=2):
    style: Annotated[int, Meta(ge=1, le=6)]
    label: Annotated[str, Meta(max_length=80)] | None = None
    emoji: Emoji | None = None
    custom_id: CustomId | None = None
    sku_id: Snowflake | None = None
    url: Annotated[str, Meta(max_length=512)] | None = None
    disabled: bool | None = None


class SelectOption(msgspec.Struct, frozen=True):
    label: Annotated[str, Meta(min_length=1, max_length=100)]
    value: Annotated[str, Meta(min_length=1, max_length=100)]
    description: Annotated[str, Meta(max_length=100)] | None = None
    emoji: Emoji | None = None
    default: bool | None = None


class Select(Several, frozen=True, kw_only=True):
    placeholder: Annotated[str, Meta(max_length=150)] | None = None
    min_values: Annotated[int, Meta(ge=0, le=25)] | None = None
    max_values: Annotated[int, Meta(ge=1, le=25)] | None = None
    disabled: bool | None = None
    required: bool | None = None


class StringSelect(Select, frozen=True, kw_only=True, tag=3):
    options: Annotated[list[SelectOption], Meta(min_length=1, max_length=25)]


class EntitySelect(Select, frozen=True, kw_only=True):
    default_values: Annotated[list[dict[str, Any]], Meta(max_length=25)] = []


class UserSelect(EntitySelect, frozen=True, kw_only=True, tag=5): ...


class RoleSelect(EntitySelect, frozen=True, kw_only=True, tag=6): ...


class MentionableSelect(EntitySelect, frozen=True, kw_only=True, tag=7): ...


class ChannelSelect(EntitySelect, frozen=True, kw_only=True, tag=8):
    channel_types: list[int] = []


AnySelect = StringSelect | UserSelect | RoleSelect | MentionableSelect | ChannelSelect


class ActionRow(Component, frozen=True, kw_only=True, tag=1):
    components: Annotated[list[Button | AnySelect], Meta(min_length=1, max_length=5)]


class TextDisplay(Component, frozen=True, kw_only=True, tag=10):
    content: Annotated[str, Meta(min_length=1, max_length=4000)]


class Media(msgspec.Struct, frozen=True):
    url: Annotated[str, Meta(min_length=1, max_length=2048)]


class Thumbnail(Component, frozen=True, kw_only=True, tag=11):
    media: Media
    description: AltText | None = None
    spoiler: bool | None = None


class Section(Component, frozen=True, kw_only=True, tag=9):
    components: Annotated[list[TextDisplay], Meta(min_length=1, max_length=3)]
    accessory: Button | Thumbnail


class GalleryItem(msgspec.Struct, frozen=True):
    media: Media
    description: AltText | None = None
    spoiler: bool | None = None


class MediaGallery(Component, frozen=True, kw_only=True, tag=12):
    items: Annotated[list[GalleryItem], Meta(min_length=1, max_length=10)]


class File(Component, frozen=True, kw_only=True, tag=13):
    file: Media
    spoiler: bool | None = None


class Separator(Component, frozen=True, kw_only=True, tag=14):
    divider: bool | None = None
    spacing: Literal[1, 2] | None = None


class Container(Component, frozen=True, kw_only=True, tag=17):
    components: Annotated[list[ActionRow | TextDisplay | Section | MediaGallery | Separator | File], Meta(min_length=1)]
    accent_color: Annotated[int, Meta(ge=0, le=0xFFFFFF)] | None = None
    spoiler: bool | None = None


class TextInput(Component, frozen=True, kw_only=True, tag=4):
    custom_id: CustomId
    style: Literal[1, 2]
    label: Annotated[str, Meta(min_length=1, max_length=45)] | None = None
    min_length: Annotated[int, Meta(ge=0, le=4000)] | None = None
    max_length: Annotated[int, Meta(ge=1, le=4000)] | None = None
    required: bool | None = None
    value: Annotated[str, Meta(max_length=4000)] | None = None
    placeholder: Annotated[str, Meta(max_length=100)] | None = None


class FileUpload(Several, frozen=True, kw_only=True, tag=19):
    min_values: Annotated[int, Meta(ge=0, le=10)] | None = None
    max_values: Annotated[int, Meta(ge=1, le=10)] | None = None
    required: bool | None = None


class Choice(msgspec.Struct, frozen=True):
    label: Annotated[str, Meta(min_length=1, max_length=100)]
    value: Annotated[str, Meta(min_length=1, max_length=100)]
    description: Annotated[str, Meta(max_length=100)] | None = None
    default: bool | None = None


class RadioGroup(Component, frozen=True, kw_only=True, tag=21):
    custom_id: CustomId
    options: Annotated[list[Choice], Meta(min_length=2, max_length=10)]
    required: bool | None = None


class CheckboxGroup(Several, frozen=True, kw_only=True, tag=22):
    options: Annotated[list[Choice], Meta(min_length=1, max_length=10)]
    min_values: Annotated[int, Meta(ge=0, le=10)] | None = None
    max_values: Annotated[int, Meta(ge=1, le=10)] | None = None
    required: bool | None = None

    @property
    def most(self) -> int:
        return len(self.options) if self.max_values is None else self.max_values


class Checkbox(Component, frozen=True, kw_only=True, tag=23):
    custom_id: CustomId
    default: bool | None = None


Field = TextInput | AnySelect | FileUpload | RadioGroup | CheckboxGroup | Checkbox


class Label(Component, frozen=True, kw_only=True, tag=18):
    label: Annotated[str, Meta(min_length=1, max_length=45)]
    component: Field
    description: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class InputRow(Component, frozen=True, kw_only=True, tag=1):
    """A modal's row of before labels."""

    components: Annotated[list[TextInput], Meta(min_length=1, max_length=1)]


TopLevel = ActionRow | Section | TextDisplay | MediaGallery | File | Separator | Container
InModal = Label | TextDisplay | InputRow
