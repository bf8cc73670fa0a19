"""One reply to a message, kept true: edits, deletions, events told twice, restarts, what may not be sent."""

from __future__ import annotations

import asyncio

from bot.exchange import Answer, Ask, Stage
from bot.fleet.port import Progress
from tests.bot.chat.answers import CARD, explained, stopped
from tests.bot.chat.conftest import Place, Scripted, Start
from tests.loopback_discord.calls import Upload
from tests.loopback_discord.entities import ChannelKind
from tests.loopback_discord.faults import Delayed
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.person import Person
from tests.loopback_discord.seen import Seen

QUESTION = "why is it 4?"


def has_card(reply: Seen) -> bool:
    return bool(reply.pictures)


def echo(ask: Ask, _progress: Progress) -> Answer:
    return explained(ask, f"heard {ask.text}")


async def test_the_reply_is_first_its_verdict_then_its_card(loopback: Loopback, start: Start, place: Place) -> None:
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message, where=has_card)
    (sent,) = [each for each in loopback.ledger.asked("POST", "/messages") if isinstance(each.body, dict)]
    assert isinstance(sent.body, dict)
    assert sent.body["content"] == f"heard {QUESTION}", "what a notification is made of"
    assert sent.body["nonce"] == str(message.id)
    assert sent.body["enforce_nonce"] is True
    assert sent.body["allowed_mentions"] == {"parse": []}
    assert (reply.is_v2, reply.revision, reply.notification) == (True, 1, f"**heard {QUESTION}**")
    assert [(each.data, each.alt) for each in reply.pictures] == [(CARD, f"heard {QUESTION}, drawn")]
    assert "```diff\n- a\n+ b\n```\nDo b." in reply.text
    assert "(1 - 3)" not in reply.text, "that is on the card"


async def test_asking_is_acknowledged_before_there_is_an_answer(loopback: Loopback, start: Start, place: Place) -> None:
    never = asyncio.Event()

    async def wait(_ask: Ask, _progress: Progress) -> Answer:
        await never.wait()
        raise AssertionError

    async with start(Scripted(wait)) as running:
        before = asyncio.get_running_loop().time()
        place.alice.mention(place.general, QUESTION)
        await loopback.until(lambda: loopback.ledger.asked("POST", "/typing"), 1.0)
        assert asyncio.get_running_loop().time() - before < 1
        running.task.cancel()
        await asyncio.sleep(0.05)
        running.task.cancel()  # told twice, it does not wait for what never comes
        await asyncio.wait([running.task], timeout=5)
        assert running.task.done()


async def test_reading_along_shows_nothing_before_it_is_a_question(
    loopback: Loopback, start: Start, place: Place
) -> None:
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def read(ask: Ask, progress: Progress) -> Answer:
        progress(Stage(ask.id, "read"))
        asked.set()
        await goes_on.wait()
        progress(Stage(ask.id, "evaluate"))
        await asyncio.sleep(0.2)
        return explained(ask)

    forum = loopback.channel(place.guild, "help", ChannelKind.FORUM)
    async with start(Scripted(read), forum_channels=[forum.id]):
        post = place.alice.open_post(forum, "4?", QUESTION)
        await asked.wait()
        assert not loopback.ledger.asked("POST", "/typing")
        goes_on.set()
        await loopback.reply_to(post, where=has_card)
        assert loopback.ledger.asked("POST", "/typing")


async def test_an_edited_question_has_its_reply_edited(loopback: Loopback, start: Start, place: Place) -> None:
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, "first")
        reply = await loopback.reply_to(message, where=has_card)
        place.alice.edit(message, f"<@{loopback.bot.id}> second")
        after = await loopback.reply_to(message, where=lambda each: "second" in each.text)
        assert after.message is reply.message
        assert [each.alt for each in after.pictures] == ["heard second, drawn"]
    assert len(loopback.replies(message)) == 1


async def test_an_edit_while_it_is_answered_cancels_that_and_drops_its_result(
    loopback: Loopback, start: Start, place: Place
) -> None:
    begun = asyncio.Event()

    async def slow_first(ask: Ask, progress: Progress) -> Answer:
        if "first" in ask.text:
            begun.set()
            await asyncio.sleep(60)
        return echo(ask, progress)

    fleet = Scripted(slow_first)
    async with start(fleet):
        message = place.alice.mention(place.general, "first")
        await begun.wait()
        place.alice.edit(message, f"<@{loopback.bot.id}> second")
        reply = await loopback.reply_to(message, where=has_card)
        assert reply.notification == "**heard second**"
    assert [ask.text for ask in fleet.cancelled] == ["first"]
    assert fleet.asked[1].revision > fleet.asked[0].revision
    assert len(loopback.replies(message)) == 1


async def test_many_edits_end_with_the_last(loopback: Loopback, start: Start, place: Place) -> None:
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, "0")
        for n in range(1, 12):
            await asyncio.sleep(0.013)
            place.alice.edit(message, f"<@{loopback.bot.id}> {n}")
        await loopback.reply_to(message, where=lambda each: each.notification == "**heard 11**")
        await asyncio.sleep(0.3)
        assert [each.notification for each in loopback.replies(message)] == ["**heard 11**"]


async def test_an_edit_that_names_us_asks(loopback: Loopback, start: Start, place: Place) -> None:
    async with start(Scripted(echo)):
        message = place.alice.post(place.general, QUESTION)
        await loopback.no_reply_to(message)
        place.alice.edit(message, f"<@{loopback.bot.id}> {QUESTION}")
        await loopback.reply_to(message, where=has_card)


async def test_a_deleted_question_takes_its_reply_with_it(loopback: Loopback, start: Start, place: Place) -> None:
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message, where=has_card)
        place.alice.delete(message)
        await loopback.deleted(reply.message)


async def test_a_question_deleted_meanwhile_gets_none(loopback: Loopback, start: Start, place: Place) -> None:
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def wait(ask: Ask, _progress: Progress) -> Answer:
        begun.set()
        await goes_on.wait()
        return explained(ask)

    fleet = Scripted(wait)
    async with start(fleet):
        message = place.alice.mention(place.general, QUESTION)
        await begun.wait()
        place.alice.delete(message)
        await loopback.until(lambda: fleet.cancelled)
        goes_on.set()
        await loopback.no_reply_to(message)


async def test_a_question_deleted_while_its_reply_is_sent_leaves_none(
    loopback: Loopback, start: Start, place: Place
) -> None:
    loopback.faults.add(Delayed(0.5), "POST */channels/*/messages", after=True)
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message)
        place.alice.delete(message)
        await loopback.deleted(reply.message)


async def test_a_deleted_reply_does_not_come_back(loopback: Loopback, start: Start, place: Place) -> None:
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, "first")
        reply = await loopback.reply_to(message, where=has_card)
        place.alice.press(reply.message, "Delete")
        await loopback.deleted(reply.message)
        place.alice.edit(message, f"<@{loopback.bot.id}> second")
        await loopback.no_reply_to(message)


async def test_an_event_told_twice_is_one_question(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(echo)
    async with start(fleet):
        message = place.alice.mention(place.general, QUESTION)
        loopback.discord.tell("MESSAGE_CREATE", message)
        await loopback.reply_to(message, where=has_card)
        await asyncio.sleep(0.3)  # until nothing but its claim knows of it
        loopback.discord.tell("MESSAGE_CREATE", message)
        await asyncio.sleep(0.2)
    assert len(fleet.asked) == len(loopback.replies(message)) == 1


async def test_an_unfurled_link_is_no_edit(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(echo)
    async with start(fleet):
        message = place.alice.mention(place.general, QUESTION)
        await loopback.reply_to(message, where=has_card)
        loopback.discord.tell("MESSAGE_UPDATE", message)
        await asyncio.sleep(0.2)
    assert len(fleet.asked) == 1


async def test_small_talk_gets_a_word_where_we_were_asked_and_none_where_not(
    loopback: Loopback, start: Start, place: Place
) -> None:
    def no_question(ask: Ask, _progress: Progress) -> Answer:
        return stopped(ask, "not-a-question", "I found no question")

    async with start(Scripted(no_question)):
        message = place.alice.mention(place.general, "good morning")
        reply = await loopback.reply_to(message)
        thanks = place.alice.post(place.general, "thank you", reply_to=reply.message)
        await loopback.no_reply_to(thanks)
    assert reply.text == "**I found no question**"
    assert [each.label for each in reply.buttons] == ["Delete"]


async def test_bots_and_what_is_not_for_us_are_not_heard(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(echo)
    robot = Person(loopback.discord, loopback.world.account("robot", bot=True))
    loopback.world.join(place.guild, robot.account)
    async with start(fleet):
        for silent in (
            robot.mention(place.general, QUESTION),
            place.alice.post(place.general, QUESTION),
            place.alice.post(place.general, f"@everyone {QUESTION}"),
        ):
            await loopback.no_reply_to(silent)
    assert fleet.asked == []


async def test_files_are_read_and_others_named(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(echo)
    async with start(fleet):
        files = [Upload("loss.py", b"x = 1"), Upload("cat.png", b"\x89PNG")]
        await loopback.reply_to(place.alice.mention(place.general, QUESTION, files), where=has_card)
    assert [(each.name, each.data) for each in fleet.asked[0].files] == [("loss.py", b"x = 1"), ("cat.png", b"")]


async def test_too_large_a_file_is_not_downloaded(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(echo)
    async with start(fleet):
        message = place.alice.mention(place.general, "どうして？", [Upload("big.py", b"#" * (2**20 + 1))])
        reply = await loopback.reply_to(message)
    assert fleet.asked == []
    assert "1048577" in reply.text
    assert "添付" in reply.text
