"""Interactions: acknowledged at once, worked on, and answered in one response."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, TypeAlias

import discord

from bot.chat import composing
from bot.chat.answering import CARD, FAILED, Answerer
from bot.chat.asked import Asked, NotAsked
from bot.chat.carried import carried
from bot.chat.composing import Room
from bot.chat.delivering import delivered
from bot.chat.retrying import FAILURES, may_succeed
from bot.chat.shown import Shown
from bot.chat.surfaces import Gone, InteractionReply
from bot.chat.waiting import waiting
from bot.exchange import Answer, Wants
from bot.log import Log
from explainers.messages import Message, said

Interaction: TypeAlias = discord.Interaction[Any]

_ALREADY_ACKNOWLEDGED: Final = 40060
_PAUSE: Final = 0.3
_ENDING: Final = said("I am being restarted: ask again in a minute.")


class Responder:
    """Responds to interactions, each within `under_way`, so that an end can wait for them."""

    def __init__(self, answerer: Answerer, log: Log) -> None:
        self.answerer = answerer
        self._log = log
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.ending = False

    async def question(self, interaction: Interaction, gather: Callable[[], Awaitable[Asked]]) -> None:
        """Responds with the reply to a question, which `gather` reads; it may raise NotAsked."""

        async def work(reply: InteractionReply) -> None:
            asked = Asked("", locale=interaction.locale.value, asker=interaction.user.id)
            try:
                asked = replace(await gather(), asker=interaction.user.id, guild=interaction.guild_id or 0)
                answer = await self.answered(interaction, reply, asked, CARD)
            except NotAsked as error:
                answer = self.answerer.stopped(interaction.id, asked, error.outcome, error.message)
            translator = self.answerer.speaking(answer.language)

            def compose(room: Room) -> Shown:
                return composing.reply(answer, asked, room, translator, carried(asked.text, asked.files, room.files))

            await self._deliver(interaction, reply, compose)

        await self.respond(interaction, work, ephemeral=not is_ours(interaction))

    async def answered(self, interaction: Interaction, reply: InteractionReply, asked: Asked, wants: Wants) -> Answer:
        """The Answer; until then, the place in the queue where there is one to wait in."""
        async with waiting(reply.show, self.answerer.speaking(asked.language)) as place:
            return await self.answerer.answer(interaction.id, asked, wants, place.hear)

    async def respond(
        self, interaction: Interaction, work: Callable[[InteractionReply], Awaitable[None]], *, ephemeral: bool
    ) -> None:
        """Acknowledges, then works; what fails is said, once."""
        async with self.under_way():
            if self.ending:
                await self.say(interaction, _ENDING)
                return
            reply = InteractionReply(interaction)
            if not await self._acknowledged(interaction, ephemeral):
                return
            try:
                await work(reply)
            except Exception as error:  # the asker waits for a response
                self._log.error("failed", ask=interaction.id, error=type(error).__name__)
                await self._deliver(interaction, reply, lambda _room: self.sentence(interaction, FAILED))

    async def say(self, interaction: Interaction, message: Message) -> None:
        """Responds with one sentence, for the eyes of who asked."""
        await self.show(interaction, self.sentence(interaction, message))

    async def show(self, interaction: Interaction, shown: Shown) -> None:
        """Responds at once, for the eyes of who asked."""
        try:
            await interaction.response.send_message(shown.content, ephemeral=True)
        except FAILURES as error:
            self._log.warning("not said", ask=interaction.id, reason=type(error).__name__)

    def sentence(self, interaction: Interaction, message: Message) -> Shown:
        """The sentence in the language of who interacts."""
        return composing.sentence(message.say(self.answerer.speaking(interaction.locale.value)))

    async def deliver(self, interaction: Interaction, compose: Callable[[Room], Shown]) -> None:
        """Shows something as the response to an interaction that was acknowledged."""
        await self._deliver(interaction, InteractionReply(interaction), compose)

    @property
    def count(self) -> int:
        """Of interactions that are under way."""
        return self._count

    @asynccontextmanager
    async def under_way(self) -> AsyncGenerator[None]:
        self._count += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._idle.set()

    async def finish(self) -> None:
        """Waits for all that is under way."""
        await self._idle.wait()

    async def _deliver(
        self, interaction: Interaction, reply: InteractionReply, compose: Callable[[Room], Shown]
    ) -> None:
        try:
            await delivered(reply, compose, self._log, interaction.id)
        except Gone:
            self._log.info("response deleted", ask=interaction.id)

    async def _acknowledged(self, interaction: Interaction, ephemeral: bool) -> bool:
        """False where it is too late, or where this interaction was told twice and is answered already."""
        code = 0
        for attempt in range(2):
            try:
                await interaction.response.defer(ephemeral=ephemeral, thinking=True)
                return True
            except FAILURES as error:
                code = error.code if isinstance(error, discord.HTTPException) else 0
                if attempt and code == _ALREADY_ACKNOWLEDGED:
                    return True  # by the request before, whose answer was lost
                if not may_succeed(error):
                    break
                await asyncio.sleep(_PAUSE)
        self._log.warning("not acknowledged", ask=interaction.id, code=code)
        return False


def is_ours(interaction: Interaction) -> bool:
    """Whether it happens where we were installed, or in our own direct messages: there all may see the answer."""
    in_own_messages = interaction.guild_id is None and interaction.context.dm_channel
    return in_own_messages or interaction.is_guild_integration()
