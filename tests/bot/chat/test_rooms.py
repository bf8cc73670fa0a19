"""Places where not everything may be sent: the reply says as much as may be said there."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.exchange import Answer, Ask
from bot.fleet.port import Progress
from tests.bot.chat.answers import explained
from tests.bot.chat.conftest import Scripted, Start
from tests.loopback_discord.entities import Guild
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.permissions import Permission
from tests.loopback_discord.person import Person

QUESTION = "why is it 4?"


@dataclass(frozen=True)
class Place:
    guild: Guild
    alice: Person


@pytest.fixture
def place(loopback: Loopback) -> Place:
    guild = loopback.guild()
    return Place(guild, loopback.person("alice", guild))


def echo(ask: Ask, _progress: Progress) -> Answer:
    return explained(ask, f"heard {ask.text}")


@pytest.mark.parametrize(
    ("deny", "pictures", "is_v2"),
    [
        (Permission.ATTACH_FILES, 0, False),
        (Permission.EMBED_LINKS, 1, False),
        (Permission.ATTACH_FILES | Permission.EMBED_LINKS, 0, False),
    ],
)
async def test_where_files_or_embeds_are_not_permitted_it_is_plain(
    loopback: Loopback, start: Start, place: Place, deny: Permission, pictures: int, is_v2: bool
) -> None:
    quiet = loopback.channel(place.guild, "quiet", deny=deny)
    async with start(Scripted(echo)):
        message = place.alice.mention(quiet, QUESTION)
        reply = await loopback.reply_to(message)
    assert (len(reply.pictures), reply.is_v2) == (pictures, is_v2)
    assert all(each.alt for each in reply.pictures)
    assert reply.text.startswith(f"**heard {QUESTION}**")
    assert "loss = (1 - 3)^2" in reply.text
    assert [each.label for each in reply.buttons] == ["Steps", "Source", "Delete"]
    assert ("I may not attach files here" in reply.text) is (not pictures)


async def test_where_the_history_is_hidden_the_reply_holds_its_question(
    loopback: Loopback, start: Start, place: Place
) -> None:
    blind = loopback.channel(place.guild, "blind", deny=Permission.READ_MESSAGE_HISTORY)
    fleet = Scripted(echo)
    async with start(fleet):
        place.alice.mention(blind, QUESTION)
        (reply,) = await loopback.world.pulse.until(lambda: [m for m in blind.messages.values() if m.components], 5)
        steps = await place.alice.press(reply, "Steps").answer()
    assert steps.pictures
    assert [ask.text for ask in fleet.asked] == [QUESTION, QUESTION]


async def test_where_nothing_may_be_sent_the_log_says_so(loopback: Loopback, start: Start, place: Place) -> None:
    shut = loopback.channel(place.guild, "shut", deny=Permission.SEND_MESSAGES)
    async with start(Scripted(echo)) as running:
        message = place.alice.mention(shut, QUESTION)
        assert (await running.has_logged("not sent"))["code"] == 50013
    assert loopback.replies(message) == []
    assert not [each for each in running.logged.lines if QUESTION in str(each)]
