"""The road of a question through each way in, in English and in Japanese, with the real evaluator."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.fleet.connection import Connection
from tests.bot.chat.conftest import Running, Start
from tests.loopback_discord.calls import Upload
from tests.loopback_discord.entities import Channel, ChannelKind, Guild
from tests.loopback_discord.interactions import CallbackKind
from tests.loopback_discord.invocation import Invocation
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.person import Person
from tests.loopback_discord.seen import Picture, Seen

EXAMPLES = Path(__file__).parents[3] / "examples"
SECONDS = 20.0
FULL_WIDTH = 1100


@dataclass(frozen=True)
class Asker:
    """What somebody of a language asks, what their client calls things, and what they read."""

    locale: str
    words: str
    question: str
    verdict: str
    menu: str
    labels: tuple[str, str, str]
    fields: tuple[str, str, str, str]


ENGLISH = Asker(
    "en-US",
    "why is it 0.5514?",
    (EXAMPLES / "why-0.5514.md").read_text(),
    "0.5514 is correct",
    "Explain this loss",
    ("Steps", "Source", "Delete"),
    (
        "Code, numbers or traceback",
        "What it printed, or what you expected",
        "Files",
        "Colours of the picture",
    ),
)
JAPANESE = Asker(
    "ja",
    "どうして 0.5514 になるのでしょうか？",
    (EXAMPLES / "why-0.5514.ja.md").read_text(),
    "0.5514 は正しい値です",
    "この損失を説明",
    ("途中の計算", "ソース", "削除"),
    ("コード、数値、トレースバック", "表示された値、または期待した値", "ファイル", "画像の色"),
)
CODE = "torch.manual_seed(0)\nscores = torch.tensor([[1.0, 0.0, 0.0]])\nF.cross_entropy(scores, torch.tensor([0]))\n"

both = pytest.mark.parametrize("asker", [ENGLISH, JAPANESE], ids=["en", "ja"])


def size(picture: Picture) -> tuple[int, int]:
    """Width and height of a PNG."""
    assert picture.data.startswith(b"\x89PNG")
    return struct.unpack(">II", picture.data[16:24])


def is_explained(reply: Seen, asker: Asker) -> None:
    """All that a reader of this reply sees."""
    assert reply.is_v2
    assert reply.notification.startswith(f"**{asker.verdict}")
    (card,) = reply.pictures
    assert size(card) == (FULL_WIDTH, 700)
    assert card.alt is not None
    assert "0.5514" in card.alt
    assert len(card.alt) <= 1024
    assert "+ value = nn.functional.nll_loss" in reply.text
    assert tuple(each.label for each in reply.buttons) == asker.labels
    assert reply.pings == ()


@dataclass(frozen=True)
class Place:
    guild: Guild
    channel: Channel
    person: Person


@pytest.fixture
def place(loopback: Loopback, asker: Asker) -> Place:
    guild = loopback.guild()
    return Place(guild, loopback.channel(guild), loopback.person("alice", guild, locale=asker.locale))


@both
async def test_a_mention(loopback: Loopback, chat: Running, asker: Asker, place: Place) -> None:
    message = place.person.mention(place.channel, asker.question)
    is_explained(await loopback.reply_to(message, SECONDS, lambda each: each.pictures), asker)


@both
async def test_a_mention_under_the_message_of_another(
    loopback: Loopback, chat: Running, asker: Asker, place: Place
) -> None:
    bob = loopback.person("bob", place.guild)
    theirs = bob.post(place.channel, asker.question)
    message = place.person.post(place.channel, f"<@{loopback.bot.id}>", reply_to=theirs)
    is_explained(await loopback.reply_to(message, SECONDS, lambda each: each.pictures), asker)


@both
async def test_a_direct_message_with_a_file(loopback: Loopback, chat: Running, asker: Asker, place: Place) -> None:
    message = place.person.dm(asker.words, [Upload("question.md", asker.question.encode())])
    is_explained(await loopback.reply_to(message, SECONDS, lambda each: each.pictures), asker)


@both
async def test_the_text_of_a_command(chat: Running, asker: Asker, place: Place) -> None:
    asked = place.person.invoke("why", place.channel, text=asker.question)
    assert await asked.acknowledged() is CallbackKind.DEFERRED_MESSAGE
    reply = await asked.answer(SECONDS)
    is_explained(reply, asker)
    assert not reply.is_ephemeral


@both
async def test_the_file_of_a_command(chat: Running, asker: Asker, place: Place) -> None:
    asked = place.person.invoke("why", place.channel, file=Upload("question.md", asker.question.encode()))
    is_explained(await asked.answer(SECONDS), asker)


@both
async def test_the_form_of_a_command(chat: Running, asker: Asker, place: Place) -> None:
    opened = place.person.invoke("why", place.channel)
    await opened.modal()
    code, expected, files, colours = asker.fields
    values = {code: CODE, expected: "it prints 0.5514, expected 0", files: [], colours: "light"}
    reply = await place.person.submit(opened, values).answer(SECONDS)
    (card,) = reply.pictures
    assert size(card) == (FULL_WIDTH, 700)
    assert "0.5514" in reply.notification
    assert "0.5514, expected 0" in reply.text, "the reply quotes its question"


@both
async def test_the_file_of_a_form(chat: Running, asker: Asker, place: Place) -> None:
    opened = place.person.invoke("why", place.channel)
    await opened.modal()
    values = {asker.fields[2]: [Upload("loss.py", CODE.encode())]}
    reply = await place.person.submit(opened, values).answer(SECONDS)
    assert "0.5514" in reply.notification
    assert [each.name for each in reply.files] == ["loss.py"]


async def explained_by_menu(asker: Asker, person: Person, opened: Invocation) -> Seen:
    """The menu's form as it comes up, sent as it is."""
    modal = await opened.modal()
    (text,) = [row["component"] for row in modal["components"] if row["label"] == asker.fields[0]]
    assert text["value"] == asker.question
    reply = await person.submit(opened, {}).answer(SECONDS)
    is_explained(reply, asker)
    return reply


@both
async def test_the_menu_of_a_message(loopback: Loopback, chat: Running, asker: Asker, place: Place) -> None:
    theirs = loopback.person("bob", place.guild).post(place.channel, asker.question)
    reply = await explained_by_menu(asker, place.person, place.person.menu(asker.menu, theirs))
    assert not reply.is_ephemeral


@both
async def test_the_menu_where_the_bot_is_not(loopback: Loopback, chat: Running, asker: Asker) -> None:
    foreign = loopback.guild("foreign", with_bot=False)
    channel, bob = loopback.channel(foreign), loopback.person("bob", foreign)
    alice = loopback.person("alice", foreign, locale=asker.locale, installed=True)
    reply = await explained_by_menu(asker, alice, alice.menu(asker.menu, bob.post(channel, asker.question)))
    assert reply.is_ephemeral


@both
async def test_the_menu_among_friends(loopback: Loopback, chat: Running, asker: Asker) -> None:
    alice, bob = loopback.person("alice", locale=asker.locale, installed=True), loopback.person("bob")
    theirs = bob.post(loopback.group(alice, bob), asker.question)
    assert (await explained_by_menu(asker, alice, alice.menu(asker.menu, theirs))).is_ephemeral


@both
async def test_the_menu_of_a_message_with_a_file(loopback: Loopback, chat: Running, asker: Asker, place: Place) -> None:
    theirs = loopback.person("bob", place.guild).post(
        place.channel, "?", [Upload("question.md", asker.question.encode())]
    )
    is_explained(await place.person.menu(asker.menu, theirs).answer(SECONDS), asker)


@both
@pytest.mark.parametrize("named", ["by its id", "by its name"])
async def test_the_post_of_a_forum(
    loopback: Loopback, start: Start, connection: Connection, asker: Asker, place: Place, named: str
) -> None:
    forum = loopback.channel(place.guild, "help", ChannelKind.FORUM)
    async with start(connection, forum_channels=[forum.id if named == "by its id" else "help"]):
        post = place.person.open_post(forum, "0.5514?", asker.question)
        is_explained(await loopback.reply_to(post, SECONDS, lambda each: each.pictures), asker)
        further = place.person.post(post.channel, asker.question)
        talk = place.person.open_post(forum, "hello", "good morning everyone, who comes to the meeting?")
        other = loopback.channel(place.guild, "elsewhere", ChannelKind.FORUM)
        elsewhere = place.person.open_post(other, "0.5514?", asker.question)
        for silent in (further, talk, elsewhere):
            await loopback.no_reply_to(silent, 1.0)
    assert len(loopback.replies(post)) == 1
