"""The whole of it for a test: places, people, what goes wrong, and waiting for the bot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.loopback_discord import payloads
from tests.loopback_discord.entities import Account, Channel, ChannelKind, Guild, Message
from tests.loopback_discord.faults import Faults
from tests.loopback_discord.gateway import Gateway
from tests.loopback_discord.gateway_codes import Intent
from tests.loopback_discord.ledger import Ledger
from tests.loopback_discord.permissions import Permission
from tests.loopback_discord.person import Person
from tests.loopback_discord.seen import Seen, seen
from tests.loopback_discord.state import Discord
from tests.loopback_discord.world import World


@dataclass(frozen=True)
class Loopback:
    """A Discord on loopback, seen from a test."""

    discord: Discord

    @property
    def token(self) -> str:
        return self.discord.portal.token

    @property
    def bot(self) -> Account:
        return self.discord.world.bot

    @property
    def world(self) -> World:
        return self.discord.world

    @property
    def gateway(self) -> Gateway:
        return self.discord.gateway

    @property
    def faults(self) -> Faults:
        return self.discord.faults

    @property
    def ledger(self) -> Ledger:
        return self.discord.ledger

    def guild(self, name: str = "guild", *, locale: str = "en-US", with_bot: bool = True) -> Guild:
        guild = self.world.guild(name, locale=locale, with_bot=with_bot)
        if with_bot:
            payload = payloads.guild_payload(guild, self.bot)
            self.gateway.dispatch("GUILD_CREATE", payload, guild, Intent.GUILDS)
        return guild

    def channel(
        self,
        guild: Guild,
        name: str = "general",
        kind: ChannelKind = ChannelKind.TEXT,
        *,
        deny: Permission = Permission.NONE,
    ) -> Channel:
        """A channel in which the bot may do what everybody may, but for `deny`."""
        channel = self.world.channel(guild, name, kind, deny=deny)
        self.discord.tell_channel("CHANNEL_CREATE", channel)
        return channel

    def person(
        self, name: str, *guilds: Guild | None, locale: str = "en-US", moderates: bool = False, installed: bool = False
    ) -> Person:
        """Somebody in these guilds; `installed` where they have the application with them everywhere."""
        account = self.world.account(name, locale=locale)
        for guild in filter(None, guilds):
            roles = [self.world.role(guild, "moderator", Permission.MANAGE_MESSAGES)] if moderates else []
            self.world.join(guild, account, *roles)
        if installed:
            self.discord.portal.installed_by.add(account.id)
        return Person(self.discord, account)

    def group(self, *people: Person) -> Channel:
        """A conversation of these people, in which the bot is not."""
        return self.world.conversation(*(each.account for each in people), kind=ChannelKind.GROUP)

    def forward(self, seconds: float) -> None:
        """Puts this Discord's clock on."""
        self.world.ahead += seconds

    def replies(self, message: Message) -> list[Seen]:
        """All messages of the bot that reply to this one, and are not deleted."""
        ours = (each for each in self.world.messages() if each.author is self.bot and each.reference is message)
        return [seen(each) for each in ours if not each.deleted]

    async def connected(self, within: float = 5.0) -> None:
        """Until a session has begun."""
        await self.world.pulse.until(lambda: any(each.connection for each in self.gateway.sessions.values()), within)

    async def reply_to(
        self, message: Message, within: float = 5.0, where: Callable[[Seen], object] = lambda _: True
    ) -> Seen:
        """The bot's reply to this message, once `where` holds for it."""

        def found() -> Seen | None:
            return next((each for each in self.replies(message) if where(each)), None)

        return await self.world.pulse.until(found, within)

    async def no_reply_to(self, message: Message, within: float = 0.3) -> None:
        """Lets that time pass; raises AssertionError where a reply comes in it."""
        with_reply = self.reply_to(message, within)
        try:
            reply = await with_reply
        except TimeoutError:
            return
        raise AssertionError(f"there is a reply: {reply.text}")

    async def edited(self, message: Message, revision: int = 1, within: float = 5.0) -> Seen:
        """The message once it has been edited so often."""
        await self.world.pulse.until(lambda: message.revision >= revision, within)
        return seen(message)

    async def deleted(self, message: Message, within: float = 5.0) -> None:
        await self.world.pulse.until(lambda: message.deleted, within)

    async def until(self, holds: Callable[[], object], within: float = 5.0) -> None:
        """Until this holds; looked at whenever anything has happened here."""
        await self.world.pulse.until(holds, within)

    def violations(self) -> list[str]:
        """What the bot asked that a correct client does not; taken, so that they no longer fail the test."""
        found, self.ledger.violations[:] = list(self.ledger.violations), []
        return found
