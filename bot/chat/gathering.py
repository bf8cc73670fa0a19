"""What a message asks: its words without our name, those of its row, that it answers or passes on, and their files."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import PurePosixPath
from typing import Final

import discord

from bot.chat.asked import Asked, NotAsked
from bot.chat.carried import QUESTION, Attached, attached, held
from bot.chat.retrying import FAILURES, retried
from bot.chat.rows import Rows
from bot.exchange import File
from explainers.messages import said

READ: Final = frozenset((
    ".py", ".ipynb", ".txt", ".md", ".log", ".out", ".err", "", ".csv", ".tsv", ".json", ".npy", ".npz",
))  # fmt: skip
"""What is downloaded; of other files the evaluator is told the name."""


class Gatherer:
    """Reads messages as `me`, with files of `file_bytes` in all."""

    def __init__(
        self, me: discord.ClientUser, file_bytes: int, download: Callable[[str], Awaitable[bytes]], rows: Rows
    ) -> None:
        self._me = me
        self._rows = rows
        self._download = download
        self._file_bytes = file_bytes

    async def asked(self, message: discord.Message, *, direct: bool) -> Asked:
        """The question of a message; raises NotAsked."""
        row = [message, *await self._others(message)]
        replied = await self._replied(message)
        if replied is not None and all(each.id != replied.id for each in row):
            row.append(replied)
        row.sort(key=lambda each: each.id)
        sources = [source for each in row for source in self.sources(each)]
        before = self.text(*(source for each in row if each.id < message.id for source in self.sources(each)))
        files = [file for each in sources for file in attached(each.attachments)]
        return Asked(
            text=self.text(*sources, title=title(message)),
            files=await self.files(files),
            asker=message.author.id,
            guild=message.guild.id if message.guild else 0,
            direct=direct,
            revision=max(revision(message), self._rows.changed(message.id)),
            earlier=before.count("\n") + 2 if before else 0,
        )

    def sources(self, message: discord.Message) -> tuple[discord.Message | discord.MessageSnapshot, ...]:
        """The message, and those that it passes on."""
        return (message, *message.message_snapshots)

    def text(self, *sources: discord.Message | discord.MessageSnapshot, title: str = "") -> str:
        """Their words without our name."""
        texts = (without_mention(each.content, self._me.id) for each in sources)
        return "\n\n".join(each for each in (*texts, title) if each.strip())

    async def recalled(self, reply: discord.Message, channel: discord.abc.Messageable) -> Asked | None:
        """The question of one of our replies, from the reply itself or from what it refers to; None where it is gone.

        Raises NotAsked.
        """
        if (found := held(reply, self._download)) is not None:
            files = await self.files(found.files)
            texts = [file.data.decode(errors="replace") for file in files if file.name == QUESTION]
            return Asked("\n".join(texts) or found.text, tuple(file for file in files if file.name != QUESTION))
        if reply.reference is None or reply.reference.message_id is None:
            return None
        try:
            question = await channel.fetch_message(reply.reference.message_id)
        except FAILURES:
            return None
        return await self.asked(question, direct=True)

    async def files(self, known: Sequence[Attached]) -> tuple[File, ...]:
        """What of them can be read, downloaded; raises NotAsked."""
        wanted = [each for each in known if _is_read(each.name)]
        size = sum(each.size for each in wanted)
        if size > self._file_bytes:
            raise NotAsked(
                "too-large",
                said(
                    "{what} has {size} bytes, and I read {limit} at most: send only what computes the loss.",
                    what=said("What you attached"),
                    size=size,
                    limit=self._file_bytes,
                ),
            )
        return tuple(await asyncio.gather(*(_file(each) for each in known)))

    async def _others(self, message: discord.Message) -> list[discord.Message]:
        """Those of its row, as they stand now; one that can't be read is left out."""
        found: list[discord.Message] = []
        for id in self._rows.others(message.id):
            with contextlib.suppress(*FAILURES):
                found.append(await message.channel.fetch_message(id))
        return found

    async def _replied(self, message: discord.Message) -> discord.Message | None:
        """The message that this one answers, unless it is our own."""
        reference = message.reference
        if message.type is not discord.MessageType.reply or reference is None or reference.message_id is None:
            return None
        replied = reference.resolved
        if not isinstance(replied, discord.Message):
            try:
                replied = await message.channel.fetch_message(reference.message_id)
            except FAILURES:
                return None
        return None if replied.author.id == self._me.id else replied


def title(message: discord.Message) -> str:
    """Of the forum post that this message opens; it often asks what the post only shows."""
    channel = message.channel
    return channel.name if isinstance(channel, discord.Thread) and channel.id == message.id else ""


def revision(message: discord.Message) -> int:
    """Grows with each edit: its time in microseconds, 0 before the first."""
    return int(message.edited_at.timestamp() * 1_000_000) if message.edited_at else 0


def without_mention(text: str, me: int) -> str:
    """The text without our name; lines stay where they are."""
    return re.sub(rf"<@!?{me}> ?", "", text)


def _is_read(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in READ


async def _file(attached: Attached) -> File:
    if not _is_read(attached.name):
        return File(attached.name, b"")
    try:
        return File(attached.name, await retried(attached.read))
    except FAILURES:
        message = said("I could not download {name}: attach it again.", name=attached.name)
        raise NotAsked("needs-input", message) from None
