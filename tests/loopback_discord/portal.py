"""What the developer portal knows of the application: its token, its intents, its commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tests.loopback_discord import payloads
from tests.loopback_discord.entities import Json
from tests.loopback_discord.gateway_codes import PRIVILEGED, Intent
from tests.loopback_discord.world import World

_LIMITED_FLAGS: Final = {
    Intent.GUILD_PRESENCES: 1 << 13,
    Intent.GUILD_MEMBERS: 1 << 15,
    Intent.MESSAGE_CONTENT: 1 << 19,
}
"""The application's flag for each privileged intent that it may use."""


@dataclass(eq=False)
class Portal:
    """`privileged` are the privileged intents that are switched on; `commands` the registered ones by scope.

    The scope is a guild's id, or None for global commands. `installed_by` are the accounts that carry it with them.
    """

    token: str
    privileged: Intent = PRIVILEGED
    commands: dict[int | None, list[Json]] = field(default_factory=dict[int | None, list[Json]])
    installed_by: set[int] = field(default_factory=set[int])

    def flags(self) -> int:
        return sum(flag for intent, flag in _LIMITED_FLAGS.items() if intent & self.privileged)

    def application(self, world: World) -> Json:
        return {
            "id": str(world.bot.id),
            "name": world.bot.name,
            "icon": None,
            "description": "",
            "summary": "",
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "owner": payloads.account_payload(world.owner),
            "team": None,
            "flags": self.flags(),
            "bot": payloads.account_payload(world.bot),
            "flags_new": str(self.flags()),
            "type": None,
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "approximate_guild_count": len(world.guilds),
            "approximate_user_install_count": len(self.installed_by),
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "eligible_oauth2_scopes": [],
            "integration_types_config": {"0": {}, "1": {}},
        }
