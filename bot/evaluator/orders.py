"""What the supervisor and its processes say to each other.

Orders and reports cross a SOCK_SEQPACKET socket, one message each, with descriptors beside them; jobs and what they
emit cross pipes as frames.
"""

from typing import Final

import msgspec

from bot.evaluator.limits import ExplainerLimits, Limits

MESSAGE_BYTES: Final = 64 * 1024
"""The longest order or report."""

ENVELOPE_BYTES: Final = 1024
"""What a message adds to the payload it carries, at most."""

# exit statuses of our own children; a snippet may forge them, which only misnames its own end
EXIT_JAIL: Final = 111
EXIT_RAISED: Final = 112
EXIT_MEMORY: Final = 113


class ZygoteSettings(msgspec.Struct, frozen=True, tag="settings"):
    """How a zygote prepares itself.

    `preload`: modules to import, once, before anything is dropped or forked: what a locked child may import.
    `warm_up`: `module:function` called in the zygote before the first fork; empty for a zygote whose modules must
    not run yet.
    `prepare`: `module:function` called in every child after it is locked, before its job; empty for none.
    `rehearse`: `module:function` called before that in a child whose job does not come at once; empty for none.
    `readable`: folders and files that a child may read besides the libraries; only where Landlock can hold it to them.
    `python_path`: folders put before `sys.path`.
    `landlock`: False has the children do without Landlock as if the kernel had none, and so without any file.
    `user`: numeric user and group that a zygote started as root becomes.
    """

    preload: tuple[str, ...] = ()
    warm_up: str = ""
    prepare: str = ""
    rehearse: str = ""
    readable: tuple[str, ...] = ()
    python_path: tuple[str, ...] = ()
    landlock: bool = True
    user: int = 65534


class ForkSnippet(msgspec.Struct, frozen=True, tag="snippet"):
    """Fork a child for one job. Descriptors: request to read, stdout, stderr and result to write."""

    child: int
    limits: Limits


class ForkExplainer(msgspec.Struct, frozen=True, tag="explainer"):
    """Fork a process that serves `entry` after calling `warm_up` (empty for none). Descriptors as for a snippet."""

    child: int
    entry: str
    warm_up: str
    limits: ExplainerLimits


class Arm(msgspec.Struct, frozen=True, tag="arm"):
    """Kill the child `seconds` from now, in case the supervisor does not."""

    child: int
    seconds: float


Order = ForkSnippet | ForkExplainer | Arm


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The zygote serves: its user, threads (must be 1), the Landlock version in use (0: none) and mapped bytes."""

    user: int
    threads: int
    landlock: int
    mapped_bytes: int


class Unable(msgspec.Struct, frozen=True, tag="unable"):
    """The zygote could not prepare itself, or met an error while serving; it ends or goes on by itself."""

    reason: str


class Forked(msgspec.Struct, frozen=True, tag="forked"):
    """The child exists; its pidfd comes along."""

    child: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The order could not be carried out."""

    child: int
    reason: str


class Exited(msgspec.Struct, frozen=True, tag="exited"):
    """The child was reaped. `code` is the exit status, or the negative number of the signal that ended it."""

    child: int
    code: int
    cpu_seconds: float


Report = Ready | Unable | Forked | Refused | Exited


class Job(msgspec.Struct, frozen=True, tag="job"):
    """What a snippet child is to do: call `entry(request, emit)`."""

    entry: str
    request: bytes


class Prepared(msgspec.Struct, frozen=True, tag="prepared"):
    """The child is locked in; its job may come."""


class Emitted(msgspec.Struct, frozen=True, tag="emitted"):
    payload: bytes


class Calling(msgspec.Struct, frozen=True, tag="calling"):
    """The job looked up a system call that is its end; for words only."""

    name: str


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The entry returned: nothing follows."""


FromSnippet = Prepared | Emitted | Calling | Ended


class Warm(msgspec.Struct, frozen=True, tag="warm"):
    """The explainer is locked, warmed up and serving."""


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    payload: bytes


class Raised(msgspec.Struct, frozen=True, tag="raised"):
    """The explainer's entry raised; the process goes on serving. `traceback` is for our log."""

    traceback: str


FromExplainer = Warm | Answered | Raised
