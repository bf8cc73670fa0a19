"""Landlock: which files a process may read, decided by the kernel per path.

A ruleset handles every right that the running kernel knows, so whatever is not granted is refused: writing, making,
removing, executing, device requests, TCP (from ABI 4), abstract sockets and signals to processes outside (from ABI 6).
Granted is reading of the listed folders and files, nothing else. `stat` of any path is not covered by Landlock.
Source: `linux/landlock.h`, Documentation/userspace-api/landlock.rst.
"""

import contextlib
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bot.evaluator import kernel
from bot.evaluator.syscalls import architecture

_VERSION: Final = 1  # LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH: Final = 1  # LANDLOCK_RULE_PATH_BENEATH
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3


def abi() -> int:
    """The kernel's Landlock version, 0 where it has none or an engine's filter hides it."""
    try:
        return kernel.syscall(architecture().numbers["landlock_create_ruleset"], None, 0, _VERSION)
    except OSError:
        return 0


def build_ruleset(readable: Iterable[Path]) -> int:
    """A descriptor of a ruleset that lets the paths be read; a path that is not there for us is left out.
    Raises OSError.
    """
    attributes = _attributes(abi())
    create = architecture().numbers["landlock_create_ruleset"]
    ruleset = kernel.syscall(create, attributes, len(attributes), 0)
    for path in readable:
        with contextlib.suppress(FileNotFoundError, PermissionError):
            _let_read(ruleset, path)
    return ruleset


def restrict(ruleset: int) -> None:
    """Binds the calling thread, and all it starts later, for good. Needs no_new_privs. Raises OSError."""
    kernel.syscall(architecture().numbers["landlock_restrict_self"], ruleset, 0)


def _attributes(version: int) -> bytes:
    """struct landlock_ruleset_attr with every right the version has; an older kernel knows a shorter struct."""
    files = (1 << 13) - 1
    for since, right in ((2, 1 << 13), (3, 1 << 14), (5, 1 << 15)):  # REFER, TRUNCATE, IOCTL_DEV
        files |= right if version >= since else 0
    fields = [files]
    if version >= 4:
        fields.append(0b11)  # TCP bind and connect
    if version >= 6:
        fields.append(0b11)  # scopes: abstract unix sockets, signals
    return struct.pack(f"<{len(fields)}Q", *fields)


def _let_read(ruleset: int, path: Path) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rights = _READ_FILE | _READ_DIR if folder else _READ_FILE
        rule = struct.pack("<Qi", rights, descriptor)
        kernel.syscall(architecture().numbers["landlock_add_rule"], ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)
