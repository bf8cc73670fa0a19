"""What a program attempts that a jail refuses, by Python's audit events: for words only, no wall rests on it."""

import functools
import os
import sys
import time
from collections.abc import Callable, Container, Mapping
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


_OF_PYTHON: Final = """
    chroot setuid setgid setreuid setregid setresuid setresgid setgroups unshare setns clock_settime
""".split()  # noqa: SIM905 - as in seccomp
"""Functions of `os` and `time` that make a call of the same name and raise no audit event."""

_MADE_BY: Final[Mapping[str, str]] = {
    "seteuid": "setresuid",
    "setegid": "setresgid",
    "initgroups": "setgroups",
    "klogctl": "syslog",
    "umount": "umount2",
}
"""The call behind a function of another name."""


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
    """Tells each of these calls that a program is about to make, as far as it makes them by name: by a function of the
    C library, from when that is looked up, or by one of Python's own.
    """

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "ctypes.dlsym" and isinstance(name := arguments[1], str):
            call = _MADE_BY.get(name, name)
            if call in calls:
                tell(call)

    sys.addaudithook(note)
    for module in (os, time):
        for name in vars(module).keys() & {*_OF_PYTHON, *_MADE_BY}:
            setattr(module, name, _telling(vars(module)[name], _MADE_BY.get(name, name), tell))


def _telling(function: Callable[..., object], call: str, tell: Callable[[str], None]) -> Callable[..., object]:
    @functools.wraps(function)
    def first_told(*arguments: object, **named: object) -> object:
        tell(call)
        return function(*arguments, **named)

    return first_told


def _reads_a_module(event: str, arguments: tuple[object, ...]) -> bool:
    """Imports and tracebacks open sources, which is nobody's attempt."""
    return event == "open" and isinstance(arguments[0], str) and arguments[0].endswith((".py", ".pyc"))
