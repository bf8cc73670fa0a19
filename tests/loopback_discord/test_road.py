"""The roads of a question, walked by a bot of a few lines."""

from __future__ import annotations

import io

import discord
import pytest

from tests.loopback_discord.calls import Upload
from tests.loopback_discord.interactions import CallbackKind
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.minimal_bot import Bot, online


async def _echo(message: discord.Message) -> None:
    texts = [message.content, *[(await each.read()).decode() for each in message.attachments]]
    await message.reply(" ".join(texts))


async def test_a_message_is_read_with_its_files_and_replied_to(loopback: Loopback) -> None:
    guild = loopback.guild()
    general, alice = loopback.channel(guild), loopback.person("alice", guild)
    async with online(loopback, Bot(hears=_echo)):
        message = alice.post(general, "why?", [Upload("loss.py", b"0.5514")])
        reply = await loopback.reply_to(message)
    assert reply.text == "why? 0.5514"
    assert reply.answers is message
    assert reply.pings == ()


async def test_a_command_defers_and_edits_its_answer(loopback: Loopback) -> None:
    guild = loopback.guild()
    general, alice = loopback.channel(guild), loopback.person("alice", guild, locale="ja")
    bot = Bot()

    @bot.tree.command(description="explains")
    async def why(interaction: discord.Interaction, text: str, file: discord.Attachment | None = None) -> None:
        await interaction.response.defer()
        read = (await file.read()).decode() if file else ""
        view = discord.ui.LayoutView()
        view.add_item(discord.ui.TextDisplay(f"{text} {read} {interaction.locale}"))
        view.add_item(discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://card.png", description="drawn")))
        await interaction.edit_original_response(view=view, attachments=[discord.File(io.BytesIO(b"png"), "card.png")])

    async with online(loopback, bot):
        await bot.tree.sync()
        asked = alice.invoke("why", general, text="nan", file=Upload("a b.txt", b"0.25"))
        assert await asked.acknowledged() is CallbackKind.DEFERRED_MESSAGE
        answer = await asked.answer()
    assert answer.text == "nan 0.25 ja"
    assert [(each.name, each.alt, each.data) for each in answer.pictures] == [("card.png", "drawn", b"png")]
    assert answer.files == ()


async def test_a_message_without_a_reply_is_told_from_one_with_it(loopback: Loopback) -> None:
    guild = loopback.guild()
    general, alice = loopback.channel(guild), loopback.person("alice", guild)

    async def hears(message: discord.Message) -> None:
        if message.content == "why?":
            await message.reply("because")

    async with online(loopback, Bot(hears=hears)):
        await loopback.no_reply_to(alice.post(general, "thanks"), 0.1)
        with pytest.raises(AssertionError, match="because"):
            await loopback.no_reply_to(alice.post(general, "why?"), 5)


async def test_what_a_person_sees_of_a_card(loopback: Loopback) -> None:
    guild = loopback.guild()
    general, alice = loopback.channel(guild), loopback.person("alice", guild)

    async def hears(message: discord.Message) -> None:
        view = discord.ui.LayoutView()
        view.add_item(discord.ui.TextDisplay("**verdict**"))
        view.add_item(discord.ui.Container(discord.ui.TextDisplay("inner"), discord.ui.File("attachment://a.py")))
        link = discord.ui.Button[discord.ui.LayoutView](label="Docs", url="https://example.org")
        steps = discord.ui.Button[discord.ui.LayoutView](label="Steps", custom_id="steps", emoji="📐", disabled=True)
        view.add_item(discord.ui.ActionRow(steps, link))
        await message.reply(view=view, file=discord.File(io.BytesIO(b"x = 1"), "a.py"))

    async with online(loopback, Bot(hears=hears)):
        reply = await loopback.reply_to(alice.post(general, "why?"))
    assert (reply.texts, reply.notification) == (("**verdict**", "inner"), "**verdict**")
    assert [(each.name, each.data) for each in reply.files] == [("a.py", b"x = 1")]
    assert reply.pictures == ()
    steps, link = reply.buttons
    assert (steps.label, steps.custom_id, steps.emoji, steps.disabled) == ("Steps", "steps", "📐", True)
    assert (link.label, link.custom_id, link.url, link.disabled) == ("Docs", None, "https://example.org", False)
