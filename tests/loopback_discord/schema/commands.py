"""Application commands. Source: discord.com/developers/docs/interactions/application-commands."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from tests.loopback_discord.refusals import InvalidForm, Place, Refusal

Name = Annotated[str, Meta(min_length=1, max_length=32)]
ChoiceName = Annotated[str, Meta(min_length=1, max_length=100)]
Description = Annotated[str, Meta(min_length=1, max_length=100)]
Locale = Literal[
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl", "pt-BR",
    "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW", "ko",
]  # fmt: skip

_CHARACTERS: Final = 8000
_MOST: Final = {1: 100, 2: 15, 3: 15}
"""Commands of one scope by type: slash, user menu, message menu."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    name: Name
    name_localizations: dict[Locale, Name] | None = None

    @property
    def localized(self) -> dict[str, str]:
        return dict[str, str]((self.name_localizations or {}).items())


class Described(Named, frozen=True, kw_only=True):
    description: Description
    description_localizations: dict[Locale, Description] | None = None


class Option(Described, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    required: bool = False


class StringChoice(msgspec.Struct, frozen=True, kw_only=True):
    name: ChoiceName
    name_localizations: dict[Locale, ChoiceName] | None = None
    value: Annotated[str, Meta(max_length=100)]


class IntegerChoice(msgspec.Struct, frozen=True, kw_only=True):
    name: ChoiceName
    name_localizations: dict[Locale, ChoiceName] | None = None
    value: Annotated[int, Meta(ge=-(2**53), le=2**53)]


class NumberChoice(msgspec.Struct, frozen=True, kw_only=True):
    name: ChoiceName
    name_localizations: dict[Locale, ChoiceName] | None = None
    value: Annotated[float, Meta(ge=-(2**53), le=2**53)]


class StringOption(Option, frozen=True, kw_only=True, tag=3):
    choices: Annotated[list[StringChoice], Meta(max_length=25)] = []
    autocomplete: bool = False
    min_length: Annotated[int, Meta(ge=0, le=6000)] | None = None
    max_length: Annotated[int, Meta(ge=1, le=6000)] | None = None


class NumberOption(Option, frozen=True, kw_only=True):
    autocomplete: bool = False
    min_value: float | None = None
    max_value: float | None = None


class IntegerOption(NumberOption, frozen=True, kw_only=True, tag=4):
    min_value: int | None = None
    max_value: int | None = None
    choices: Annotated[list[IntegerChoice], Meta(max_length=25)] = []


class DoubleOption(NumberOption, frozen=True, kw_only=True, tag=10):
    choices: Annotated[list[NumberChoice], Meta(max_length=25)] = []


class BooleanOption(Option, frozen=True, kw_only=True, tag=5): ...


class UserOption(Option, frozen=True, kw_only=True, tag=6): ...


class ChannelOption(Option, frozen=True, kw_only=True, tag=7):
    channel_types: list[int] = []


class RoleOption(Option, frozen=True, kw_only=True, tag=8): ...


class MentionableOption(Option, frozen=True, kw_only=True, tag=9): ...


class AttachmentOption(Option, frozen=True, kw_only=True, tag=11): ...


Value = (
    StringOption
    | IntegerOption
    | DoubleOption
    | BooleanOption
    | UserOption
    | ChannelOption
    | RoleOption
    | MentionableOption
    | AttachmentOption
)


class Subcommand(Option, frozen=True, kw_only=True, tag=1):
    options: Annotated[list[Value], Meta(max_length=25)] = []


class Group(Option, frozen=True, kw_only=True, tag=2):
    """Holds subcommands; no further group, though the type lets it, so that each says its type."""

    options: Annotated[list[Subcommand | Group], Meta(max_length=25)] = []


AnyOption = Value | Subcommand | Group


class Command(Named, frozen=True, kw_only=True):
    """`description` is empty, or not there, for menus."""

    type: Literal[1, 2, 3] = 1
    description: Annotated[str, Meta(max_length=100)] = ""
    description_localizations: dict[Locale, Description] | None = None
    options: Annotated[list[AnyOption], Meta(max_length=25)] = []
    default_member_permissions: str | int | None = None
    dm_permission: bool | None = None
    nsfw: bool = False
    integration_types: Annotated[list[Literal[0, 1]], Meta(min_length=1)] | None = None
    contexts: Annotated[list[Literal[0, 1, 2]], Meta(min_length=1)] | None = None


def check_commands(commands: Sequence[Command]) -> None:
    """Raises InvalidForm, Refusal for what the commands of one scope break together."""
    for kind, count in Counter(command.type for command in commands).items():
        if count > _MOST[kind]:
            raise Refusal(400, 30032, "Maximum number of application commands reached", is_violation=True)
    _unique([((at,), f"{command.type}:{command.name}") for at, command in enumerate(commands)])
    for at, command in enumerate(commands):
        _check_command(command, (at,))


def _check_command(command: Command, path: Place) -> None:
    if command.type == 1:
        if not command.description:
            raise InvalidForm((*path, "description"), "This field is required")
        _check_names(command, path)
    elif command.description or command.description_localizations or command.options:
        raise InvalidForm((*path, "description"), "a menu has neither description nor options")
    _check_options(command.options, (*path, "options"))
    for key, kinds in (("contexts", command.contexts), ("integration_types", command.integration_types)):
        if kinds and len(set(kinds)) < len(kinds):
            raise InvalidForm((*path, key), "the same is there twice")
    if sum(_characters(command)) > _CHARACTERS:
        raise InvalidForm(path, f"at most {_CHARACTERS} characters in a command")


def _check_options(options: Sequence[AnyOption], path: Place) -> None:
    _unique([((*path, at), option.name) for at, option in enumerate(options)])
    for locale in {locale for option in options for locale in option.localized}:
        _unique([((*path, at), option.localized.get(locale, option.name)) for at, option in enumerate(options)])
    if len({isinstance(option, Subcommand | Group) for option in options}) > 1:
        raise InvalidForm(path, "subcommands and values do not stand together")
    required = [option.required for option in options]
    if required != sorted(required, reverse=True):
        raise InvalidForm(path, "required options come first")
    for at, option in enumerate(options):
        _check_names(option, (*path, at))
        _check_option(option, (*path, at))


def _check_option(option: AnyOption, path: Place) -> None:
    match option:
        case Group() if any(isinstance(each, Group) for each in option.options):
            raise InvalidForm((*path, "options"), "a group holds no group")
        case Subcommand() | Group():
            _check_options(option.options, (*path, "options"))
        case StringOption() | IntegerOption() | DoubleOption():
            if option.choices and option.autocomplete:
                raise InvalidForm((*path, "choices"), "choices exclude autocomplete")
            _unique([((*path, "choices", at), choice.name) for at, choice in enumerate(option.choices)])
            _check_range(option, path)
        case _:
            pass


def _check_range(option: StringOption | IntegerOption | DoubleOption, path: Place) -> None:
    if isinstance(option, StringOption):
        least, most = option.min_length, option.max_length
    else:
        least, most = option.min_value, option.max_value
    if least is not None and most is not None and least > most:
        raise InvalidForm(path, "the least is above the most")


def _check_names(named: Command | AnyOption, path: Place) -> None:
    for name in (named.name, *named.localized.values()):
        if not is_name(name):
            raise InvalidForm((*path, "name"), f"not the name of a command or option: {name}")


def is_name(text: str) -> bool:
    r"""Whether it names a slash command or option: ^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]+$, in lower case."""
    return text == text.lower() and all(_in_names(character) for character in text)


def _in_names(character: str) -> bool:
    if character in "-_'" or unicodedata.category(character)[0] in "LN":
        return True
    return unicodedata.name(character, "").startswith(("DEVANAGARI", "THAI"))


def _unique(named: Sequence[tuple[Place, str]]) -> None:
    seen: set[str] = set()
    for path, name in named:
        if name in seen:
            raise InvalidForm((*path, "name"), f"this name is there twice: {name}")
        seen.add(name)


def _characters(value: Any) -> Iterator[int]:
    """The lengths of all names, descriptions and string values; of localizations the longest counts."""
    for text, localized in (("name", "name_localizations"), ("description", "description_localizations")):
        texts = [getattr(value, text, ""), *(getattr(value, localized, None) or {}).values()]
        yield max(map(len, texts))
    if isinstance(found := getattr(value, "value", None), str):
        yield len(found)
    for part in (*getattr(value, "options", ()), *getattr(value, "choices", ())):
        yield from _characters(part)
