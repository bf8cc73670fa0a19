"""Messages in a row: what one person says in several messages, which Discord shows as one, is one question."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import discord

SHOWN_AS_ONE_SECONDS: Final = 7 * 60.0
"""So long Discord puts the next message of the same person under the name above the one before."""

_MOST: Final = 4
"""Messages of a row; a fifth begins another."""

_REMEMBERED: Final = 4096


@dataclass
class Row:
    """Ids of one author's messages with nobody's between, oldest first; what they say is not kept.

    `question` is the one that was for us, and that our reply answers; `direct` as it was asked, or asked again by a
    later message; `changed` is the revision of the row as a whole.
    """

    author: int
    channel: int
    last: float
    messages: list[int] = field(default_factory=list[int])
    question: int | None = None
    direct: bool = False
    changed: int = 0

    def takes(self, message: discord.Message) -> bool:
        """Whether the message goes on with this row."""
        near = message.created_at.timestamp() - self.last < SHOWN_AS_ONE_SECONDS
        return self.author == message.author.id and near and len(self.messages) < _MOST


class Rows:
    """The row that each channel ends with, and those of the messages heard last."""

    def __init__(self) -> None:
        self._last: OrderedDict[int, Row] = OrderedDict()
        self._of: OrderedDict[int, Row] = OrderedDict()

    def heard(self, message: discord.Message) -> Row:
        """The row that the message goes on with or begins; to be called in the order of the events."""
        if (known := self._of.get(message.id)) is not None:
            return known
        row = self._last.get(message.channel.id)
        if row is None or not row.takes(message):
            row = Row(message.author.id, message.channel.id, 0.0)
        row.last = message.created_at.timestamp()
        row.messages.append(message.id)
        _remember(self._last, message.channel.id, row)
        _remember(self._of, message.id, row)
        return row

    def of(self, id: int) -> Row | None:
        """The row of a message, None where it was not heard or is forgotten."""
        return self._of.get(id)

    def others(self, question: int) -> tuple[int, ...]:
        """The further messages of a question, oldest first."""
        row = self._of.get(question)
        return tuple(each for each in row.messages if each != question) if row and row.question == question else ()

    def changed(self, question: int) -> int:
        """The revision of a question's row; 0 where it is the question's own."""
        row = self._of.get(question)
        return row.changed if row and row.question == question else 0

    def removed(self, id: int) -> Row | None:
        """The row that a deleted message was part of, unless it was all of it, or the question itself."""
        row = self._of.pop(id, None)
        if row is None:
            return None
        row.messages.remove(id)
        if row.question == id:
            row.question = None
        return row if row.question is not None else None


def _remember(rows: OrderedDict[int, Row], key: int, row: Row) -> None:
    rows[key] = row
    rows.move_to_end(key)
    if len(rows) > _REMEMBERED:
        rows.popitem(last=False)
