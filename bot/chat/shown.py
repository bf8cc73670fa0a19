"""What a message shows, as values that can be compared, measured, and sent as often as it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeAlias, assert_never

import discord
from discord import ui

from bot.chat.limits import CONTENT, LAYOUT_TEXT, width

QUOTE_ID = 77
"""The component that holds the question, in a message that quotes it."""


@dataclass(frozen=True)
class Words:
    """Markdown."""

    text: str
    id: int | None = None


@dataclass(frozen=True)
class Picture:
    """One of the files, shown with its alt text."""

    name: str
    alt: str | None


@dataclass(frozen=True)
class Attached:
    """One of the files, to download."""

    name: str


@dataclass(frozen=True)
class Framed:
    """Blocks within a frame with a coloured edge."""

    colour: int
    blocks: tuple[Words | Picture | Attached, ...]


Block: TypeAlias = Words | Picture | Attached | Framed


@dataclass(frozen=True)
class Upload:
    """A file to send; `alt` where it is a picture."""

    name: str
    data: bytes
    alt: str | None = None


@dataclass(frozen=True)
class Button:
    """A button whose custom_id is all its state."""

    custom_id: str
    label: str
    emoji: str
    danger: bool = False


@dataclass(frozen=True)
class Shown:
    """A message: its `blocks` where it is made of components, else its `content`.

    `notice` is what a notification of it says: Discord shows nothing there of a message that is made of components.
    """

    notice: str
    content: str
    blocks: tuple[Block, ...] = ()
    uploads: tuple[Upload, ...] = ()
    buttons: tuple[Button, ...] = ()

    @property
    def layout(self) -> bool:
        return bool(self.blocks)

    def __post_init__(self) -> None:
        texts = sum(width(words.text) for words in _words(self.blocks))
        if width(self.content) > CONTENT or width(self.notice) > CONTENT or texts > LAYOUT_TEXT:
            raise ValueError(f"too long for Discord: {width(self.content)} of content, {texts} in components")


def files(shown: Shown) -> list[discord.File]:
    """The uploads, to be read once."""
    return [discord.File(BytesIO(each.data), each.name, description=each.alt) for each in shown.uploads]


def view(shown: Shown) -> ui.View | ui.LayoutView:
    """Blocks and buttons as discord.py sends them; needs a running loop.

    It is stopped, so that discord.py keeps nothing of it: `buttons` answers whoever presses, also after a restart.
    """
    view = _layout(shown) if shown.layout else _row(shown)
    view.stop()
    return view


def _layout(shown: Shown) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    for block in shown.blocks:
        view.add_item(_item(block))
    if shown.buttons:
        view.add_item(ui.ActionRow(*map(_button, shown.buttons)))
    return view


def _row(shown: Shown) -> ui.View:
    view = ui.View(timeout=None)
    for button in shown.buttons:
        view.add_item(_button(button))
    return view


def _item(block: Block) -> ui.Item[Any]:
    match block:
        case Words(text=text, id=id):
            return ui.TextDisplay(text, id=id)
        case Picture(name=name, alt=alt):
            return ui.MediaGallery(discord.MediaGalleryItem(f"attachment://{name}", description=alt))
        case Attached(name=name):
            return ui.File(f"attachment://{name}")
        case Framed(colour=colour, blocks=blocks):
            return ui.Container(*map(_item, blocks), accent_colour=colour)
        case _:
            assert_never(block)


def _button(button: Button) -> ui.Button[Any]:
    style = discord.ButtonStyle.danger if button.danger else discord.ButtonStyle.secondary
    return ui.Button(style=style, label=button.label, emoji=button.emoji, custom_id=button.custom_id)


def _words(blocks: tuple[Block, ...]) -> Iterator[Words]:
    for block in blocks:
        match block:
            case Words():
                yield block
            case Framed(blocks=inner):
                yield from _words(inner)
            case Picture() | Attached():
                pass
            case _:
                assert_never(block)
