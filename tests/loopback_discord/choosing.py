"""What a person finds when they type a command: the registered ones, by the names that their client shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.loopback_discord import message_payloads, payloads
from tests.loopback_discord.calls import Upload
from tests.loopback_discord.entities import Account, Channel, Json
from tests.loopback_discord.files import sanitized, stored
from tests.loopback_discord.interactions import Context
from tests.loopback_discord.state import Discord

OptionValue = str | int | float | bool | Upload | Account

_TYPES: Final[dict[int, type | tuple[type, ...]]] = {
    3: str,
    4: int,
    5: bool,
    6: Account,
    9: Account,
    10: (int, float),
    11: Upload,
}


class NotOffered(AssertionError):
    """This person's client would not let them send that."""


def command_of(
    discord: Discord, asker: Account, channel: Channel, kind: int, name: str, context: Context
) -> tuple[Json, dict[str, str]]:
    """The command that this person sees under this name there, and who authorized it; raises NotOffered."""
    guild = channel.guild
    scopes = [None, guild.id] if guild and guild.bot_joined else [None]
    offered = [each for scope in scopes for each in discord.portal.commands.get(scope, []) if each["type"] == kind]
    named = [each for each in offered if name in _names(each, asker.locale)]
    if not named:
        raise NotOffered(f"no command is {name!r} in {asker.locale} among {[each['name'] for each in offered]}")
    command = named[-1]
    owners = _owners(discord, asker, channel, command)
    if not owners or (command["contexts"] is not None and int(context) not in command["contexts"]):
        raise NotOffered(f"{name!r} is not offered to {asker.name} there")
    return command, owners


def _names(command: Json, locale: str) -> set[str]:
    """What finds it: the default name, and the one of the person's language."""
    return {command["name"], (command.get("name_localizations") or {}).get(locale, command["name"])}


def _owners(discord: Discord, asker: Account, channel: Channel, command: Json) -> dict[str, str]:
    guild, owners = channel.guild, {}
    if 0 in command["integration_types"]:
        if guild is not None and guild.bot_joined:
            owners["0"] = str(guild.id)
        elif guild is None and discord.world.bot in channel.recipients:
            owners["0"] = "0"
    if 1 in command["integration_types"] and asker.id in discord.portal.installed_by:
        owners["1"] = str(asker.id)
    return owners


def filled(
    discord: Discord, channel: Channel, command: Json, words: list[str], values: Mapping[str, OptionValue]
) -> Json:
    """The command's data with its options; `words` name subcommands. Raises NotOffered."""
    resolved: Json = {}
    options = _options(discord, channel, command.get("options") or [], words, values, resolved)
    data: Json = {"id": command["id"], "name": command["name"], "type": 1, "options": options}
    return data | ({"resolved": resolved} if resolved else {})


def _options(
    discord: Discord,
    channel: Channel,
    known: list[Json],
    words: list[str],
    values: Mapping[str, OptionValue],
    resolved: Json,
) -> list[Json]:
    if words:
        inner = next((each for each in known if each["name"] == words[0]), None)
        if inner is None:
            raise NotOffered(f"no subcommand is {words[0]!r}")
        options = _options(discord, channel, inner.get("options") or [], words[1:], values, resolved)
        return [{"name": inner["name"], "type": inner["type"], "options": options}]
    by_name = {each["name"]: each for each in known}
    if unknown := values.keys() - by_name.keys():
        raise NotOffered(f"there are no options {sorted(unknown)}")
    if lacking := [name for name, each in by_name.items() if each.get("required") and name not in values]:
        raise NotOffered(f"these options are required: {lacking}")
    return [_option(discord, channel, by_name[name], value, resolved) for name, value in values.items()]


def _option(discord: Discord, channel: Channel, known: Json, value: OptionValue, resolved: Json) -> Json:
    fits = isinstance(value, _TYPES[known["type"]]) and (known["type"] == 5 or not isinstance(value, bool))
    if not fits or not _in_limits(known, value):
        raise NotOffered(f"the option {known['name']} does not take {value!r}")
    sent = resolve(discord, channel, value, resolved)
    return {"name": known["name"], "type": known["type"], "value": sent}


def _in_limits(known: Json, value: Any) -> bool:
    if known.get("choices"):
        return value in [each["value"] for each in known["choices"]]
    measured = len(value) if isinstance(value, str) else value
    least, most = known.get("min_length", known.get("min_value")), known.get("max_length", known.get("max_value"))
    if isinstance(value, str):
        most = 6000 if most is None else most
    return (least is None or measured >= least) and (most is None or measured <= most)


def resolve(discord: Discord, channel: Channel, value: OptionValue, resolved: Json) -> Any:
    """The value as it is sent: files and accounts as ids, and told in `resolved`."""
    match value:
        case Upload():
            attachment = stored(discord, sanitized(value.name), value.data, None, channel)
            payload = message_payloads.attachment_payload(attachment, discord.base) | {"ephemeral": True}
            resolved.setdefault("attachments", {})[str(attachment.id)] = payload
            return str(attachment.id)
        case Account():
            resolved.setdefault("users", {})[str(value.id)] = payloads.account_payload(value)
            return str(value.id)
        case _:
            return value
