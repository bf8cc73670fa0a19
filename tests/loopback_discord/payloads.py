"""Accounts, guilds and channels as Discord writes them in JSON."""

from __future__ import annotations

import datetime

from tests.loopback_discord.entities import (
    Account,
    Channel,
    ChannelKind,
    Guild,
    Json,
    Member,
    Role,
)
from tests.loopback_discord.permissions import Permission


def stamp(seconds: float | None) -> str | None:
    """ISO 8601, as Discord writes times."""
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()


def account_payload(account: Account) -> Json:
    return {
        "id": str(account.id),
        "username": account.name,
        "global_name": None if account.bot else account.name.capitalize(),
        "discriminator": "0000" if account.bot else "0",
        "avatar": None,
        "bot": account.bot,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
    }


def member_payload(member: Member) -> Json:
    """Without its user, which events carry beside it."""
    return {
        "nick": None,
        "avatar": None,
        "roles": [str(role.id) for role in member.roles],
        "joined_at": stamp(member.joined),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": None,
    }


def role_payload(role: Role, position: int) -> Json:
    return {
        "id": str(role.id),
        "name": role.name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "position": position,
        "permissions": str(int(role.permissions)),
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def channel_payload(channel: Channel) -> Json:
    payload: Json = {"id": str(channel.id), "type": int(channel.kind), "last_message_id": _last(channel), "flags": 0}
    if channel.guild is None:
        return payload | {"recipients": [account_payload(each) for each in channel.recipients if not each.bot]}
    payload |= {"guild_id": str(channel.guild.id), "name": channel.name, "rate_limit_per_user": 0}
    return payload | (_thread(channel) if channel.parent else _guild_channel(channel, channel.guild))


def _guild_channel(channel: Channel, guild: Guild) -> Json:
    payload: Json = {
        "position": guild.channels.index(channel),
        "parent_id": None,
        "topic": None,
        "nsfw": False,
        "permission_overwrites": [
            {
                "id": str(key),
                "type": int(key in guild.members),
                "allow": str(int(change.allow)),
                "deny": str(int(change.deny)),
            }
            for key, change in channel.overwrites.items()
        ],
    }
    if channel.kind is ChannelKind.FORUM:
        payload |= {"available_tags": [], "default_reaction_emoji": None, "default_sort_order": None}
    return payload


def _thread(channel: Channel) -> Json:
    parent, owner = channel.parent, channel.owner
    return {
        "parent_id": str(parent.id) if parent else None,
        "owner_id": str(owner.id) if owner else None,
        "message_count": len(channel.messages),
        "member_count": 1,
        "total_message_sent": len(channel.messages),
        "applied_tags": [],
        "thread_metadata": {
            "archived": channel.archived,
            "auto_archive_duration": 1440,
            "archive_timestamp": stamp(1_700_000_000.0),
            "locked": channel.locked,
            "create_timestamp": stamp(1_700_000_000.0),
        },
    }


def _last(channel: Channel) -> str | None:
    return str(max(channel.messages)) if channel.messages else None


def partial_channel(channel: Channel, asker: Account) -> Json:
    """As an interaction carries it."""
    return channel_payload(channel) | {"permissions": str(int(channel.permissions(asker)))}


def guild_payload(guild: Guild, bot: Account) -> Json:
    """GUILD_CREATE's, as the bot is told it: with the channels that it may see."""
    seen = [each for each in guild.channels if Permission.VIEW_CHANNEL & each.permissions(bot)]
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "splash": None,
        "owner_id": str(guild.owner.id),
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": [role_payload(each, at) for at, each in enumerate(guild.roles)],
        "emojis": [],
        "stickers": [],
        "features": [],
        "mfa_level": 0,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "premium_tier": 0,
        "preferred_locale": guild.locale,
        "public_updates_channel_id": None,
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
        "joined_at": stamp(guild.members[bot.id].joined),
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "voice_states": [],
        "members": [member_payload(guild.members[bot.id]) | {"user": account_payload(bot)}],
        "channels": [channel_payload(each) for each in seen if not each.is_thread],
        "threads": [channel_payload(each) for each in seen if each.is_thread and not each.archived],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }
