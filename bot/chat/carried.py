"""How a reply holds its question: nothing about it is stored, so buttons answer again from the reply alone."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

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
    uploads = tuple(_uploads(file for file in files if file.data))
    short = width(text) <= _LONGEST_QUOTE and text.count("\n") < _MOST_QUOTED_LINES
    if short and (may_attach or not uploads):
        return Carried(quoted(text) if text.strip() else "", uploads)
    if may_attach:
        return Carried(uploads=(Upload(QUESTION, text.encode()), *uploads))
    return Carried(quoted(_beginning(text)), whole=False)


def _beginning(text: str) -> str:
    """As much as a quotation holds: each of its lines costs two characters more."""
    kept = "\n".join(text.split("\n")[:_MOST_QUOTED_LINES])
    return clipped(kept if kept == text else f"{kept}\n…", _LONGEST_QUOTE)


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
class Attached:
    """A file of a message, not downloaded yet; `size` in bytes."""

    name: str
    size: int
    read: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True)
class Held:
    """What a reply holds of its question: its text, and files of which one may be that text."""

    text: str
    files: tuple[Attached, ...]


def held(message: discord.Message, download: Callable[[str], Awaitable[bytes]]) -> Held | None:
    """What the reply carries; None where it only refers to its question. `download` gets the bytes at an address."""
    by_name = {each.name: each for each in (*attached(message.attachments), *_shown(message, download))}
    files = tuple(each for each in by_name.values() if _is_theirs(each.name))
    quotation = _quotation(message) or unquoted(message.content)
    return Held(quotation or "", files) if files or quotation else None


def attached(attachments: Iterable[discord.Attachment]) -> tuple[Attached, ...]:
    """The attachments of a message."""
    return tuple(Attached(each.filename, each.size, each.read) for each in attachments)


def _shown(message: discord.Message, download: Callable[[str], Awaitable[bytes]]) -> Iterator[Attached]:
    """Files that components show: Discord does not list those as attachments (discord-api-docs#8277).

    discord.py gives a message's components no connection to read them with, so `download` does.
    """
    for each in components(message.components):
        if isinstance(each, discord.FileComponent):
            name = each.name or PurePosixPath(urlsplit(each.media.url).path).name
            yield Attached(name, each.size or 0, partial(download, each.media.url))


def _is_theirs(name: str) -> bool:
    return name == QUESTION or not name.startswith(OURS)


def _quotation(message: discord.Message) -> str | None:
    found = (each for each in components(message.components) if isinstance(each, discord.TextDisplay))
    return next((unquoted(each.content) for each in found if each.id == QUOTE_ID), None)


def components(of: Iterable[Any]) -> Iterator[Any]:
    """All of them, those within others too."""
    for component in of:
        yield component
        yield from components(getattr(component, "children", ()))
