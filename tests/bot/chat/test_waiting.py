"""The place in the queue is said to who waits for long, in the one reply that the answer then takes over."""

from __future__ import annotations

import asyncio

import pytest

from bot.exchange import Answer, Ask, Queued, Stage
from bot.fleet.port import Progress
from tests.bot.chat.answers import explained
from tests.bot.chat.conftest import Place, Scripted, Start
from tests.loopback_discord.entities import ChannelKind
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.seen import Seen

PAUSE = 0.05


class Queue:
    """A fleet's script: whoever asks is third in line, then first, then answered, as the test says."""

    def __init__(self) -> None:
        self.asked, self.moved, self.turn = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, ask: Ask, progress: Progress) -> Answer:
        self.asked.set()
        progress(Queued(ask.id, 3))
        await self.moved.wait()
        progress(Queued(ask.id, 1))
        await self.turn.wait()
        progress(Stage(ask.id, "read"))
        await asyncio.sleep(2 * PAUSE)
        return explained(ask, f"heard {ask.text}")


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.chat.waiting._PAUSE_SECONDS", PAUSE)


def has_card(reply: Seen) -> bool:
    return bool(reply.pictures)


async def test_a_mention_is_told_its_place_and_then_its_answer(loopback: Loopback, start: Start, place: Place) -> None:
    queue = Queue()
    async with start(Scripted(queue)):
        message = place.alice.mention(place.general, "why is it 4?")
        third = await loopback.reply_to(message, where=lambda reply: "number 3 in the queue" in reply.text)
        queue.moved.set()
        first = await loopback.reply_to(message, where=lambda reply: "number 1 in the queue" in reply.text)
        queue.turn.set()
        answer = await loopback.reply_to(message, where=has_card)
    assert third.message is first.message is answer.message
    assert "queue" not in answer.text
    assert len(loopback.replies(message)) == 1


async def test_a_japanese_question_is_told_in_japanese(loopback: Loopback, start: Start, place: Place) -> None:
    queue = Queue()
    async with start(Scripted(queue)):
        message = place.alice.mention(place.general, "なぜ 4 ですか")
        await loopback.reply_to(message, where=lambda reply: "順番待ちの 3 番目" in reply.text)
        queue.moved.set()
        queue.turn.set()
        await loopback.reply_to(message, where=has_card)


async def test_a_command_is_told_its_place_and_then_its_answer(loopback: Loopback, start: Start, place: Place) -> None:
    queue = Queue()
    async with start(Scripted(queue)):
        invoked = place.alice.invoke("why", place.general, text="why is it 4?")
        await invoked.answer(where=lambda reply: "number 3 in the queue" in reply.text)
        queue.moved.set()
        queue.turn.set()
        answer = await invoked.answer(where=has_card)
    assert "queue" not in answer.text


async def test_who_waits_shortly_is_told_the_answer_alone(loopback: Loopback, start: Start, place: Place) -> None:
    async def soon(ask: Ask, progress: Progress) -> Answer:
        progress(Queued(ask.id, 1))
        progress(Stage(ask.id, "read"))
        await asyncio.sleep(4 * PAUSE)
        return explained(ask, "heard")

    async with start(Scripted(soon)):
        message = place.alice.mention(place.general, "why is it 4?")
        await loopback.reply_to(message, where=has_card)
    (sent,) = [each for each in loopback.ledger.asked("POST", "/messages") if isinstance(each.body, dict)]
    assert isinstance(sent.body, dict)
    assert sent.body["content"] == "heard"


async def test_a_place_is_said_again_when_it_is_half_as_far(loopback: Loopback, start: Start, place: Place) -> None:
    async def moving(ask: Ask, progress: Progress) -> Answer:
        for position in range(12, 0, -1):
            progress(Queued(ask.id, position))
            await asyncio.sleep(4 * PAUSE)
        return explained(ask, "heard")

    async with start(Scripted(moving)):
        message = place.alice.mention(place.general, "why is it 4?")
        reply = await loopback.reply_to(message, 10.0, has_card)
    sent = len([each for each in loopback.ledger.asked("POST", "/messages") if isinstance(each.body, dict)])
    assert (sent, reply.revision) == (1, 4), "12; 6, 3, 1; the answer"


async def test_an_answer_stays_while_its_edited_question_waits(loopback: Loopback, start: Start, place: Place) -> None:
    queue = Queue()

    async def then_wait(ask: Ask, progress: Progress) -> Answer:
        return await queue(ask, progress) if "second" in ask.text else explained(ask, "heard first")

    async with start(Scripted(then_wait)):
        message = place.alice.mention(place.general, "first")
        await loopback.reply_to(message, where=has_card)
        place.alice.edit(message, f"<@{loopback.bot.id}> second")
        await queue.asked.wait()
        queue.moved.set()
        await asyncio.sleep(6 * PAUSE)
        (reply,) = loopback.replies(message)
        assert "heard first" in reply.text
        queue.turn.set()
        await loopback.reply_to(message, where=lambda each: "heard second" in each.text)


async def test_reading_along_says_no_place(loopback: Loopback, start: Start, place: Place) -> None:
    queue, forum = Queue(), loopback.channel(place.guild, "help", ChannelKind.FORUM)
    async with start(Scripted(queue), forum_channels=[forum.id]):
        post = place.alice.open_post(forum, "4?", "why is it 4?")
        await queue.asked.wait()
        await asyncio.sleep(6 * PAUSE)
        assert not loopback.replies(post)
        queue.moved.set()
        queue.turn.set()
        await loopback.reply_to(post, where=has_card)


async def test_an_edit_while_the_place_is_said_leaves_one_reply(loopback: Loopback, start: Start, place: Place) -> None:
    async def only_second(ask: Ask, progress: Progress) -> Answer:
        if "second" in ask.text:
            return explained(ask, "heard second")
        progress(Queued(ask.id, 3))
        await asyncio.sleep(60)
        raise AssertionError

    async with start(Scripted(only_second)):
        message = place.alice.mention(place.general, "first")
        await loopback.reply_to(message, where=lambda reply: "number 3" in reply.text)
        place.alice.edit(message, f"<@{loopback.bot.id}> second")
        await loopback.reply_to(message, where=lambda reply: "heard second" in reply.text)
    assert len(loopback.replies(message)) == 1
