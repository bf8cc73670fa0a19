"""Each limit of a message: a body just inside it is taken, one just over it is refused at its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.loopback_discord.entities import Channel, Json
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.raw import V2, Raw, text_display

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Row:
    """`at` is the place that a refusal names, or its code where it names none."""

    inside: Json
    outside: Json
    at: str | int
    files: Files = field(default_factory=dict[str, bytes])
    files_outside: Files | None = None


def _v2(*components: Json) -> Json:
    return {"flags": V2, "components": list(components)}


def _row(*components: Json) -> Json:
    return {"type": 1, "components": list(components)}


def _button(**changes: Any) -> Json:
    return {"type": 2, "style": 1, "label": "Steps", "custom_id": "steps"} | changes


def _buttons(**changes: Any) -> Json:
    return _v2(_row(_button(**changes)))


def _select(**changes: Any) -> Json:
    options = [{"label": "a", "value": "a"}, {"label": "b", "value": "b"}]
    return _v2(_row({"type": 3, "custom_id": "which", "options": options} | changes))


def _options(count: int) -> list[Json]:
    return [{"label": f"{number}", "value": f"{number}"} for number in range(count)]


def _gallery(*items: Json) -> Json:
    return {"type": 12, "items": list(items)}


def _picture(name: str = "a.png", **changes: Any) -> Json:
    return {"media": {"url": f"attachment://{name}"}} | changes


def _pictures(count: int) -> Json:
    return _v2(_gallery(*[_picture(f"{number}.png") for number in range(count)]))


def _files(count: int) -> Files:
    return {f"{number}.png": b"png" for number in range(count)}


def _embed(**changes: Any) -> Json:
    return {"embeds": [{"title": "t"} | changes]}


def _fields(count: int) -> list[Json]:
    return [{"name": "n", "value": "v"}] * count


ONE = {"a.png": b"png"}

ROWS = {
    "content": Row({"content": "x" * 2000}, {"content": "x" * 2001}, "content"),
    "content in characters, not bytes": Row({"content": "損" * 2000}, {"content": "損" * 2001}, "content"),
    "content is text": Row({"content": "5"}, {"content": 5}, "content"),
    "not empty": Row({"content": "."}, {"content": " \n"}, 50006),
    "not empty at all": Row({"content": "."}, {}, 50006),
    "nonce": Row({"content": ".", "nonce": "n" * 25}, {"content": ".", "nonce": "n" * 26}, "nonce"),
    "flags": Row({"content": ".", "flags": 4}, {"content": ".", "flags": 64}, "flags"),
    "v2 without content": Row(_v2(text_display(".")), _v2(text_display(".")) | {"content": "."}, "content"),
    "v2 without embeds": Row(_v2(text_display(".")), _v2(text_display(".")) | _embed(), "embeds"),
    "v2 is not empty": Row(_v2(text_display(".")), _v2(), 50006),
    "v2 needs its flag": Row(
        _v2(text_display(".")), {"content": ".", "components": [text_display(".")]}, "components.0"
    ),
    "text": Row(_v2(text_display("x" * 4000)), _v2(text_display("x" * 4001)), "components.0.content"),
    "no empty text": Row(_v2(text_display("x")), _v2(text_display("")), "components.0.content"),
    "text in all": Row(
        _v2(text_display("x" * 3999), {"type": 17, "components": [text_display("y")]}),
        _v2(text_display("x" * 3999), {"type": 17, "components": [text_display("yz")]}),
        "components",
    ),
    "nested": Row(
        _v2(text_display("."), {"type": 17, "components": [{"type": 14}] * 38}),
        _v2(text_display("."), {"type": 17, "components": [{"type": 14}] * 39}),
        "components",
    ),
    "nested with accessories": Row(
        _v2(
            *[{"type": 9, "components": [text_display(".")], "accessory": _button(custom_id=f"{n}")} for n in range(13)]
        ),
        _v2(
            *[{"type": 9, "components": [text_display(".")], "accessory": _button(custom_id=f"{n}")} for n in range(14)]
        ),
        "components",
    ),
    "legacy rows": Row(
        {"components": [_row(_button(custom_id=f"{n}")) for n in range(5)], "content": "."},
        {"components": [_row(_button(custom_id=f"{n}")) for n in range(6)], "content": "."},
        "components",
    ),
    "buttons in a row": Row(
        _v2(_row(*[_button(custom_id=f"{n}") for n in range(5)])),
        _v2(_row(*[_button(custom_id=f"{n}") for n in range(6)])),
        "components.0.components",
    ),
    "a row is not empty": Row(_v2(_row(_button())), _v2(_row()), "components.0.components"),
    "a row holds no text": Row(_v2(_row(_button())), _v2(_row(text_display("."))), "components.0.components.0.type"),
    "containers do not nest": Row(
        _v2({"type": 17, "components": [text_display(".")]}),
        _v2({"type": 17, "components": [{"type": 17, "components": [text_display(".")]}]}),
        "components.0.components.0.type",
    ),
    "unknown component": Row(_v2(text_display(".")), _v2({"type": 99}), "components.0.type"),
    "unknown key of a component": Row(_v2(text_display(".")), _v2(text_display(".") | {"text": "."}), "components.0"),
    "label": Row(_buttons(label="x" * 80), _buttons(label="x" * 81), "components.0.components.0.label"),
    "custom_id": Row(
        _buttons(custom_id="x" * 100), _buttons(custom_id="x" * 101), "components.0.components.0.custom_id"
    ),
    "custom_id is not empty": Row(
        _buttons(custom_id="x"), _buttons(custom_id=""), "components.0.components.0.custom_id"
    ),
    "custom_id once": Row(
        _v2(_row(_button(), _button(custom_id="source"))),
        _v2(_row(_button(), _button())),
        "components.0.components.1.custom_id",
    ),
    "custom_id once in all": Row(
        _v2(_row(_button()), {"type": 17, "components": [_row(_button(custom_id="s"))]}),
        _v2(_row(_button()), {"type": 17, "components": [_row(_button())]}),
        "components.1.components.0.components.0.custom_id",
    ),
    "id once": Row(
        _v2(text_display(".") | {"id": 1}, text_display(".") | {"id": 2}),
        _v2(text_display(".") | {"id": 1}, text_display(".") | {"id": 1}),
        "components.1.id",
    ),
    "style": Row(_buttons(style=4), _buttons(style=7), "components.0.components.0.style"),
    "a button has a label": Row(
        _buttons(label=None, emoji={"name": "🗑"}), _buttons(label=None), "components.0.components.0.label"
    ),
    "a button has an id": Row(_buttons(), _buttons(custom_id=None), "components.0.components.0.custom_id"),
    "a link has no id": Row(
        _buttons(style=5, custom_id=None, url="https://example.org"),
        _buttons(style=5, url="https://example.org"),
        "components.0.components.0.custom_id",
    ),
    "only a link has an address": Row(_buttons(), _buttons(url="https://example.org"), "components.0.components.0.url"),
    "a link's length": Row(
        _buttons(style=5, custom_id=None, url="https://" + "x" * 504),
        _buttons(style=5, custom_id=None, url="https://" + "x" * 505),
        "components.0.components.0.url",
    ),
    "a link's scheme": Row(
        _buttons(style=5, custom_id=None, url="https://example.org"),
        _buttons(style=5, custom_id=None, url="javascript:0"),
        "components.0.components.0.url",
    ),
    "only premium has a sku": Row(
        _buttons(style=6, custom_id=None, label=None, sku_id="1"),
        _buttons(sku_id="1"),
        "components.0.components.0.sku_id",
    ),
    "options": Row(_select(options=_options(25)), _select(options=_options(26)), "components.0.components.0.options"),
    "an option at least": Row(_select(options=_options(1)), _select(options=[]), "components.0.components.0.options"),
    "options differ": Row(
        _select(options=_options(2)), _select(options=_options(1) * 2), "components.0.components.0.options"
    ),
    "option's label": Row(
        _select(options=[{"label": "x" * 100, "value": "v"}]),
        _select(options=[{"label": "x" * 101, "value": "v"}]),
        "components.0.components.0.options.0.label",
    ),
    "option's value": Row(
        _select(options=[{"label": "l", "value": "x" * 100}]),
        _select(options=[{"label": "l", "value": "x" * 101}]),
        "components.0.components.0.options.0.value",
    ),
    "option's description": Row(
        _select(options=[{"label": "l", "value": "v", "description": "x" * 100}]),
        _select(options=[{"label": "l", "value": "v", "description": "x" * 101}]),
        "components.0.components.0.options.0.description",
    ),
    "placeholder": Row(
        _select(placeholder="x" * 150), _select(placeholder="x" * 151), "components.0.components.0.placeholder"
    ),
    "most values": Row(_select(max_values=2), _select(max_values=3), "components.0.components.0.max_values"),
    "least values": Row(
        _select(min_values=2, max_values=2), _select(min_values=2), "components.0.components.0.min_values"
    ),
    "defaults": Row(
        _select(options=[{"label": "a", "value": "a", "default": True}, {"label": "b", "value": "b"}]),
        _select(options=[{"label": each, "value": each, "default": True} for each in "ab"]),
        "components.0.components.0.options",
    ),
    "a select stands alone": Row(
        _select(),
        _v2(_row(*_select()["components"][0]["components"], _button())),
        "components.0.components",
    ),
    "section's texts": Row(
        _v2({"type": 9, "components": [text_display(".")] * 3, "accessory": _button()}),
        _v2({"type": 9, "components": [text_display(".")] * 4, "accessory": _button()}),
        "components.0.components",
    ),
    "a section has an accessory": Row(
        _v2({"type": 9, "components": [text_display(".")], "accessory": _button()}),
        _v2({"type": 9, "components": [text_display(".")]}),
        "components.0",
    ),
    "gallery": Row(
        _pictures(10), _v2(_gallery(*[_picture("0.png")] * 11)), "components.0.items", _files(10), _files(1)
    ),
    "a gallery is not empty": Row(_pictures(1), _v2(_gallery()), "components.0.items", _files(1)),
    "alt text": Row(
        _v2(_gallery(_picture(description="x" * 1024))),
        _v2(_gallery(_picture(description="x" * 1025))),
        "components.0.items.0.description",
        ONE,
    ),
    "alt text of a thumbnail": Row(
        _v2(
            {
                "type": 9,
                "components": [text_display(".")],
                "accessory": {"type": 11, **_picture(description="x" * 1024)},
            }
        ),
        _v2(
            {
                "type": 9,
                "components": [text_display(".")],
                "accessory": {"type": 11, **_picture(description="x" * 1025)},
            }
        ),
        "components.0.accessory.description",
        ONE,
    ),
    "alt text of a file": Row(
        {"attachments": [{"id": 0, "description": "x" * 1024}]},
        {"attachments": [{"id": 0, "description": "x" * 1025}]},
        "attachments.0.description",
        ONE,
    ),
    "a reference has its file": Row(
        _v2(_gallery(_picture())), _v2(_gallery(_picture("b.png"), _picture())), "components.0.items.0.media.url", ONE
    ),
    "an address has a scheme": Row(
        _v2(_gallery({"media": {"url": "https://example.org/a.png"}})),
        _v2(_gallery({"media": {"url": "a.png"}})),
        "components.0.items.0.media.url",
    ),
    "a file is one of ours": Row(
        _v2({"type": 13, "file": {"url": "attachment://a.png"}}),
        _v2({"type": 13, "file": {"url": "https://example.org/a.png"}}),
        "components.0.file.url",
        ONE,
        {},
    ),
    "v2 shows every file": Row(
        _v2(text_display("."), _gallery(_picture())), _v2(text_display(".")), "attachments", ONE
    ),
    "an attachment has its upload": Row(
        {"attachments": [{"id": 0}]}, {"attachments": [{"id": 1}]}, "attachments.0.id", ONE
    ),
    "files": Row({"content": "."}, {"content": "."}, "attachments", _files(10), _files(11)),
    "bytes of a file": Row({}, {}, 40005, {"a": b"x" * (10 << 20)}, {"a": b"x" * ((10 << 20) + 1)}),
    "accent": Row(
        _v2({"type": 17, "components": [text_display(".")], "accent_color": 0xFFFFFF}),
        _v2({"type": 17, "components": [text_display(".")], "accent_color": 0x1000000}),
        "components.0.accent_color",
    ),
    "spacing": Row(_v2({"type": 14, "spacing": 2}), _v2({"type": 14, "spacing": 3}), "components.0.spacing"),
    "embeds": Row({"embeds": [{"title": "t"}] * 10}, {"embeds": [{"title": "t"}] * 11}, "embeds"),
    "title": Row(_embed(title="x" * 256), _embed(title="x" * 257), "embeds.0.title"),
    "description": Row(_embed(description="x" * 4096), _embed(description="x" * 4097), "embeds.0.description"),
    "footer": Row(_embed(footer={"text": "x" * 2048}), _embed(footer={"text": "x" * 2049}), "embeds.0.footer.text"),
    "author": Row(_embed(author={"name": "x" * 256}), _embed(author={"name": "x" * 257}), "embeds.0.author.name"),
    "fields": Row(_embed(fields=_fields(25)), _embed(fields=_fields(26)), "embeds.0.fields"),
    "field's name": Row(
        _embed(fields=[{"name": "x" * 256, "value": "v"}]),
        _embed(fields=[{"name": "x" * 257, "value": "v"}]),
        "embeds.0.fields.0.name",
    ),
    "field's value": Row(
        _embed(fields=[{"name": "n", "value": "x" * 1024}]),
        _embed(fields=[{"name": "n", "value": "x" * 1025}]),
        "embeds.0.fields.0.value",
    ),
    "a field has a value": Row(
        _embed(fields=[{"name": "n", "value": "v"}]),
        _embed(fields=[{"name": "n", "value": ""}]),
        "embeds.0.fields.0.value",
    ),
    "colour": Row(_embed(color=0xFFFFFF), _embed(color=0x1000000), "embeds.0.color"),
    "embeds in all": Row(
        {"embeds": [{"description": "x" * 4000}, {"description": "y" * 2000}]},
        {"embeds": [{"description": "x" * 4000}, {"title": "z", "description": "y" * 2000}]},
        "embeds",
    ),
    "embeds in all, with fields, author and footer": Row(
        _embed(
            title="x" * 256,
            description="x" * 4096,
            footer={"text": "x" * 1000},
            author={"name": "x" * 256},
            fields=[{"name": "x" * 192, "value": "x" * 200}],
        ),
        _embed(
            title="x" * 256,
            description="x" * 4096,
            footer={"text": "x" * 1000},
            author={"name": "x" * 256},
            fields=[{"name": "x" * 192, "value": "x" * 201}],
        ),
        "embeds",
    ),
    "an embed's picture is sent": Row(
        _embed(image={"url": "attachment://a.png"}),
        _embed(image={"url": "attachment://b.png"}),
        "embeds.0.image.url",
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
    "a text says its type": Row(
        _v2({"type": 9, "components": [text_display(".")], "accessory": _button()}),
        _v2({"type": 9, "components": [{"content": "."}], "accessory": _button()}),
        "components.0.components.0.type",
    ),
    "emoji": Row(
        _buttons(emoji={"name": "x" * 32}), _buttons(emoji={"name": "x" * 33}), "components.0.components.0.emoji.name"
    ),
    "option's value is there": Row(
        _select(options=[{"label": "l", "value": "v"}]),
        _select(options=[{"label": "l", "value": ""}]),
        "components.0.components.0.options.0.value",
    ),
    "alt text is there": Row(
        _v2(_gallery(_picture(description="x"))),
        _v2(_gallery(_picture(description=""))),
        "components.0.items.0.description",
        ONE,
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
    path = f"/channels/{general.id}/messages"
    taken = await raw.post(path, row.inside, row.files)
    assert taken.status == 200, taken.body
    assert not loopback.violations()
    refused = await raw.post(path, row.outside, row.files if row.files_outside is None else row.files_outside)
    if isinstance(row.at, int):
        assert refused.body["code"] == row.at
    else:
        assert refused.status == 400
        assert refused.body["code"] == 50035
        assert refused.problem(*row.at.split("."))
    assert len(loopback.violations()) == 1
    assert len(general.messages) == 1
