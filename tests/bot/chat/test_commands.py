"""The commands as Discord registers them, and what those say that explain nothing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.fleet.port import FleetLost
from tests.bot.chat.answers import explained
from tests.bot.chat.conftest import Scripted, Start
from tests.loopback_discord.entities import Channel, Guild, Json
from tests.loopback_discord.loopback import Loopback

NAMES = {
    "why": "なぜ",
    "losses": "損失一覧",
    "help": "ヘルプ",
    "privacy": "プライバシー",
    "status": "状態",
    "Explain this loss": "この損失を説明",
}


@dataclass(frozen=True)
class Place:
    guild: Guild
    general: Channel


@pytest.fixture
def place(loopback: Loopback) -> Place:
    guild = loopback.guild()
    return Place(guild, loopback.channel(guild))


async def registered(loopback: Loopback, start: Start) -> list[Json]:
    async with start(Scripted(lambda ask, _progress: explained(ask))):
        return loopback.discord.portal.commands[None]


async def test_commands_are_named_in_both_languages_and_usable_everywhere(loopback: Loopback, start: Start) -> None:
    commands = await registered(loopback, start)
    assert {each["name"]: each["name_localizations"]["ja"] for each in commands} == NAMES
    for command in commands:
        assert command["integration_types"] == [0, 1]
        assert command["contexts"] == [0, 1, 2]
        for described in (command, *command.get("options", [])):
            if command["type"] == 1:
                assert described["description_localizations"]["ja"] != described["description"]


@pytest.mark.parametrize("locale", ["en-US", "ja"])
@pytest.mark.parametrize(
    ("name", "words"),
    [("help", ("/why", "/なぜ")), ("privacy", ("30 days", "30 日")), ("status", ("torch 2.0", "torch 2.0"))],
)
async def test_what_we_say_about_ourselves(
    loopback: Loopback, start: Start, place: Place, locale: str, name: str, words: tuple[str, str]
) -> None:
    alice = loopback.person("alice", place.guild, locale=locale)
    async with start(Scripted(lambda ask, _progress: explained(ask))):
        said = await alice.invoke(name, place.general).answer()
    assert said.is_ephemeral
    assert words[locale == "ja"] in said.text


async def test_losses_are_listed_completed_and_shown(loopback: Loopback, start: Start, place: Place) -> None:
    alice = loopback.person("alice", place.guild)
    async with start(Scripted(lambda ask, _progress: explained(ask))):
        everything = await alice.invoke("losses", place.general).answer()
        choices = await alice.complete("losses", place.general, "name", "MSE")
        one = await alice.invoke("losses", place.general, name="mse_loss").answer()
        none = await alice.invoke("losses", place.general, name="nothing").answer()
    assert "`mse_loss`" in everything.text
    assert [each["value"] for each in choices] == ["mse_loss"]
    assert "mse_loss(input, target)" in one.text
    assert "F.mse_loss(x, y)" in one.text
    assert "no loss of that name" in none.text


class Absent(Scripted):
    """A fleet that has not started."""

    @property
    def catalogue(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - it never returns
        raise FleetLost("it starts")


async def test_before_the_evaluator_is_there_that_is_said(loopback: Loopback, start: Start, place: Place) -> None:
    alice = loopback.person("alice", place.guild)
    async with start(Absent(lambda ask, _progress: explained(ask))):
        for name in ("losses", "status"):
            assert "starting" in (await alice.invoke(name, place.general).answer()).text
        assert await alice.complete("losses", place.general, "name", "m") == []
