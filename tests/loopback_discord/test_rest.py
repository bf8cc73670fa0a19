"""Messages, threads and files over REST, and who may do what to them."""

from __future__ import annotations

import io

import discord
import pytest
from discord.asset import Asset
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.loopback_discord.calls import Upload
from tests.loopback_discord.entities import Channel, ChannelKind
from tests.loopback_discord.fixtures import judged
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.minimal_bot import Bot, online
from tests.loopback_discord.permissions import Permission
from tests.loopback_discord.raw import V2, Raw, speaking, text_display
from tests.loopback_discord.seen import seen

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (640).to_bytes(4) + (360).to_bytes(4)


def _picture(name: str) -> discord.File:
    return discord.File(io.BytesIO(PNG), name)


def _view(*names: str) -> discord.ui.LayoutView:
    view = discord.ui.LayoutView()
    view.add_item(discord.ui.TextDisplay("card"))
    view.add_item(discord.ui.MediaGallery(*(discord.MediaGalleryItem(f"attachment://{name}") for name in names)))
    return view


async def _here(bot: Bot, channel: Channel) -> discord.TextChannel:
    found = bot.get_channel(channel.id)
    assert isinstance(found, discord.TextChannel)
    return found


async def test_what_a_component_shows_is_no_attachment(loopback: Loopback, general: Channel) -> None:
    async with online(loopback, Bot()) as bot:
        channel = await _here(bot, general)
        plain = await channel.send(file=_picture("a.png"))
        card = await channel.send(view=_view("a.png"), file=_picture("a.png"))
        embed = discord.Embed(title="t").set_image(url="attachment://a.png")
        embedded = await channel.send(embed=embed, file=_picture("a.png"))
        fetched = await channel.fetch_message(card.id)
        assert [(each.filename, each.width, each.height) for each in plain.attachments] == [("a.png", 640, 360)]
        assert card.attachments == embedded.attachments == fetched.attachments == []
        gallery = fetched.components[1]
        assert isinstance(gallery, discord.MediaGalleryComponent)
        media = gallery.items[0].media
        assert (media.width, media.content_type, media.attachment_id) == (
            640,
            "image/png",
            general.messages[card.id].attachments[0].id,
        )
        assert await bot.http.get_from_cdn(media.url) == PNG
        assert seen(general.messages[card.id]).pictures[0].data == PNG
        assert seen(general.messages[embedded.id]).pictures[0].name == "a.png"


async def test_a_files_link_wants_its_signature(raw: Raw, loopback: Loopback, general: Channel) -> None:
    sent = await raw.post(f"/channels/{general.id}/messages", {}, {"a b (1).txt": b"text"})
    (attachment,) = sent.body["attachments"]
    assert (attachment["filename"], attachment["content_type"]) == ("a_b_1.txt", "text/plain; charset=utf-8")
    async with raw.session.get(attachment["url"]) as whole, raw.session.get(attachment["url"].split("?")[0]) as bare:
        assert (await whole.read(), whole.status, bare.status) == (b"text", 200, 404)
    assert not loopback.violations()


async def test_an_edit_keeps_what_it_does_not_name(loopback: Loopback, general: Channel) -> None:
    async with online(loopback, Bot()) as bot:
        channel = await _here(bot, general)
        message = await channel.send("text", files=[_picture("a.png"), _picture("b.png")])
        await message.edit(content="changed")
        assert [each.name for each in general.messages[message.id].attachments] == ["a.png", "b.png"]
        kept = message.attachments[1]
        await message.edit(attachments=[kept, _picture("c.png")])
        assert [each.name for each in general.messages[message.id].attachments] == ["b.png", "c.png"]
        await message.edit(content=None)
        assert general.messages[message.id].content == ""
        await message.edit(content="text", attachments=[])
        assert general.messages[message.id].attachments == []
    assert [each.revision for each in [general.messages[message.id]]] == [4]


async def test_an_edit_becomes_v2_once_and_for_all(loopback: Loopback, general: Channel) -> None:
    async with online(loopback, Bot()) as bot:
        message = await (await _here(bot, general)).send("text")
        with pytest.raises(discord.HTTPException):
            await message.edit(view=_view("a.png"), attachments=[_picture("a.png")])
        await message.edit(content=None, view=_view("a.png"), attachments=[_picture("a.png")])
        with pytest.raises(discord.HTTPException):
            await message.edit(content="text again")
        await message.edit(view=_view("b.png"), attachments=[_picture("b.png")])
    assert [each.name for each in general.messages[message.id].attachments] == ["b.png"]
    assert len(loopback.violations()) == 2


async def test_the_v2_flag_is_not_taken_off(raw: Raw, loopback: Loopback, general: Channel) -> None:
    path = f"/channels/{general.id}/messages"
    sent = await raw.post(path, {"flags": V2, "components": [text_display(".")]})
    edited = await raw.send("PATCH", f"{path}/{sent.body['id']}", {"flags": 0, "content": "x", "components": []})
    assert edited.problem("flags")
    dropped = await raw.send("PATCH", f"{path}/{sent.body['id']}", {"components": []})
    assert dropped.body["code"] == 50006
    assert len(loopback.violations()) == 2


async def test_a_picture_that_is_shown_is_not_dropped(raw: Raw, loopback: Loopback, general: Channel) -> None:
    path = f"/channels/{general.id}/messages"
    gallery = {"type": 12, "items": [{"media": {"url": "attachment://a.png"}}]}
    sent = await raw.post(path, {"flags": V2, "components": [gallery]}, {"a.png": PNG})
    dropped = await raw.send("PATCH", f"{path}/{sent.body['id']}", {"attachments": []})
    assert dropped.problem("attachments")
    again = await raw.send("PATCH", f"{path}/{sent.body['id']}", {"components": sent.body["components"]})
    assert again.status == 200
    assert len(loopback.violations()) == 1


@pytest.mark.parametrize(
    ("denied", "status", "code"),
    [
        (Permission.VIEW_CHANNEL, 403, 50001),
        (Permission.SEND_MESSAGES, 403, 50013),
        (Permission.ATTACH_FILES, 403, 50013),
        (Permission.EMBED_LINKS, 403, 50013),
        (Permission.READ_MESSAGE_HISTORY, 400, 160002),
        (Permission.ADD_REACTIONS, 200, None),
    ],
)
async def test_what_the_bot_may_not_do(
    loopback: Loopback, raw: Raw, denied: Permission, status: int, code: int | None
) -> None:
    guild = loopback.guild()
    channel = loopback.channel(guild, deny=denied)
    question = loopback.person("alice", guild).post(channel, "why?")
    body = {"embeds": [{"title": "t"}], "message_reference": {"message_id": str(question.id)}}
    answered = await raw.post(f"/channels/{channel.id}/messages", body, {"a.png": PNG})
    assert (answered.status, answered.body.get("code")) == (status, code)
    assert len(channel.messages) == 1 + (status == 200)
    assert not loopback.violations()


async def test_others_messages_are_deleted_with_permission_and_never_edited(
    loopback: Loopback, raw: Raw, general: Channel
) -> None:
    alice = loopback.person("alice", general.guild)
    path = f"/channels/{general.id}/messages/{alice.post(general, 'mine').id}"
    assert (await raw.send("PATCH", path, {"content": "yours"})).body["code"] == 50005
    assert (await raw.send("DELETE", path)).body["code"] == 50013
    assert general.guild is not None
    general.guild.everyone.permissions |= Permission.MANAGE_MESSAGES
    assert (await raw.send("DELETE", path)).status == 204
    assert (await raw.send("DELETE", path)).body["code"] == 10008
    assert (await raw.send("GET", path)).status == 404
    assert len(loopback.violations()) == 1


async def test_a_reply_to_what_is_deleted(loopback: Loopback, raw: Raw, general: Channel) -> None:
    alice = loopback.person("alice", general.guild)
    question = alice.post(general, "why?")
    alice.delete(question)
    path, reference = f"/channels/{general.id}/messages", {"message_id": question.id}
    refused = await raw.post(path, {"content": ".", "message_reference": reference})
    assert refused.body["errors"]["message_reference"]["_errors"][0]["code"] == "REPLIES_UNKNOWN_MESSAGE"
    taken = await raw.post(path, {"content": ".", "message_reference": {**reference, "fail_if_not_exists": False}})
    assert "referenced_message" not in taken.body
    assert not loopback.violations()


async def test_whom_a_message_notifies(loopback: Loopback, general: Channel) -> None:
    alice, bob = (loopback.person(name, general.guild) for name in ("alice", "bob"))
    text = f"<@{bob.account.id}> @everyone"
    async with online(loopback, Bot(hears=lambda message: message.reply(text))) as bot:
        silent = await loopback.reply_to(alice.post(general, "why?"))
        channel = await _here(bot, general)
        loud = await channel.send(text, allowed_mentions=discord.AllowedMentions.all())
        asked = await channel.fetch_message(next(iter(general.messages)))
        reply = await asked.reply(
            text, allowed_mentions=discord.AllowedMentions(everyone=False, users=True, replied_user=True)
        )
    assert (silent.pings, silent.message.pings_everyone) == ((), False)
    assert (seen(general.messages[loud.id]).pings, general.messages[loud.id].pings_everyone) == (("bob",), True)
    assert set(seen(general.messages[reply.id]).pings) == {"alice", "bob"}


async def test_history_is_read_newest_first(loopback: Loopback, general: Channel) -> None:
    alice = loopback.person("alice", general.guild)
    posted = [alice.post(general, f"{number}") for number in range(5)]
    alice.delete(posted[2])
    async with online(loopback, Bot()) as bot:
        channel = await _here(bot, general)
        assert [each.content async for each in channel.history(limit=3)] == ["4", "3", "1"]
        assert [each.content async for each in channel.history(before=posted[3])] == ["1", "0"]
        assert [each.content async for each in channel.history(after=posted[0], limit=2)] == ["1", "3"]
        assert [each.content async for each in channel.history(around=posted[3], limit=3)] == ["4", "3", "1"]


async def test_a_forums_post_is_its_first_message(loopback: Loopback) -> None:
    guild = loopback.guild()
    forum, alice = loopback.channel(guild, "help", ChannelKind.FORUM), loopback.person("alice", guild)
    seen_there: list[tuple[bool, str]] = []

    async def answer(message: discord.Message) -> None:
        assert isinstance(message.channel, discord.Thread)
        assert isinstance(message.channel.parent, discord.ForumChannel)
        seen_there.append((message.id == message.channel.id, message.channel.name))
        await message.reply("in the thread")

    async with online(loopback, Bot(hears=answer)):
        first = alice.open_post(forum, "nan", "why?", [Upload("a.py", b"1")])
        reply = await loopback.reply_to(first)
        second = alice.post(first.channel, "more")
        await loopback.reply_to(second)
    assert first.channel.parent is forum
    assert reply.message.channel is first.channel
    assert seen_there == [(True, "nan"), (False, "nan")]


async def test_threads_are_opened_by_the_bot(loopback: Loopback, general: Channel) -> None:
    alice = loopback.person("alice", general.guild)
    question = alice.post(general, "why?")
    assert general.guild is not None
    forum = loopback.channel(general.guild, "help", ChannelKind.FORUM)
    async with online(loopback, Bot()) as bot:
        message = await (await _here(bot, general)).fetch_message(question.id)
        thread = await message.create_thread(name="derivation")
        await thread.send("step 1")
        forum_channel = bot.get_channel(forum.id)
        assert isinstance(forum_channel, discord.ForumChannel)
        opened = await forum_channel.create_thread(name="post", content="first", file=_picture("a.png"))
        assert (await bot.fetch_channel(thread.id)).id == question.id
        with pytest.raises(discord.HTTPException):
            await message.create_thread(name="again")
    assert question.thread is not None
    assert [each.content for each in question.thread.messages.values()] == ["step 1"]
    assert [each.content for each in loopback.world.channels[opened.thread.id].messages.values()] == ["first"]
    assert ["already been created" in each for each in loopback.violations()] == [True]


async def test_a_direct_message_is_answered_and_begun(loopback: Loopback) -> None:
    alice = loopback.person("alice")
    async with online(loopback, Bot(hears=lambda message: message.author.send("hello"))):
        alice.dm("hi")
        await loopback.until(lambda: len(alice.conversation().messages) == 2)
    assert [each.author.name for each in alice.conversation().messages.values()] == ["alice", "whyloss"]


async def test_typing_needs_that_the_bot_may_speak(loopback: Loopback, raw: Raw, general: Channel) -> None:
    quiet = loopback.channel(loopback.guild(), "quiet", deny=Permission.SEND_MESSAGES)
    assert (await raw.post(f"/channels/{general.id}/typing")).status == 204
    assert (await raw.post(f"/channels/{quiet.id}/typing")).status == 403


async def test_errors_and_answers_have_discords_form(loopback: Loopback, raw: Raw, general: Channel) -> None:
    path = f"/channels/{general.id}/messages"
    refused = await raw.post(path, {"content": "x" * 2001})
    assert refused.headers["Content-Type"] == "application/json"
    assert (refused.body["code"], refused.body["message"]) == (50035, "Invalid Form Body")
    assert (await raw.send("GET", "/users/@me", token="wrong")).status == 401
    assert (await raw.post("/channels/1/messages", {"content": "."})).body["code"] == 10003
    assert (await raw.post("/channels/x/messages", {"content": "."})).problem("channel")
    assert (await raw.send("GET", "/guilds/1/audit-logs")).status == 404
    violations = loopback.violations()
    assert ["content" in violations[0], "channel" in violations[1], "not served" in violations[2]] == [True] * 3
    assert len(violations) == 3
    assert [each.status for each in loopback.ledger.requests] == [400, 401, 404, 400, 404]


async def test_a_violation_that_nobody_takes_fails_the_test() -> None:
    with pytest.raises(pytest.fail.Exception, match="content: Expected `str` of length <= 2000"):
        async with judged() as loopback, speaking(loopback.discord) as raw:
            general = loopback.channel(loopback.guild())
            await raw.post(f"/channels/{general.id}/messages", {"content": "x" * 2001})


async def test_afterwards_discord_py_speaks_with_discord_again() -> None:
    before = (Route.BASE, Asset.BASE, DiscordWebSocket.DEFAULT_GATEWAY)
    async with judged() as loopback:
        assert f"{loopback.discord.base}/api/v10" == Route.BASE
    assert before == (Route.BASE, Asset.BASE, DiscordWebSocket.DEFAULT_GATEWAY)
    assert "127.0.0.1" not in str(before)
