"""Accounts, guilds, channels and messages, as values that change."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from tests.loopback_discord.permissions import DIRECT, EVERYTHING, Permission, overwritten

Json = dict[str, Any]


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
    """A message as it is now, and in `past` as it was before each edit; `pings` are the accounts it notified."""

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
    past: list[Message] = field(default_factory=list["Message"])
    deleted: bool = False
    thread: Channel | None = None

    @property
    def revision(self) -> int:
        """How often it was edited."""
        return len(self.past)

    @property
    def is_loading(self) -> bool:
        return bool(self.flags & Flag.LOADING)

    @property
    def is_v2(self) -> bool:
        return bool(self.flags & Flag.COMPONENTS_V2)
