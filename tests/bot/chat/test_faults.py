"""What goes wrong between us and Discord, or behind us: each ends in one reply, or in one reason that is stated."""

from __future__ import annotations

import asyncio

import pytest

from bot.exchange import Answer, Ask
from bot.fleet.port import FleetLost, Progress
from tests.bot.chat.answers import explained, stopped
from tests.bot.chat.conftest import Place, Scripted, Start
from tests.loopback_discord.calls import Upload
from tests.loopback_discord.entities import ChannelKind
from tests.loopback_discord.faults import Cut, Delayed, Failed, Fault, RateLimited
from tests.loopback_discord.gateway_codes import Intent
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.seen import Seen

QUESTION = "why is it 4?"
POST = "POST */channels/*/messages"
PATCH = "PATCH */messages/*"
LONG = 15.0

faults = pytest.mark.parametrize(
    "fault",
    [RateLimited(), RateLimited(everywhere=True), RateLimited(via=False), Failed(500), Failed(502), Failed(503), Cut()],
    ids=str,
)


def echo(ask: Ask, _progress: Progress) -> Answer:
    return explained(ask, f"heard {ask.text}")


def has_card(reply: Seen) -> bool:
    return bool(reply.pictures)


async def test_a_start_that_works_warns_of_nothing(start: Start) -> None:
    async with start(Scripted(echo)) as running:
        await running.has_logged("resumed")
    assert {line["level"] for line in running.logged.lines} == {"info"}


@faults
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("on", [POST, PATCH], ids=["sent", "edited"])
async def test_a_reply_is_sent_once_whatever_happens_to_a_request(
    loopback: Loopback, start: Start, place: Place, fault: Fault, after: bool, on: str
) -> None:
    loopback.faults.add(fault, on, after=after)
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, QUESTION)
        await loopback.reply_to(message, LONG, has_card)
    assert len(loopback.replies(message)) == 1
    assert not loopback.faults.outstanding()


@faults
async def test_a_response_comes_once_whatever_happens_to_a_request(
    loopback: Loopback, start: Start, place: Place, fault: Fault
) -> None:
    loopback.faults.add(fault, "PATCH */messages/@original", after=True)
    async with start(Scripted(echo)):
        asked = place.alice.invoke("why", place.general, text=QUESTION)
        assert has_card(await asked.answer(LONG))
        assert asked.interaction.follow_ups == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_an_acknowledgement_whose_answer_is_lost_is_made_again(
    loopback: Loopback, start: Start, place: Place, after: bool
) -> None:
    loopback.faults.add(Cut(), "POST */callback", after=after)
    async with start(Scripted(echo)):
        assert has_card(await place.alice.invoke("why", place.general, text=QUESTION).answer())
    loopback.violations()  # a second callback is one, which nobody can avoid who does not know of the first


async def test_an_interaction_told_twice_has_one_response(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(echo)
    async with start(fleet) as running:
        asked = place.alice.invoke("why", place.general, text=QUESTION)
        assert has_card(await asked.answer())
        (session,) = loopback.gateway.sessions.values()
        session.dispatch(*next(event for event in session.events if event[0] == "INTERACTION_CREATE"))
        assert (await running.has_logged("not acknowledged"))["code"] == 40060
    assert len(fleet.asked) == 1
    assert asked.interaction.follow_ups == []
    loopback.violations()  # the second callback, by which one learns that there was a first


async def test_typing_that_fails_or_hangs_holds_up_nothing(loopback: Loopback, start: Start, place: Place) -> None:
    loopback.faults.add(Failed(503), "POST */typing")
    loopback.faults.add(Delayed(60), "POST */typing")
    async with start(Scripted(echo)):
        for _ in range(2):
            await loopback.reply_to(place.alice.mention(place.general, QUESTION), 3.0, has_card)


async def test_a_file_that_cannot_be_downloaded_is_named(loopback: Loopback, start: Start, place: Place) -> None:
    loopback.faults.add(Failed(404), "GET */attachments/*", times=9)
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, QUESTION, [Upload("loss.py", b"x = 1")])
        reply = await loopback.reply_to(message, LONG)
    assert "could not download loss.py" in reply.text


async def test_discord_down_for_long_is_a_line_in_the_log(
    loopback: Loopback, start: Start, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chat.retrying._PAUSES", (0.01,))
    loopback.faults.add(Failed(503), POST, times=2)
    async with start(Scripted(echo)) as running:
        message = place.alice.mention(place.general, QUESTION)
        assert (await running.has_logged("not shown as it should be"))["status"] == 503
        again = loopback.person("bob", place.guild).mention(place.general, QUESTION)
        await loopback.reply_to(again, where=has_card)
    assert loopback.replies(message) == []


@pytest.mark.parametrize("words", ["why is it 4?", "なぜ 4 なのですか？"])
async def test_an_evaluator_that_is_lost_is_said(loopback: Loopback, start: Start, place: Place, words: str) -> None:
    def lose(_ask: Ask, _progress: Progress) -> Answer:
        raise FleetLost("it died")

    async with start(Scripted(lose)) as running:
        reply = await loopback.reply_to(place.alice.mention(place.general, words))
        assert (await running.has_logged("not answered"))["reason"] == "it died"
        response = await place.alice.invoke("why", place.general, text=words).answer()
    expected = "My evaluator went away" if "why" in words else "評価サービスが止まりました"
    assert expected in reply.text
    assert expected in response.text


async def test_a_full_queue_is_said_where_we_were_asked(loopback: Loopback, start: Start, place: Place) -> None:
    async with start(Scripted(lambda ask, _progress: stopped(ask, "busy", "64 questions are waiting"))):
        reply = await loopback.reply_to(place.alice.mention(place.general, QUESTION))
    assert "64 questions are waiting" in reply.text


async def test_a_post_waits_for_a_full_queue(
    loopback: Loopback, start: Start, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chat.desk._PAUSES_WHEN_BUSY", (0.01, 0.01))
    forum = loopback.channel(place.guild, "help", ChannelKind.FORUM)
    answers = iter([lambda ask: stopped(ask, "busy", "waiting"), explained])
    async with start(Scripted(lambda ask, _progress: next(answers)(ask)), forum_channels=["help"]):
        post = place.alice.open_post(forum, "4?", QUESTION)
        await loopback.reply_to(post, where=has_card)
    assert len(loopback.replies(post)) == 1


async def test_a_fault_of_our_own_is_said_to_who_waits(loopback: Loopback, start: Start, place: Place) -> None:
    def broken(_ask: Ask, _progress: Progress) -> Answer:
        raise RuntimeError(QUESTION)

    async with start(Scripted(broken)) as running:
        response = await place.alice.invoke("why", place.general, text=QUESTION).answer()
        reply = await loopback.reply_to(place.alice.mention(place.general, QUESTION))
    assert "my fault" in response.text
    assert "my fault" in reply.text
    assert {line.get("error") for line in running.logged.lines if line["level"] == "error"} == {"RuntimeError"}
    assert not any(QUESTION in str(line) for line in running.logged.lines)


async def test_what_discord_refuses_is_said_in_words(loopback: Loopback, start: Start, place: Place) -> None:
    loopback.faults.add(Failed(413), PATCH)
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message, where=lambda each: "(1 - 3)" in each.text)
    assert not reply.pictures
    assert len(loopback.replies(message)) == 1


async def reconnected(loopback: Loopback, before: int) -> None:
    await loopback.until(lambda: loopback.gateway.resumes + loopback.gateway.identifies > before, LONG)
    await loopback.connected(LONG)


@pytest.mark.parametrize("how", ["reconnect", "drop", "invalid"])
async def test_a_lost_connection_comes_back_and_nothing_is_answered_twice(
    loopback: Loopback, start: Start, place: Place, how: str
) -> None:
    async with start(Scripted(echo)):
        first = place.alice.mention(place.general, "first")
        await loopback.reply_to(first, where=has_card)
        before = loopback.gateway.resumes + loopback.gateway.identifies
        _disturb(loopback, how)
        await reconnected(loopback, before)
        second = place.alice.mention(place.general, "second")
        await loopback.reply_to(second, LONG, has_card)
        await asyncio.sleep(0.2)
    assert (len(loopback.replies(first)), len(loopback.replies(second))) == (1, 1)


async def test_what_is_asked_while_the_connection_is_cut_is_answered_once_it_is_taken_up_again(
    loopback: Loopback, start: Start, place: Place
) -> None:
    async with start(Scripted(echo)):
        await loopback.reply_to(place.alice.mention(place.general, "first"), where=has_card)
        loopback.gateway.drop()
        missed = loopback.person("bob", place.guild).mention(place.general, "asked meanwhile")
        await loopback.reply_to(missed, LONG, has_card)
        assert loopback.gateway.resumes >= 1
    assert len(loopback.replies(missed)) == 1


async def test_what_is_asked_while_we_are_down_is_asked_by_an_edit(
    loopback: Loopback, start: Start, place: Place
) -> None:
    missed = place.alice.mention(place.general, QUESTION)
    async with start(Scripted(echo)):
        await loopback.no_reply_to(missed)
        place.alice.edit(missed, f"<@{loopback.bot.id}> {QUESTION} please")
        reply = await loopback.reply_to(missed, LONG, has_card)
    assert "please" in reply.text


def _disturb(loopback: Loopback, how: str) -> None:
    match how:
        case "reconnect":
            loopback.gateway.reconnect()
        case "drop":
            loopback.gateway.drop()
        case _:
            loopback.gateway.invalidating = 1
            loopback.gateway.drop()


async def test_a_first_connection_that_fails_is_made_again(
    loopback: Loopback, start: Start, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chat.running._FIRST_PAUSE", 0.05)
    loopback.gateway.refusing = 2
    async with start(Scripted(echo)) as running:
        await running.has_logged("connection failed")
        await loopback.connected(LONG)
        await loopback.reply_to(place.alice.mention(place.general, QUESTION), LONG, has_card)


async def test_a_login_that_fails_is_made_again(
    loopback: Loopback, start: Start, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chat.running._FIRST_PAUSE", 0.05)
    loopback.faults.add(Cut(), "GET */users/@me", times=2)  # aiohttp makes a GET twice by itself
    async with start(Scripted(echo)) as running:
        await running.has_logged("not logged in")
        await loopback.connected(LONG)
        await loopback.reply_to(place.alice.mention(place.general, QUESTION), LONG, has_card)


async def test_an_intent_that_is_not_granted_is_said(loopback: Loopback, start: Start) -> None:
    loopback.discord.portal.privileged = Intent(0)
    async with start(Scripted(echo)) as running:
        with pytest.raises(ValueError, match="Message Content intent"):
            await asyncio.wait_for(asyncio.shield(running.task), LONG)


async def test_without_that_intent_mentions_are_heard(loopback: Loopback, start: Start, place: Place) -> None:
    loopback.discord.portal.privileged = Intent(0)
    async with start(Scripted(echo), message_content=False):
        reply = await loopback.reply_to(place.alice.mention(place.general, QUESTION), where=has_card)
    assert QUESTION in reply.notification


async def test_a_token_that_discord_does_not_know_is_said(loopback: Loopback, start: Start) -> None:
    loopback.faults.add(Failed(401), "GET */users/@me")
    async with start(Scripted(echo)) as running:
        with pytest.raises(ValueError, match="does not know this token"):
            await asyncio.wait_for(asyncio.shield(running.task), LONG)


async def test_commands_that_cannot_be_registered_are_those_of_before(
    loopback: Loopback, start: Start, place: Place
) -> None:
    loopback.faults.add(Failed(503), "PUT */commands", times=9)
    async with start(Scripted(echo)) as running:
        await running.has_logged("commands not registered")
        await loopback.reply_to(place.alice.mention(place.general, QUESTION), where=has_card)
