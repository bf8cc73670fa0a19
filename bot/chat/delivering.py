"""An Answer brought to its asker: as it should look, else in bare words, else with the reason in our log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import discord

from bot.chat.composing import Room
from bot.chat.retrying import FAILURES
from bot.chat.shown import Shown
from bot.chat.surfaces import Surface
from bot.log import Log

_REFUSED = (400, 403, 413)
"""What Discord may say of files or components, and not of words."""


async def delivered(surface: Surface, compose: Callable[[Room], Shown], log: Log, id: int) -> bool:
    """Whether the asker has a reply. Raises Gone."""
    try:
        await surface.show(compose(surface.room))
    except discord.HTTPException as error:
        log.warning("not shown as it should be", ask=id, status=error.status, code=error.code)
        return error.status in _REFUSED and await _in_words(surface, compose, log, id)
    except FAILURES as error:
        log.error("not sent", ask=id, reason=type(error).__name__)
        return False
    return True


async def _in_words(surface: Surface, compose: Callable[[Room], Shown], log: Log, id: int) -> bool:
    try:
        await surface.show(compose(replace(surface.room, files=False)))
    except FAILURES as error:
        code = error.code if isinstance(error, discord.HTTPException) else 0
        log.error("not sent", ask=id, reason=type(error).__name__, code=code)
        return False
    return True
