"""Names and descriptions of commands in each language that we speak."""

from __future__ import annotations

from collections.abc import Mapping

import discord
from discord import app_commands

from bot.languages import FALLBACK, spoken
from explainers.locale import Translator
from explainers.messages import Message


def named(message: Message) -> app_commands.locale_str:
    """A name or description that is translated when the commands are registered."""
    return app_commands.locale_str(message.text)


class CommandTranslator(app_commands.Translator):
    """The catalogues of the chat, as discord.py asks them."""

    def __init__(self, translators: Mapping[str, Translator]) -> None:
        self._translators = translators

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """None where we don't speak it, or where the name stands as it is."""
        language = spoken(locale.value, self._translators)
        if language is None or language == FALLBACK:
            return None
        translated = self._translators[language].text_of(string.message)
        return translated if translated != string.message else None
