"""Each limit of the components of a message."""

from __future__ import annotations

import pytest

from tests.loopback_discord.entities import Channel
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.raw import Raw, text_display
from tests.loopback_discord.schema.bodies import (
    ONE,
    Row,
    button,
    buttons,
    files,
    gallery,
    is_a_limit,
    options,
    picture,
    pictures,
    row,
    select,
    v2,
)

ROWS = {
    "text": Row(v2(text_display("x" * 4000)), v2(text_display("x" * 4001)), "components.0.content"),
    "no empty text": Row(v2(text_display("x")), v2(text_display("")), "components.0.content"),
    "text in all": Row(
        v2(text_display("x" * 3999), {"type": 17, "components": [text_display("y")]}),
        v2(text_display("x" * 3999), {"type": 17, "components": [text_display("yz")]}),
        "components",
    ),
    "nested": Row(
        v2(text_display("."), {"type": 17, "components": [{"type": 14}] * 38}),
        v2(text_display("."), {"type": 17, "components": [{"type": 14}] * 39}),
        "components",
    ),
    "nested with accessories": Row(
        v2(*[{"type": 9, "components": [text_display(".")], "accessory": button(custom_id=f"{n}")} for n in range(13)]),
        v2(*[{"type": 9, "components": [text_display(".")], "accessory": button(custom_id=f"{n}")} for n in range(14)]),
        "components",
    ),
    "legacy rows": Row(
        {"components": [row(button(custom_id=f"{n}")) for n in range(5)], "content": "."},
        {"components": [row(button(custom_id=f"{n}")) for n in range(6)], "content": "."},
        "components",
    ),
    "buttons in a row": Row(
        v2(row(*[button(custom_id=f"{n}") for n in range(5)])),
        v2(row(*[button(custom_id=f"{n}") for n in range(6)])),
        "components.0.components",
    ),
    "a row is not empty": Row(v2(row(button())), v2(row()), "components.0.components"),
    "a row holds no text": Row(v2(row(button())), v2(row(text_display("."))), "components.0.components.0.type"),
    "containers do not nest": Row(
        v2({"type": 17, "components": [text_display(".")]}),
        v2({"type": 17, "components": [{"type": 17, "components": [text_display(".")]}]}),
        "components.0.components.0.type",
    ),
    "unknown component": Row(v2(text_display(".")), v2({"type": 99}), "components.0.type"),
    "unknown key of a component": Row(v2(text_display(".")), v2(text_display(".") | {"text": "."}), "components.0"),
    "label": Row(buttons(label="x" * 80), buttons(label="x" * 81), "components.0.components.0.label"),
    "custom_id": Row(buttons(custom_id="x" * 100), buttons(custom_id="x" * 101), "components.0.components.0.custom_id"),
    "custom_id is not empty": Row(buttons(custom_id="x"), buttons(custom_id=""), "components.0.components.0.custom_id"),
    "custom_id once": Row(
        v2(row(button(), button(custom_id="source"))),
        v2(row(button(), button())),
        "components.0.components.1.custom_id",
    ),
    "custom_id once in all": Row(
        v2(row(button()), {"type": 17, "components": [row(button(custom_id="s"))]}),
        v2(row(button()), {"type": 17, "components": [row(button())]}),
        "components.1.components.0.components.0.custom_id",
    ),
    "id once": Row(
        v2(text_display(".") | {"id": 1}, text_display(".") | {"id": 2}),
        v2(text_display(".") | {"id": 1}, text_display(".") | {"id": 1}),
        "components.1.id",
    ),
    "id's size": Row(
        v2(text_display(".") | {"id": 2**31 - 1}), v2(text_display(".") | {"id": 2**31}), "components.0.id"
    ),
    "id's sign": Row(v2(text_display(".") | {"id": 0}), v2(text_display(".") | {"id": -1}), "components.0.id"),
    "least style": Row(buttons(style=1), buttons(style=0), "components.0.components.0.style"),
    "emoji's name": Row(
        buttons(emoji={"name": "x"}), buttons(emoji={"name": ""}), "components.0.components.0.emoji.name"
    ),
    "option's label is there": Row(
        select(options=[{"label": "l", "value": "v"}]),
        select(options=[{"label": "", "value": "v"}]),
        "components.0.components.0.options.0.label",
    ),
    "most of the least": Row(
        select(options=options(25), min_values=25, max_values=25),
        select(options=options(25), min_values=26, max_values=25),
        "components.0.components.0.min_values",
    ),
    "least of the most": Row(
        select(min_values=0, max_values=1),
        select(min_values=0, max_values=0),
        "components.0.components.0.max_values",
    ),
    "least of the least": Row(select(min_values=0), select(min_values=-1), "components.0.components.0.min_values"),
    "most of the most": Row(
        select(options=options(25), max_values=25),
        select(options=options(25), max_values=26),
        "components.0.components.0.max_values",
    ),
    "default users": Row(
        v2(row({"type": 5, "custom_id": "who", "default_values": [{"id": "1", "type": "user"}] * 25})),
        v2(row({"type": 5, "custom_id": "who", "default_values": [{"id": "1", "type": "user"}] * 26})),
        "components.0.components.0.default_values",
    ),
    "an address's length": Row(
        v2(gallery({"media": {"url": "https://" + "x" * 2040}})),
        v2(gallery({"media": {"url": "https://" + "x" * 2041}})),
        "components.0.items.0.media.url",
    ),
    "a section has text": Row(
        v2({"type": 9, "components": [text_display(".")], "accessory": button()}),
        v2({"type": 9, "components": [], "accessory": button()}),
        "components.0.components",
    ),
    "a container is not empty": Row(
        v2({"type": 17, "components": [text_display(".")]}),
        v2({"type": 17, "components": []}),
        "components.0.components",
    ),
    "style": Row(buttons(style=4), buttons(style=7), "components.0.components.0.style"),
    "a button has a label": Row(
        buttons(label=None, emoji={"name": "🗑"}), buttons(label=None), "components.0.components.0.label"
    ),
    "a button has an id": Row(buttons(), buttons(custom_id=None), "components.0.components.0.custom_id"),
    "a link has no id": Row(
        buttons(style=5, custom_id=None, url="https://example.org"),
        buttons(style=5, url="https://example.org"),
        "components.0.components.0.custom_id",
    ),
    "only a link has an address": Row(buttons(), buttons(url="https://example.org"), "components.0.components.0.url"),
    "a link's length": Row(
        buttons(style=5, custom_id=None, url="https://" + "x" * 504),
        buttons(style=5, custom_id=None, url="https://" + "x" * 505),
        "components.0.components.0.url",
    ),
    "a link's scheme": Row(
        buttons(style=5, custom_id=None, url="https://example.org"),
        buttons(style=5, custom_id=None, url="javascript:0"),
        "components.0.components.0.url",
    ),
    "only premium has a sku": Row(
        buttons(style=6, custom_id=None, label=None, sku_id="1"),
        buttons(sku_id="1"),
        "components.0.components.0.sku_id",
    ),
    "options": Row(select(options=options(25)), select(options=options(26)), "components.0.components.0.options"),
    "an option at least": Row(select(options=options(1)), select(options=[]), "components.0.components.0.options"),
    "options differ": Row(
        select(options=options(2)), select(options=options(1) * 2), "components.0.components.0.options"
    ),
    "option's label": Row(
        select(options=[{"label": "x" * 100, "value": "v"}]),
        select(options=[{"label": "x" * 101, "value": "v"}]),
        "components.0.components.0.options.0.label",
    ),
    "option's value": Row(
        select(options=[{"label": "l", "value": "x" * 100}]),
        select(options=[{"label": "l", "value": "x" * 101}]),
        "components.0.components.0.options.0.value",
    ),
    "option's description": Row(
        select(options=[{"label": "l", "value": "v", "description": "x" * 100}]),
        select(options=[{"label": "l", "value": "v", "description": "x" * 101}]),
        "components.0.components.0.options.0.description",
    ),
    "placeholder": Row(
        select(placeholder="x" * 150), select(placeholder="x" * 151), "components.0.components.0.placeholder"
    ),
    "most values": Row(select(max_values=2), select(max_values=3), "components.0.components.0.max_values"),
    "least values": Row(
        select(min_values=2, max_values=2), select(min_values=2), "components.0.components.0.min_values"
    ),
    "defaults": Row(
        select(options=[{"label": "a", "value": "a", "default": True}, {"label": "b", "value": "b"}]),
        select(options=[{"label": each, "value": each, "default": True} for each in "ab"]),
        "components.0.components.0.options",
    ),
    "a select stands alone": Row(
        select(),
        v2(row(*select()["components"][0]["components"], button())),
        "components.0.components",
    ),
    "section's texts": Row(
        v2({"type": 9, "components": [text_display(".")] * 3, "accessory": button()}),
        v2({"type": 9, "components": [text_display(".")] * 4, "accessory": button()}),
        "components.0.components",
    ),
    "a section has an accessory": Row(
        v2({"type": 9, "components": [text_display(".")], "accessory": button()}),
        v2({"type": 9, "components": [text_display(".")]}),
        "components.0",
    ),
    "gallery": Row(pictures(10), v2(gallery(*[picture("0.png")] * 11)), "components.0.items", files(10), files(1)),
    "a gallery is not empty": Row(pictures(1), v2(gallery()), "components.0.items", files(1)),
    "alt text": Row(
        v2(gallery(picture(description="x" * 1024))),
        v2(gallery(picture(description="x" * 1025))),
        "components.0.items.0.description",
        ONE,
    ),
    "alt text of a thumbnail": Row(
        v2(
            {
                "type": 9,
                "components": [text_display(".")],
                "accessory": {"type": 11, **picture(description="x" * 1024)},
            }
        ),
        v2(
            {
                "type": 9,
                "components": [text_display(".")],
                "accessory": {"type": 11, **picture(description="x" * 1025)},
            }
        ),
        "components.0.accessory.description",
        ONE,
    ),
    "accent": Row(
        v2({"type": 17, "components": [text_display(".")], "accent_color": 0xFFFFFF}),
        v2({"type": 17, "components": [text_display(".")], "accent_color": 0x1000000}),
        "components.0.accent_color",
    ),
    "spacing": Row(v2({"type": 14, "spacing": 2}), v2({"type": 14, "spacing": 3}), "components.0.spacing"),
    "a text says its type": Row(
        v2({"type": 9, "components": [text_display(".")], "accessory": button()}),
        v2({"type": 9, "components": [{"content": "."}], "accessory": button()}),
        "components.0.components.0.type",
    ),
    "emoji": Row(
        buttons(emoji={"name": "x" * 32}), buttons(emoji={"name": "x" * 33}), "components.0.components.0.emoji.name"
    ),
    "option's value is there": Row(
        select(options=[{"label": "l", "value": "v"}]),
        select(options=[{"label": "l", "value": ""}]),
        "components.0.components.0.options.0.value",
    ),
    "alt text is there": Row(
        v2(gallery(picture(description="x"))),
        v2(gallery(picture(description=""))),
        "components.0.items.0.description",
        ONE,
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_components_just_inside_are_taken_and_just_over_are_refused(
    loopback: Loopback, raw: Raw, general: Channel, row: Row
) -> None:
    await is_a_limit(row, loopback, raw, general)
