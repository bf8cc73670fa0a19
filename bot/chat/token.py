"""The bot's token: read once, by the one process that needs it, and left where no other finds it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from bot.evaluator import kernel

VARIABLE: Final = "DISCORD_TOKEN"


class NoToken(ValueError):
    """There is no token; says where one may stand."""


def taken(file: Path) -> str:
    """The token of the environment, which holds it no more after this, else of the file. Raises NoToken.

    From here on no process of the same user can read what this one was started with.
    """
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    token = os.environ.pop(VARIABLE, "").strip() or _read(file)
    if not token:
        raise NoToken(f"there is no bot token: set {VARIABLE}, or write it into {file} (discord.token_file)")
    return token


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise NoToken(f"{file} can't be read ({type(error).__name__}): name another discord.token_file") from None
