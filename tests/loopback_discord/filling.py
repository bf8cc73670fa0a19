"""What people put into fields: modals, selects, and options while they type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.loopback_discord import choosing
from tests.loopback_discord.calls import Upload
from tests.loopback_discord.choosing import NotOffered, OptionValue
from tests.loopback_discord.entities import Channel, Json, Message
from tests.loopback_discord.message_payloads import parts
from tests.loopback_discord.schema.messages import AllowedMentions
from tests.loopback_discord.state import Discord

FieldValue = str | bool | Sequence[str] | Sequence[Upload]

NO_REPLY_PING: Final = AllowedMentions(parse=["roles", "users", "everyone"], replied_user=False)


def completing(
    discord: Discord,
    channel: Channel,
    command: Json,
    words: list[str],
    options: Mapping[str, OptionValue],
    option: str,
    typed: str,
) -> Json:
    """The data of a command that is being typed, with the cursor in one option."""
    relaxed = command | {"options": [dict(each, required=False, choices=[]) for each in command.get("options") or []]}
    data = choosing.filled(discord, channel, relaxed, words, {**options, option: typed})
    focused = next(part for part in parts(data["options"]) if part["name"] == option)
    known = next(part for part in parts(command.get("options")) if part.get("name") == option)
    if not known.get("autocomplete"):
        raise NotOffered(f"{option} is not completed")
    focused["focused"] = True
    return data


def selected(message: Message, custom_id: str, values: Sequence[str]) -> Json:
    """The data of a string select in the message; raises NotOffered."""
    found = next((part for part in parts(message.components) if part.get("custom_id") == custom_id), None)
    if found is None or found["type"] != 3 or found.get("disabled"):
        raise NotOffered(f"no select is {custom_id!r}")
    offered = {each["value"] for each in found["options"]}
    least, most = found.get("min_values", 1), found.get("max_values", 1)
    if not set(values) <= offered or not least <= len(values) <= most:
        raise NotOffered(f"{list(values)} cannot be chosen among {sorted(offered)}")
    return {"custom_id": custom_id, "component_type": 3, "values": list(values)}


def submitted(discord: Discord, channel: Channel, modal: Json, values: Mapping[str, FieldValue]) -> Json:
    """The data of a modal that is sent; raises NotOffered where the client would not send it."""
    left, resolved = dict(values), dict[str, Any]()
    components = [_sent(discord, channel, part, left, resolved) for part in modal["components"]]
    if left:
        raise NotOffered(f"the modal has no fields {sorted(left)}")
    return {"custom_id": modal["custom_id"], "components": components} | ({"resolved": resolved} if resolved else {})


def _sent(discord: Discord, channel: Channel, part: Json, left: dict[str, FieldValue], resolved: Json) -> Json:
    told: Json = {"type": part["type"], "id": part.get("id", 0)}
    match part["type"]:
        case 18:
            field = part["component"]
            value = _taken(left, part["label"], field["custom_id"])
            return told | {"component": _field(discord, channel, field, value, resolved)}
        case 1:
            (field,) = part["components"]
            value = _taken(left, field["label"], field["custom_id"])
            return told | {"components": [_field(discord, channel, field, value, resolved)]}
        case _:
            return told


def _taken(left: dict[str, FieldValue], *names: str) -> FieldValue | None:
    return next((left.pop(name) for name in names if name in left), None)


def _field(discord: Discord, channel: Channel, field: Json, value: FieldValue | None, resolved: Json) -> Json:
    told: Json = {"type": field["type"], "custom_id": field["custom_id"], "id": field.get("id", 0)}
    match field["type"]:
        case 4:
            return told | {"value": _written(field, value)}
        case 19:
            uploads = [choosing.resolve(discord, channel, each, resolved) for each in _several(field, value, 0)]
            return told | {"values": uploads}
        case 23:
            return told | {"value": field.get("default", False) if value is None else value}
        case 21:
            (chosen,) = _picked(field, value) or [None]
            return told | {"value": chosen}
        case _:
            return told | {"values": _picked(field, value)}


def _written(field: Json, value: Any) -> str:
    text: str = field.get("value") or "" if value is None else value
    least, most = field.get("min_length") or 0, field.get("max_length") or 4000
    if (field.get("required", True) and not text) or (text and not least <= len(text) <= most):
        raise NotOffered(f"the field takes {least} to {most} characters, not {len(text)}")
    return text


def _picked(field: Json, value: Any) -> list[str]:
    options = field.get("options", [])
    chosen = [each["value"] for each in options if each.get("default")] if value is None else value
    chosen = [chosen] if isinstance(chosen, str) else list(chosen)
    by_label = {each["label"]: each["value"] for each in options}
    return _several(field, [by_label.get(each, each) for each in chosen], 1)


def _several(field: Json, value: Any, fewest: int) -> list[Any]:
    chosen = list(value or [])
    least = field.get("min_values") or fewest if field.get("required", True) else 0
    if not least <= len(chosen) <= (field.get("max_values") or 1 if field["type"] != 22 else 10):
        raise NotOffered(f"{len(chosen)} values do not fit this field")
    return chosen
