"""This Discord as one value, and the telling of what happens in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tests.loopback_discord import message_payloads, payloads
from tests.loopback_discord.entities import Channel, ChannelKind, Json, Message
from tests.loopback_discord.faults import Faults
from tests.loopback_discord.gateway import Gateway
from tests.loopback_discord.gateway_codes import Intent
from tests.loopback_discord.interactions import Interaction
from tests.loopback_discord.ledger import Ledger
from tests.loopback_discord.permissions import Permission
from tests.loopback_discord.portal import Portal
from tests.loopback_discord.sessions import every
from tests.loopback_discord.world import World

_CONTENT: Final[Json] = {"content": "", "embeds": [], "attachments": [], "components": []}
"""What a message is without its content."""


@dataclass(eq=False)
class Discord:
    """`base` is the address of the server, `interactions` are by their token."""

    world: World
    portal: Portal
    gateway: Gateway
    base: str = ""
    ledger: Ledger = field(default_factory=Ledger)
    faults: Faults = field(default_factory=Faults)
    interactions: dict[str, Interaction] = field(default_factory=dict[str, Interaction])

    def tell(self, name: str, message: Message) -> None:
        """Tells of a message all sessions that may know of it, without its content where they may not see that."""
        self.world.pulse.beat()
        if message.audience is not None or not self.bot_sees(message.channel):
            return
        payload, guild = message_payloads.told(message, self.base), message.channel.guild
        kind = Intent.DIRECT_MESSAGES if guild is None else Intent.GUILD_MESSAGES
        known = guild is None or message.author is self.world.bot or self.world.bot in message.pings
        for session in every(tuple(self.gateway.sessions.values()), guild, kind):
            clear = known or bool(session.intents & Intent.MESSAGE_CONTENT)
            session.dispatch(name, payload if clear else payload | _CONTENT)

    def tell_deleted(self, message: Message) -> None:
        self.world.pulse.beat()
        if message.audience is not None or not self.bot_sees(message.channel):
            return
        guild = message.channel.guild
        payload: Json = {"id": str(message.id), "channel_id": str(message.channel.id)}
        if guild is not None:
            payload["guild_id"] = str(guild.id)
        kind = Intent.DIRECT_MESSAGES if guild is None else Intent.GUILD_MESSAGES
        self.gateway.dispatch("MESSAGE_DELETE", payload, guild, kind)

    def tell_channel(self, name: str, channel: Channel, **more: object) -> None:
        self.world.pulse.beat()
        if self.bot_sees(channel):
            self.gateway.dispatch(name, payloads.channel_payload(channel) | more, channel.guild, Intent.GUILDS)

    def bot_sees(self, channel: Channel) -> bool:
        """Whether the bot is told what happens there."""
        if channel.guild is not None and not channel.guild.bot_joined:
            return False
        if channel.kind is ChannelKind.GROUP:
            return False
        return bool(channel.permissions(self.world.bot) & Permission.VIEW_CHANNEL)
