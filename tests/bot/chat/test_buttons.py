"""Steps, Source and Delete: for whom, after a restart, and where the bot can read nothing but its own reply."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.exchange import Answer, Ask
from bot.fleet.port import Progress
from tests.bot.chat.answers import FULL, SOURCES, explained, stopped
from tests.bot.chat.conftest import Scripted, Start
from tests.loopback_discord.calls import Upload
from tests.loopback_discord.entities import Channel, Guild
from tests.loopback_discord.faults import Failed
from tests.loopback_discord.interactions import CallbackKind
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.permissions import Permission
from tests.loopback_discord.person import Person

QUESTION = "why is it 4?"
LONG = "```py\n" + "\n".join(f"x{n} = {n}" for n in range(300)) + "\n```\nwhy is it 4?"


@dataclass(frozen=True)
class Place:
    guild: Guild
    general: Channel
    alice: Person
    bob: Person


@pytest.fixture
def place(loopback: Loopback) -> Place:
    guild = loopback.guild()
    alice, bob = loopback.person("alice", guild), loopback.person("bob", guild, locale="ja")
    return Place(guild, loopback.channel(guild), alice, bob)


def echo(ask: Ask, _progress: Progress) -> Answer:
    return explained(ask, f"heard {len(ask.text)}")


async def test_steps_are_shown_to_who_presses(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(echo)
    async with start(fleet):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message, where=lambda each: each.pictures)
        pressed = place.bob.press(reply.message, "Steps")
        assert await pressed.acknowledged() is CallbackKind.DEFERRED_MESSAGE
        steps = await pressed.answer()
    assert steps.is_ephemeral
    assert [(each.data, each.alt) for each in steps.pictures] == [(FULL, SOURCES["derivation.txt"])]
    assert [(ask.text, ask.wants.full, ask.locale) for ask in fleet.asked[1:]] == [(QUESTION, True, "en")]
    assert {ask.asker for ask in fleet.asked} == {str(place.alice.account.id), str(place.bob.account.id)}
    assert len(loopback.replies(message)) == 1


async def test_sources_are_files(loopback: Loopback, start: Start, place: Place) -> None:
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message, where=lambda each: each.pictures)
        sources = await place.alice.press(reply.message, "Source").answer()
    assert {each.name: each.data.decode() for each in sources.files} == {f"whyloss-{k}": v for k, v in SOURCES.items()}
    assert "```py\nprint(4)" in sources.text


@pytest.mark.parametrize("label", ["Steps", "Source"])
async def test_without_files_they_are_words(loopback: Loopback, start: Start, place: Place, label: str) -> None:
    quiet = loopback.channel(place.guild, "quiet", deny=Permission.ATTACH_FILES)
    async with start(Scripted(echo)):
        reply = await loopback.reply_to(place.alice.mention(quiet, QUESTION))
        shown = await place.alice.press(reply.message, label).answer()
    assert {"Steps": "loss = 4", "Source": "print(4)"}[label] in shown.text
    assert not shown.files


async def test_buttons_survive_a_restart(loopback: Loopback, start: Start, place: Place) -> None:
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message, where=lambda each: each.pictures)
    async with start(Scripted(echo)):
        assert (await place.alice.press(reply.message, "Steps").answer()).pictures
        assert (await place.alice.press(reply.message, "Source").answer()).files
        place.alice.press(reply.message, "Delete")
        await loopback.deleted(reply.message)


async def test_steps_of_an_edited_question_are_its_own(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(echo)
    async with start(fleet):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message, where=lambda each: each.pictures)
        place.alice.edit(message, f"<@{loopback.bot.id}> and now?")
        await loopback.reply_to(message, where=lambda each: "heard 8" in each.notification)
        await place.alice.press(reply.message, "Steps").answer()
    assert fleet.asked[-1].text == "and now?"


@pytest.mark.parametrize("text", [QUESTION, LONG, "> quoted\n\n> twice", "**bold**\n\n```py\nx = 1\n```"], ids=len)
async def test_where_the_bot_is_not_its_reply_holds_the_question(loopback: Loopback, start: Start, text: str) -> None:
    foreign = loopback.guild("foreign", with_bot=False)
    channel, alice = loopback.channel(foreign), loopback.person("alice", foreign, locale="ja", installed=True)
    fleet = Scripted(echo)
    files = {"file": Upload("loss.py", b"y = 1\n")} if text is LONG else {}
    async with start(fleet):
        reply = await alice.invoke("why", channel, text=text, **files).answer()
    async with start(fleet):
        shown = await alice.press(reply.message, "途中の計算").answer()
        assert shown.pictures, shown.text
    first, again = fleet.asked
    assert (again.text, again.files) == (first.text, first.files) == (text, first.files)
    assert again.locale == "ja"
    assert not loopback.ledger.asked("POST", f"/channels/{channel.id}/messages")


async def test_a_long_question_that_cannot_be_attached_has_no_steps(loopback: Loopback, start: Start) -> None:
    guild = loopback.guild()
    quiet, alice = loopback.channel(guild, deny=Permission.ATTACH_FILES), loopback.person("alice", guild)
    async with start(Scripted(echo)):
        reply = await alice.invoke("why", quiet, text=LONG).answer()
    assert [each.label for each in reply.buttons] == ["Delete"]


async def test_a_response_whose_files_are_refused_has_no_steps_without_its_question(
    loopback: Loopback, start: Start, place: Place
) -> None:
    loopback.faults.add(Failed(413), "PATCH */messages/@original")
    async with start(Scripted(echo)):
        reply = await place.alice.invoke("why", place.general, text=LONG).answer()
    assert "x0 = 0" in reply.text
    assert [each.label for each in reply.buttons] == ["Delete"]


async def test_a_question_that_is_gone_is_missed(loopback: Loopback, start: Start, place: Place) -> None:
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message, where=lambda each: each.pictures)
        message.deleted = True  # without an event, as where the bot was away
        shown = await place.bob.press(reply.message, "Steps").answer()
    assert "もう一度質問してください" in shown.text


async def test_who_asked_and_moderators_delete(loopback: Loopback, start: Start, place: Place) -> None:
    moderator = loopback.person("moderator", place.guild, moderates=True)
    async with start(Scripted(echo)):
        for person, may in ((place.bob, False), (moderator, True), (place.alice, True)):
            message = place.alice.mention(place.general, QUESTION)
            reply = await loopback.reply_to(message, where=lambda each: each.pictures)
            pressed = person.press(reply.message, "Delete")
            if may:
                await loopback.deleted(reply.message)
            else:
                assert "モデレーターだけ" in (await pressed.answer()).text
                assert not reply.message.deleted
            assert not message.deleted, "the question is its asker's"


async def test_a_response_is_deleted_too(loopback: Loopback, start: Start, place: Place) -> None:
    async with start(Scripted(echo)):
        reply = await place.alice.invoke("why", place.general, text=QUESTION).answer()
        place.alice.press(reply.message, "Delete")
        await loopback.deleted(reply.message)


async def test_what_is_not_explained_has_nothing_to_derive(loopback: Loopback, start: Start, place: Place) -> None:
    outcomes = iter([explained, lambda ask: stopped(ask, "busy", "too many are waiting")])
    async with start(Scripted(lambda ask, _progress: next(outcomes)(ask))):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message, where=lambda each: each.pictures)
        shown = await place.alice.press(reply.message, "Steps").answer()
    assert shown.text == "too many are waiting"


async def test_a_button_of_another_version_is_answered_politely(loopback: Loopback, start: Start, place: Place) -> None:
    async with start(Scripted(echo)):
        message = place.alice.mention(place.general, QUESTION)
        reply = await loopback.reply_to(message, where=lambda each: each.pictures)
        row = reply.message.components[-1]
        row["components"][0]["custom_id"] = "whyloss:0:steps:1"
        shown = await place.alice.press(reply.message, "Steps").answer()
    assert "another version" in shown.text
