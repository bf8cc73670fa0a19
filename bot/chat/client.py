"""Our connection to Discord: hears what is for us, and hands it on."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import discord
from discord import app_commands

from bot.chat.answering import FAILED, Answerer
from bot.chat.buttons import Buttons, pressed
from bot.chat.commands import Commands
from bot.chat.desk import Desk
from bot.chat.gathering import Gatherer, revision
from bot.chat.responding import Responder
from bot.chat.resuming import resume
from bot.chat.retrying import FAILURES
from bot.chat.rows import Rows
from bot.chat.translating import CommandTranslator
from bot.fleet.port import EvaluatorFleet
from bot.log import Log
from bot.settings import MIB, Settings
from bot.store import Claim, Claims
from explainers.locale import Translator

LEAST_PERMISSIONS: Final = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    attach_files=True,
    read_message_history=True,
)
_SPOKEN: Final = (discord.MessageType.default, discord.MessageType.reply)


@dataclass(frozen=True)
class Parts:
    """What the client works with; `translators` by locale."""

    settings: Settings
    fleet: EvaluatorFleet
    claims: Claims
    translators: Mapping[str, Translator]
    log: Log


class Client(discord.Client):
    """Keeps no messages and no members."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(
            intents=discord.Intents(
                guilds=True,
                guild_messages=True,
                dm_messages=True,
                message_content=parts.settings.discord.message_content,
            ),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
        )
        self._parts = parts
        self._tree = app_commands.CommandTree(
            self,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
        )
        self._tree.error(self._on_command_error)
        self._unfinished: tuple[Claim, ...] | None = None

    async def setup_hook(self) -> None:
        """After the login, before the gateway: whom we work for is known from here on."""
        parts, me = self._parts, self.user
        assert me is not None, "the login was answered"
        answerer = Answerer(parts.fleet, parts.translators, parts.log)
        self._rows = Rows()
        gatherer = Gatherer(me, parts.settings.limits.files_mb * MIB, self.http.get_from_cdn, self._rows)
        self._me = me
        self.desk = Desk(answerer, gatherer, parts.claims, parts.log)
        self.responder = Responder(answerer, parts.log)
        self.add_dynamic_items(pressed(Buttons(self.responder, gatherer, parts.claims)))
        Commands(self.responder, gatherer, self.desk, parts.log).add_to(self._tree)
        await self._tree.set_translator(CommandTranslator(parts.translators))
        self._unfinished = await parts.claims.unfinished()  # before our own claims are among them
        await self._register()

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Nothing after the end: discord.py tells that it is ready seconds after its first events, come what may."""
        if not self.is_closed():
            super().dispatch(event, *args, **kwargs)

    async def finish(self) -> None:
        """Takes nothing new, and waits for all that is under way."""
        self.responder.ending = True
        await self.responder.finish()
        await self.desk.finish()

    async def on_ready(self) -> None:
        """The first time: what a process before this one left undone."""
        self._parts.log.info("connected", guilds=len(self.guilds))
        unfinished, self._unfinished = self._unfinished, None
        if unfinished is not None:
            async with self.responder.under_way():
                await resume(self, unfinished, self._parts.claims, self.desk, self.addressed, self._parts.log)

    async def on_message(self, message: discord.Message) -> None:
        is_told_again = self._rows.of(message.id) is not None
        row = self._rows.heard(message)
        direct = await self.addressed(message)
        if self.responder.ending or self._is_foreign(message):
            return
        if row.question in (None, message.id):
            if direct is not None:
                row.question, row.direct = message.id, direct
                self.desk.asked(message, direct=direct)
        elif not is_told_again and (direct is not None or message.content or message.attachments):
            row.direct = row.direct or direct is True
            row.changed = max(row.changed + 1, int(message.created_at.timestamp() * 1_000_000))
            self.desk.went_on(row, message.channel)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        message = payload.message
        if message.edited_at is None or self._is_foreign(message) or self.responder.ending:
            return
        row = self._rows.of(message.id)
        if row is not None and row.question is not None:
            row.changed = max(row.changed + 1, revision(message))
        if row is not None and row.question not in (None, message.id):
            self.desk.went_on(row, message.channel)
            return
        direct = await self.addressed(message)
        if row is not None and direct is not None:
            row.question, row.direct = message.id, direct
        self.desk.edited(message, direct)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        self._deleted(payload.message_id, payload.channel_id)

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        for id in payload.message_ids:
            self._deleted(id, payload.channel_id)

    def _deleted(self, id: int, channel: int) -> None:
        where, row = self.get_partial_messageable(channel), self._rows.removed(id)
        if row is None:
            self.desk.deleted(id, where)
        else:
            row.changed += 1
            self.desk.went_on(row, where)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Without the event, which holds messages."""
        error = sys.exc_info()[0]
        self._parts.log.error("event failed", handler=event_method, error=error.__name__ if error else None)

    async def addressed(self, message: discord.Message) -> bool | None:
        """True where somebody asks us, False where we read along, None where it is not for us."""
        if self._is_foreign(message):
            return None
        if _is_direct(message) or self._is_named(message):
            return True
        if await self._opens_forum_post(message) or self._me in message.mentions:
            return False  # a reply to us may be a thank-you
        return None

    def _is_foreign(self, message: discord.Message) -> bool:
        return message.author.bot or message.webhook_id is not None or message.type not in _SPOKEN

    def _is_named(self, message: discord.Message) -> bool:
        """By our own name, or by the role that Discord gave us; a reply to us alone names nobody."""
        if re.search(rf"<@!?{self._me.id}>", message.content):
            return True
        return any(role.tags is not None and role.tags.bot_id == self._me.id for role in message.role_mentions)

    async def _opens_forum_post(self, message: discord.Message) -> bool:
        """Whether it is the first message of a post in one of the forums of the settings."""
        forums = self._parts.settings.discord.forum_channels
        if not forums or message.id != message.channel.id:
            return False
        thread: Any = message.channel
        if not isinstance(thread, discord.Thread):  # its creation was not told yet
            try:
                thread = await self.fetch_channel(message.id)
            except FAILURES:
                return False
        parent = thread.parent if isinstance(thread, discord.Thread) else None
        known = (str(thread.parent_id), parent.name) if parent is not None else (str(thread.parent_id),)
        return any(str(forum) in known for forum in forums)

    async def _register(self) -> None:
        """Commands that can't be registered now are those of before."""
        try:
            await self._tree.sync()
        except FAILURES as error:
            self._parts.log.error("commands not registered", reason=type(error).__name__)

    async def _on_command_error(
        self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError
    ) -> None:
        cause = error.__cause__ or error
        self._parts.log.error("command failed", ask=interaction.id, error=type(cause).__name__)
        if not interaction.response.is_done():
            await self.responder.say(interaction, FAILED)


def _is_direct(message: discord.Message) -> bool:
    """Whether it was written to us alone; a guild that is not known yet is a guild all the same."""
    channel = message.channel
    if isinstance(channel, discord.PartialMessageable):
        return channel.guild_id is None and message.guild is None
    return message.guild is None
