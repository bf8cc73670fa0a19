"""What a button remembers: its custom_id, which Discord keeps for us for as long as the message is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

from bot.exchange import Theme

Action = Literal["steps", "source", "delete"]

PREFIX: Final = "whyloss:"
_VERSION: Final = 1
"""Counted up when a custom_id of before would be misread; older ones are answered with a request to ask again."""

_STATE: Final = re.compile(
    rf"{PREFIX}{_VERSION}:(?P<action>steps|source|delete):(?P<asker>\d{{1,20}}):(?P<language>[A-Za-z-]{{2,10}}):(?P<theme>dark|light)"
)


@dataclass(frozen=True)
class State:
    """What to do, who asked, and how they were answered."""

    action: Action
    asker: int
    language: str
    theme: Theme


def written(state: State) -> str:
    """At most 100 characters."""
    return f"{PREFIX}{_VERSION}:{state.action}:{state.asker}:{state.language}:{state.theme}"


def read(custom_id: str) -> State | None:
    """None for a custom_id of another version."""
    found = _STATE.fullmatch(custom_id)
    if found is None:
        return None
    return State(cast(Action, found["action"]), int(found["asker"]), found["language"], cast(Theme, found["theme"]))
