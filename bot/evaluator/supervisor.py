"""Runs snippets: one locked child each, as many at a time as there are cores, the rest in a bounded queue."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from bot.evaluator import orders, selfcheck
from bot.evaluator.child import Child, ForkRefused
from bot.evaluator.cores import cores
from bot.evaluator.frames import decode
from bot.evaluator.limits import MIB, Limits
from bot.evaluator.outcomes import Crashed, Finished, Outcome, TooLarge
from bot.evaluator.preloads import STDLIB, TORCH
from bot.evaluator.snippet_run import SnippetRun
from bot.evaluator.zygote_keeper import Wear, ZygoteKeeper
from bot.evaluator.zygote_process import ZygoteFailed, ZygoteProcess

_TORCH_FACTS: Final = "bot.evaluator.torch_facts"
_PROBES: Final = msgspec.msgpack.Decoder(selfcheck.Probes)
_TRIES: Final = 2


class QueueFull(RuntimeError):
    """As many jobs wait as may."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} jobs are waiting already: try again in a moment")
        self.waiting = waiting


class JailBroken(RuntimeError):
    """A locked child could do what it must not, so no stranger's code may run here; `probes` where it finished them."""

    def __init__(self, what: str, probes: selfcheck.Probes | None = None) -> None:
        super().__init__(what)
        self.probes = probes


def snippet_settings(preload: tuple[str, ...] = (), *, landlock: bool = True) -> orders.ZygoteSettings:
    """A zygote with torch, numpy and the usual part of the standard library, and the modules that the entries
    live in.
    """
    return orders.ZygoteSettings(
        preload=(*STDLIB, *TORCH, selfcheck.__name__, *preload),
        warm_up=f"{_TORCH_FACTS}:warm_up",
        prepare=f"{_TORCH_FACTS}:prepare",
        rehearse=f"{_TORCH_FACTS}:rehearse",
        landlock=landlock,
    )


class Evaluator:
    """Snippet jobs.

    `limits`: of every job that names none. `at_once`: jobs that run at a time; None for one per core. `prefork`: locked
    children kept waiting; None for one more than run at once. `queue`: jobs that may wait. `wear`: when the zygote is
    replaced.
    """

    def __init__(
        self,
        settings: orders.ZygoteSettings,
        *,
        limits: Limits | None = None,
        at_once: int | None = None,
        prefork: int | None = None,
        queue: int = 64,
        wear: Wear | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._at_once = at_once or cores()
        self._prefork = self._at_once + 1 if prefork is None else prefork
        self._queue = queue
        self._waiting = 0
        self._slots = asyncio.Semaphore(self._at_once)
        self._keeper = ZygoteKeeper(settings, wear or Wear(forks=500), self._check)
        self._probes: selfcheck.Probes | None = None
        self._spare: deque[tuple[ZygoteProcess, Child]] = deque()
        self._refilling: asyncio.Task[None] | None = None

    async def start(self) -> selfcheck.Probes:
        """Starts the zygote (seconds) and probes a locked child; raises ZygoteFailed, JailBroken."""
        await self._keeper.start()
        self._refill()
        assert self._probes is not None
        return self._probes

    @property
    def waiting(self) -> int:
        """Jobs in the queue: the position of a job that would come now, if no slot is free."""
        return self._waiting

    async def refilled(self) -> None:
        """Until as many locked children wait as should."""
        if self._refilling is not None:
            await asyncio.shield(self._refilling)

    async def run(
        self,
        entry: str,
        request: bytes,
        *,
        limits: Limits | None = None,
        on_frame: Callable[[bytes], None] | None = None,
        on_lost: Callable[[], None] | None = None,
    ) -> Outcome:
        """Calls `entry(request, emit)` in a fresh locked child.

        Each emitted payload goes to `on_frame` as it arrives, on the event loop; what that raises is raised here.
        Where the zygote dies under the child, `on_lost` is called, frames until then count no more, and the job runs
        once more. Cancelling kills the child. Raises QueueFull; every end of the child itself is an Outcome.
        """
        held = limits or self.limits
        if len(request) > held.request_bytes:
            return TooLarge(what="request", limit=held.request_bytes)
        async with self._slot():
            return await self._run(orders.Job(entry, request), held, on_frame, on_lost or _nothing)

    async def close(self) -> None:
        """Kills every child and the zygote."""
        if self._refilling is not None:
            self._refilling.cancel()
            await asyncio.gather(self._refilling, return_exceptions=True)
        for _zygote, child in self._spare:
            child.discard()
        self._spare.clear()
        await self._keeper.close()

    async def _check(self, zygote: ZygoteProcess) -> None:
        """Raises JailBroken where a child of the zygote can do what it must not."""
        too_many_bytes = (self.limits.memory_mb + 64) * MIB
        job = orders.Job(selfcheck.PROBE_ENTRY, str(too_many_bytes).encode())
        child = await zygote.fork_snippet(self.limits)
        zygote.arm(child, self.limits.wall_seconds)
        outcome = await SnippetRun(child, self.limits, None).outcome(job)
        if not isinstance(outcome, Finished):
            raise JailBroken(f"the self-check did not finish: {outcome}")
        self._probes = decode(outcome.frames[0], _PROBES)
        if self._probes.broken:
            raise JailBroken(f"a locked child could {', '.join(self._probes.broken)}", self._probes)

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        if self._slots.locked() and self._waiting >= self._queue:
            raise QueueFull(self._waiting)
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    async def _run(
        self, job: orders.Job, limits: Limits, on_frame: Callable[[bytes], None] | None, on_lost: Callable[[], None]
    ) -> Outcome:
        trouble = ""
        for _try in range(_TRIES):  # a zygote's death costs a second try, not the job
            try:
                zygote, child = await self._take(limits)
                zygote.arm(child, limits.wall_seconds)
                self._refill()
                return await SnippetRun(child, limits, on_frame).outcome(job)
            except (ZygoteFailed, ForkRefused) as error:
                trouble = str(error)
                on_lost()
        return Crashed(detail=f"no child lived as long as its job: {trouble}")

    async def _take(self, limits: Limits) -> tuple[ZygoteProcess, Child]:
        while limits == self.limits and self._spare:
            zygote, child = self._spare.popleft()
            if self._keeper.is_current(zygote) and child.is_waiting:
                return zygote, child
            child.discard()
        zygote = await self._keeper.current()
        return zygote, await zygote.fork_snippet(limits)

    def _refill(self) -> None:
        if self._refilling is None or self._refilling.done():
            self._refilling = asyncio.create_task(self._fork_spares())

    async def _fork_spares(self) -> None:
        """One after another: a fork takes a core from the answers under way."""
        while len(self._spare) < self._prefork:
            try:
                zygote = await self._keeper.current()
                child = await zygote.fork_snippet(self.limits)
            except (ZygoteFailed, ForkRefused):  # the next job forks its own child, and tries this again
                return
            try:
                await child.prepared()
            except BaseException:
                child.discard()
                raise
            self._spare.append((zygote, child))


def _nothing() -> None:
    """There is nothing to take back."""
