"""What somebody asked of the bot, and how it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.loopback_discord.entities import Json
from tests.loopback_discord.interactions import CallbackKind, Interaction
from tests.loopback_discord.seen import Seen, seen
from tests.loopback_discord.state import Discord


@dataclass(frozen=True)
class Invocation:
    """An interaction from the asker's side."""

    discord: Discord
    interaction: Interaction

    async def acknowledged(self, within: float = 3.0) -> CallbackKind:
        """The kind of the bot's first answer."""
        return await self.discord.world.pulse.until(lambda: self.interaction.callback, within)

    async def answer(self, within: float = 5.0, where: Callable[[Seen], object] = lambda _: True) -> Seen:
        """The message that answers, once it no longer loads and `where` holds."""
        return await self.discord.world.pulse.until(lambda: self._answer(where), within)

    def _answer(self, where: Callable[[Seen], object]) -> Seen | None:
        message = self.interaction.original
        if message is None or message.is_loading or message.deleted or not where(found := seen(message)):
            return None
        return found

    async def modal(self, within: float = 3.0) -> Json:
        """The modal that the bot opens."""
        return await self.discord.world.pulse.until(lambda: self.interaction.modal, within)

    async def choices(self, within: float = 3.0) -> list[Json]:
        """What is offered while the asker types."""
        await self.acknowledged(within)
        return self.interaction.choices

    async def follow_up(self, within: float = 5.0, number: int = 0) -> Seen:
        """A further message that the bot sends."""
        sent = self.interaction.follow_ups
        message = await self.discord.world.pulse.until(lambda: sent[number] if len(sent) > number else None, within)
        return seen(message)
