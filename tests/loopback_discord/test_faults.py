"""What goes wrong on the way, and what discord.py makes of it."""

from __future__ import annotations

import time

import aiohttp
import discord
import pytest

from tests.loopback_discord.calls import Upload
from tests.loopback_discord.entities import Channel
from tests.loopback_discord.faults import Cut, Delayed, Failed, RateLimited
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.minimal_bot import Bot, online

POST = "POST /channels/*/messages"


async def _text_channel(bot: Bot, channel: Channel) -> discord.TextChannel:
    found = bot.get_channel(channel.id)
    assert isinstance(found, discord.TextChannel)
    return found


def _posts(loopback: Loopback) -> list[int]:
    return [each.status for each in loopback.ledger.asked("POST", "/messages")]


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_429_is_waited_for_and_retried_once(loopback: Loopback, general: Channel, everywhere: bool) -> None:
    loopback.faults.add(RateLimited(0.2, everywhere), POST)
    async with online(loopback, Bot()) as bot:
        began = time.monotonic()
        await (await _text_channel(bot, general)).send("late")
    assert time.monotonic() - began >= 0.2
    assert _posts(loopback) == [429, 200]
    assert [each.content for each in general.messages.values()] == ["late"]
    assert not loopback.faults.outstanding()


async def test_a_429_of_the_proxy_before_discord_is_raised(loopback: Loopback, general: Channel) -> None:
    loopback.faults.add(RateLimited(0.01, via=False), POST)
    async with online(loopback, Bot()) as bot:
        with pytest.raises(discord.HTTPException) as raised:
            await (await _text_channel(bot, general)).send("banned")
    assert raised.value.status == 429
    assert not general.messages


async def test_a_503_before_the_effect_leaves_nothing(loopback: Loopback, general: Channel) -> None:
    loopback.faults.add(Failed(503), POST)
    async with online(loopback, Bot()) as bot:
        with pytest.raises(discord.DiscordServerError):
            await (await _text_channel(bot, general)).send("lost")
    assert not general.messages


@pytest.mark.parametrize("fault", [Failed(503), Cut()])
async def test_a_second_try_with_the_nonce_of_the_first_makes_one_message(
    loopback: Loopback, general: Channel, fault: Failed | Cut
) -> None:
    loopback.faults.add(fault, POST, after=True)
    async with online(loopback, Bot()) as bot:
        channel = await _text_channel(bot, general)
        with pytest.raises((discord.DiscordServerError, aiohttp.ClientError)):
            await channel.send("once", nonce=7)
        again = await channel.send("once", nonce=7)
        other = await channel.send("twice", nonce=8)
    assert list(general.messages) == [again.id, other.id]


async def test_a_nonce_is_forgotten_after_some_minutes(loopback: Loopback, general: Channel) -> None:
    async with online(loopback, Bot()) as bot:
        channel = await _text_channel(bot, general)
        await channel.send("once", nonce=7)
        loopback.forward(301)
        await channel.send("once", nonce=7)
    assert len(general.messages) == 2


async def test_a_500_after_the_effect_is_retried_with_its_nonce(loopback: Loopback, general: Channel) -> None:
    loopback.faults.add(Failed(500), POST, after=True)
    async with online(loopback, Bot()) as bot:
        await (await _text_channel(bot, general)).send("once")
    assert _posts(loopback) == [500, 200]
    assert len(general.messages) == 1


async def test_a_connection_that_is_cut_before_the_effect_leaves_nothing(loopback: Loopback, general: Channel) -> None:
    loopback.faults.add(Cut(), POST)
    async with online(loopback, Bot()) as bot:
        with pytest.raises(aiohttp.ClientError):
            await (await _text_channel(bot, general)).send("lost")
    assert not general.messages
    assert _posts(loopback) == [0]


@pytest.mark.parametrize("after", [False, True])
async def test_a_delay_is_before_or_after_the_effect(loopback: Loopback, general: Channel, after: bool) -> None:
    loopback.faults.add(Delayed(0.2), POST, after=after)
    async with online(loopback, Bot()) as bot:
        began = time.monotonic()
        channel = await _text_channel(bot, general)
        sending = bot.loop.create_task(channel.send("slow"))
        await loopback.until(lambda: general.messages)
        seen = time.monotonic() - began
        await sending
    assert (seen < 0.2) == after
    assert time.monotonic() - began >= 0.2


async def test_a_follow_up_has_no_nonce_and_is_doubled(loopback: Loopback, general: Channel) -> None:
    bot = Bot()

    @bot.tree.command(description="d")
    async def why(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("first")
        await interaction.followup.send("second")

    async with online(loopback, bot):
        await bot.tree.sync()
        loopback.faults.add(Failed(500), "POST /webhooks/*", after=True)
        asked = loopback.person("alice", general.guild).invoke("why", general)
        await asked.follow_up(number=1)
    assert [each.content for each in general.messages.values()] == ["first", "second", "second"]


async def test_a_file_that_cannot_be_read_is_an_error(loopback: Loopback, general: Channel) -> None:
    raised: list[discord.HTTPException] = []

    async def read(message: discord.Message) -> None:
        try:
            await message.attachments[0].read()
        except discord.HTTPException as error:
            raised.append(error)
        await message.reply("read")

    loopback.faults.add(Failed(503), "GET /attachments/*")
    alice = loopback.person("alice", general.guild)
    async with online(loopback, Bot(hears=read)):
        for _ in range(2):
            await loopback.reply_to(alice.post(general, "", [Upload("a.py", b"1")]))
    assert [each.status for each in raised] == [503]


async def test_a_fault_is_for_the_requests_that_it_names(loopback: Loopback, general: Channel) -> None:
    loopback.faults.add(Failed(503), "DELETE /channels/*/messages/*", times=2)
    async with online(loopback, Bot()) as bot:
        message = await (await _text_channel(bot, general)).send("here")
        for _ in range(2):
            with pytest.raises(discord.DiscordServerError):
                await message.delete()
        assert not loopback.faults.outstanding()
        await message.delete()
    assert general.messages[message.id].deleted
