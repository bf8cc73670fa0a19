"""What a process left undone when it ended: answered by the next one, once, or recorded."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.exchange import Answer, Ask
from bot.fleet.port import Progress
from bot.store import Claim, State, opened
from bot.store.engine import migrated
from bot.store.schema import CLAIMS
from tests.bot.chat.answers import explained
from tests.bot.chat.conftest import Place, Scripted, Start
from tests.loopback_discord.entities import Message
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.permissions import Permission

QUESTION = "why is it 4?"
SECONDS = 10.0


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/claims.sqlite3"


def echo(ask: Ask, _progress: Progress) -> Answer:
    return explained(ask, f"heard {ask.text}")


async def left(url: str, message: Message, state: State, *, seconds_ago: float = 0.0) -> None:
    """The claim as a process leaves it that is killed in this state, before it hears of a reply."""
    async with opened(url) as claims:
        await claims.claim(message.id, message.channel.id, 0)
    async with migrated(url) as engine, engine.begin() as connection:
        row = {"state": state, "reply": None, "layout": False, "changed": time.time() - seconds_ago}
        await connection.execute(update(CLAIMS).values(row))


async def found(url: str, message: Message) -> Claim:
    async with opened(url) as claims:
        claim = await claims.find(message.id)
    assert claim is not None
    return claim


async def test_a_claimed_question_is_answered(loopback: Loopback, start: Start, place: Place, url: str) -> None:
    message = place.alice.mention(place.general, QUESTION)
    await left(url, message, "claimed")
    async with start(Scripted(echo)):
        await loopback.reply_to(message, SECONDS, lambda each: each.pictures)
    assert (await found(url, message)).state == "sent"


async def test_a_reply_that_was_sent_meanwhile_is_the_same_message(
    loopback: Loopback, start: Start, place: Place, url: str
) -> None:
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message, SECONDS, lambda each: each.pictures)
    await left(url, message, "sending")
    async with start(Scripted(echo)):
        await loopback.until(lambda: reply.message.revision > 1, SECONDS)
    assert [each.message for each in loopback.replies(message)] == [reply.message]


async def test_past_the_nonce_the_reply_is_looked_for(loopback: Loopback, start: Start, place: Place, url: str) -> None:
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message, SECONDS, lambda each: each.pictures)
    loopback.forward(3600)
    await left(url, message, "sending", seconds_ago=3600)
    async with start(Scripted(echo)):
        await loopback.until(lambda: reply.message.revision > 1, SECONDS)
    assert [each.message for each in loopback.replies(message)] == [reply.message]
    assert (await found(url, message)).reply == reply.message.id


async def test_where_it_cannot_be_looked_for_none_is_sent(
    loopback: Loopback, start: Start, place: Place, url: str
) -> None:
    blind = loopback.channel(place.guild, "blind", deny=Permission.READ_MESSAGE_HISTORY)
    message = place.alice.mention(blind, QUESTION)
    await left(url, message, "sending", seconds_ago=3600)
    async with start(Scripted(echo)) as running:
        await running.has_logged("question not answered after the restart")
    assert loopback.replies(message) == []
    assert (await found(url, message)).state == "unknown"


async def test_a_question_deleted_meanwhile_is_dropped(
    loopback: Loopback, start: Start, place: Place, url: str
) -> None:
    message = place.alice.mention(place.general, QUESTION)
    await left(url, message, "claimed")
    place.alice.delete(message)
    fleet = Scripted(echo)
    async with start(fleet) as running:
        await running.has_logged("resumed")
    assert fleet.asked == []
    assert (await found(url, message)).state == "withdrawn"


async def test_what_is_asked_before_all_guilds_are_known_is_no_leftover(
    loopback: Loopback, start: Start, place: Place
) -> None:
    resumed = asyncio.Event()

    async def after_that(ask: Ask, _progress: Progress) -> Answer:
        await resumed.wait()
        return explained(ask)

    fleet = Scripted(after_that)
    async with start(fleet) as running:
        message = place.alice.mention(place.general, QUESTION)
        await running.has_logged("resumed")
        resumed.set()
        await loopback.reply_to(message, SECONDS, lambda each: each.pictures)
    assert len(fleet.asked) == 1
    assert not fleet.cancelled
