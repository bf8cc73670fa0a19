"""An interaction from its start to the end of its token: what it may be answered with, and when no more."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from tests.loopback_discord.entities import Account, Channel, Json, Message
from tests.loopback_discord.permissions import Permission

ACKNOWLEDGE_SECONDS: Final = 3.0
TOKEN_SECONDS: Final = 900.0
FOLLOW_UPS: Final = 5
"""How many a user-installed application may send where it is not in the guild."""


class InteractionKind(IntEnum):
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class CallbackKind(IntEnum):
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


class Context(IntEnum):
    GUILD = 0
    BOT_DM = 1
    PRIVATE_CHANNEL = 2


@dataclass(eq=False)
class Interaction:
    """`message` is the one whose component was pressed, `original` the one that `@original` names.

    `callback` is None until the bot answered; `began` and `answered` are seconds of this Discord's clock.
    """

    id: int
    token: str
    kind: InteractionKind
    asker: Account
    channel: Channel
    context: Context
    owners: dict[str, str]
    app_permissions: Permission
    began: float
    metadata: Json
    message: Message | None = None
    callback: CallbackKind | None = None
    answered: float | None = None
    original: Message | None = None
    modal: Json | None = None
    choices: list[Json] = field(default_factory=list["Json"])
    follow_ups: list[Message] = field(default_factory=list[Message])

    def late(self, now: float) -> bool:
        """Whether the first answer comes too late."""
        return now - self.began > ACKNOWLEDGE_SECONDS

    def expired(self, now: float) -> bool:
        return now - self.began > TOKEN_SECONDS

    @property
    def only_installed_by_user(self) -> bool:
        return "0" not in self.owners
