"""Where a reply is shown: as a message of its own that outlives us, or as the response to an interaction."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, Protocol

import discord

from bot.chat.composing import Room
from bot.chat.limits import FILE_BYTES
from bot.chat.retrying import retried
from bot.chat.shown import Shown, files, view
from bot.store import Claim, Claims

_GONE: Final = (10003, 10008, 10015)
"""Unknown channel, message, webhook: somebody deleted it."""

_BAD_FORM: Final = 50035


class Gone(Exception):
    """The question, or our reply to it, was deleted meanwhile."""


class Surface(Protocol):
    """A place for one reply."""

    @property
    def room(self) -> Room:
        """What may be sent there."""
        ...

    async def show(self, shown: Shown) -> None:
        """The reply is this from now on. Raises Gone, FAILURES."""
        ...


class MessageReply:
    """The one reply to a message: sent first, edited from then on."""

    def __init__(self, question: discord.Message, claim: Claim, claims: Claims) -> None:
        self._question = question
        self._claims = claims
        self._reply = _partial(question, claim.reply) if claim.reply is not None else None
        self._layout = claim.layout
        self._announced = False

    @property
    def refers(self) -> bool:
        """Whether it can refer to its question, which Discord allows to those who may read the history."""
        return permissions(self._question).read_message_history

    @property
    def room(self) -> Room:
        """What is made of components stays so."""
        granted = permissions(self._question)
        return Room(granted.attach_files, granted.embed_links, True if self._layout else None)

    async def show(self, shown: Shown) -> None:
        """A reply made of components is sent as its notice, and becomes what it is by an edit.

        Notifications show nothing of components (discord-api-docs#7854), and are made of what is sent first. The nonce
        makes it one message, however often it has to be sent.
        """
        if self._reply is None:
            first = replace(shown, content=shown.notice, blocks=(), uploads=(), buttons=()) if shown.layout else shown
            self._reply = await _telling_gone(lambda: self._send(first))
            if shown.layout:
                await self._edit(self._reply, shown)
        else:
            await self._edit(self._reply, shown)
        self._layout = shown.layout
        await self._claims.sent(self._question.id, self._reply.id, shown.layout)

    async def announce(self, shown: Shown) -> None:
        """Shows words that the reply will take the place of; an older reply stays. Raises Gone, FAILURES."""
        if self._reply is None:
            self._reply = await _telling_gone(lambda: self._send(shown))
            self._announced = True
        elif self._announced:
            await self._edit(self._reply, shown)

    async def remove(self) -> None:
        """Deletes it, where there is one. Raises FAILURES."""
        if self._reply is not None:
            await forgiving(self._reply.delete)

    async def _send(self, shown: Shown) -> discord.PartialMessage:
        await self._claims.enter(self._question.id, "sending")
        sent = await retried(lambda: self._question.channel.send(**self._first(shown)))
        await self._claims.begun(self._question.id, sent.id)
        return _partial(self._question, sent.id)

    def _first(self, shown: Shown) -> dict[str, Any]:
        reference = {"reference": self._question.to_reference(fail_if_not_exists=True)} if self.refers else {}
        return {
            "content": shown.content,
            "files": files(shown),
            "view": view(shown),
            "nonce": str(self._question.id),
            **reference,
        }

    async def _edit(self, reply: discord.PartialMessage, shown: Shown) -> None:
        await _telling_gone(lambda: retried(lambda: reply.edit(**edited(shown))))


class InteractionReply:
    """The response to an interaction: acknowledged within three seconds, edited from then on."""

    def __init__(self, interaction: discord.Interaction[Any]) -> None:
        self._interaction = interaction

    @property
    def room(self) -> Room:
        granted = self._interaction.app_permissions
        unknown = granted.value == 0
        return Room(
            unknown or granted.attach_files,
            unknown or granted.embed_links,
            file_bytes=self._interaction.filesize_limit or FILE_BYTES,
        )

    async def show(self, shown: Shown) -> None:
        await _telling_gone(lambda: retried(lambda: self._interaction.edit_original_response(**edited(shown))))


def edited(shown: Shown) -> dict[str, Any]:
    """An edit that makes a message what is shown, whatever it was; read once."""
    return {"content": None if shown.layout else shown.content, "attachments": files(shown), "view": view(shown)}


def permissions(message: discord.Message) -> discord.Permissions:
    """Ours where the message is; everything where that can't be told, and Discord will say."""
    guild, channel = message.guild, message.channel
    if guild is None or isinstance(channel, discord.PartialMessageable):
        return discord.Permissions.all()
    try:
        return channel.permissions_for(guild.me)
    except discord.ClientException:  # a thread whose channel is not known
        return discord.Permissions.all()


async def forgiving(request: Callable[[], Awaitable[Any]]) -> None:
    """Deletes what somebody else may have deleted. Raises FAILURES."""
    with contextlib.suppress(discord.NotFound):
        await retried(request)


async def _telling_gone(request: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await request()
    except discord.HTTPException as error:
        if error.code in _GONE or (error.code == _BAD_FORM and "message_reference" in error.text):
            raise Gone from error
        raise


def _partial(question: discord.Message, id: int) -> discord.PartialMessage:
    return discord.PartialMessage(channel=question.channel, id=id)
