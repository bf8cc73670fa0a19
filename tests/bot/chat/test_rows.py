"""What one person says in several messages is one question, with one reply that follows all of them."""

from __future__ import annotations

import asyncio

import pytest

from bot.exchange import Answer, Ask
from bot.fleet.port import Progress
from tests.bot.chat.answers import explained, stopped
from tests.bot.chat.conftest import Place, Scripted, Start
from tests.loopback_discord.calls import Upload
from tests.loopback_discord.entities import ChannelKind, Message
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.permissions import Permission
from tests.loopback_discord.seen import Seen

CODE = "```py\nF.mse_loss(a, b)\n```"
WHY = "why is it 0.55?"


def echo(ask: Ask, _progress: Progress) -> Answer:
    return explained(ask, f"heard {' | '.join(ask.text.split())}")


async def slow(ask: Ask, progress: Progress) -> Answer:
    await asyncio.sleep(0.3)
    return echo(ask, progress)


def holds(*texts: str) -> object:
    def check(reply: Seen) -> bool:
        return bool(reply.pictures) and all(text in reply.notification for text in texts)

    return check


async def one_reply(loopback: Loopback, message: Message, *others: Message) -> Seen:
    await asyncio.sleep(0.5)
    assert [loopback.replies(each) for each in others] == [[] for _ in others]
    (reply,) = loopback.replies(message)
    return reply


async def test_code_and_then_a_question_that_names_us(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(echo)
    async with start(fleet):
        first = place.alice.post(place.general, CODE)
        second = place.alice.mention(place.general, WHY)
        await loopback.reply_to(second)
        await one_reply(loopback, second, first)
    assert [ask.text for ask in fleet.asked] == [f"{CODE}\n\n{WHY}"]


async def test_a_question_that_goes_on_in_a_second_message(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(slow)
    async with start(fleet):
        first = place.alice.mention(place.general, WHY)
        second = place.alice.post(place.general, CODE)
        reply = await loopback.reply_to(first, where=lambda each: "mse_loss" in each.text)
        assert WHY.rsplit(maxsplit=1)[-1] in reply.text
        await one_reply(loopback, first, second)
    assert fleet.asked[-1].text == f"{WHY}\n\n{CODE}"


async def test_a_message_split_at_the_limit_is_put_together(loopback: Loopback, start: Start, place: Place) -> None:
    lines = [f"x{n} = torch.tensor([{n}.])" for n in range(150)]
    text = "```py\n" + "\n".join(lines) + "\n```\nwhy?"
    parts = [text[at : at + 1990] for at in range(0, len(text), 1990)]
    fleet = Scripted(slow)
    async with start(fleet):
        messages = [place.alice.dm(part) for part in parts]
        await loopback.reply_to(messages[0], where=lambda each: "x149" in each.text or each.pictures)
        await one_reply(loopback, *messages)
    assert fleet.asked[-1].text.replace("\n\n", "") == text.replace("\n\n", "")


async def test_two_direct_messages_have_one_reply(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(slow)
    async with start(fleet):
        first, second = place.alice.dm(CODE), place.alice.dm(WHY)
        await loopback.reply_to(first, where=lambda each: "0.55" in each.text)
        await one_reply(loopback, first, second)
    assert fleet.asked[-1].text == f"{CODE}\n\n{WHY}"


async def test_a_forum_post_goes_on(loopback: Loopback, start: Start, place: Place) -> None:
    forum = loopback.channel(place.guild, "help", ChannelKind.FORUM)
    fleet = Scripted(
        lambda ask, progress: slow(ask, progress) if "mse" in ask.text else stopped(ask, "not-a-question", "-")
    )
    async with start(fleet, forum_channels=[forum.id]):
        post = place.alice.open_post(forum, "a question", "hello, this is about a number")
        second = place.alice.post(post.channel, CODE)
        await loopback.reply_to(post)
        await one_reply(loopback, post, second)
    assert fleet.asked[-1].direct is False


@pytest.mark.parametrize("which", [0, 1])
async def test_an_edit_of_either_is_answered(loopback: Loopback, start: Start, place: Place, which: int) -> None:
    fleet = Scripted(slow)
    async with start(fleet):
        messages = [place.alice.mention(place.general, WHY), place.alice.post(place.general, CODE)]
        await loopback.reply_to(messages[0], where=lambda each: "mse_loss" in each.text)
        name = f"<@{loopback.bot.id}> "
        place.alice.edit(messages[which], [f"{name}why so small?", "```py\nF.l1_loss(a, b)\n```"][which])
        word = ["small", "l1_loss"][which]
        await loopback.reply_to(messages[0], where=lambda each: word in each.text)
        await one_reply(loopback, *messages)


async def test_a_deletion_of_either_is_followed(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(slow)
    async with start(fleet):
        first, second = place.alice.mention(place.general, WHY), place.alice.post(place.general, CODE)
        reply = await loopback.reply_to(first, where=lambda each: "mse_loss" in each.text)
        place.alice.delete(second)
        await loopback.reply_to(first, where=lambda each: "mse_loss" not in each.text)
        place.alice.delete(first)
        await loopback.deleted(reply.message)
    assert fleet.asked[-1].text == WHY


async def test_what_others_say_between_and_what_comes_later_is_apart(
    loopback: Loopback, start: Start, place: Place
) -> None:
    bob = loopback.person("bob", place.guild)
    fleet = Scripted(echo)
    async with start(fleet):
        place.alice.post(place.general, "```py\nF.l1_loss(a, b)\n```")
        bob.post(place.general, "hello")
        between = place.alice.mention(place.general, WHY)
        await loopback.reply_to(between)
        place.alice.post(place.general, "a first word")
        loopback.forward(3600)
        later = place.alice.mention(place.general, "and this?")
        await loopback.reply_to(later)
    assert [ask.text for ask in fleet.asked] == [WHY, "and this?"]


async def test_after_our_reply_a_message_is_for_us_only_where_it_says_so(
    loopback: Loopback, start: Start, place: Place
) -> None:
    fleet = Scripted(echo)
    async with start(fleet):
        first = place.alice.mention(place.general, WHY)
        await loopback.reply_to(first, where=lambda each: each.pictures)
        await asyncio.sleep(0.2)
        await loopback.no_reply_to(place.alice.post(place.general, "thank you all, that was it"))
    assert len(fleet.asked) == 1


async def test_a_row_that_may_not_be_read_again_is_answered_as_far_as_it_is_known(
    loopback: Loopback, start: Start, place: Place
) -> None:
    blind = loopback.channel(place.guild, "blind", deny=Permission.READ_MESSAGE_HISTORY)
    fleet = Scripted(slow)

    def replies() -> list[Message]:
        return [each for each in loopback.world.messages() if each.channel is blind and each.author is loopback.bot]

    async with start(fleet):
        place.alice.mention(blind, WHY)
        place.alice.post(blind, CODE)
        await loopback.until(replies)
        await asyncio.sleep(0.5)
    assert len(replies()) == 1
    assert [ask.text for ask in fleet.asked] == [WHY]


async def test_a_second_message_told_twice_is_asked_once(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(slow)
    async with start(fleet):
        first, second = place.alice.dm(CODE), place.alice.dm(WHY)
        await loopback.reply_to(first, where=lambda each: "0.55" in each.text)
        before = len(fleet.asked)
        loopback.discord.tell("MESSAGE_CREATE", second)
        await asyncio.sleep(0.3)
    assert len(fleet.asked) == before


async def test_files_of_both_are_read(loopback: Loopback, start: Start, place: Place) -> None:
    fleet = Scripted(slow)
    async with start(fleet):
        first = place.alice.dm("my data", [Upload("x.csv", b"a\n1\n")])
        place.alice.dm(WHY, [Upload("y.py", b"print(1)")])
        await loopback.reply_to(first, where=lambda each: "0.55" in each.text)
    assert [(each.name, each.data) for each in fleet.asked[-1].files] == [("x.csv", b"a\n1\n"), ("y.py", b"print(1)")]
