"""The bot's own account and application, and its commands."""

from __future__ import annotations

from typing import Any, Final

from tests.loopback_discord import payloads
from tests.loopback_discord.calls import Call
from tests.loopback_discord.entities import Json
from tests.loopback_discord.refusals import MissingAccess, Unknown
from tests.loopback_discord.rest import Route
from tests.loopback_discord.schema.commands import Command, check_commands
from tests.loopback_discord.schema.reading import fitted
from tests.loopback_discord.state import Discord


def me(discord: Discord, _call: Call) -> Json:
    return payloads.account_payload(discord.world.bot) | {
        "verified": True,
        "mfa_enabled": True,
        "locale": "en-US",
        "flags": 0,
    }


def application(discord: Discord, _call: Call) -> Json:
    return discord.portal.application(discord.world)


def gateway(discord: Discord, _call: Call) -> Json:
    limit = {"total": 1000, "remaining": 1000 - discord.gateway.identifies, "reset_after": 0, "max_concurrency": 1}
    return {"url": discord.gateway.url, "shards": 1, "session_start_limit": limit}


def _scope(discord: Discord, call: Call) -> int | None:
    if call.id("application") != discord.world.bot.id:
        raise Unknown("Application Command", is_violation=True)
    if "guild" not in call.arguments:
        return None
    guild = discord.world.guilds.get(call.id("guild"))
    if guild is None or not guild.bot_joined:
        raise MissingAccess
    return guild.id


def put_commands(discord: Discord, call: Call) -> list[Json]:
    """Replaces all commands of the scope."""
    scope = _scope(discord, call)
    check_commands(fitted(call.body, list[Command]))
    discord.portal.commands[scope] = [_registered(discord, command, scope) for command in call.body]
    return discord.portal.commands[scope]


def _registered(discord: Discord, command: Json, scope: int | None) -> Json:
    known = discord.portal.commands.get(scope, [])
    kind = command.get("type", 1)
    before = next((each for each in known if (each["name"], each["type"]) == (command["name"], kind)), None)
    fixed: Json = {
        "id": before["id"] if before else str(discord.world.snowflake()),
        "application_id": str(discord.world.bot.id),
        "version": str(discord.world.snowflake()),
        "type": kind,
    }
    defaults: dict[str, Any] = {
        "default_member_permissions": None,
        "nsfw": False,
        "description": "",
        "integration_types": [0, 1],
        "contexts": None,
    }
    sent = {key: value for key, value in command.items() if value is not None}
    return defaults | sent | fixed | ({"guild_id": str(scope)} if scope else {})


def get_commands(discord: Discord, call: Call) -> list[Json]:
    return discord.portal.commands.get(_scope(discord, call), [])


ROUTES: Final = (
    Route("GET", "/users/@me", me),
    Route("GET", "/oauth2/applications/@me", application),
    Route("GET", "/applications/@me", application),
    Route("GET", "/gateway", gateway, open=True),
    Route("GET", "/gateway/bot", gateway),
    Route("PUT", "/applications/{application}/commands", put_commands),
    Route("GET", "/applications/{application}/commands", get_commands),
    Route("PUT", "/applications/{application}/guilds/{guild}/commands", put_commands),
    Route("GET", "/applications/{application}/guilds/{guild}/commands", get_commands),
)
