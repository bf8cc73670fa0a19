"""What exists in this Discord: accounts, guilds, channels, messages, and the clock that their ids are made of."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from tests.loopback_discord.permissions import DIRECT, EVERYTHING, MEMBERS, Permission, overwritten
from tests.loopback_discord.pulse import Pulse

Json = dict[str, Any]

_EPOCH_MS: Final = 1_420_070_400_000


class ChannelKind(IntEnum):
    TEXT = 0
    DIRECT = 1
    GROUP = 3
    PUBLIC_THREAD = 11
    FORUM = 15


class MessageKind(IntEnum):
    DEFAULT = 0
    REPLY = 19
    COMMAND = 20
    THREAD_STARTER = 21
    MENU = 23


class Flag:
    """Bits of a message's flags."""

    EPHEMERAL: Final = 1 << 6
    LOADING: Final = 1 << 7
    COMPONENTS_V2: Final = 1 << 15


@dataclass(eq=False)
class Account:
    """A user, human or bot, with the language of their client."""

    id: int
    name: str
    locale: str = "en-US"
    bot: bool = False


@dataclass(eq=False)
class Role:
    id: int
    name: str
    permissions: Permission


@dataclass(eq=False)
class Member:
    account: Account
    roles: list[Role]
    joined: float


@dataclass(eq=False)
class Guild:
    """A server; `everyone` is the role that all have."""

    id: int
    name: str
    owner: Account
    everyone: Role
    locale: str = "en-US"
    roles: list[Role] = field(default_factory=list[Role])
    members: dict[int, Member] = field(default_factory=dict[int, Member])
    channels: list[Channel] = field(default_factory=list["Channel"])
    bot_joined: bool = True


@dataclass(frozen=True)
class Overwrite:
    allow: Permission = Permission.NONE
    deny: Permission = Permission.NONE


@dataclass(eq=False)
class Channel:
    """A channel, a thread (with its parent), or a conversation of `recipients`.

    `overwrites` has the id of an account or of a role as key.
    """

    id: int
    kind: ChannelKind
    name: str
    guild: Guild | None = None
    parent: Channel | None = None
    owner: Account | None = None
    recipients: list[Account] = field(default_factory=list[Account])
    overwrites: dict[int, Overwrite] = field(default_factory=dict[int, Overwrite])
    messages: dict[int, Message] = field(default_factory=dict[int, "Message"])
    locked: bool = False
    archived: bool = False

    @property
    def is_thread(self) -> bool:
        return self.kind is ChannelKind.PUBLIC_THREAD

    def permissions(self, account: Account) -> Permission:
        """What the account may do here; nothing where it is no member."""
        if self.parent is not None:
            return self.parent.permissions(account)
        if self.guild is None:
            return DIRECT if account in self.recipients else Permission.NONE
        member = self.guild.members.get(account.id)
        if member is None:
            return Permission.NONE
        if account is self.guild.owner:
            return EVERYTHING
        return self._of_member(member, self.guild)

    def _of_member(self, member: Member, guild: Guild) -> Permission:
        granted = guild.everyone.permissions
        for role in member.roles:
            granted |= role.permissions
        if granted & Permission.ADMINISTRATOR:
            return EVERYTHING
        for key in (guild.everyone.id, *(role.id for role in member.roles), member.account.id):
            change = self.overwrites.get(key, Overwrite())
            granted = overwritten(granted, change.allow, change.deny)
        return granted if granted & Permission.VIEW_CHANNEL else Permission.NONE


@dataclass(eq=False)
class Attachment:
    id: int
    name: str
    data: bytes
    alt: str | None
    channel: int
    content_type: str | None


@dataclass(eq=False)
class Message:
    """A message as it is now; `revision` counts its edits, `pings` are the accounts it notified."""

    id: int
    channel: Channel
    author: Account
    content: str
    created: float
    kind: MessageKind = MessageKind.DEFAULT
    flags: int = 0
    embeds: list[Json] = field(default_factory=list[Json])
    components: list[Json] = field(default_factory=list[Json])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    reference: Message | None = None
    reference_ids: Json | None = None
    pings: tuple[Account, ...] = ()
    pings_everyone: bool = False
    interaction: Json | None = None
    audience: Account | None = None
    nonce: str | None = None
    edited: float | None = None
    revision: int = 0
    deleted: bool = False
    thread: Channel | None = None

    @property
    def is_loading(self) -> bool:
        return bool(self.flags & Flag.LOADING)

    @property
    def is_v2(self) -> bool:
        return bool(self.flags & Flag.COMPONENTS_V2)


class World:
    """Everything that exists. `pulse` beats whenever anything has changed; `ahead` is how far the clock was put on."""

    def __init__(self) -> None:
        self.accounts: dict[int, Account] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.files: dict[int, Attachment] = {}
        self.pulse = Pulse()
        self.ahead = 0.0
        self._last_id = 0
        self.bot = self.account("whyloss", bot=True)
        self.owner = self.account("owner")

    def now(self) -> float:
        """Seconds since 1970 by this Discord's clock."""
        return time.time() + self.ahead

    def snowflake(self) -> int:
        """An id that was not given before, made of the time."""
        self._last_id = max(self._last_id + 1, int(self.now() * 1000 - _EPOCH_MS) << 22)
        return self._last_id

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
