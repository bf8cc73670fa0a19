"""When an interaction may be answered, how often, and with what."""

from __future__ import annotations

import asyncio
import io

import discord
import pytest
from discord.http import Route

from tests.loopback_discord.entities import Channel
from tests.loopback_discord.faults import Delayed
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.minimal_bot import Bot, online
from tests.loopback_discord.permissions import Permission
from tests.loopback_discord.person import Person


@pytest.fixture
def alice(loopback: Loopback, general: Channel) -> Person:
    return loopback.person("alice", general.guild, locale="ja", installed=True)


async def test_the_second_answer_is_refused(loopback: Loopback, general: Channel, alice: Person) -> None:
    errors: list[discord.HTTPException] = []
    bot = Bot()

    @bot.tree.command(description="d")
    async def twice(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("one")
        try:
            await interaction.client.http.request(
                Route("POST", f"/interactions/{interaction.id}/{interaction.token}/callback"),
                json={"type": 4, "data": {"content": "two"}},
            )
        except discord.HTTPException as error:
            errors.append(error)
        await interaction.edit_original_response(content="done")

    async with online(loopback, bot):
        await bot.tree.sync()
        await alice.invoke("twice", general).answer(where=lambda seen: seen.text == "done")
    assert [each.code for each in errors] == [40060]
    assert ["already been acknowledged" in each for each in loopback.violations()] == [True]


async def test_an_answer_after_three_seconds_is_too_late(loopback: Loopback, general: Channel, alice: Person) -> None:
    told, bot = asyncio.Event(), Bot()

    @bot.tree.command(description="d")
    async def slow(interaction: discord.Interaction) -> None:
        loopback.forward(3.1)
        try:
            await interaction.response.defer()
        except discord.NotFound:
            told.set()

    async with online(loopback, bot):
        await bot.tree.sync()
        asked = alice.invoke("slow", general)
        await loopback.until(lambda: loopback.ledger.violations)
        async with asyncio.timeout(5):
            await told.wait()
    assert asked.interaction.callback is None
    assert ["Unknown Interaction" in each for each in loopback.violations()] == [True]


async def test_a_token_ends_after_fifteen_minutes(loopback: Loopback, general: Channel, alice: Person) -> None:
    codes: list[int] = []
    bot = Bot()

    @bot.tree.command(description="d")
    async def later(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("0")
        for seconds in (890, 20):
            loopback.forward(seconds)
            try:
                await interaction.edit_original_response(content=f"{seconds}")
            except discord.HTTPException as error:
                codes.append(error.code)

    async with online(loopback, bot):
        await bot.tree.sync()
        answer = await alice.invoke("later", general).answer(where=lambda seen: seen.text == "890")
        await loopback.until(lambda: loopback.ledger.violations)
    assert answer.revision == 1
    assert ["Invalid Webhook Token" in each for each in loopback.violations()] == [True]
    assert codes == [50027]


async def test_follow_ups_after_a_deferred_answer(loopback: Loopback, general: Channel, alice: Person) -> None:
    bot = Bot()

    @bot.tree.command(description="d")
    async def more(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        await interaction.followup.send("takes the answer's place")
        sent = await interaction.followup.send("another", wait=True, file=discord.File(io.BytesIO(b"x"), "x.txt"))
        await sent.edit(content="edited")
        await interaction.followup.send("a third", ephemeral=True)
        await interaction.delete_original_response()

    async with online(loopback, bot):
        await bot.tree.sync()
        asked = alice.invoke("more", general)
        third = await asked.follow_up(number=1)
        original = asked.interaction.original
        assert original is not None
        await loopback.deleted(original)
    assert original.content == "takes the answer's place"
    assert [each.content for each in asked.interaction.follow_ups] == ["edited", "a third"]
    assert third.is_ephemeral


async def test_where_only_the_user_has_it_there_are_five_follow_ups(loopback: Loopback, alice: Person) -> None:
    far = loopback.channel(loopback.guild("far", with_bot=False), "far")
    assert far.guild is not None
    loopback.world.join(far.guild, alice.account)
    codes: list[int] = []
    bot = Bot()

    @bot.tree.command(description="d")
    async def many(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("0")
        try:
            for number in range(1, 7):
                await interaction.followup.send(f"{number}")
        except discord.HTTPException as error:
            codes.append(error.code)

    async with online(loopback, bot):
        await bot.tree.sync()
        asked = alice.invoke("many", far)
        await loopback.until(lambda: loopback.ledger.violations)
    assert [each.content for each in asked.interaction.follow_ups] == ["1", "2", "3", "4", "5"]
    assert len(loopback.violations()) == 1
    assert codes == [40094]


async def test_files_need_their_permission_in_answers_too(loopback: Loopback, alice: Person) -> None:
    guild = loopback.guild("bare")
    bare = loopback.channel(guild, "bare", deny=Permission.ATTACH_FILES)
    loopback.world.join(guild, alice.account)
    bot = Bot()

    @bot.tree.command(description="d")
    async def draw(interaction: discord.Interaction) -> None:
        assert not interaction.app_permissions.attach_files
        await interaction.response.defer()
        try:
            await interaction.edit_original_response(attachments=[discord.File(io.BytesIO(b"x"), "x.png")])
        except discord.Forbidden as error:
            await interaction.edit_original_response(content=f"{error.code}")

    async with online(loopback, bot):
        await bot.tree.sync()
        answer = await alice.invoke("draw", bare).answer()
    assert answer.text == "50013"


async def test_a_delayed_acknowledgement_still_counts_within_three_seconds(
    loopback: Loopback, general: Channel, alice: Person
) -> None:
    bot = Bot()

    @bot.tree.command(description="d")
    async def why(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("because")

    async with online(loopback, bot):
        await bot.tree.sync()
        loopback.faults.add(Delayed(0.2), "POST /interactions/*")
        asked = alice.invoke("why", general)
        with pytest.raises(TimeoutError):
            await asked.acknowledged(0.1)
        await asked.answer()
