"""What exists in this Discord, and the clock that its ids are made of."""

from __future__ import annotations

import time
from typing import Final

from tests.loopback_discord.entities import (
    Account,
    Attachment,
    Channel,
    ChannelKind,
    Guild,
    Member,
    Message,
    Overwrite,
    Role,
)
from tests.loopback_discord.permissions import MEMBERS, Permission
from tests.loopback_discord.pulse import Pulse

_EPOCH_MS: Final = 1_420_070_400_000


class World:
    """Everything that exists. `pulse` beats whenever anything has changed; `ahead` is how far the clock was put on."""

    def __init__(self) -> None:
        self.accounts: dict[int, Account] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.files: dict[int, Attachment] = {}
        self.pulse = Pulse()
        self.ahead = 0.0
        self._last_ms = 0
        self.bot = self.account("whyloss", bot=True)
        self.owner = self.account("owner")

    def now(self) -> float:
        """Seconds since 1970 by this Discord's clock."""
        return time.time() + self.ahead

    def snowflake(self) -> int:
        """An id that was not given before, made of the time; no two share a millisecond."""
        self._last_ms = max(self._last_ms + 1, int(self.now() * 1000) - _EPOCH_MS)
        return self._last_ms << 22

    def account(self, name: str, *, locale: str = "en-US", bot: bool = False) -> Account:
        account = Account(self.snowflake(), name, locale, bot)
        self.accounts[account.id] = account
        return account

    def guild(self, name: str, *, locale: str = "en-US", with_bot: bool = True) -> Guild:
        """A guild with its owner, and the bot with what @everyone may do; it is told to nobody yet."""
        guild_id = self.snowflake()
        guild = Guild(guild_id, name, self.owner, Role(guild_id, "@everyone", MEMBERS), locale, bot_joined=with_bot)
        guild.roles.append(guild.everyone)
        self.guilds[guild.id] = guild
        self.join(guild, self.owner)
        if with_bot:
            self.join(guild, self.bot)
        return guild

    def join(self, guild: Guild, account: Account, *roles: Role) -> None:
        guild.members[account.id] = Member(account, list(roles), self.now())

    def role(self, guild: Guild, name: str, permissions: Permission) -> Role:
        role = Role(self.snowflake(), name, permissions)
        guild.roles.append(role)
        return role

    def channel(
        self,
        guild: Guild,
        name: str,
        kind: ChannelKind = ChannelKind.TEXT,
        *,
        deny: Permission = Permission.NONE,
        parent: Channel | None = None,
        owner: Account | None = None,
    ) -> Channel:
        """A channel or thread of the guild, in which `deny` is what the bot may not do."""
        channel = Channel(self.snowflake(), kind, name, guild, parent, owner)
        if deny:
            channel.overwrites[self.bot.id] = Overwrite(deny=deny)
        guild.channels.append(channel)
        self.channels[channel.id] = channel
        return channel

    def conversation(self, *people: Account, kind: ChannelKind = ChannelKind.DIRECT) -> Channel:
        """The conversation of just these people."""
        for channel in self.channels.values():
            if channel.kind is kind and set(channel.recipients) == set(people):
                return channel
        channel = Channel(self.snowflake(), kind, "", recipients=list(people))
        self.channels[channel.id] = channel
        return channel

    def messages(self) -> list[Message]:
        """All messages in the order of their ids, the deleted ones too."""
        everything = (message for channel in self.channels.values() for message in channel.messages.values())
        return sorted(everything, key=lambda message: message.id)
