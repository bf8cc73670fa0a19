"""How a zygote gets ready: import, drop what it can, and build what the jails of its children share."""

import contextlib
import gc
import importlib
import io
import os
import signal
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from bot.evaluator import huge_pages, kernel, landlock, namespaces, orders
from bot.evaluator.entries import call_hook
from bot.evaluator.jail import AddressSpace, Jail
from bot.evaluator.limits import ExplainerLimits, Limits
from bot.evaluator.seccomp import Filter, build_coarse_filter, build_filter, install

_OOM_SCORE: Final = b"800"


@dataclass(frozen=True)
class Cells:
    """What every jail of this zygote shares."""

    process: int
    base: AddressSpace
    ruleset: int | None
    snippet: Filter
    explainer: Filter

    def snippet_jail(self, limits: Limits, descriptors: tuple[int, int, int, int]) -> Jail:
        return self._jail(limits.memory_mb, limits.cpu_seconds, descriptors, self.snippet, threads=False)

    def explainer_jail(self, limits: ExplainerLimits, descriptors: tuple[int, int, int, int]) -> Jail:
        return self._jail(limits.memory_mb, None, descriptors, self.explainer, threads=True)

    def _jail(
        self, memory_mb: int, cpu: int | None, descriptors: tuple[int, int, int, int], filter_: Filter, *, threads: bool
    ) -> Jail:
        return Jail(self.process, self.base, memory_mb, cpu, descriptors, self.ruleset, filter_, threads)


def thread_count() -> int:
    """Threads of this process, also those that Python did not start."""
    return sum(1 for _thread in Path("/proc/self/task").iterdir())


def settle(settings: orders.ZygoteSettings) -> Cells:
    """Runs once, before the first fork; raises whatever an import, a hook or a kernel call raises."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    namespaces.separate()
    gc.disable()  # what is imported stays: looking through it again and again finds nothing
    with contextlib.suppress(OSError):  # a plus, not a wall: some containers mount /proc read-only
        Path("/proc/self/oom_score_adj").write_bytes(_OOM_SCORE)
    _import(settings)
    # paths are opened while they can be: the interpreter may lie in a folder that only root may enter
    ruleset = landlock.build_ruleset(_readable(settings)) if settings.landlock and landlock.abi() else None
    _drop(settings.user)
    gc.collect()
    gc.freeze()
    huge_pages.collapse()
    cells = Cells(
        os.getpid(),
        mapped(),
        ruleset,
        snippet=build_filter(opens=ruleset is not None, threads=False),
        explainer=build_filter(opens=True, threads=True),
    )
    _lock(settings)
    return cells


def _lock(settings: orders.ZygoteSettings) -> None:
    """The zygote's own lock, which its children inherit: what a mistake in theirs would let through ends here."""
    if settings.landlock and landlock.abi():
        landlock.restrict(landlock.build_ruleset([*_readable(settings), Path("/proc/self")]))
    install(build_coarse_filter())


def _import(settings: orders.ZygoteSettings) -> None:
    sys.path[:0] = settings.python_path
    for name in settings.preload:
        importlib.import_module(name)
    call_hook(settings.warm_up)
    for stream in (sys.stdout, sys.stderr):
        _make_robust(stream)


def _make_robust(stream: TextIO) -> None:
    # whatever a snippet prints must not raise, and must be in the pipe before a kill
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _readable(settings: orders.ZygoteSettings) -> list[Path]:
    libraries = {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
    return [*map(Path, sorted(libraries)), Path("/dev/urandom"), *map(Path, settings.readable)]


def _drop(user: int) -> None:
    """Becomes nobody, when started as root, and takes back nothing later; a change of user resets what is set
    after it.
    """
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    namespaces.drop_capabilities()
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)


def mapped() -> AddressSpace:
    """Mapped bytes of this process; statm counts pages: size, resident, shared, text, lib, data."""
    pages = [int(count) for count in Path("/proc/self/statm").read_text().split()]
    return AddressSpace(pages[0] * os.sysconf("SC_PAGE_SIZE"), pages[5] * os.sysconf("SC_PAGE_SIZE"))
