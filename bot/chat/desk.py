"""The questions that stand in messages: each claimed once, one revision answered at a time, its reply kept true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import discord

from bot.chat import composing
from bot.chat.answering import CARD, Answerer
from bot.chat.asked import Asked, NotAsked
from bot.chat.carried import BY_REFERENCE, carried
from bot.chat.composing import Room
from bot.chat.delivering import delivered
from bot.chat.gathering import Gatherer, revision
from bot.chat.retrying import FAILURES, retried
from bot.chat.rows import Row
from bot.chat.shown import Shown
from bot.chat.surfaces import Gone, MessageReply, forgiving
from bot.chat.typing import Typing, typing
from bot.chat.waiting import Say, waiting
from bot.exchange import Answer
from bot.log import Log
from bot.store import KEPT_SECONDS, Claim, Claims

_PAUSES_WHEN_BUSY: Final = (2.0, 5.0, 10.0)
"""Of a post that nobody asked us about, before we say that we are busy: it need not be a question."""


@dataclass
class _UnderWay:
    """A question that is being worked on. `lock` is held while its reply changes, `revision` is the newest one seen.

    `message` is the question as it was last told, None where only its deletion was.
    """

    revision: int
    message: discord.Message | None = None
    task: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Desk:
    """One step at a time for each question: a later one ends the work of the one before, never a reply half changed."""

    def __init__(self, answerer: Answerer, gatherer: Gatherer, claims: Claims, log: Log) -> None:
        self._answerer = answerer
        self._gatherer = gatherer
        self._claims = claims
        self._log = log
        self._under_way: dict[int, _UnderWay] = {}
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def count(self) -> int:
        """Of questions that are under way."""
        return len(self._under_way)

    def asked(self, message: discord.Message, *, direct: bool) -> None:
        """A new message is for us; told twice, it is answered once."""
        if message.id not in self._under_way:
            self._step(message.id, revision(message), partial(self._first, message, direct), message)

    def edited(self, message: discord.Message, direct: bool | None) -> None:
        """A message was edited; `direct` None says that it is not for us as it stands now."""
        known = self._under_way.get(message.id)
        if known is None or known.revision < revision(message):
            self._step(message.id, revision(message), partial(self._again, message, direct), message)

    def went_on(self, row: Row, channel: discord.abc.Messageable) -> None:
        """What stands beside a question in its row is another than before."""
        if row.question is not None:
            self._step(row.question, row.changed, partial(self._anew, row.question, channel, row.direct))

    def deleted(self, id: int, channel: discord.PartialMessageable) -> None:
        """A message was deleted: a question, a reply of ours, or one of all the others."""
        self._step(id, 1 << 62, partial(self._withdraw, id, channel))

    def resumed(self, message: discord.Message, claim: Claim, *, direct: bool) -> None:
        """A question that was under way when the process before this one ended."""
        self._step(message.id, revision(message), partial(self._answer, message, claim, direct), message)

    async def finish(self) -> None:
        """Waits for all that is under way; cancelling this ends it."""
        try:
            while self._running:
                await asyncio.wait(self._running)
        finally:
            for task in self._running:
                task.cancel()

    def _step(
        self,
        id: int,
        revision: int,
        work: Callable[[_UnderWay], Coroutine[Any, Any, None]],
        message: discord.Message | None = None,
    ) -> None:
        here = self._under_way.setdefault(id, _UnderWay(revision))
        here.revision, here.message = revision, message or here.message
        if here.task is not None:
            here.task.cancel()
        here.task = self._run(self._worked(id, here, work))

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _worked(self, id: int, here: _UnderWay, work: Callable[[_UnderWay], Coroutine[Any, Any, None]]) -> None:
        try:
            async with here.lock:  # the step before may still be changing the reply
                pass
            await work(here)
        except Exception as error:  # whatever it is, the other questions get their answers
            self._log.error("failed", ask=id, error=type(error).__name__)
        finally:
            if here.task is asyncio.current_task():
                self._under_way.pop(id, None)

    async def _first(self, message: discord.Message, direct: bool, here: _UnderWay) -> None:
        if await self._claims.claim(message.id, message.channel.id, here.revision):
            await self._answer(message, await self._claim_of(message), direct, here)

    async def _again(self, message: discord.Message, direct: bool | None, here: _UnderWay) -> None:
        if await self._claims.revise(message.id, here.revision):
            await self._answer(message, await self._claim_of(message), direct is not False, here)
        elif direct is not None and time.time() - message.created_at.timestamp() < KEPT_SECONDS:
            await self._first(message, direct, here)

    async def _anew(self, id: int, channel: discord.abc.Messageable, direct: bool, here: _UnderWay) -> None:
        try:
            message = here.message or await retried(lambda: channel.fetch_message(id))
        except discord.NotFound:
            return  # its deletion is told, too
        except FAILURES as error:
            self._log.warning("question not read again", ask=id, reason=type(error).__name__)
            return
        await self._again(message, direct, here)

    async def _withdraw(self, id: int, channel: discord.PartialMessageable, here: _UnderWay) -> None:
        claim = await self._claims.find(id)
        if claim is None:
            await self._claims.removed(id)
            return
        await self._claims.enter(id, "withdrawn")
        if claim.reply is not None:
            await self._whole(here, self._removed(channel, claim.reply))

    async def _removed(self, channel: discord.PartialMessageable, reply: int) -> None:
        try:
            await forgiving(channel.get_partial_message(reply).delete)
        except FAILURES as error:
            self._log.error("reply not deleted", reply=reply, reason=type(error).__name__)

    async def _claim_of(self, message: discord.Message) -> Claim:
        claim = await self._claims.find(message.id)
        assert claim is not None, "it was claimed a moment ago"
        return claim

    async def _answer(self, message: discord.Message, claim: Claim, direct: bool, here: _UnderWay) -> None:
        reply = MessageReply(message, claim, self._claims)
        async with typing(message.channel, at_once=direct) as sign:
            asked, answer = await self._answered(
                message, direct, sign, lambda shown: self._whole(here, reply.announce(shown))
            )
            await self._whole(here, self._replied(message, reply, asked, answer))

    async def _answered(self, message: discord.Message, direct: bool, sign: Typing, say: Say) -> tuple[Asked, Answer]:
        try:
            asked = await self._gatherer.asked(message, direct=direct)
        except NotAsked as error:
            asked = Asked(message.content, asker=message.author.id, direct=direct)
            return asked, self._answerer.stopped(message.id, asked, error.outcome, error.message)
        if direct:
            async with waiting(say, self._answerer.speaking(asked.language)) as place:
                return asked, await self._answerer.answer(message.id, asked, CARD, place.hear)
        for pause in _PAUSES_WHEN_BUSY:
            answer = await self._answerer.answer(message.id, asked, CARD, sign.hear)
            if answer.outcome != "busy":
                return asked, answer
            await asyncio.sleep(pause)
        return asked, await self._answerer.answer(message.id, asked, CARD, sign.hear)

    async def _replied(self, message: discord.Message, reply: MessageReply, asked: Asked, answer: Answer) -> None:
        if not asked.direct and answer.outcome == "not-a-question":
            await reply.remove()
            await self._claims.silenced(message.id)
            return
        translator = self._answerer.speaking(answer.language)

        def compose(room: Room) -> Shown:
            held = BY_REFERENCE if reply.refers else carried(asked.text, asked.files, room.files)
            return composing.reply(answer, asked, room, translator, held)

        try:
            if not await delivered(reply, compose, self._log, message.id):
                await self._claims.enter(message.id, "failed")
        except Gone:
            await self._claims.enter(message.id, "withdrawn")

    async def _whole(self, here: _UnderWay, change: Coroutine[Any, Any, None]) -> None:
        """A change of the reply, which goes on to its end also when the step that wanted it is cancelled."""

        async def locked() -> None:
            async with here.lock:
                await change

        await asyncio.shield(self._run(locked()))
