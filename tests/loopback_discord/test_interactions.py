"""Interactions with the real discord.py: every kind, every way to answer, and when it is too late."""

from __future__ import annotations

import discord
import pytest
from discord import app_commands, ui

from tests.loopback_discord.calls import Upload
from tests.loopback_discord.entities import Channel, MessageKind
from tests.loopback_discord.interactions import CallbackKind
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.minimal_bot import Bot, online
from tests.loopback_discord.permissions import Permission
from tests.loopback_discord.person import Person


class Counter(ui.View):
    """A button that edits its message, and one that is not to be pressed."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.count = 0

    @ui.button(label="More", custom_id="more")
    async def more(self, interaction: discord.Interaction, _button: ui.Button[Counter]) -> None:
        self.count += 1
        await interaction.response.edit_message(content=f"{self.count}")

    @ui.button(label="Never", custom_id="never", disabled=True)
    async def never(self, interaction: discord.Interaction, _button: ui.Button[Counter]) -> None:
        raise AssertionError("this is disabled")

    @ui.select(custom_id="which", options=[discord.SelectOption(label="A", value="a")])
    async def which(self, interaction: discord.Interaction, select: ui.Select[Counter]) -> None:
        await interaction.response.send_message(f"chose {select.values}", ephemeral=True)


class Form(ui.Modal, title="Why?"):
    code = ui.Label(text="Code", component=ui.TextInput(custom_id="code", default="nan", required=True))
    file = ui.Label(text="File", component=ui.FileUpload(custom_id="file", required=False))
    kind = ui.Label(
        text="Kind",
        component=ui.Select(
            custom_id="kind", options=[discord.SelectOption(label="Mean", value="mean")], required=False
        ),
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        code, file, kind = self.code.component, self.file.component, self.kind.component
        assert isinstance(code, ui.TextInput)
        assert isinstance(file, ui.FileUpload)
        assert isinstance(kind, ui.Select)
        read = [(await each.read()).decode() for each in file.values]
        await interaction.response.send_message(f"{code.value} {read} {kind.values}")


def _bot() -> Bot:
    bot = Bot()

    @bot.tree.command(description="explains")
    async def why(interaction: discord.Interaction, text: str = "", secret: bool = False) -> None:
        await interaction.response.defer(ephemeral=secret)
        await interaction.edit_original_response(content=f"because {text}")

    @bot.tree.command(description="counts")
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def count(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("0", view=Counter())

    @bot.tree.command(description="asks")
    async def ask(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Form())

    @bot.tree.command(description="a loss")
    async def loss(interaction: discord.Interaction, name: str) -> None:
        await interaction.response.send_message(name)

    @loss.autocomplete("name")
    async def names(_interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=typed * 2, value=typed * 3)]

    @bot.tree.context_menu(name="Explain")
    async def explain(interaction: discord.Interaction, message: discord.Message) -> None:
        files = [(await each.read()).decode() for each in message.attachments]
        await interaction.response.send_message(f"{message.author.name}: {message.content} {files}")

    return bot


@pytest.fixture
def alice(loopback: Loopback, general: Channel) -> Person:
    return loopback.person("alice", general.guild, locale="ja", installed=True)


async def test_a_deferred_answer_loads_and_then_comes(loopback: Loopback, general: Channel, alice: Person) -> None:
    async with online(loopback, bot := _bot()):
        await bot.tree.sync()
        asked = alice.invoke("why", general, text="nan")
        answer = await asked.answer()
    assert asked.interaction.callback is CallbackKind.DEFERRED_MESSAGE
    assert (answer.text, answer.is_loading, answer.revision) == ("because nan", False, 1)
    assert answer.message.past[0].is_loading
    assert answer.message.kind is MessageKind.COMMAND
    assert answer.message.edited is None


async def test_an_ephemeral_answer_is_for_its_asker(loopback: Loopback, general: Channel, alice: Person) -> None:
    bob = loopback.person("bob", general.guild)
    async with online(loopback, bot := _bot()):
        await bot.tree.sync()
        answer = await alice.invoke("why", general, secret=True).answer()
        assert answer.is_ephemeral
        with pytest.raises(AssertionError, match="does not see"):
            bob.menu("Explain", answer.message)
        await alice.menu("Explain", answer.message).answer()
    assert not bot.heard


async def test_a_button_edits_its_message(loopback: Loopback, general: Channel, alice: Person) -> None:
    async with online(loopback, bot := _bot()):
        await bot.tree.sync()
        first = await alice.invoke("count", general).answer()
        pressed = alice.press(first.message, "More")
        assert await pressed.acknowledged() is CallbackKind.UPDATE
        await alice.press(first.message, "more").acknowledged()
        assert (await loopback.edited(first.message, 2)).text == "2"
        with pytest.raises(AssertionError, match="cannot be pressed"):
            alice.press(first.message, "Never")
        with pytest.raises(AssertionError, match="0 buttons"):
            alice.press(first.message, "Less")
        chosen = await alice.select(first.message, "which", "a").answer()
        with pytest.raises(AssertionError, match="cannot be chosen"):
            alice.select(first.message, "which", "b")
    assert (chosen.text, chosen.is_ephemeral) == ("chose ['a']", True)


async def test_a_modal_is_filled_in(loopback: Loopback, general: Channel, alice: Person) -> None:
    async with online(loopback, bot := _bot()):
        await bot.tree.sync()
        asked = alice.invoke("ask", general)
        modal = await asked.modal()
        assert (modal["title"], await asked.acknowledged()) == ("Why?", CallbackKind.MODAL)
        full = alice.submit(asked, {"Code": "0.5", "file": [Upload("a.py", b"x = 1")], "Kind": ["Mean"]})
        assert (await full.answer()).text == "0.5 ['x = 1'] ['mean']"
        asked = alice.invoke("ask", general)
        await asked.modal()
        as_it_was = alice.submit(asked, {})
        assert (await as_it_was.answer()).text == "nan [] []"
        for wrong in ({"Code": ""}, {"Nothing": "x"}, {"Code": "x" * 4001}):
            with pytest.raises(AssertionError):
                alice.submit(asked, wrong)


async def test_what_is_typed_is_completed(loopback: Loopback, general: Channel, alice: Person) -> None:
    async with online(loopback, bot := _bot()):
        await bot.tree.sync()
        choices = await alice.complete("loss", general, "name", "ce")
        assert (await alice.invoke("loss", general, name="mse").answer()).text == "mse"
        with pytest.raises(AssertionError, match="not completed"):
            await alice.complete("why", general, "text", "ce")
    assert [(each["name"], each["value"]) for each in choices] == [("cece", "cecece")]


async def test_a_message_menu_reads_what_the_bot_cannot(loopback: Loopback, alice: Person) -> None:
    far = loopback.channel(loopback.guild("far", with_bot=False), "far")
    here = loopback.channel(loopback.guild("here"), "hidden", deny=Permission.VIEW_CHANNEL)
    for channel in (far, here):
        assert channel.guild is not None
        loopback.world.join(channel.guild, alice.account)
    bob = loopback.person("bob", far.guild, here.guild)
    group = loopback.group(alice, bob)
    async with online(loopback, bot := _bot()):
        await bot.tree.sync()
        for channel in (far, here, group, alice.conversation()):
            message = (alice if channel is alice.conversation() else bob).post(channel, "0.5", [Upload("a.py", b"y")])
            answer = await alice.menu("Explain", message).answer()
            assert answer.text == f"{message.author.name}: 0.5 ['y']"
            assert answer.message.channel is channel
            assert answer.message.kind is MessageKind.MENU
    assert bot.heard == ["0.5"]


async def test_commands_are_offered_where_they_are_installed(loopback: Loopback, general: Channel) -> None:
    far = loopback.channel(loopback.guild("far", with_bot=False), "far")
    without = loopback.person("bob", general.guild, far.guild)
    carrying = loopback.person("carol", general.guild, far.guild, installed=True)
    async with online(loopback, bot := _bot()):
        await bot.tree.sync()
        for person, channel in ((without, general), (carrying, general), (carrying, far)):
            await person.invoke("why", channel).answer()
        with pytest.raises(AssertionError, match="not offered"):
            without.invoke("why", far)
        with pytest.raises(AssertionError, match="not offered"):
            carrying.invoke("count", far)
        with pytest.raises(AssertionError, match="not offered"):
            carrying.invoke("count", carrying.conversation())
        with pytest.raises(AssertionError, match="no command"):
            without.invoke("how", general)
        for wrong in ({"text": 5}, {"secret": 1}, {"other": "x"}, {"text": "x" * 6001}):
            with pytest.raises(AssertionError):
                without.invoke("why", general, **wrong)


async def test_external_applications_answer_in_private_where_guilds_want_it(loopback: Loopback, alice: Person) -> None:
    guild = loopback.guild("far", with_bot=False)
    guild.everyone.permissions &= ~Permission.USE_EXTERNAL_APPS
    far = loopback.channel(guild, "far")
    loopback.world.join(guild, alice.account)
    async with online(loopback, bot := _bot()):
        await bot.tree.sync()
        answer = await alice.invoke("why", far, text="x").answer()
    assert answer.is_ephemeral


async def test_commands_have_names_in_languages(loopback: Loopback, general: Channel, alice: Person) -> None:
    class Japanese(app_commands.Translator):
        async def translate(
            self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
        ) -> str | None:
            return "なぜ" if locale is discord.Locale.japanese and string.message == "why" else None

    bot = Bot()

    @bot.tree.command(name=app_commands.locale_str("why"), description=app_commands.locale_str("explains"))
    async def why(interaction: discord.Interaction) -> None:
        await interaction.response.send_message(interaction.locale.value)

    async with online(loopback, bot):
        await bot.tree.set_translator(Japanese())
        await bot.tree.sync()
        assert (await alice.invoke("なぜ", general).answer()).text == "ja"
        with pytest.raises(AssertionError, match="no command"):
            loopback.person("bob", general.guild).invoke("なぜ", general)


async def test_what_the_interaction_says_of_its_place_and_asker(loopback: Loopback, general: Channel) -> None:
    seen: list[object] = []
    bot = Bot()

    @bot.tree.command(description="d")
    async def where(interaction: discord.Interaction) -> None:
        channel, guild = interaction.channel, interaction.guild
        manages = interaction.permissions.manage_messages
        seen.append((getattr(channel, "id", 0), guild.id if guild else None, manages))
        seen.append((interaction.locale.value, interaction.context.guild, interaction.context.dm_channel))
        await interaction.response.send_message("there")

    assert general.guild is not None
    carol = loopback.person("carol", general.guild, locale="ja", moderates=True)
    async with online(loopback, bot):
        await bot.tree.sync()
        await carol.invoke("where", general).answer()
        await carol.invoke("where", carol.conversation()).answer()
    in_guild = (general.id, general.guild.id, True)
    assert seen[:2] == [in_guild, ("ja", True, False)]
    assert seen[2:] == [(carol.conversation().id, None, False), ("ja", False, True)]
