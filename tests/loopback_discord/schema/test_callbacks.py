"""Each limit of what answers an interaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.loopback_discord.entities import Channel, Json
from tests.loopback_discord.interactions import InteractionKind
from tests.loopback_discord.invocation import Invocation
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.raw import V2, Raw, text_display


@dataclass(frozen=True)
class Row:
    """`at` is the place that a refusal names, below the body's data."""

    inside: Json
    outside: Json
    at: str
    autocompletes: bool = False


def _input(**changes: Any) -> Json:
    return {"type": 4, "custom_id": "code", "style": 2} | changes


def _label(component: Json | None = None, **changes: Any) -> Json:
    return {"type": 18, "label": "Code", "component": component or _input()} | changes


def _modal(*components: Json, **changes: Any) -> Json:
    data: Json = {"title": "Why?", "custom_id": "why", "components": list(components) or [_label()]}
    return {"type": 9, "data": data | changes}


def _field(**changes: Any) -> Json:
    return _modal(_label(_input(**changes)))


def _labels(count: int) -> Json:
    return _modal(*[_label(_input(custom_id=f"{number}")) for number in range(count)])


def _upload(**changes: Any) -> Json:
    return _modal(_label({"type": 19, "custom_id": "file"} | changes))


def _select(**changes: Any) -> Json:
    return _modal(_label({"type": 3, "custom_id": "s", "options": _options(2)} | changes))


def _options(count: int, **changes: Any) -> list[Json]:
    return [{"label": f"{number}", "value": f"{number}", **changes} for number in range(count)]


def _radio(options: list[Json]) -> Json:
    return _modal(_label({"type": 21, "custom_id": "r", "options": options}))


def _checkboxes(count: int, **changes: Any) -> Json:
    return _modal(_label({"type": 22, "custom_id": "c", "options": _options(count)} | changes))


def _choices(count: int, **changes: Any) -> Json:
    return {"type": 8, "data": {"choices": [{"name": f"{n}", "value": f"{n}"} | changes for n in range(count)]}}


FIELD = "components.0.component"

ROWS = {
    "title": Row(_modal(title="x" * 45), _modal(title="x" * 46), "title"),
    "title is there": Row(_modal(title="x"), _modal(title=""), "title"),
    "custom_id": Row(_modal(custom_id="x" * 100), _modal(custom_id="x" * 101), "custom_id"),
    "components": Row(_labels(5), _labels(6), "components"),
    "a component": Row(_labels(1), _modal(components=[]), "components"),
    "no buttons": Row(
        _labels(1), _modal({"type": 1, "components": [{"type": 2, "style": 1}]}), "components.0.components.0.type"
    ),
    "label": Row(_modal(_label(label="x" * 45)), _modal(_label(label="x" * 46)), "components.0.label"),
    "description": Row(
        _modal(_label(description="x" * 100)), _modal(_label(description="x" * 101)), "components.0.description"
    ),
    "a description is not empty": Row(
        _modal(_label(description="x")), _modal(_label(description="")), "components.0.description"
    ),
    "an input says its type": Row(
        _modal({"type": 1, "components": [_input(label="Code")]}),
        _modal({"type": 1, "components": [{"custom_id": "code", "style": 2, "label": "Code"}]}),
        "components.0.components.0.type",
    ),
    "a label has a field": Row(_modal(_label(_input())), _modal({"type": 18, "label": "Code"}), "components.0"),
    "ids once": Row(
        _modal(_label(), _label(_input(custom_id="other"))),
        _modal(_label(), _label()),
        "components.1.component.custom_id",
    ),
    "placeholder": Row(_field(placeholder="x" * 100), _field(placeholder="x" * 101), f"{FIELD}.placeholder"),
    "value": Row(_field(value="x" * 4000), _field(value="x" * 4001), f"{FIELD}.value"),
    "value's length": Row(_field(value="xx", max_length=2), _field(value="xxx", max_length=2), f"{FIELD}.value"),
    "longest": Row(_field(max_length=4000), _field(max_length=4001), f"{FIELD}.max_length"),
    "lengths' order": Row(
        _field(min_length=2, max_length=2), _field(min_length=3, max_length=2), f"{FIELD}.min_length"
    ),
    "style": Row(_field(style=1), _field(style=3), f"{FIELD}.style"),
    "no label within a label": Row(_field(), _field(label="Code"), f"{FIELD}.label"),
    "a label in a row": Row(
        _modal({"type": 1, "components": [_input(label="Code")]}),
        _modal({"type": 1, "components": [_input()]}),
        "components.0.components.0.label",
    ),
    "a label in a row, its length": Row(
        _modal({"type": 1, "components": [_input(label="x" * 45)]}),
        _modal({"type": 1, "components": [_input(label="x" * 46)]}),
        "components.0.components.0.label",
    ),
    "a label in a row is not empty": Row(
        _modal({"type": 1, "components": [_input(label="x")]}),
        _modal({"type": 1, "components": [_input(label="")]}),
        "components.0.components.0.label",
    ),
    "longest of nothing": Row(_field(max_length=1), _field(max_length=0), f"{FIELD}.max_length"),
    "uploads": Row(_upload(max_values=10), _upload(max_values=11), f"{FIELD}.max_values"),
    "no uploads at most": Row(
        _upload(min_values=0, max_values=1, required=False),
        _upload(min_values=0, max_values=0, required=False),
        f"{FIELD}.max_values",
    ),
    "radio's label": Row(
        _radio([{"label": "x" * 100, "value": "v"}, *_options(1)]),
        _radio([{"label": "x" * 101, "value": "v"}, *_options(1)]),
        f"{FIELD}.options.0.label",
    ),
    "radio's label is there": Row(
        _radio([{"label": "x", "value": "v"}, *_options(1)]),
        _radio([{"label": "", "value": "v"}, *_options(1)]),
        f"{FIELD}.options.0.label",
    ),
    "radio's value": Row(
        _radio([{"label": "l", "value": "x" * 100}, *_options(1)]),
        _radio([{"label": "l", "value": "x" * 101}, *_options(1)]),
        f"{FIELD}.options.0.value",
    ),
    "radio's value is there": Row(
        _radio([{"label": "l", "value": "x"}, *_options(1)]),
        _radio([{"label": "l", "value": ""}, *_options(1)]),
        f"{FIELD}.options.0.value",
    ),
    "radio's description": Row(
        _radio(_options(2, description="x" * 100)),
        _radio(_options(2, description="x" * 101)),
        f"{FIELD}.options.0.description",
    ),
    "checkboxes": Row(_checkboxes(10), _checkboxes(11), f"{FIELD}.options"),
    "a checkbox at least": Row(_checkboxes(1), _checkboxes(0), f"{FIELD}.options"),
    "checkboxes' most": Row(_checkboxes(2, max_values=1), _checkboxes(2, max_values=0), f"{FIELD}.max_values"),
    "checkboxes' most of all": Row(
        _checkboxes(10, max_values=10), _checkboxes(10, max_values=11), f"{FIELD}.max_values"
    ),
    "checkboxes' least": Row(_checkboxes(2, min_values=0), _checkboxes(2, min_values=-1), f"{FIELD}.min_values"),
    "checkboxes' values": Row(_checkboxes(2), _checkboxes(2, options=_options(1) * 2), f"{FIELD}.options"),
    "uploads' order": Row(
        _upload(min_values=2, max_values=2), _upload(min_values=2, max_values=1), f"{FIELD}.min_values"
    ),
    "a required upload": Row(
        _upload(min_values=0, required=False), _upload(min_values=0, required=True), f"{FIELD}.min_values"
    ),
    "a required select": Row(
        _select(min_values=0, required=False), _select(min_values=0, required=True), f"{FIELD}.min_values"
    ),
    "a select that works": Row(_select(), _select(disabled=True), f"{FIELD}.disabled"),
    "radio's options": Row(_radio(_options(10)), _radio(_options(11)), f"{FIELD}.options"),
    "radio's fewest": Row(_radio(_options(2)), _radio(_options(1)), f"{FIELD}.options"),
    "radio's values": Row(_radio(_options(2)), _radio(_options(1) * 2), f"{FIELD}.options"),
    "radio's default": Row(
        _radio(_options(1, default=True) + _options(3)[1:]), _radio(_options(2, default=True)), f"{FIELD}.options"
    ),
    "choices": Row(_choices(25), _choices(26), "choices", True),
    "choices of one kind": Row(
        _choices(2, value=5),
        {"type": 8, "data": {"choices": [{"name": "a", "value": 5}, {"name": "b", "value": "5"}]}},
        "choices",
        True,
    ),
    "choice's name": Row(_choices(1, name="x" * 100), _choices(1, name="x" * 101), "choices.0.name", True),
    "choice's value": Row(_choices(1, value="x" * 100), _choices(1, value="x" * 101), "choices.0.value", True),
    "message": Row(
        {"type": 4, "data": {"content": "x" * 2000}}, {"type": 4, "data": {"content": "x" * 2001}}, "content"
    ),
    "flags": Row(
        {"type": 4, "data": {"content": ".", "flags": 64}}, {"type": 4, "data": {"content": ".", "flags": 128}}, "flags"
    ),
    "deferred flags": Row(
        {"type": 5, "data": {"flags": 64}},
        {"type": 5, "data": {"flags": 64 | V2, "components": [text_display(".")]}},
        "flags",
    ),
    "deferred": Row({"type": 5}, {"type": 5, "data": {"components": [text_display(".")]}}, ""),
}


@pytest.fixture
async def asked(loopback: Loopback, raw: Raw, general: Channel) -> Callable[[bool], Invocation]:
    """Starts an interaction that a test answers itself."""
    command = {"name": "why", "description": "d", "type": 1}
    assert (await raw.send("PUT", f"/applications/{loopback.bot.id}/commands", [command])).status == 200
    assert general.guild is not None
    alice = loopback.person("alice", general.guild)

    def ask(autocompletes: bool = False) -> Invocation:
        invocation = alice.invoke("why", general)
        if autocompletes:
            invocation.interaction.kind = InteractionKind.AUTOCOMPLETE
        return invocation

    return ask


def callback(invocation: Invocation) -> str:
    return f"/interactions/{invocation.interaction.id}/{invocation.interaction.token}/callback"


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_an_answer_just_inside_is_taken_and_one_just_over_is_refused(
    loopback: Loopback, raw: Raw, asked: Callable[[bool], Invocation], row: Row
) -> None:
    taken = await raw.post(callback(asked(row.autocompletes)), row.inside)
    assert taken.status == 204, taken.body
    assert not loopback.violations()
    second = asked(row.autocompletes)
    refused = await raw.post(callback(second), row.outside)
    assert refused.status == 400
    assert refused.problem("data", *filter(None, row.at.split(".")))
    assert len(loopback.violations()) == 1
    assert second.interaction.callback is None
