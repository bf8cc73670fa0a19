"""Interactions come to be: what Discord tells the bot when somebody asks it for something."""

from __future__ import annotations

import secrets
from typing import Any, Final

from tests.loopback_discord import message_payloads, payloads
from tests.loopback_discord.entities import Account, Channel, ChannelKind, Flag, Json, Message
from tests.loopback_discord.interactions import Context, Interaction, InteractionKind
from tests.loopback_discord.permissions import Permission
from tests.loopback_discord.state import Discord

SIZE_LIMIT: Final = 10 << 20

_OF_APPLICATIONS: Final = Permission.ATTACH_FILES | Permission.EMBED_LINKS | Permission.MENTION_EVERYONE
"""What an application that is not in the guild may do where its user may."""


def context_of(discord: Discord, channel: Channel) -> Context:
    if channel.guild is not None:
        return Context.GUILD
    with_bot = channel.kind is ChannelKind.DIRECT and discord.world.bot in channel.recipients
    return Context.BOT_DM if with_bot else Context.PRIVATE_CHANNEL


def start(
    discord: Discord,
    kind: InteractionKind,
    asker: Account,
    channel: Channel,
    data: Json,
    owners: dict[str, str],
    metadata: Json,
    message: Message | None = None,
) -> Interaction:
    """A new interaction, told to the bot."""
    id_ = discord.world.snowflake()
    known: Json = {
        "id": str(id_),
        "type": int(kind),
        "user": payloads.account_payload(asker),
        "authorizing_integration_owners": owners,
    }
    interaction = Interaction(
        id=id_,
        token=secrets.token_urlsafe(120),
        kind=kind,
        asker=asker,
        channel=channel,
        context=context_of(discord, channel),
        owners=owners,
        app_permissions=app_permissions(discord, channel, asker),
        began=discord.world.now(),
        metadata=known | metadata,
        message=message,
    )
    discord.interactions[interaction.token] = interaction
    for session in list(discord.gateway.sessions.values()):
        if session.covers(channel.guild if channel.guild and channel.guild.bot_joined else None):
            session.dispatch("INTERACTION_CREATE", _payload(discord, interaction, data))
    return interaction


def app_permissions(discord: Discord, channel: Channel, asker: Account) -> Permission:
    """What the application may do there."""
    if channel.guild is not None and channel.guild.bot_joined:
        return channel.permissions(discord.world.bot)
    return channel.permissions(asker) & _OF_APPLICATIONS


def _payload(discord: Discord, interaction: Interaction, data: Json) -> Json:
    channel, asker, guild = interaction.channel, interaction.asker, interaction.channel.guild
    payload: Json = {
        "id": str(interaction.id),
        "application_id": str(discord.world.bot.id),
        "type": int(interaction.kind),
        "data": data,
        "channel_id": str(channel.id),
        "channel": payloads.partial_channel(channel, asker),
        "token": interaction.token,
        "version": 1,
        "app_permissions": str(int(interaction.app_permissions)),
        "locale": asker.locale,
        "entitlements": [],
        "authorizing_integration_owners": interaction.owners,
        "context": int(interaction.context),
        "attachment_size_limit": SIZE_LIMIT,
    }
    user: Any = payloads.account_payload(asker)
    if interaction.message is not None:
        payload["message"] = message_payloads.message_payload(interaction.message, discord.base)
    if guild is None:
        return payload | {"user": user}
    member = payloads.member_payload(guild.members[asker.id])
    return payload | {
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
        "guild_locale": guild.locale,
        "member": member | {"user": user, "permissions": str(int(channel.permissions(asker)))},
    }


def is_seen_by(message: Message, account: Account) -> bool:
    """Whether this account has the message on its screen."""
    mine = message.audience in {None, account} if message.flags & Flag.EPHEMERAL else True
    channel = message.channel
    return mine and not message.deleted and bool(channel.permissions(account) & Permission.VIEW_CHANNEL)
