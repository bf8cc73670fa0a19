"""How a reply holds its question: nothing about it is stored, so buttons answer again from the reply alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import discord

from bot.chat.limits import FILES, clipped, width
from bot.chat.markdown import quoted, unquoted
from bot.chat.shown import QUOTE_ID, Upload
from bot.exchange import File

QUESTION: Final = "whyloss-question.md"
OURS: Final = "whyloss-"
"""What the names of our own files begin with."""

_LONGEST_QUOTE: Final = 600
_MOST_QUOTED_LINES: Final = 12
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class Carried:
    """The question within its reply, as a quotation or as files; `whole` says that it can be read back from there."""

    quote: str = ""
    uploads: tuple[Upload, ...] = ()
    whole: bool = True


BY_REFERENCE: Final = Carried()
"""The reply refers to the message that asked."""


def carried(text: str, files: tuple[File, ...], may_attach: bool) -> Carried:
    """Short text is quoted; long text, or text with files, is attached where that is allowed."""
    attached = tuple(_uploads(file for file in files if file.data))
    short = width(text) <= _LONGEST_QUOTE and text.count("\n") < _MOST_QUOTED_LINES
    if short and (may_attach or not attached):
        return Carried(quoted(text) if text.strip() else "", attached)
    if may_attach:
        return Carried(uploads=(Upload(QUESTION, text.encode()), *attached))
    return Carried(quoted(clipped(text, _LONGEST_QUOTE)), whole=False)


def _uploads(files: Iterable[File]) -> Iterator[Upload]:
    """The asker's files under names that Discord keeps, each name once; two places stay free."""
    taken = {QUESTION}
    for file in list(files)[: FILES - 2]:
        name = free = _UNSAFE.sub("_", file.name)[-100:] or "_"
        number = 2
        while free in taken or free.startswith(OURS):
            free = f"{number}-{name}"
            number += 1
        taken.add(free)
        yield Upload(free, file.data)


@dataclass(frozen=True)
class Held:
    """What a reply holds of its question: its text, and attachments of which one may be that text."""

    text: str
    attachments: tuple[discord.Attachment, ...]


def held(message: discord.Message) -> Held | None:
    """What the reply carries; None where it only refers to its question."""
    theirs = tuple(each for each in message.attachments if _is_theirs(each.filename))
    quotation = _quotation(message.components) or unquoted(message.content)
    return Held(quotation or "", theirs) if theirs or quotation else None


def _is_theirs(name: str) -> bool:
    return name == QUESTION or not name.startswith(OURS)


def _quotation(components: Iterable[Any]) -> str | None:
    for component in components:
        if isinstance(component, discord.TextDisplay) and component.id == QUOTE_ID:
            return unquoted(component.content)
        if (found := _quotation(getattr(component, "children", ()))) is not None:
            return found
    return None
