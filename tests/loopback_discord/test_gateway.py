"""The gateway, to the real discord.py: what it survives, what it must be told, and what ends it."""

from __future__ import annotations

import asyncio

import discord
import pytest

from tests.loopback_discord.entities import Channel
from tests.loopback_discord.gateway_codes import PRIVILEGED, Intent
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.minimal_bot import Bot, online, with_content
from tests.loopback_discord.permissions import Permission


async def _heard(bot: Bot, *texts: str) -> None:
    await bot.pulse.until(lambda: bot.heard == list(texts), 5)


async def test_the_bot_knows_itself_and_what_it_may_do_where(loopback: Loopback) -> None:
    guild = loopback.guild("ours", locale="ja")
    quiet = loopback.channel(guild, "quiet", deny=Permission.ATTACH_FILES)
    hidden = loopback.channel(guild, "hidden", deny=Permission.VIEW_CHANNEL)
    loopback.guild("theirs", with_bot=False)
    async with online(loopback, Bot()) as bot:
        (known,) = bot.guilds
        channel = known.get_channel(quiet.id)
        assert isinstance(channel, discord.TextChannel)
        may = channel.permissions_for(known.me)
        assert (known.name, known.preferred_locale, known.me.id) == ("ours", discord.Locale.japanese, loopback.bot.id)
        assert may.send_messages
        assert not may.attach_files
        assert known.get_channel(hidden.id) is None
        assert may.value == quiet.permissions(loopback.bot)


async def test_what_comes_to_be_later_is_told(loopback: Loopback) -> None:
    async with online(loopback, Bot()) as bot:
        channel = loopback.channel(loopback.guild("new"), "general")
        assert await bot.pulse.until(lambda: bot.get_channel(channel.id), 5)


@pytest.mark.parametrize("code", [4000, 4009])
async def test_after_a_lost_connection_what_was_missed_is_told_again(
    loopback: Loopback, general: Channel, code: int
) -> None:
    alice = loopback.person("alice", general.guild)
    async with online(loopback, Bot()) as bot:
        alice.post(general, "before")
        await _heard(bot, "before")
        loopback.gateway.close(code)
        alice.post(general, "meanwhile")
        await _heard(bot, "before", "meanwhile")
    assert (loopback.gateway.identifies, loopback.gateway.resumes) == (1, 1)


async def test_a_reconnect_on_demand_resumes(loopback: Loopback, general: Channel) -> None:
    alice = loopback.person("alice", general.guild)
    async with online(loopback, Bot()) as bot:
        loopback.gateway.reconnect()
        alice.post(general, "sent while it goes")
        await loopback.until(lambda: loopback.gateway.resumes)
        alice.post(general, "after")
        await _heard(bot, "sent while it goes", "after")
    assert loopback.gateway.identifies == 1


async def test_a_void_session_is_begun_anew(loopback: Loopback, general: Channel) -> None:
    alice = loopback.person("alice", general.guild)
    async with online(loopback, Bot()) as bot:
        loopback.gateway.invalidate()
        await loopback.until(lambda: loopback.gateway.identifies == 2)
        alice.post(general, "again")
        await _heard(bot, "again")
    assert loopback.gateway.resumes == 0


async def test_a_resume_that_fails_ends_in_a_new_session(loopback: Loopback, general: Channel) -> None:
    async with online(loopback, Bot()) as bot:
        loopback.gateway.invalidating = 1
        loopback.gateway.reconnect()
        await loopback.until(lambda: loopback.gateway.identifies == 2)
        loopback.person("alice", general.guild).post(general, "again")
        await _heard(bot, "again")
    assert loopback.gateway.resumes == 1


async def test_a_client_that_hears_no_acknowledgement_comes_back(loopback: Loopback, general: Channel) -> None:
    loopback.gateway.heartbeat_ms, loopback.gateway.acknowledging = 50, False
    bot = Bot(heartbeat_timeout=0.1)
    async with online(loopback, bot):
        await loopback.until(lambda: not loopback.gateway.connections)
        loopback.gateway.acknowledging = True
        loopback.person("alice", general.guild).post(general, "there?")
        await _heard(bot, "there?")
    assert loopback.gateway.heartbeats > 1
    assert loopback.gateway.resumes >= 1


async def test_a_first_connection_that_is_refused_ends_the_client(loopback: Loopback) -> None:
    loopback.gateway.refusing = 1
    with pytest.raises(AttributeError, match="sequence"):
        async with online(loopback, Bot()):
            pass
    async with online(loopback, Bot()) as bot:
        assert bot.is_ready()


async def test_a_wrong_token_is_refused(loopback: Loopback) -> None:
    loopback.discord.portal.token = "right"
    bot = Bot()
    with pytest.raises(discord.LoginFailure):
        await bot.start("wrong")
    await bot.close()
    assert loopback.ledger.requests[-1].status == 401
    assert loopback.gateway.identifies == 0


async def test_an_intent_that_is_off_in_the_portal_is_refused(loopback: Loopback) -> None:
    loopback.discord.portal.privileged = PRIVILEGED & ~Intent.MESSAGE_CONTENT
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with online(loopback, Bot()):
            pass
    async with online(loopback, Bot(intents=discord.Intents.default())) as bot:
        assert not bot.application_flags.gateway_message_content


@pytest.mark.parametrize(("intents", "read"), [(with_content(), "text"), (discord.Intents.default(), "")])
async def test_content_is_told_to_whom_it_may_be(
    loopback: Loopback, general: Channel, intents: discord.Intents, read: str
) -> None:
    alice = loopback.person("alice", general.guild)
    async with online(loopback, Bot(intents=intents)) as bot:
        alice.post(general, "text")
        mention = alice.mention(general, "for you")
        alice.dm("direct")
        await _heard(bot, read, mention.content, "direct")


async def test_without_the_intent_nothing_of_guilds_is_told(loopback: Loopback, general: Channel) -> None:
    alice = loopback.person("alice", general.guild)
    async with online(loopback, Bot(intents=discord.Intents(guilds=True, dm_messages=True))) as bot:
        alice.post(general, "unheard")
        alice.dm("heard")
        await _heard(bot, "heard")


async def test_in_a_hidden_channel_nothing_is_told(loopback: Loopback) -> None:
    guild = loopback.guild()
    hidden = loopback.channel(guild, "hidden", deny=Permission.VIEW_CHANNEL)
    far = loopback.channel(loopback.guild("far", with_bot=False))
    alice = loopback.person("alice", guild)
    async with online(loopback, Bot()) as bot:
        alice.post(hidden, "unheard")
        loopback.person("bob", far.guild).post(far, "unheard")
        alice.dm("heard")
        await _heard(bot, "heard")


async def test_edits_and_deletions_are_told(loopback: Loopback, general: Channel) -> None:
    alice = loopback.person("alice", general.guild)
    bot, told = Bot(), list[tuple[str, object]]()

    @bot.event
    async def on_raw_message_edit(event: discord.RawMessageUpdateEvent) -> None:
        told.append((event.message.content, event.message.edited_at is not None))

    @bot.event
    async def on_raw_message_delete(event: discord.RawMessageDeleteEvent) -> None:
        told.append(("deleted", event.message_id))

    async with online(loopback, bot):
        message = alice.post(general, "one")
        await _heard(bot, "one")
        alice.edit(message, "two")
        alice.delete(message)
        alice.post(general, "last")
        await _heard(bot, "one", "last")
    assert told == [("two", True), ("deleted", message.id)]


class Sharded(discord.AutoShardedClient):
    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Waits no five seconds between two shards."""


async def test_shards_are_told_their_own_guilds(loopback: Loopback) -> None:
    guilds = [loopback.guild(f"{number}") for number in range(4)]  # of four milliseconds in a row
    async with Sharded(intents=with_content(), shard_count=2, guild_ready_timeout=0.02) as bot:
        running = asyncio.create_task(bot.start(loopback.token))
        await loopback.until(lambda: loopback.gateway.identifies == 2)
        await bot.wait_until_ready()
        told = {each.id: (each.shard_id, each.me.id) for each in bot.guilds}
        await bot.close()
        await running
    assert told == {each.id: ((each.id >> 22) % 2, loopback.bot.id) for each in guilds}
    assert len({shard for shard, _ in told.values()}) == 2
