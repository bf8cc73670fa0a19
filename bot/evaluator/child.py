"""The supervisor's handle on one forked child."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Final

from bot.evaluator import orders
from bot.evaluator.pipes import wide_pipe

_BEHIND: Final = 10


class ForkRefused(RuntimeError):
    """The zygote could not fork: the machine is out of processes or memory."""


class Child:
    """A child and our ends of its pipes. `exited` resolves when it was reaped, or fails when its zygote died."""

    def __init__(self, number: int, ends: tuple[int, int, int, int]) -> None:
        loop = asyncio.get_running_loop()
        self.number = number
        self.request, self.stdout, self.stderr, self.result = ends
        self.forked: asyncio.Future[None] = loop.create_future()
        self.exited: asyncio.Future[orders.Exited] = loop.create_future()
        self._watch: int | None = None
        self._killed = False

    @classmethod
    def with_pipes(cls, number: int) -> tuple["Child", tuple[int, int, int, int]]:
        """A child to be, and the four descriptors that go to it: request, stdout, stderr, result."""
        request_read, request_write = wide_pipe()
        stdout_read, stdout_write = os.pipe()
        stderr_read, stderr_write = os.pipe()
        result_read, result_write = wide_pipe()
        child = cls(number, (request_write, stdout_read, stderr_read, result_read))
        return child, (request_read, stdout_write, stderr_write, result_write)

    @property
    def is_waiting(self) -> bool:
        """Whether it is there and was not reaped or lost."""
        return self.forked.done() and not self.exited.done()

    async def prepared(self) -> None:
        """Until it is locked in, or has ended: either shows on the result's pipe."""
        loop = asyncio.get_running_loop()
        shown = asyncio.Event()
        loop.add_reader(self.result, shown.set)
        try:
            await shown.wait()
        finally:
            loop.remove_reader(self.result)

    def was_born(self, watch: int) -> None:
        """`watch` is its pidfd, ours from now on."""
        self._watch = watch
        if self._killed:
            self.kill()
        if not self.forked.done():
            self.forked.set_result(None)

    def was_reaped(self, report: orders.Exited) -> None:
        self._close_watch()
        if not self.exited.done():
            self.exited.set_result(report)

    def was_lost(self, error: Exception) -> None:
        """It was never forked, or its zygote died and the kernel kills it for that."""
        self._close_watch()
        for future in (self.forked, self.exited):
            if not future.done():
                future.set_exception(error)
                future.exception()  # seen: nobody need be waiting for it

    def kill(self) -> None:
        """SIGKILL, by descriptor: never another process that got the same number."""
        self._killed = True
        if self._watch is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._watch, signal.SIGKILL)

    def step_back(self) -> None:
        """Has others go first on a busy core: it took long, and priority can't be given back."""
        if self._watch is not None:
            with contextlib.suppress(OSError, ValueError):
                os.setpriority(os.PRIO_PROCESS, _process_of(self._watch), _BEHIND)

    def discard(self) -> None:
        """Ends a child whose pipes nobody took over."""
        self.kill()
        for end in (self.request, self.stdout, self.stderr, self.result):
            os.close(end)

    def _close_watch(self) -> None:
        if self._watch is not None:
            os.close(self._watch)
            self._watch = None


def _process_of(watch: int) -> int:
    """The number of the process behind a pidfd; raises OSError, and ValueError for one that was reaped."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/self/fdinfo/{watch}").read_text().splitlines())
    number = int(fields["Pid"])
    if number <= 0:
        raise ValueError("reaped, or in another namespace")
    return number
