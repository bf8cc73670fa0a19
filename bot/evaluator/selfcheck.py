"""Probes the jail by effect, from inside: what a locked child still can do, whatever the kernel's version claims.

The evaluator runs this once per zygote before any stranger's code; `whyloss doctor` shows it.
"""

import ctypes
import os
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

PROBE_ENTRY: Final = f"{__name__}:probe"


class Probes(msgspec.Struct, frozen=True):
    """For each thing that must not work: whether it was refused."""

    refused: dict[str, bool]

    @property
    def broken(self) -> tuple[str, ...]:
        """What a locked child could do and must not; empty when the jail holds."""
        return tuple(name for name, refused in self.refused.items() if not refused)


def probe(request: bytes, emit: Callable[[bytes], None]) -> None:
    """Entry of a snippet job: emits one Probes. The request is a number of bytes that is over the child's
    memory limit.
    """
    too_many = int(request)
    attempts = {**_ATTEMPTS, "use more memory than allowed": lambda: bytearray(too_many)}
    emit(msgspec.msgpack.encode(Probes({name: _refused(attempt) for name, attempt in attempts.items()})))


def _refused(attempt: Callable[[], object]) -> bool:
    try:
        return attempt() is _REFUSED
    except (OSError, RuntimeError, MemoryError):
        return True


_REFUSED: Final = object()


def _read_environment() -> object:
    return _REFUSED if not os.environ else None


def _other_descriptor() -> object:
    return [os.fstat(descriptor) for descriptor in range(4, 64) if _is_open(descriptor)] or _REFUSED


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _be_root() -> object:
    return None if os.getuid() == 0 else _REFUSED


def _native_socket() -> object:
    """The same through the C library: no wall may stand in Python only."""
    return ctypes.CDLL(None).socket(socket.AF_INET, socket.SOCK_STREAM, 0) < 0 and _REFUSED


_ATTEMPTS: Final[Mapping[str, Callable[[], object]]] = {
    "read a file of the system": Path("/etc/passwd").read_bytes,
    "write a file": lambda: Path("/tmp/whyloss-probe").write_bytes(b""),
    "list the root folder": lambda: list(Path("/").iterdir()),
    "read the parent's environment": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "read an environment": _read_environment,
    "open a TCP socket": socket.socket,
    "open a UDP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "open a socket in native code": _native_socket,
    "fork": _fork,
    "start a thread": lambda: threading.Thread(target=int).start(),
    "execute a program": lambda: os.execv("/bin/true", ["true"]),
    "signal the parent": lambda: os.kill(os.getppid(), 0),
    "use another descriptor": _other_descriptor,
    "be root": _be_root,
}
