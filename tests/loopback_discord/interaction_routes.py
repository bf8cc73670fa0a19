"""The first answer to an interaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from tests.loopback_discord import message_payloads, posting
from tests.loopback_discord.calls import Call
from tests.loopback_discord.drafts import SETTABLE, Draft, drafted
from tests.loopback_discord.entities import Flag, Json, Message, MessageKind
from tests.loopback_discord.interactions import CallbackKind, Interaction, InteractionKind
from tests.loopback_discord.message_routes import reference_ids
from tests.loopback_discord.permissions import Permission
from tests.loopback_discord.refusals import InvalidForm, MissingPermissions, Refusal, Unknown
from tests.loopback_discord.rest import Reply, Route
from tests.loopback_discord.schema.callbacks import Callback, Choices, DeferData, Modal, check_choices, check_modal
from tests.loopback_discord.schema.reading import fitted
from tests.loopback_discord.state import Discord

_MESSAGES: Final = {CallbackKind.MESSAGE, CallbackKind.DEFERRED_MESSAGE}
_UPDATES: Final = {CallbackKind.DEFERRED_UPDATE, CallbackKind.UPDATE}


def callback(discord: Discord, call: Call) -> Reply:
    sent = fitted(call.body, Callback)
    interaction = discord.interactions.get(call.arguments["token"])
    if interaction is None or interaction.id != call.id("interaction") or interaction.late(discord.world.now()):
        raise Unknown("Interaction", is_violation=True)
    if interaction.callback is not None:
        raise Refusal(400, 40060, "Interaction has already been acknowledged.", is_violation=True)
    kind = CallbackKind(sent.type)
    if kind not in allowed(interaction):
        raise InvalidForm(("type",), f"{kind.name} does not answer this interaction")
    with_prefix(lambda: _EFFECTS[kind](discord, interaction, call, sent.data or {}), "data")
    interaction.callback, interaction.answered = kind, discord.world.now()
    return _response(discord, interaction, kind) if call.query.get("with_response") in {"1", "true"} else None


def allowed(interaction: Interaction) -> set[CallbackKind]:
    """The kinds of answer that this interaction may have."""
    match interaction.kind:
        case InteractionKind.AUTOCOMPLETE:
            return {CallbackKind.AUTOCOMPLETE}
        case InteractionKind.COMMAND:
            return _MESSAGES | {CallbackKind.MODAL}
        case InteractionKind.COMPONENT:
            return _MESSAGES | _UPDATES | {CallbackKind.MODAL}
        case InteractionKind.MODAL:
            return _MESSAGES | (_UPDATES if interaction.message else set())


def with_prefix(effect: Callable[[], None], key: str) -> None:
    """The effect, whose violations are told to be under `key`."""
    try:
        effect()
    except InvalidForm as error:
        (problem,) = error.body["errors"]["_errors"] if not error.path else [None]
        errors = {"_errors": [problem]} if problem else error.body["errors"]
        error.body["errors"] = {key: errors}
        raise


def _send(discord: Discord, interaction: Interaction, call: Call, data: Any) -> None:
    interaction.original = respond(discord, interaction, call, data)


def respond(discord: Discord, interaction: Interaction, call: Call, data: Any) -> Message:
    """A new message that answers the interaction."""
    settable = SETTABLE | Flag.EPHEMERAL
    _, draft = drafted(discord, data, call.uploads, interaction.channel, settable=settable)
    check_files(interaction, call)
    return _created(discord, interaction, draft)


def check_files(interaction: Interaction, call: Call) -> None:
    """Raises MissingPermissions where the application may not send files there."""
    if call.uploads and Permission.ATTACH_FILES & ~interaction.app_permissions:
        raise MissingPermissions


def _defer(discord: Discord, interaction: Interaction, call: Call, data: Any) -> None:
    flags = fitted(data, DeferData).flags
    interaction.original = _created(discord, interaction, Draft(flags=flags | Flag.LOADING))


def _created(discord: Discord, interaction: Interaction, draft: Draft) -> Message:
    ephemeral = bool(draft.flags & Flag.EPHEMERAL) or _only_for_the_asker(interaction)
    flags = draft.flags | Flag.EPHEMERAL if ephemeral else draft.flags
    pressed = interaction.message
    return posting.create(
        discord,
        interaction.channel,
        discord.world.bot,
        replace(draft, flags=flags),
        kind=_kind(interaction),
        reference=pressed,
        reference_ids=reference_ids(pressed) if pressed else None,
        interaction=interaction.metadata,
        audience=interaction.asker if ephemeral else None,
    )


def _only_for_the_asker(interaction: Interaction) -> bool:
    """Where people may not use external applications, others do not see what those answer."""
    external = interaction.only_installed_by_user and interaction.channel.guild is not None
    return external and not interaction.channel.permissions(interaction.asker) & Permission.USE_EXTERNAL_APPS


def _kind(interaction: Interaction) -> MessageKind:
    match interaction.metadata.get("command_type"):
        case 1:
            return MessageKind.COMMAND
        case 3:
            return MessageKind.MENU
        case _:
            return MessageKind.REPLY if interaction.message else MessageKind.DEFAULT


def _update(discord: Discord, interaction: Interaction, call: Call, data: Any) -> None:
    message = interaction.message
    assert message is not None, "an update answers a component only"
    _, draft = drafted(discord, data, call.uploads, interaction.channel, before=message)
    check_files(interaction, call)
    posting.revise(discord, message, draft)
    interaction.original = message


def _defer_update(_discord: Discord, interaction: Interaction, _call: Call, _data: Any) -> None:
    interaction.original = interaction.message


def _choose(_discord: Discord, interaction: Interaction, _call: Call, data: Any) -> None:
    check_choices(fitted(data, Choices))
    interaction.choices = data["choices"]


def _open_modal(_discord: Discord, interaction: Interaction, _call: Call, data: Any) -> None:
    check_modal(fitted(data, Modal))
    interaction.modal = data


_EFFECTS: Final[Mapping[CallbackKind, Callable[[Discord, Interaction, Call, Any], None]]] = {
    CallbackKind.MESSAGE: _send,
    CallbackKind.DEFERRED_MESSAGE: _defer,
    CallbackKind.DEFERRED_UPDATE: _defer_update,
    CallbackKind.UPDATE: _update,
    CallbackKind.AUTOCOMPLETE: _choose,
    CallbackKind.MODAL: _open_modal,
}


def _response(discord: Discord, interaction: Interaction, kind: CallbackKind) -> Json:
    """What was made of the answer; the message itself only where it did not come before, or is not still to come."""
    message = interaction.original
    told: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
    if message is None:
        return {"interaction": told}
    told |= {
        "response_message_id": str(message.id),
        "response_message_loading": message.is_loading,
        "response_message_ephemeral": bool(message.flags & Flag.EPHEMERAL),
    }
    if kind not in {CallbackKind.MESSAGE, CallbackKind.UPDATE}:
        return {"interaction": told}
    payload = message_payloads.message_payload(message, discord.base)
    return {"interaction": told, "resource": {"type": int(kind), "message": payload}}


ROUTES: Final = (Route("POST", "/interactions/{interaction}/{token}/callback", callback, open=True),)
