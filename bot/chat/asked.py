"""A question on its way to the evaluator, and why one may not get there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bot.exchange import Ask, File, Outcome, Theme, Wants
from explainers.messages import Message

DEADLINE_SECONDS: Final = 30.0
_KANA: Final = re.compile(r"[\u3041-\u30ff]")


@dataclass(frozen=True)
class Asked:
    """What somebody asks. `asker` and `guild` are their ids, 0 for nobody and none; `direct`: they asked us.

    `earlier` counts the lines of the text that stand in messages before theirs.
    """

    text: str
    files: tuple[File, ...] = ()
    locale: str | None = None
    theme: Theme = "dark"
    asker: int = 0
    guild: int = 0
    direct: bool = True
    revision: int = 0
    earlier: int = 0

    def ask(self, id: int, wants: Wants) -> Ask:
        """As it is sent."""
        return Ask(
            id=str(id),
            text=self.text,
            files=self.files,
            locale=self.locale,
            theme=self.theme,
            asker=_key(self.asker),
            guild=_key(self.guild),
            deadline=DEADLINE_SECONDS,
            revision=self.revision,
            wants=wants,
            direct=self.direct,
            earlier=self.earlier,
        )

    @property
    def language(self) -> str:
        """Of a question that nobody could read: the asker's, else what its script tells."""
        return self.locale or ("ja" if _KANA.search(self.text) else "en")


def _key(id: int) -> str:
    return str(id) if id else ""


class NotAsked(Exception):
    """A question that can't be put to the evaluator; says why, and what to try."""

    def __init__(self, outcome: Outcome, message: Message) -> None:
        super().__init__(message.text)
        self.outcome: Outcome = outcome
        self.message = message
