"""The zygote: a fresh interpreter that imports once, drops what it can, and from then on only forks.

It is exec'ed with an empty environment and without any secret, holds one thread (a fork copies only one), and never
runs a job itself. Everything that could fail in its loop is caught: a zygote that dies takes all waiting children
with it.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import time
from dataclasses import dataclass
from typing import Final

import msgspec

from bot.evaluator import landlock, orders
from bot.evaluator.explainer_process import live_as_explainer
from bot.evaluator.frames import FrameInvalid, decode, encode
from bot.evaluator.settling import Cells, settle, thread_count
from bot.evaluator.snippet_child import live_as_snippet

_GRACE_SECONDS: Final = 0.5
_NEVER: Final = float("inf")
_DESCRIPTORS: Final = 4


@dataclass
class _Child:
    number: int
    process: int
    deadline: float


class Zygote:
    """Forks locked children as ordered over its control socket, reaps them, and kills those past their deadline."""

    def __init__(self, control: socket.socket, settings: orders.ZygoteSettings, cells: Cells) -> None:
        self._control = control
        self._settings = settings
        self._cells = cells
        self._children: dict[int, _Child] = {}  # by pidfd
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._orders = msgspec.msgpack.Decoder(orders.Order)

    def serve(self) -> None:
        """Until the supervisor closes the control socket or is gone."""
        going_on = True
        while going_on:
            try:
                going_on = self._step()
            except (BrokenPipeError, ConnectionResetError):
                return
            except Exception as error:
                self._report(orders.Unable(f"{type(error).__name__}: {error}"))

    def _step(self) -> bool:
        for descriptor, _events in self._poll.poll(self._milliseconds_to_deadline()):
            if descriptor in self._children:
                self._reap(descriptor)
            elif not self._receive():
                return False
        self._kill_late()
        return True

    def _receive(self) -> bool:
        message, descriptors, flags, _address = socket.recv_fds(self._control, orders.MESSAGE_BYTES, _DESCRIPTORS)
        try:
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                raise FrameInvalid(f"an order over {orders.MESSAGE_BYTES} bytes or {_DESCRIPTORS} descriptors")
            if message:
                self._obey(decode(message, self._orders), descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return bool(message)

    def _obey(self, order: orders.Order, descriptors: list[int]) -> None:
        match order:
            case orders.Arm(child, seconds):
                self._arm(child, seconds)
            case orders.ForkSnippet() | orders.ForkExplainer():
                try:
                    self._fork(order, descriptors)
                except (OSError, ValueError) as error:  # EAGAIN, ENOMEM, missing descriptors
                    self._refuse(order.child, error)
                except RuntimeError as error:  # it will not become better: `serve` tells, and another takes our place
                    self._refuse(order.child, error)
                    raise

    def _refuse(self, child: int, error: Exception) -> None:
        self._report(orders.Refused(child, f"{type(error).__name__}: {error}"))

    def _fork(self, order: orders.ForkSnippet | orders.ForkExplainer, descriptors: list[int]) -> None:
        request, stdout, stderr, result = descriptors
        if (threads := thread_count()) != 1:
            raise RuntimeError(f"the zygote has {threads} threads, and a fork copies only one")
        process = os.fork()
        if process == 0:
            self._become(order, (request, stdout, stderr, result))
        watch = os.pidfd_open(process)
        self._children[watch] = _Child(order.child, process, _NEVER)
        self._poll.register(watch, select.POLLIN)
        socket.send_fds(self._control, [encode(orders.Forked(order.child))], [watch])

    def _become(self, order: orders.ForkSnippet | orders.ForkExplainer, descriptors: tuple[int, int, int, int]) -> None:
        try:
            gc.enable()
            match order:
                case orders.ForkSnippet():
                    cell = self._cells.snippet_jail(order.limits, descriptors)
                    live_as_snippet(cell, self._settings, order.limits)
                case orders.ForkExplainer():
                    live_as_explainer(self._cells.explainer_jail(order.limits, descriptors), order)
        finally:  # a child must never come back into the zygote's loop
            os._exit(orders.EXIT_RAISED)

    def _arm(self, number: int, seconds: float) -> None:
        for child in self._children.values():
            if child.number == number:
                child.deadline = time.monotonic() + seconds + _GRACE_SECONDS

    def _milliseconds_to_deadline(self) -> float | None:
        first = min((child.deadline for child in self._children.values()), default=_NEVER)
        return None if first == _NEVER else max(0.0, (first - time.monotonic()) * 1000 + 1)

    def _kill_late(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            if now >= child.deadline:
                child.deadline = _NEVER
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.process, signal.SIGKILL)

    def _reap(self, watch: int) -> None:
        child = self._children.pop(watch)
        self._poll.unregister(watch)
        os.close(watch)
        _process, status, usage = os.wait4(child.process, 0)
        code = os.waitstatus_to_exitcode(status)
        self._report(orders.Exited(child.number, code, usage.ru_utime + usage.ru_stime))

    def _report(self, report: orders.Report) -> None:
        self._control.send(encode(report))


def main(control_descriptor: int) -> None:
    """The body of the zygote's process; its first message is a ZygoteSettings."""
    control = socket.socket(fileno=control_descriptor)
    message = control.recv(orders.MESSAGE_BYTES)
    if not message:
        return
    try:
        settings = decode(message, msgspec.msgpack.Decoder(orders.ZygoteSettings))
        cells = settle(settings)
    except Exception as error:
        control.send(encode(orders.Unable(f"{type(error).__name__}: {error}")))
        raise SystemExit(1) from error
    version = landlock.abi() if settings.landlock else 0
    control.send(encode(orders.Ready(os.getuid(), thread_count(), version, cells.base.size)))
    Zygote(control, settings, cells).serve()
