"""The slash commands and the message menu: installable for a server or for a user, and usable everywhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import discord
from discord import app_commands

from bot.chat import composing, information
from bot.chat.answering import UNFIT
from bot.chat.asked import Asked
from bot.chat.carried import attached
from bot.chat.desk import Desk
from bot.chat.gathering import Gatherer
from bot.chat.limits import CHOICES, MODAL_TEXT, width
from bot.chat.modal import WhyModal
from bot.chat.responding import Interaction, Responder
from bot.chat.retrying import FAILURES
from bot.chat.translating import named
from bot.fleet.port import FleetLost, FleetUnfit
from bot.languages import FALLBACK, spoken
from bot.log import Log
from explainers.locale import Translator
from explainers.messages import Message, said

_STARTING = said("My evaluator is starting: ask again in a minute.")
_UNKNOWN = said("I know no loss of that name: /losses lists those I know.")


class Commands:
    """What each command does."""

    def __init__(self, responder: Responder, gatherer: Gatherer, desk: Desk, log: Log) -> None:
        self._desk = desk
        self._responder = responder
        self._gatherer = gatherer
        self._log = log
        self._started = time.monotonic()

    def add_to(self, tree: app_commands.CommandTree[Any]) -> None:
        """All of them."""
        tree.add_command(self._why())
        tree.add_command(self._losses())
        tree.add_command(app_commands.ContextMenu(name=named(said("Explain this loss")), callback=self._menu()))
        for name, description, say in (
            (said("help"), said("How to ask me"), information.help_text),
            (said("privacy"), said("What I keep of your questions"), information.privacy),
            (said("status"), said("How I am"), self._condition),
        ):
            tree.add_command(self._telling(name, description, say))

    def _why(self) -> app_commands.Command[Any, ..., None]:
        @app_commands.rename(text=named(said("text")), file=named(said("file")))
        @app_commands.describe(
            text=named(said("Code, numbers or a traceback; leave all empty for a form")),
            file=named(said("Python, a notebook or text")),
        )
        async def why(
            interaction: discord.Interaction, text: str | None = None, file: discord.Attachment | None = None
        ) -> None:
            if text is None and file is None:
                await self._open(interaction, "", self._own_language(interaction))
                return
            attachments = [file] if file is not None else []
            gather = partial(self._asked, text or "", attachments, self._own_language(interaction))
            await self._responder.question(interaction, gather)

        return app_commands.Command(
            name=named(said("why")), description=named(said("Explain the value of a PyTorch loss")), callback=why
        )

    def _menu(self) -> Callable[[discord.Interaction, discord.Message], Any]:
        async def explain(interaction: discord.Interaction, message: discord.Message) -> None:
            """Text can be edited before it is asked; with files, or too long for that, it is asked as it stands."""
            sources = self._gatherer.sources(message)
            text, attachments = self._gatherer.text(*sources), [a for each in sources for a in each.attachments]
            language = self._language(interaction)
            if text.strip() and not attachments and width(text) <= MODAL_TEXT:
                await self._open(interaction, text, language)
            else:
                gather = partial(self._asked, text, attachments, language)
                await self._responder.question(interaction, gather)

        return explain

    def _losses(self) -> app_commands.Command[Any, ..., None]:
        @app_commands.rename(name=named(said("name")))
        @app_commands.describe(name=named(said("One of them, with an example")))
        async def losses(interaction: discord.Interaction, name: str | None = None) -> None:
            await self._tell(interaction, partial(self._known, name))

        async def names(_interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
            return [app_commands.Choice(name=each, value=each) for each in self._names(current)]

        command = app_commands.Command[Any, ..., None](
            name=named(said("losses")), description=named(said("The losses I know")), callback=losses
        )
        command.autocomplete("name")(names)
        return command

    def _telling(
        self, name: Message, description: Message, say: Callable[[Translator], str]
    ) -> app_commands.Command[Any, ..., None]:
        async def tell(interaction: discord.Interaction) -> None:
            await self._tell(interaction, say)

        return app_commands.Command(name=named(name), description=named(description), callback=tell)

    async def _tell(self, interaction: Interaction, say: Callable[[Translator], str]) -> None:
        translator = self._responder.answerer.speaking(interaction.locale.value)
        await self._responder.show(interaction, composing.sentence(say(translator)))

    async def _open(self, interaction: Interaction, text: str, language: str | None) -> None:
        async def submitted(answered: Interaction, modal: WhyModal) -> None:
            gather = partial(self._asked, modal.text, modal.files, language, modal)
            await self._responder.question(answered, gather)

        modal = WhyModal(self._responder.answerer.speaking(interaction.locale.value), submitted, text)
        try:
            await interaction.response.send_modal(modal)
        except FAILURES as error:
            self._log.warning("form not opened", ask=interaction.id, reason=type(error).__name__)

    async def _asked(
        self, text: str, attachments: list[discord.Attachment], language: str | None, modal: WhyModal | None = None
    ) -> Asked:
        files = await self._gatherer.files(attached(attachments))
        return Asked(text, files, locale=language, theme=modal.theme if modal else "dark")

    def _language(self, interaction: Interaction) -> str | None:
        """Of who asks about somebody else's words."""
        return spoken(interaction.locale.value, self._responder.answerer.translators)

    def _own_language(self, interaction: Interaction) -> str | None:
        """Of who asks in words of their own: those tell it, where the client is set to English as most are."""
        language = self._language(interaction)
        return None if language == FALLBACK else language

    def _names(self, current: str) -> list[str]:
        try:
            known = [loss.name for loss in self._responder.answerer.fleet.catalogue.losses]
        except FleetLost:
            return []
        wanted = current.lower().replace(" ", "_")
        found = [name for name in known if wanted in name]
        return sorted(found, key=lambda name: (not name.startswith(wanted), name))[:CHOICES]

    def _known(self, name: str | None, translator: Translator) -> str:
        try:
            catalogue = self._responder.answerer.fleet.catalogue
        except FleetLost as lost:
            return _absence(lost).say(translator)
        if name is None:
            return information.losses(catalogue, translator)
        found = next((loss for loss in catalogue.losses if name in (loss.name, loss.module)), None)
        return _UNKNOWN.say(translator) if found is None else information.loss(found)

    def _condition(self, translator: Translator) -> str:
        try:
            torch = self._responder.answerer.fleet.catalogue.torch
        except FleetLost as lost:
            return _absence(lost).say(translator)
        seconds, count = time.monotonic() - self._started, self._desk.count + self._responder.count
        return information.condition(information.Condition(version("whyloss"), torch, count, seconds), translator)


def _absence(lost: FleetLost) -> Message:
    return UNFIT if isinstance(lost, FleetUnfit) else _STARTING
