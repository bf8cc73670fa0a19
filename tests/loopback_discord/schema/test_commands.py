"""Each limit of application commands: a set just inside it is taken, one just over it is refused at its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.loopback_discord.entities import Json
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.raw import Raw
from tests.loopback_discord.schema.commands import is_name


@dataclass(frozen=True)
class Row:
    """`at` is the place that a refusal names, or its code where it names none."""

    inside: list[Json]
    outside: list[Json]
    at: str | int


def _command(**changes: Any) -> Json:
    return {"name": "why", "type": 1, "description": "explains"} | changes


def _menu(**changes: Any) -> Json:
    return {"name": "Explain this loss", "type": 3} | changes


def _option(kind: int = 3, **changes: Any) -> Json:
    return {"name": "text", "description": "code", "type": kind} | changes


def _with(*options: Json) -> list[Json]:
    return [_command(options=list(options))]


def _options(count: int, **changes: Any) -> list[Json]:
    return _with(*[_option(name=f"o{number}", **changes) for number in range(count)])


def _choices(count: int) -> list[Json]:
    return [{"name": f"{number}", "value": f"{number}"} for number in range(count)]


def _commands(count: int, kind: int) -> list[Json]:
    described: Json = {"description": "d"} if kind == 1 else {}
    return [{"name": f"c{number}", "type": kind, **described} for number in range(count)]


def _characters(description: int, choice: int) -> list[Json]:
    """A command of 7,994 characters, and of those that are asked for in a last description and choice's name."""
    first = _option(name="o00", description="x" * 97, choices=_long_choices(25))
    second = _option(name="o01", description="x" * 71, choices=_long_choices(14))
    last = _option(name="last", description="x" * description, choices=[{"name": "x" * choice, "value": "v"}])
    return [_command(name="why", description="x" * 12, options=[first, second, last])]


def _long_choices(count: int) -> list[Json]:
    return [{"name": f"{at:02}" + "n" * 98, "value": "v" * 100} for at in range(count)]


ROWS = {
    "name": Row([_command(name="x" * 32)], [_command(name="x" * 33)], "0.name"),
    "name is there": Row([_command(name="x")], [_command(name="")], "0.name"),
    "name in lower case": Row([_command(name="why")], [_command(name="Why")], "0.name"),
    "name without spaces": Row([_command(name="why-loss")], [_command(name="why loss")], "0.name"),
    "a menu's name": Row([_menu(name="X " * 16)], [_menu(name="X " * 16 + "x")], "0.name"),
    "description": Row([_command(description="x" * 100)], [_command(description="x" * 101)], "0.description"),
    "description is there": Row([_command(description="x")], [_command(description="")], "0.description"),
    "a menu has none": Row([_menu()], [_menu(description="x")], "0.description"),
    "locale": Row(
        [_command(name_localizations={"ja": "なぜ"})],
        [_command(name_localizations={"jp": "なぜ"})],
        "0.name_localizations",
    ),
    "localized name": Row(
        [_command(name_localizations={"ja": "損" * 32})],
        [_command(name_localizations={"ja": "損" * 33})],
        "0.name_localizations.0",
    ),
    "localized name in lower case": Row(
        [_command(name_localizations={"de": "warum"})], [_command(name_localizations={"de": "Warum"})], "0.name"
    ),
    "localized description": Row(
        [_command(description_localizations={"ja": "損" * 100})],
        [_command(description_localizations={"ja": "損" * 101})],
        "0.description_localizations.0",
    ),
    "once": Row([_command(), _menu(name="why")], [_command(), _command()], "1.name"),
    "slash commands": Row(_commands(100, 1), _commands(101, 1), 30032),
    "user menus": Row(_commands(15, 2), _commands(16, 2), 30032),
    "message menus": Row(_commands(15, 3), _commands(16, 3), 30032),
    "options": Row(_options(25), _options(26), "0.options"),
    "option's name": Row(_with(_option(name="x" * 32)), _with(_option(name="x" * 33)), "0.options.0.name"),
    "option's name in lower case": Row(_with(_option(name="text")), _with(_option(name="Text")), "0.options.0.name"),
    "option's description": Row(
        _with(_option(description="x" * 100)), _with(_option(description="x" * 101)), "0.options.0.description"
    ),
    "option's type": Row(_with(_option(11)), _with(_option(12)), "0.options.0.type"),
    "options once": Row(_options(2), _with(_option(), _option()), "0.options.1.name"),
    "options once in a language": Row(
        _with(_option(), _option(name="file", name_localizations={"ja": "ファイル"})),
        _with(_option(), _option(name="file", name_localizations={"ja": "text"})),
        "0.options.1.name",
    ),
    "required first": Row(
        _with(_option(required=True), _option(name="file")),
        _with(_option(), _option(name="file", required=True)),
        "0.options",
    ),
    "subcommands alone": Row(
        _with(_option(1, name="show"), _option(1, name="set")), _with(_option(1, name="show"), _option()), "0.options"
    ),
    "options of a subcommand": Row(
        _with(_option(1, options=_options(25)[0]["options"])),
        _with(_option(1, options=_options(26)[0]["options"])),
        "0.options.0.options",
    ),
    "groups hold subcommands": Row(
        _with(_option(2, options=[_option(1)])), _with(_option(2, options=[_option(3)])), "0.options.0.options.0.type"
    ),
    "groups hold no groups": Row(
        _with(_option(2, options=[_option(1)])),
        _with(_option(2, options=[_option(2, options=[_option(1)])])),
        "0.options.0.options",
    ),
    "contexts once": Row([_command(contexts=[0, 1])], [_command(contexts=[0, 0])], "0.contexts"),
    "a context": Row([_command(contexts=[0])], [_command(contexts=[])], "0.contexts"),
    "whole limits of a whole number": Row(
        _with(_option(4, min_value=1)), _with(_option(4, min_value=1.5)), "0.options.0.min_value"
    ),
    "a subcommand says its type": Row(
        _with(_option(2, options=[_option(1)])),
        _with(_option(2, options=[{"name": "text", "description": "code"}])),
        "0.options.0.options.0",
    ),
    "choices": Row(_with(_option(choices=_choices(25))), _with(_option(choices=_choices(26))), "0.options.0.choices"),
    "choice's name": Row(
        _with(_option(choices=[{"name": "x" * 100, "value": "v"}])),
        _with(_option(choices=[{"name": "x" * 101, "value": "v"}])),
        "0.options.0.choices.0.name",
    ),
    "choice's value": Row(
        _with(_option(choices=[{"name": "n", "value": "x" * 100}])),
        _with(_option(choices=[{"name": "n", "value": "x" * 101}])),
        "0.options.0.choices.0.value",
    ),
    "choice's kind": Row(
        _with(_option(4, choices=[{"name": "n", "value": 5}])),
        _with(_option(4, choices=[{"name": "n", "value": "5"}])),
        "0.options.0.choices.0.value",
    ),
    "a whole choice": Row(
        _with(_option(4, choices=[{"name": "n", "value": 5}])),
        _with(_option(4, choices=[{"name": "n", "value": 5.5}])),
        "0.options.0.choices.0.value",
    ),
    "choices once": Row(
        _with(_option(choices=_choices(2))), _with(_option(choices=_choices(1) * 2)), "0.options.0.choices.1.name"
    ),
    "choices or completion": Row(
        _with(_option(autocomplete=True)),
        _with(_option(autocomplete=True, choices=_choices(1))),
        "0.options.0.choices",
    ),
    "longest text": Row(_with(_option(max_length=6000)), _with(_option(max_length=6001)), "0.options.0.max_length"),
    "length's order": Row(
        _with(_option(min_length=5, max_length=5)), _with(_option(min_length=6, max_length=5)), "0.options.0"
    ),
    "value's order": Row(
        _with(_option(4, min_value=5, max_value=5)), _with(_option(4, min_value=6, max_value=5)), "0.options.0"
    ),
    "8000 characters": Row(_characters(3, 3), _characters(4, 3), "0"),
    "8000 characters, choices too": Row(_characters(3, 3), _characters(3, 4), "0"),
    "contexts": Row([_command(contexts=[0, 1, 2])], [_command(contexts=[3])], "0.contexts.0"),
    "installs": Row([_command(integration_types=[0, 1])], [_command(integration_types=[2])], "0.integration_types.0"),
    "an install": Row([_command(integration_types=[1])], [_command(integration_types=[])], "0.integration_types"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_commands_just_inside_are_taken_and_just_over_are_refused(loopback: Loopback, raw: Raw, row: Row) -> None:
    path = f"/applications/{loopback.bot.id}/commands"
    taken = await raw.send("PUT", path, row.inside)
    assert taken.status == 200, taken.body
    assert [each["name"] for each in taken.body] == [each["name"] for each in row.inside]
    assert not loopback.violations()
    refused = await raw.send("PUT", path, row.outside)
    assert refused.status == 400
    if isinstance(row.at, int):
        assert refused.body["code"] == row.at
    else:
        assert refused.problem(*row.at.split("."))
    assert len(loopback.violations()) == 1
    assert loopback.discord.portal.commands[None] == taken.body


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("損失", True),
        ("नुक़सान", True),
        ("เทส", True),
        ("it's_a-test1", True),
        ("loss?", False),
        ("a.b", False),
        ("É", False),
    ],
)
def test_a_name_is_of_letters_and_numbers_of_any_script(name: str, fits: bool) -> None:
    assert is_name(name) == fits
