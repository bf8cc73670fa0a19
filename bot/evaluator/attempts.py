"""What a program attempts that a jail refuses, by Python's audit events: for words only, no wall rests on it."""

import sys
from collections.abc import Callable, Container
from typing import Final, Literal, TypeAlias

Attempt: TypeAlias = Literal["file", "network", "program", "process", "thread"]

_BY_PREFIX: Final[tuple[tuple[str, Attempt], ...]] = (
    ("socket.", "network"),
    ("urllib.", "network"),
    ("http.", "network"),
    ("ftplib.", "network"),
    ("smtplib.", "network"),
    ("subprocess.", "program"),
    ("os.exec", "program"),
    ("os.spawn", "program"),
    ("os.posix_spawn", "program"),
    ("os.system", "program"),
    ("pty.", "program"),
    ("os.fork", "process"),
    ("os.kill", "process"),
    ("signal.", "process"),
    ("_thread.", "thread"),
    ("open", "file"),
    ("os.", "file"),
    ("shutil.", "file"),
    ("tempfile.", "file"),
    ("glob.", "file"),
    ("pathlib.", "file"),
    ("sqlite3.", "file"),
)
"""The first that an event's name begins with counts. Source: Python's table of audit events."""


class Attempts:
    """Notes the last attempt from `watch` on, for as long as the process lives: a hook can't be taken back."""

    def __init__(self) -> None:
        self.last: Attempt | None = None
        self._known: dict[str, Attempt | None] = {}

    def watch(self) -> None:
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in self._known:
            self._known[event] = next((kind for prefix, kind in _BY_PREFIX if event.startswith(prefix)), None)
        kind = self._known[event]
        if kind is not None and not _reads_a_module(event, arguments):
            self.last = kind


def announce(calls: Container[str], tell: Callable[[str], None]) -> None:
    """Tells each of these functions of the C library that is looked up from now on, before it can be called."""

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "ctypes.dlsym" and isinstance(name := arguments[1], str) and name in calls:
            tell(name)

    sys.addaudithook(note)


def _reads_a_module(event: str, arguments: tuple[object, ...]) -> bool:
    """Imports and tracebacks open sources, which is nobody's attempt."""
    return event == "open" and isinstance(arguments[0], str) and arguments[0].endswith((".py", ".pyc"))
