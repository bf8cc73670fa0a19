"""Each limit of a message, its embeds, files and mentions."""

from __future__ import annotations

import pytest

from tests.loopback_discord.entities import Channel
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.raw import Raw, text_display
from tests.loopback_discord.schema.bodies import ONE, Row, embed, fields, files, gallery, is_a_limit, picture, v2

ROWS = {
    "content": Row({"content": "x" * 2000}, {"content": "x" * 2001}, "content"),
    "content in characters, not bytes": Row({"content": "損" * 2000}, {"content": "損" * 2001}, "content"),
    "content is text": Row({"content": "5"}, {"content": 5}, "content"),
    "not empty": Row({"content": "."}, {"content": " \n"}, 50006),
    "not empty at all": Row({"content": "."}, {}, 50006),
    "nonce": Row({"content": ".", "nonce": "n" * 25}, {"content": ".", "nonce": "n" * 26}, "nonce"),
    "flags": Row({"content": ".", "flags": 4}, {"content": ".", "flags": 64}, "flags"),
    "v2 without content": Row(v2(text_display(".")), v2(text_display(".")) | {"content": "."}, "content"),
    "v2 without embeds": Row(v2(text_display(".")), v2(text_display(".")) | embed(), "embeds"),
    "v2 is not empty": Row(v2(text_display(".")), v2(), 50006),
    "v2 needs its flag": Row(
        v2(text_display(".")), {"content": ".", "components": [text_display(".")]}, "components.0"
    ),
    "alt text of a file": Row(
        {"attachments": [{"id": 0, "description": "x" * 1024}]},
        {"attachments": [{"id": 0, "description": "x" * 1025}]},
        "attachments.0.description",
        ONE,
    ),
    "a reference has its file": Row(
        v2(gallery(picture())), v2(gallery(picture("b.png"), picture())), "components.0.items.0.media.url", ONE
    ),
    "an address has a scheme": Row(
        v2(gallery({"media": {"url": "https://example.org/a.png"}})),
        v2(gallery({"media": {"url": "a.png"}})),
        "components.0.items.0.media.url",
    ),
    "a file is one of ours": Row(
        v2({"type": 13, "file": {"url": "attachment://a.png"}}),
        v2({"type": 13, "file": {"url": "https://example.org/a.png"}}),
        "components.0.file.url",
        ONE,
        {},
    ),
    "v2 shows every file": Row(v2(text_display("."), gallery(picture())), v2(text_display(".")), "attachments", ONE),
    "an attachment has its upload": Row(
        {"attachments": [{"id": 0}]}, {"attachments": [{"id": 1}]}, "attachments.0.id", ONE
    ),
    "files": Row({"content": "."}, {"content": "."}, "attachments", files(10), files(11)),
    "bytes of a file": Row({}, {}, 40005, {"a": b"x" * (10 << 20)}, {"a": b"x" * ((10 << 20) + 1)}),
    "embeds": Row({"embeds": [{"title": "t"}] * 10}, {"embeds": [{"title": "t"}] * 11}, "embeds"),
    "title": Row(embed(title="x" * 256), embed(title="x" * 257), "embeds.0.title"),
    "description": Row(embed(description="x" * 4096), embed(description="x" * 4097), "embeds.0.description"),
    "footer": Row(embed(footer={"text": "x" * 2048}), embed(footer={"text": "x" * 2049}), "embeds.0.footer.text"),
    "author": Row(embed(author={"name": "x" * 256}), embed(author={"name": "x" * 257}), "embeds.0.author.name"),
    "fields": Row(embed(fields=fields(25)), embed(fields=fields(26)), "embeds.0.fields"),
    "field's name": Row(
        embed(fields=[{"name": "x" * 256, "value": "v"}]),
        embed(fields=[{"name": "x" * 257, "value": "v"}]),
        "embeds.0.fields.0.name",
    ),
    "field's value": Row(
        embed(fields=[{"name": "n", "value": "x" * 1024}]),
        embed(fields=[{"name": "n", "value": "x" * 1025}]),
        "embeds.0.fields.0.value",
    ),
    "a field has a value": Row(
        embed(fields=[{"name": "n", "value": "v"}]),
        embed(fields=[{"name": "n", "value": ""}]),
        "embeds.0.fields.0.value",
    ),
    "colour": Row(embed(color=0xFFFFFF), embed(color=0x1000000), "embeds.0.color"),
    "embeds in all": Row(
        {"embeds": [{"description": "x" * 4000}, {"description": "y" * 2000}]},
        {"embeds": [{"description": "x" * 4000}, {"title": "z", "description": "y" * 2000}]},
        "embeds",
    ),
    "embeds in all, with fields, author and footer": Row(
        embed(
            title="x" * 256,
            description="x" * 4096,
            footer={"text": "x" * 1000},
            author={"name": "x" * 256},
            fields=[{"name": "x" * 192, "value": "x" * 200}],
        ),
        embed(
            title="x" * 256,
            description="x" * 4096,
            footer={"text": "x" * 1000},
            author={"name": "x" * 256},
            fields=[{"name": "x" * 192, "value": "x" * 201}],
        ),
        "embeds",
    ),
    "an embed's picture is sent": Row(
        embed(image={"url": "attachment://a.png"}),
        embed(image={"url": "attachment://b.png"}),
        "embeds.0.image.url",
        ONE,
    ),
    "an embed's picture has an address": Row(
        embed(image={"url": "https://example.org"}), embed(image={"url": ""}), "embeds.0.image.url"
    ),
    "an embed's picture's address": Row(
        embed(image={"url": "https://" + "x" * 2040}),
        embed(image={"url": "https://" + "x" * 2041}),
        "embeds.0.image.url",
    ),
    "an embed's address": Row(embed(url="https://" + "x" * 2040), embed(url="https://" + "x" * 2041), "embeds.0.url"),
    "a field has a name": Row(
        embed(fields=[{"name": "n", "value": "v"}]),
        embed(fields=[{"name": "", "value": "v"}]),
        "embeds.0.fields.0.name",
    ),
    "allowed roles": Row(
        {"content": ".", "allowed_mentions": {"roles": [f"{number}" for number in range(100)]}},
        {"content": ".", "allowed_mentions": {"roles": [f"{number}" for number in range(101)]}},
        "allowed_mentions.roles",
    ),
    "a file's name": Row(
        {"attachments": [{"id": 0, "filename": "x" * 1024}]},
        {"attachments": [{"id": 0, "filename": "x" * 1025}]},
        "attachments.0.filename",
        ONE,
    ),
    "a file's name is there": Row(
        {"attachments": [{"id": 0, "filename": "x"}]},
        {"attachments": [{"id": 0, "filename": ""}]},
        "attachments.0.filename",
        ONE,
    ),
    "allowed mentions": Row(
        {"content": ".", "allowed_mentions": {"parse": ["users"]}},
        {"content": ".", "allowed_mentions": {"parse": ["all"]}},
        "allowed_mentions.parse.0",
    ),
    "allowed users": Row(
        {"content": ".", "allowed_mentions": {"users": [f"{number}" for number in range(100)]}},
        {"content": ".", "allowed_mentions": {"users": [f"{number}" for number in range(101)]}},
        "allowed_mentions.users",
    ),
    "each user once": Row(
        {"content": ".", "allowed_mentions": {"users": ["1", 2]}},
        {"content": ".", "allowed_mentions": {"users": ["1", 1]}},
        "allowed_mentions.users",
    ),
    "each kind once": Row(
        {"content": ".", "allowed_mentions": {"parse": ["users", "roles"]}},
        {"content": ".", "allowed_mentions": {"parse": ["users", "users"]}},
        "allowed_mentions.parse",
    ),
    "ids are numbers": Row(
        {"content": ".", "sticker_ids": ["1", 2]}, {"content": ".", "sticker_ids": ["one"]}, "sticker_ids.0"
    ),
    "users once": Row(
        {"content": ".", "allowed_mentions": {"users": ["1"]}},
        {"content": ".", "allowed_mentions": {"users": ["1"], "parse": ["users"]}},
        "allowed_mentions",
    ),
    "stickers": Row(
        {"content": ".", "sticker_ids": ["1"] * 3}, {"content": ".", "sticker_ids": ["1"] * 4}, "sticker_ids"
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_a_message_just_inside_is_taken_and_one_just_over_is_refused(
    loopback: Loopback, raw: Raw, general: Channel, row: Row
) -> None:
    await is_a_limit(row, loopback, raw, general)
