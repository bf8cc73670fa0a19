"""The bodies that answer an interaction."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tests.loopback_discord.refusals import InvalidForm, Place
from tests.loopback_discord.schema import components as c
from tests.loopback_discord.schema.layout import check_ids, check_one, nested


class Callback(msgspec.Struct, frozen=True):
    type: Literal[4, 5, 6, 7, 8, 9]
    data: dict[str, Any] | None = None


class DeferData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a deferred message may already say of itself: whether it is ephemeral."""

    flags: Literal[0, 64] = 0


class Modal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Annotated[str, Meta(min_length=1, max_length=45)]
    custom_id: c.CustomId
    components: Annotated[list[c.InModal], Meta(min_length=1, max_length=5)]


class Choice(msgspec.Struct, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    value: Annotated[str, Meta(max_length=100)] | int | float
    name_localizations: dict[str, Annotated[str, Meta(min_length=1, max_length=100)]] | None = None


class Choices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    choices: Annotated[list[Choice], Meta(max_length=25)]


def check_choices(sent: Choices) -> None:
    """Raises InvalidForm where some values are text and some are numbers."""
    if len({isinstance(choice.value, str) for choice in sent.choices}) > 1:
        raise InvalidForm(("choices",), "the values of one option are of one kind")


def check_modal(modal: Modal) -> None:
    """Raises InvalidForm for what the modal's components break together."""
    everything = list(nested(modal.components))
    for part, path in everything:
        check_one(part, path)
        _check_field(part, path)
    check_ids(everything)


def _check_field(part: Any, path: Place) -> None:
    match part:
        case c.TextInput():
            _check_input(part, path)
        case c.Select() if part.disabled:
            raise InvalidForm((*path, "disabled"), "a select in a modal cannot be disabled")
        case c.Select() | c.FileUpload() if part.required is not False and part.least == 0:
            raise InvalidForm((*path, "min_values"), "what is required asks for at least one")
        case c.RadioGroup() | c.CheckboxGroup():
            _check_group(part, path)
        case _:
            pass


def _check_input(part: c.TextInput, path: Place) -> None:
    in_label = path[-1] == "component"
    if in_label == (part.label is not None):
        raise InvalidForm((*path, "label"), "the label stands in the Label, or in a row's input")
    least, most = part.min_length or 0, part.max_length or 4000
    if least > most:
        raise InvalidForm((*path, "min_length"), "min_length is above max_length")
    if part.value and not least <= len(part.value) <= most:
        raise InvalidForm((*path, "value"), f"the value has {len(part.value)} characters")


def _check_group(part: c.RadioGroup | c.CheckboxGroup, path: Place) -> None:
    values = [option.value for option in part.options]
    if len(set(values)) < len(values):
        raise InvalidForm((*path, "options"), "two options have the same value")
    if isinstance(part, c.RadioGroup) and sum(bool(option.default) for option in part.options) > 1:
        raise InvalidForm((*path, "options"), "a radio group has one default")
