"""Namespaces of a zygote's own, as an extra where the kernel allows them: no network, no shared memory of others.

A service of root may make them as it is; others need a user namespace, which many containers refuse. Whatever is
refused is left out: the layers of the jail do not rest on it. Source: unshare(2), user_namespaces(7).
"""

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bot.evaluator import kernel
from bot.evaluator.syscalls import architecture

_OWN: Final = 0x40000000 | 0x08000000 | 0x04000000  # CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS
_USER: Final = 0x10000000  # CLONE_NEWUSER
_CAPABILITY_VERSION: Final = 0x20080522  # _LINUX_CAPABILITY_VERSION_3


def separate() -> None:
    """Gives this process, which must have one thread, namespaces of its own as far as that works."""
    for attempt in (_as_root, _as_user):
        if _works(attempt):
            attempt()
            return


def drop_capabilities() -> None:
    """Gives up every capability; a user namespace had given all of them. Raises OSError."""
    header = struct.pack("<Ii", _CAPABILITY_VERSION, 0)
    kernel.syscall(architecture().numbers["capset"], header, bytes(24))


def _as_root() -> None:
    _unshare(_OWN)


def _as_user() -> None:
    user, group = os.getuid(), os.getgid()
    _unshare(_USER | _OWN)
    for name, content in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path(f"/proc/self/{name}").write_text(content)


def _unshare(flags: int) -> None:
    kernel.syscall(architecture().numbers["unshare"], flags)


def _works(attempt: Callable[[], None]) -> bool:
    """Tried in a child: half a separation could not be taken back."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            attempt()
            status = 0
        finally:  # also of what was raised nothing more is said than that it does not work
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0
