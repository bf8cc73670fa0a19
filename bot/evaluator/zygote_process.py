"""The supervisor's handle on one zygote process."""

import asyncio
import contextlib
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import msgspec

from bot.evaluator import orders
from bot.evaluator.child import Child, ForkRefused
from bot.evaluator.frames import FrameError, decode, encode
from bot.evaluator.limits import MIB, ExplainerLimits, Limits

ENVIRONMENT: Final = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * MIB),
    "MALLOC_TRIM_THRESHOLD_": str(256 * MIB),
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
}
"""All that a zygote is started with: one thread for each numeric library, freed memory kept for the next answer (given
back, it costs a page fault for every 4 KiB of a picture), and nothing of ours."""

START_SECONDS: Final = 120.0
FORK_SECONDS: Final = 10.0
_BOOT: Final = (
    "import sys; sys.path.insert(0, sys.argv[2]); from bot.evaluator.zygote import main; main(int(sys.argv[1]))"
)
_ROOT: Final = Path(__file__).resolve().parents[2]
_SEND_BUFFER: Final = 1 << 20


class ZygoteFailed(RuntimeError):
    """The zygote did not start, died, or did not answer."""


class ZygoteProcess:
    """A started zygote. `died` is done when it is gone, `faulty` is set when it met an error that it outlived; `ready`
    is what it said of itself; `forks` counts its children.
    """

    ready: orders.Ready

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self.died: asyncio.Future[None] = loop.create_future()
        self.faulty = asyncio.Event()
        self.forks = 0
        self.last_trouble = ""
        self._process = process
        self._control = control
        self._children: dict[int, Child] = {}
        self._numbers = itertools.count(1)
        self._reports = msgspec.msgpack.Decoder(orders.Report)
        self._greeting: asyncio.Future[orders.Ready] = loop.create_future()
        self._retired = False
        loop.add_reader(control, self._receive)

    @classmethod
    async def start(cls, settings: orders.ZygoteSettings) -> Self:
        """Starts a zygote and waits until it has imported and warmed up (seconds); raises ZygoteFailed."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        with theirs:
            zygote = cls(await _execute(theirs), ours)
        try:
            zygote._send(settings)
            async with asyncio.timeout(START_SECONDS):
                zygote.ready = await zygote._greeting
        except TimeoutError:
            await zygote.close()
            raise ZygoteFailed(f"the zygote was not ready after {START_SECONDS:g} s") from None
        except BaseException:
            await zygote.close()
            raise
        return zygote

    @property
    def alive(self) -> bool:
        return not self.died.done()

    @property
    def children(self) -> int:
        return len(self._children)

    async def fork_snippet(self, limits: Limits) -> Child:
        """A child that locks itself in and waits for its job; raises ForkRefused, ZygoteFailed."""
        return await self._fork(lambda number: orders.ForkSnippet(number, limits))

    async def fork_explainer(self, entry: str, warm_up: str, limits: ExplainerLimits) -> Child:
        """A process that locks itself in, warms up and serves `entry`; raises ForkRefused, ZygoteFailed."""
        return await self._fork(lambda number: orders.ForkExplainer(number, entry, warm_up, limits))

    def arm(self, child: Child, seconds: float) -> None:
        """Has the zygote kill the child too, a little after its deadline."""
        with contextlib.suppress(ZygoteFailed):  # then the child is lost with it, and whoever waits for it is told
            self._send(orders.Arm(child.number, seconds))

    def retire(self) -> None:
        """Ends once its last child has ended."""
        self._retired = True
        self._end_if_retired()

    async def close(self) -> None:
        """Kills it, and by that its children, and waits until it is reaped."""
        self._lose("the zygote was closed")
        await self._process.wait()

    async def _fork(self, order: Callable[[int], orders.Order]) -> Child:
        child, theirs = Child.with_pipes(next(self._numbers))
        self._children[child.number] = child
        self.forks += 1
        try:
            self._send(order(child.number), theirs)
            async with asyncio.timeout(FORK_SECONDS):
                await child.forked
        except TimeoutError:
            child.discard()
            self._lose(f"the zygote did not fork within {FORK_SECONDS:g} s")
            raise ZygoteFailed(f"the zygote did not fork within {FORK_SECONDS:g} s") from None
        except BaseException:
            child.discard()
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return child

    def _send(self, message: object, descriptors: tuple[int, ...] = ()) -> None:
        try:
            if not self.alive:
                raise ZygoteFailed("the zygote is gone")
            socket.send_fds(self._control, [encode(message)], descriptors)
        except OSError as error:  # also when its buffer is full: then it has hung
            self._lose(f"the zygote takes no orders: {error}")
            raise ZygoteFailed(f"the zygote takes no orders: {error}") from error

    def _receive(self) -> None:
        try:
            message, descriptors, _flags, _address = socket.recv_fds(self._control, orders.MESSAGE_BYTES, 1)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(f"the zygote is gone: {error}")
            return
        try:
            self._handle(decode(message, self._reports) if message else None, descriptors)
        except (FrameError, LookupError, asyncio.InvalidStateError) as error:
            for descriptor in descriptors:
                os.close(descriptor)
            self._lose(f"the zygote sent nonsense: {error}")

    def _handle(self, report: orders.Report | None, descriptors: list[int]) -> None:
        match report:
            case None:
                self._lose(f"the zygote died {self.last_trouble}".rstrip())
            case orders.Ready():
                self._greeting.set_result(report)
            case orders.Unable(reason):
                self.last_trouble = reason
                self.faulty.set()
                if not self._greeting.done():
                    self._greeting.set_exception(ZygoteFailed(reason))
            case orders.Forked(number):
                self._children[number].was_born(descriptors[0])
            case orders.Refused(number, reason):
                self._children.pop(number).was_lost(ForkRefused(reason))
            case orders.Exited(number):
                self._children.pop(number).was_reaped(report)
                self._end_if_retired()

    def _lose(self, reason: str) -> None:
        """Kills it, if it is not dead yet, and tells everybody who waits."""
        if not self.alive:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        self.died.set_result(None)
        failure = ZygoteFailed(reason)
        if not self._greeting.done():
            self._greeting.set_exception(failure)
            self._greeting.exception()
        for child in self._children.values():
            child.was_lost(failure)
        self._children.clear()

    def _end_if_retired(self) -> None:
        if self._retired and not self._children:
            self._lose("the zygote was retired")


async def _execute(control: socket.socket) -> asyncio.subprocess.Process:
    """Started from the loop's own thread: the kernel's death signal belongs to the thread that forked."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", _BOOT, str(control.fileno()), str(_ROOT)),
        pass_fds=[control.fileno()],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
