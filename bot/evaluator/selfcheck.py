"""Probes the jail by effect, from inside: what a locked child still can do, whatever the kernel's version claims.

The evaluator runs `probe` before any stranger's code; `whyloss doctor` shows it, and runs each of `PROVOCATIONS` in a
child of its own, because the jail answers those by ending the child.
"""

import contextlib
import ctypes
import os
import resource
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from bot.evaluator.syscalls import architecture

PROBE_ENTRY: Final = f"{__name__}:probe"
PROVOKE_ENTRY: Final = f"{__name__}:provoke"
NAMESPACES: Final = ("user", "net", "ipc", "uts", "pid", "mnt", "cgroup")


class Probes(msgspec.Struct, frozen=True):
    """What a locked child says of itself: its numeric user, the identities of its namespaces, and for each thing that
    must not work how it was refused, an empty text where it was not.
    """

    user: int
    namespaces: dict[str, str]
    seen: dict[str, str]

    @property
    def broken(self) -> tuple[str, ...]:
        """What a locked child could do and must not; empty when the jail holds."""
        return tuple(name for name, how in self.seen.items() if not how)


def probe(request: bytes, emit: Callable[[bytes], None]) -> None:
    """Entry of a snippet job: emits one Probes. The request is a number of bytes that is over the child's
    memory limit.
    """
    too_many = int(request)
    attempts = {**_ATTEMPTS, "use more memory than allowed": lambda: bytearray(too_many)}
    seen = {name: _seen(attempt) for name, attempt in attempts.items()}
    emit(msgspec.msgpack.encode(Probes(os.getuid(), namespaces(), seen)))


def provoke(request: bytes, emit: Callable[[bytes], None]) -> None:
    """Entry of a snippet job: does the provocation that the request names, and emits a frame where that changed
    nothing.
    """
    PROVOCATIONS[request.decode()](emit)
    emit(b"went on")


def namespaces() -> dict[str, str]:
    """The identities of this process's namespaces, as far as it may know them."""
    found: dict[str, str] = {}
    for name in NAMESPACES:
        with contextlib.suppress(OSError):
            found[name] = str(Path(f"/proc/self/ns/{name}").readlink())
    return found


def _seen(attempt: Callable[[], object]) -> str:
    try:
        return str(attempt() or "") if attempt in _ANSWERING else _done(attempt)
    except OSError as error:
        return os.strerror(error.errno) if error.errno else type(error).__name__
    except (RuntimeError, MemoryError) as error:
        return str(error) or type(error).__name__


def _done(attempt: Callable[[], object]) -> str:
    attempt()
    return ""


def _environment() -> str:
    return "" if os.environ else "empty"


def _other_descriptors() -> str:
    return "" if any(_is_open(descriptor) for descriptor in range(4, 64)) else "closed"


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _root() -> str:
    return "" if 0 in (os.getuid(), os.geteuid(), os.getgid()) else f"user {os.getuid()}"


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _natively(name: str, *arguments: object) -> Callable[[], None]:
    """The same through the C library: no wall may stand in Python only."""

    def call() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc[name](*arguments) < 0:
            raise OSError(ctypes.get_errno(), name)

    return call


_ANSWERING: Final = (_environment, _other_descriptors, _root)
"""Attempts that say themselves how they were refused."""

_ATTEMPTS: Final[Mapping[str, Callable[[], object]]] = {
    "read a file of the system": Path("/etc/passwd").read_bytes,
    "list the root folder": lambda: list(Path("/").iterdir()),
    "read the parent's environment": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "read the parent's memory": lambda: Path(f"/proc/{os.getppid()}/mem").read_bytes(),
    "read an environment": _environment,
    "write a file": lambda: Path("/tmp/whyloss-probe").write_bytes(b""),
    "make a folder": lambda: Path("/tmp/whyloss-probe").mkdir(),
    "make a file in memory": lambda: os.memfd_create("probe"),
    "open a TCP socket": socket.socket,
    "open a UDP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "open a unix socket": lambda: socket.socket(socket.AF_UNIX),
    "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "open a socket in native code": _natively("socket", socket.AF_INET, socket.SOCK_STREAM, 0),
    "fork": _fork,
    "start a thread": lambda: threading.Thread(target=int).start(),
    "execute a program": lambda: os.execv("/bin/true", ["true"]),
    "signal the parent": lambda: os.kill(os.getppid(), 0),
    "signal everybody": lambda: os.kill(-1, 0),
    "share memory": _natively("shmget", 0, 4096, 0o1600),
    "raise a limit": _natively("setrlimit", resource.RLIMIT_NPROC, struct.pack("=QQ", 1, 1)),
    "open itself to debuggers": _natively("prctl", 4, 1, 0, 0, 0),
    "use another descriptor": _other_descriptors,
    "be root": _root,
}


def _sleep(_emit: Callable[[bytes], None]) -> None:
    time.sleep(3600)


def _spin(_emit: Callable[[bytes], None]) -> None:
    while True:
        pass


def _spin_deaf(emit: Callable[[bytes], None]) -> None:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    _spin(emit)


def _print_on(_emit: Callable[[bytes], None]) -> None:
    while True:
        print("x" * 1000)


def _emit_on(emit: Callable[[bytes], None]) -> None:
    while True:
        emit(bytes(2**20))


def _fill_memory(_emit: Callable[[bytes], None]) -> None:
    kept: list[bytearray] = []
    while True:
        kept.append(bytearray(2**24))


def _crash(_emit: Callable[[bytes], None]) -> None:
    ctypes.string_at(0)


def _send_garbage(_emit: Callable[[bytes], None]) -> None:
    os.write(3, b"\x03\x00\x00\x00\xc1\xc1\xc1")
    time.sleep(3600)


def _show_itself(emit: Callable[[bytes], None]) -> None:
    emit(str(os.getpid()).encode())
    time.sleep(3600)


def _calling(name: str) -> Callable[[Callable[[bytes], None]], None]:
    def call(_emit: Callable[[bytes], None]) -> None:
        ctypes.CDLL(None).syscall(architecture().numbers[name], 0, 0, 0, 0, 0)

    return call


FATAL: Final = ("ptrace", "process_vm_readv", "io_uring_setup", "bpf", "unshare", "mount", "keyctl", "userfaultfd")
"""Calls of which one is the end of the process; each is a provocation."""

SHOW_ITSELF: Final = "show itself"
"""Emits its process number, then sleeps: to be looked at from outside."""

PROVOCATIONS: Final[Mapping[str, Callable[[Callable[[bytes], None]], None]]] = {
    "sleep for ever": _sleep,
    "compute for ever": _spin,
    "compute for ever, deaf to signals": _spin_deaf,
    "print for ever": _print_on,
    "send results for ever": _emit_on,
    "fill the memory": _fill_memory,
    "crash": _crash,
    "send what is no frame": _send_garbage,
    SHOW_ITSELF: _show_itself,
    **{f"call {name}": _calling(name) for name in FATAL},
}
