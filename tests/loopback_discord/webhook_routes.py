"""What follows the first answer to an interaction: its original message, and follow-ups."""

from __future__ import annotations

from typing import Final

from tests.loopback_discord import message_payloads, posting
from tests.loopback_discord.calls import Call
from tests.loopback_discord.drafts import drafted
from tests.loopback_discord.entities import Json, Message
from tests.loopback_discord.interaction_routes import check_files, respond
from tests.loopback_discord.interactions import FOLLOW_UPS, Interaction
from tests.loopback_discord.refusals import Refusal, Unknown
from tests.loopback_discord.rest import Reply, Route
from tests.loopback_discord.state import Discord


def _interaction(discord: Discord, call: Call) -> Interaction:
    interaction = discord.interactions.get(call.arguments["token"])
    if interaction is None or call.id("application") != discord.world.bot.id or interaction.callback is None:
        raise Unknown("Webhook", is_violation=True)
    if interaction.expired(discord.world.now()):
        raise Refusal(401, 50027, "Invalid Webhook Token", is_violation=True)
    return interaction


def _message(discord: Discord, call: Call) -> tuple[Interaction, Message]:
    """The message in the path, `@original` or a follow-up."""
    interaction, name = _interaction(discord, call), call.arguments["message"]
    ours = {"@original": interaction.original} | {str(each.id): each for each in interaction.follow_ups}
    if interaction.original is not None:
        ours[str(interaction.original.id)] = interaction.original
    message = ours.get(name)
    if message is None or message.deleted:
        raise Unknown("Message")
    return interaction, message


def get(discord: Discord, call: Call) -> Json:
    return message_payloads.message_payload(_message(discord, call)[1], discord.base)


def edit(discord: Discord, call: Call) -> Json:
    interaction, message = _message(discord, call)
    _, draft = drafted(discord, call.body, call.uploads, interaction.channel, before=message)
    check_files(interaction, call)
    posting.revise(discord, message, draft)
    return message_payloads.message_payload(message, discord.base)


def delete(discord: Discord, call: Call) -> None:
    posting.delete(discord, _message(discord, call)[1])


def follow_up(discord: Discord, call: Call) -> Reply:
    """A further message; the first after a deferred answer takes that one's place."""
    interaction = _interaction(discord, call)
    original = interaction.original
    if original is not None and original.is_loading and not original.deleted:
        _, draft = drafted(discord, call.body, call.uploads, interaction.channel, before=original)
        check_files(interaction, call)
        posting.revise(discord, original, draft)
        return message_payloads.message_payload(original, discord.base)
    if interaction.only_installed_by_user and len(interaction.follow_ups) >= FOLLOW_UPS:
        raise Refusal(400, 40094, "This interaction has reached its maximum of follow-up messages", is_violation=True)
    message = respond(discord, interaction, call, call.body)
    interaction.follow_ups.append(message)
    return message_payloads.message_payload(message, discord.base)


_WEBHOOK: Final = "/webhooks/{application}/{token}"

ROUTES: Final = (
    Route("POST", _WEBHOOK, follow_up, open=True),
    Route("GET", _WEBHOOK + "/messages/{message}", get, open=True),
    Route("PATCH", _WEBHOOK + "/messages/{message}", edit, open=True),
    Route("DELETE", _WEBHOOK + "/messages/{message}", delete, open=True),
)
