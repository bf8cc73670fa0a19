"""The dialogue of `/why` without anything, and of the message menu: what is asked can be edited first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, cast

import discord
from discord import ui

from bot.chat.limits import MODAL_TEXT
from bot.exchange import Theme
from explainers.locale import Translator
from explainers.messages import said

MOST_FILES: Final = 5

_TEXT: Final = said("Code, numbers or traceback")
_TEXT_BELOW: Final = said("Whatever you would post; imports are not needed.")
_EXPECTED: Final = said("What it printed, or what you expected")
_EXPECTED_BELOW: Final = said("For example: it prints 0.5514, expected 0")
_FILES: Final = said("Files")
_FILES_BELOW: Final = said("Python, notebooks or text")
_THEME: Final = said("Colours of the picture")
_THEME_BELOW: Final = said("Those of the card, whatever your own theme is")

Submitted: TypeAlias = Callable[[discord.Interaction[Any], "WhyModal"], Awaitable[None]]


class WhyModal(ui.Modal):
    """Code, what was expected of it, files, and the colours of the card."""

    def __init__(self, translator: Translator, on_submitted: Submitted, text: str = "") -> None:
        super().__init__(title=said("Explain a loss").say(translator), timeout=None)
        self._on_submitted = on_submitted
        self._text = ui.TextInput[Any](
            style=discord.TextStyle.paragraph, default=text or None, required=False, max_length=MODAL_TEXT
        )
        self._expected = ui.TextInput[Any](required=False, max_length=200)
        self._files = ui.FileUpload[Any](required=False, min_values=0, max_values=MOST_FILES)
        self._theme = ui.Select[Any](options=_themes(translator))
        for label, below, component in (
            (_TEXT, _TEXT_BELOW, self._text),
            (_EXPECTED, _EXPECTED_BELOW, self._expected),
            (_FILES, _FILES_BELOW, self._files),
            (_THEME, _THEME_BELOW, self._theme),
        ):
            self.add_item(ui.Label(text=label.say(translator), description=below.say(translator), component=component))

    @property
    def text(self) -> str:
        """What was written, in the order in which one would post it."""
        return "\n\n".join(each for each in (self._text.value, self._expected.value) if each.strip())

    @property
    def files(self) -> list[discord.Attachment]:
        return self._files.values

    @property
    def theme(self) -> Theme:
        return cast(Theme, self._theme.values[0]) if self._theme.values else "dark"

    async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
        await self._on_submitted(interaction, self)


def _themes(translator: Translator) -> list[discord.SelectOption]:
    return [
        discord.SelectOption(label=said("Dark").say(translator), value="dark", default=True),
        discord.SelectOption(label=said("Light").say(translator), value="light"),
    ]
