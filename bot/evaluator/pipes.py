"""The supervisor's ends of a child's pipes: read and written by the event loop, never blocking it."""

import asyncio
import contextlib
import fcntl
import os
import struct
import termios
from collections.abc import Callable
from typing import Final

_COUNT: Final = struct.Struct("@i")
_PIPE_BYTES: Final = 1 << 20


class PipeReader:
    """Hands what arrives to `take`, on the event loop, until the end of the pipe; then calls `ended` where
    there is one.
    """

    def __init__(self, descriptor: int, take: Callable[[bytes], None], ended: Callable[[], None] | None = None) -> None:
        self._descriptor = descriptor
        self._take = take
        self._ended = ended
        self._open = True
        self._loop = asyncio.get_running_loop()
        os.set_blocking(descriptor, False)
        self._loop.add_reader(descriptor, self._read_once)

    def drain(self) -> None:
        """Takes what is there now, without waiting for more than one pipe's worth."""
        for _ in range(_PIPE_BYTES // 4096):
            if not self._read_once():
                return

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)

    def _read_once(self) -> bool:
        if not self._open:
            return False
        try:
            data = os.read(self._descriptor, _held(self._descriptor) or 1)
        except BlockingIOError:
            return False
        if data:
            self._take(data)
        else:
            self.close()
            if self._ended is not None:
                self._ended()
        return bool(data)


class PipeWriter:
    """Writes what it is given, in order, as the other side reads; a reader that is gone is no error here."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._left = bytearray()
        self._open = True
        self._closing = False
        self._waiting = False
        self._loop = asyncio.get_running_loop()
        os.set_blocking(descriptor, False)

    def write(self, data: bytes) -> None:
        self._left += data
        self._flush()

    def close_after(self) -> None:
        """Closes once everything is written."""
        self._closing = True
        self._flush()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._watch(False)
            os.close(self._descriptor)

    def _flush(self) -> None:
        try:
            while self._open and self._left:
                del self._left[: os.write(self._descriptor, self._left)]
        except BlockingIOError:
            self._watch(True)
            return
        except BrokenPipeError:
            self.close()
            return
        self._watch(False)
        if self._closing:
            self.close()

    def _watch(self, wanted: bool) -> None:
        if wanted != self._waiting:
            self._waiting = wanted
            if wanted:
                self._loop.add_writer(self._descriptor, self._flush)
            else:
                self._loop.remove_writer(self._descriptor)


def _held(descriptor: int) -> int:
    """Bytes in a pipe now. Reading asks for just these: each larger request, shrunk afterwards, leaves the allocator a
    heap with larger gaps.
    """
    (count,) = _COUNT.unpack(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(_COUNT.size)))
    return count


def wide_pipe() -> tuple[int, int]:
    """A pipe (read end, write end) with a larger buffer where the kernel grants one: fewer switches for large
    frames.
    """
    read_end, write_end = os.pipe()
    with contextlib.suppress(PermissionError):
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return read_end, write_end
