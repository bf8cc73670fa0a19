"""Steps, Source and Delete: each knows from its custom_id what to do, also after a restart."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeAlias, assert_never

import discord
from discord import ui

from bot.chat import composing, states
from bot.chat.asked import NotAsked
from bot.chat.composing import Room
from bot.chat.gathering import Gatherer
from bot.chat.responding import Interaction, Responder
from bot.chat.retrying import FAILURES, retried
from bot.chat.shown import Shown
from bot.chat.surfaces import InteractionReply
from bot.exchange import Answer, Wants
from bot.store import Claims
from explainers.messages import Message, said

_OLD: Final = said("This button is of another version of mine: ask the question again.")
_NOT_YOURS: Final = said("Only who asked, and moderators, can delete this.")
_NO_QUESTION: Final = said("I can't read the question of this reply any more: ask it again.")
_NOT_DELETED: Final = said("I could not delete this: delete the question, or ask a moderator.")
_WANTS: Final = {"steps": Wants(full=True, sources=True), "source": Wants(sources=True)}

PressType: TypeAlias = type[ui.DynamicItem[ui.Button[Any]]]


class Buttons:
    """What is done when a button is pressed."""

    def __init__(self, responder: Responder, gatherer: Gatherer, claims: Claims) -> None:
        self._responder = responder
        self._gatherer = gatherer
        self._claims = claims

    async def press(self, interaction: Interaction, custom_id: str) -> None:
        """Responds to who pressed it."""
        state = states.read(custom_id)
        if state is None:
            await self._responder.say(interaction, _OLD)
            return
        match state.action:
            case "delete":
                await self._delete(interaction, state)
            case "steps" | "source":
                await self._derive(interaction, state)
            case _:
                assert_never(state.action)

    async def _delete(self, interaction: Interaction, state: states.State) -> None:
        if interaction.user.id != state.asker and not interaction.permissions.manage_messages:
            await self._responder.say(interaction, _NOT_YOURS)
            return
        async with self._responder.under_way():
            try:
                await interaction.response.defer()
                await retried(interaction.delete_original_response)
                if interaction.message is not None:
                    await self._claims.removed(interaction.message.id)
            except discord.NotFound:
                return
            except FAILURES:
                await interaction.followup.send(
                    self._responder.sentence(interaction, _NOT_DELETED).content, ephemeral=True
                )

    async def _derive(self, interaction: Interaction, state: states.State) -> None:
        """Answers the question again, for the eyes of who pressed."""

        async def work(reply: InteractionReply) -> None:
            await self._responder.deliver(interaction, await self._derived(interaction, reply, state))

        await self._responder.respond(interaction, work, ephemeral=True)

    async def _derived(
        self, interaction: Interaction, reply: InteractionReply, state: states.State
    ) -> Callable[[Room], Shown]:
        pressed_on, channel = interaction.message, interaction.channel
        if pressed_on is None or not isinstance(channel, discord.abc.Messageable):
            return self._saying(interaction, _NO_QUESTION)
        try:
            asked = await self._gatherer.recalled(pressed_on, channel)
        except NotAsked as error:
            return self._saying(interaction, error.message)
        if asked is None:
            return self._saying(interaction, _NO_QUESTION)
        question = replace(
            asked, locale=state.language, theme=state.theme, asker=interaction.user.id, guild=interaction.guild_id or 0
        )
        answer = await self._responder.answered(interaction, reply, question, _WANTS[state.action])
        return _composed(answer, state.action)

    def _saying(self, interaction: Interaction, message: Message) -> Callable[[Room], Shown]:
        return lambda _room: self._responder.sentence(interaction, message)


def _composed(answer: Answer, action: states.Action) -> Callable[[Room], Shown]:
    if not answer.drawn.sources:
        return lambda _room: composing.sentence(answer.verdict)
    compose = composing.steps if action == "steps" else composing.sources
    return lambda room: compose(answer, room)


def pressed(buttons: Buttons) -> PressType:
    """The class that discord.py makes an item of, for any button of ours that is pressed."""

    class Pressed(ui.DynamicItem[ui.Button[Any]], template=rf"{states.PREFIX}.+"):
        @classmethod
        async def from_custom_id(cls, interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /) -> Pressed:
            assert isinstance(item, ui.Button)
            return cls(item)

        async def callback(self, interaction: Interaction) -> None:
            await buttons.press(interaction, self.custom_id)

    return Pressed
