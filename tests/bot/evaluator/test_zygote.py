"""The zygote itself, spoken to by hand: what it does with orders that are wrong, and its own clock."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from bot.evaluator import orders
from bot.evaluator.frames import FrameBuffer, encode, frame
from bot.evaluator.limits import Limits

FOLDER = Path(__file__).parent
BOOT = "import sys; sys.path.insert(0, sys.argv[2]); from bot.evaluator.zygote import main; main(int(sys.argv[1]))"
DECODER = msgspec.msgpack.Decoder(orders.Report)


@pytest.fixture
def control() -> Iterator[socket.socket]:
    """Of a zygote that is ready."""
    with zygote() as (ours, ready):
        assert ready.threads == 1
        assert ready.user == (os.getuid() or 65534)
        yield ours


@contextmanager
def zygote(warm_up: str = "") -> Generator[tuple[socket.socket, orders.Ready]]:
    """Its control socket, and what it said when it was ready."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    ours.settimeout(60)
    command = [sys.executable, "-I", "-c", BOOT, str(theirs.fileno()), str(FOLDER.parents[2])]
    with ours, subprocess.Popen(command, pass_fds=[theirs.fileno()], env={}, cwd="/") as process:
        theirs.close()
        settings = orders.ZygoteSettings(preload=("plain_jobs",), warm_up=warm_up, python_path=(str(FOLDER),))
        ours.send(encode(settings))
        ready = report(ours)
        assert isinstance(ready, orders.Ready)
        yield ours, ready
        ours.close()
        assert process.wait(60) == 0  # it ends by itself when nobody orders any more


def report(control: socket.socket) -> orders.Report:
    message, descriptors, _flags, _address = socket.recv_fds(control, orders.MESSAGE_BYTES, 1)
    for descriptor in descriptors:
        os.close(descriptor)
    return DECODER.decode(message)


def fork(control: socket.socket, child: int) -> tuple[int, int]:
    """Our ends of the request's and the result's pipe."""
    request_read, request_write = os.pipe()
    result_read, result_write = os.pipe()
    null = os.open(os.devnull, os.O_WRONLY)
    order = encode(orders.ForkSnippet(child, Limits()))
    socket.send_fds(control, [order], [request_read, null, null, result_write])
    for descriptor in (request_read, result_write, null):
        os.close(descriptor)
    assert report(control) == orders.Forked(child)
    return request_write, result_read


def test_it_survives_every_wrong_order(control: socket.socket) -> None:
    for wrong in (b"\xc1", b"x" * (orders.MESSAGE_BYTES + 1), encode(orders.Refused(1, "")), encode([1])):
        control.send(wrong)
        assert isinstance(report(control), orders.Unable)
    control.send(encode(orders.ForkSnippet(1, Limits())))  # without descriptors
    assert isinstance(report(control), orders.Refused)
    control.send(encode(orders.Arm(99, 1)))  # a child that is gone is no error
    request, result = fork(control, 2)
    os.write(request, frame(encode(orders.Job("plain_jobs:echo", b"still there")), 1000))
    assert report(control) == orders.Exited(2, 0, pytest.approx(0, abs=1))  # pyright: ignore[reportArgumentType] - an approximate stands for the float
    payloads = FrameBuffer(1000).feed(os.read(result, 1000))
    assert payloads == list(map(encode, (orders.Prepared(), orders.Emitted(b"still there"), orders.Ended())))
    os.close(request)
    os.close(result)


def test_with_a_second_thread_it_forks_nothing_and_says_that_it_is_unfit() -> None:
    """A fork copies one thread, and what the other held stays locked for ever."""
    with zygote("plain_jobs:start_a_thread") as (control, ready):
        assert ready.threads == 2
        null = os.open(os.devnull, os.O_RDWR)
        socket.send_fds(control, [encode(orders.ForkSnippet(1, Limits()))], [null] * 4)
        os.close(null)
        refused, unable = report(control), report(control)
        assert isinstance(refused, orders.Refused)
        assert "2 threads" in refused.reason
        assert isinstance(unable, orders.Unable), "which has it replaced"


def test_it_kills_a_child_that_the_supervisor_forgot(control: socket.socket) -> None:
    request, result = fork(control, 1)
    control.send(encode(orders.Arm(1, 0.1)))
    exited = report(control)
    assert isinstance(exited, orders.Exited)
    assert exited.code == -signal.SIGKILL
    os.close(request)
    os.close(result)


def test_a_child_that_is_not_needed_ends_quietly(control: socket.socket) -> None:
    request, result = fork(control, 1)
    os.close(request)
    exited = report(control)
    assert isinstance(exited, orders.Exited)
    assert exited.code == 0
    assert FrameBuffer(1000).feed(os.read(result, 1000)) == [encode(orders.Prepared())]
    assert os.read(result, 10) == b""
    os.close(result)
