"""How a snippet's job ended: a closed union. Every outcome keeps what had arrived until then.

Timed out, out of memory, forbidden and crashed are told apart by what the kernel reports and by what we did ourselves;
text and frames come from the stranger's process and are its own claims.
"""

from typing import Literal

import msgspec


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """What a job sent before its end: whole frames in order, and what it printed (bad UTF-8 shown as U+FFFD)."""

    frames: tuple[bytes, ...] = ()
    stdout: str = ""
    stderr: str = ""


class Finished(Arrived, frozen=True, tag="finished"):
    """The entry returned."""


class TimedOut(Arrived, frozen=True, tag="timed-out"):
    """Stopped after `seconds` of real ("wall") or processor ("cpu") time."""

    seconds: float
    which: Literal["wall", "cpu"]


class OutOfMemory(Arrived, frozen=True, tag="out-of-memory"):
    limit_mb: int


class Forbidden(Arrived, frozen=True, tag="forbidden"):
    """Killed for a system call that no honest snippet makes. The kernel tells only that it was one; `call` is
    the last such that the snippet looked up by name, where it did.
    """

    call: str = ""


class TooLarge(Arrived, frozen=True, tag="too-large"):
    """More bytes than `limit` of `what`."""

    what: Literal["request", "stdout", "stderr", "frame", "result"]
    limit: int


class Crashed(Arrived, frozen=True, tag="crashed"):
    """Ended by a signal, or with a status without an answer, or by sending what is no frame; `detail` is for
    our log.
    """

    signal: int | None = None
    status: int | None = None
    detail: str = ""


Outcome = Finished | TimedOut | OutOfMemory | Forbidden | TooLarge | Crashed
