"""How a forked child locks itself in, before it has read one byte of a request.

The layers go on in a fixed order, each a function of the Jail; each stops something by itself, and what one misses
another holds. What a locked snippet can still do: compute, in one thread, within its memory and CPU time; read the
libraries' folders where Landlock holds it to them (otherwise open nothing at all); ask the kernel for the time and
about itself; write to its three pipes. It has no environment, no network, no other process to signal, and no
descriptor but four.
"""

import fcntl
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.evaluator import kernel, landlock, seccomp
from bot.evaluator.limits import MIB
from bot.evaluator.syscalls import architecture

REQUEST, STDOUT, STDERR, RESULT = range(4)
_RULESET: Final = 4
_OUT_OF_THE_WAY: Final = 16
_ALL: Final = 0xFFFFFFFF


class JailFailed(RuntimeError):
    """A layer could not be put on: the process must end without doing anything."""


@dataclass(frozen=True)
class AddressSpace:
    """Mapped bytes of this process: all of it, and its data."""

    size: int
    data: int


@dataclass(frozen=True)
class Jail:
    """What one child is held to.

    `parent`: the process whose death ends the child. `base`: what the zygote had mapped when it forked; `memory_mb`
    comes on top. `cpu_seconds`: None for no limit. `ruleset`: a Landlock descriptor, None where there is no
    Landlock.
    """

    parent: int
    base: AddressSpace
    memory_mb: int
    cpu_seconds: int | None
    descriptors: tuple[int, int, int, int]
    ruleset: int | None
    filter: seccomp.Filter
    threads: bool


def lock_in(jail: Jail) -> None:
    """Puts every layer on the calling process; raises JailFailed naming the layer that could not be put on."""
    for layer in LAYERS:
        try:
            layer(jail)
        except (OSError, ValueError) as error:
            raise JailFailed(f"{layer.__name__}: {error}") from error


def own_session(_jail: Jail) -> None:
    """No terminal, and no process group shared with anyone."""
    os.setsid()


def own_descriptors(jail: Jail) -> None:
    """Keeps the request, stdout, stderr, the result and for a moment the ruleset; closes every other descriptor."""
    kept = [*jail.descriptors, *([] if jail.ruleset is None else [jail.ruleset])]
    # first out of the way, so that no target is overwritten before it was copied
    copies = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY) for descriptor in kept]
    for target, copy in enumerate(copies):
        os.dup2(copy, target, inheritable=False)
    _close_from(len(kept))


def no_environment(_jail: Jail) -> None:
    """Nothing to read in the environment, not even what the zygote was started with."""
    os.environ.clear()


def resource_limits(jail: Jail) -> None:
    """Memory, CPU time, and no core dump, file, message queue, locked memory, process; for good, as hard limits."""
    megabytes = jail.memory_mb * MIB
    _limit(resource.RLIMIT_AS, jail.base.size + megabytes)
    _limit(resource.RLIMIT_DATA, jail.base.data + megabytes)
    for nothing in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE):
        _limit(nothing, 0)
    _limit(resource.RLIMIT_SIGPENDING, 16)
    _limit(resource.RLIMIT_NOFILE, 32 if jail.ruleset is not None or jail.threads else RESULT + 1)
    if not jail.threads:  # the kernel counts a user's threads over the whole machine: a number above 0 would be luck
        _limit(resource.RLIMIT_NPROC, 0)
    if jail.cpu_seconds is not None:
        # SIGXCPU first, which tells the limit from the kernel's lack of memory; SIGKILL for whoever catches that
        resource.setrlimit(resource.RLIMIT_CPU, (jail.cpu_seconds, jail.cpu_seconds + 1))


def die_with_parent(jail: Jail) -> None:
    """Killed when the zygote dies; closed to ptrace and to readers of /proc by processes of the same user."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != jail.parent:
        raise JailFailed("the zygote died before its child was locked")
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)


def no_new_privileges(_jail: Jail) -> None:
    """No set-user-id program gives anything back; the kernel asks for this before the next two layers."""
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)


def files(jail: Jail) -> None:
    """Landlock, where the kernel has it."""
    if jail.ruleset is not None:
        landlock.restrict(_RULESET)
        os.close(_RULESET)


def system_calls(jail: Jail) -> None:
    """The default-deny filter; last, because it refuses what the other layers needed."""
    seccomp.install(jail.filter)


LAYERS: Final[tuple[Callable[[Jail], None], ...]] = (
    own_session,
    own_descriptors,
    no_environment,
    resource_limits,
    die_with_parent,
    no_new_privileges,
    files,
    system_calls,
)


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))


def _close_from(first: int) -> None:
    try:
        kernel.syscall(architecture().numbers["close_range"], first, _ALL, 0)
    except OSError:  # before Linux 5.9, or hidden by an old engine's filter
        os.closerange(first, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
