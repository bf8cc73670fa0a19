"""Frames: a length (unsigned 32 bits, little-endian) and that many bytes of msgpack.

Every frame is capped before its body is read and checked against a type when it arrives. Nothing is ever unpickled.
"""

import asyncio
import os
import struct
from typing import Final, TypeVar

import msgspec

_HEADER: Final = struct.Struct("<I")
_ENCODER: Final = msgspec.msgpack.Encoder()

T = TypeVar("T")


class FrameError(ValueError):
    """What arrived is not a frame we accept."""


class FrameTooLarge(FrameError):
    """A frame is larger than its limit; both in bytes."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"a frame of {size} bytes is over the limit of {limit} bytes: send less at once")
        self.size = size
        self.limit = limit


class FrameCut(FrameError):
    """The sender stopped in the middle of a frame."""


class FrameInvalid(FrameError):
    """A whole frame arrived, but it does not hold what was agreed."""


def encode(message: object) -> bytes:
    """The msgpack bytes of a Struct, without the length."""
    return _ENCODER.encode(message)


def decode(payload: bytes, decoder: msgspec.msgpack.Decoder[T]) -> T:
    """The typed value in a payload; raises FrameInvalid, also for hostile nesting."""
    try:
        return decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise FrameInvalid(f"a frame of {len(payload)} bytes does not fit its schema: {error}") from error


def frame(payload: bytes, limit: int) -> bytes:
    """The payload with its length before it; raises FrameTooLarge."""
    _check(len(payload), limit)
    return _HEADER.pack(len(payload)) + payload


class FrameBuffer:
    """Takes bytes as they come and gives whole payloads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that `data` completes, in order; raises FrameTooLarge as soon as a length is over the limit."""
        self._bytes += data
        payloads: list[bytes] = []
        start = 0
        while (end := self._end(start)) is not None:
            payloads.append(bytes(self._bytes[start + _HEADER.size : end]))
            start = end
        del self._bytes[:start]
        return payloads

    def _end(self, start: int) -> int | None:
        if len(self._bytes) - start < _HEADER.size:
            return None
        (size,) = _HEADER.unpack_from(self._bytes, start)
        _check(size, self._limit)
        end = start + _HEADER.size + size
        return end if end <= len(self._bytes) else None


def write_frame(descriptor: int, payload: bytes, limit: int) -> None:
    """Writes one frame to a blocking descriptor; raises FrameTooLarge, OSError."""
    left = memoryview(frame(payload, limit))
    while left:
        left = left[os.write(descriptor, left) :]


def read_frame(descriptor: int, limit: int) -> bytes | None:
    """Reads one frame from a blocking descriptor, None at a clean end; raises FrameTooLarge, FrameCut, OSError."""
    header = _read_exactly(descriptor, _HEADER.size)
    if not header:
        return None
    (size,) = _HEADER.unpack(_whole(header, _HEADER.size))
    _check(size, limit)
    return _whole(_read_exactly(descriptor, size), size)


async def send_frame(writer: asyncio.StreamWriter, payload: bytes, limit: int) -> None:
    """Writes one frame to a stream and waits until its buffer has room; raises FrameTooLarge, ConnectionError."""
    writer.write(frame(payload, limit))
    await writer.drain()


async def receive_frame(reader: asyncio.StreamReader, limit: int) -> bytes | None:
    """Reads one frame from a stream, None at a clean end; raises FrameTooLarge, FrameCut, ConnectionError."""
    try:
        (size,) = _HEADER.unpack(await reader.readexactly(_HEADER.size))
        _check(size, limit)
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        if not error.partial and error.expected == _HEADER.size:
            return None
        raise FrameCut(f"the stream ended {error.expected} bytes before the frame did") from error


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise FrameTooLarge(size, limit)


def _whole(data: bytes, size: int) -> bytes:
    if len(data) < size:
        raise FrameCut(f"the stream ended after {len(data)} of {size} bytes")
    return data


def _read_exactly(descriptor: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (piece := os.read(descriptor, min(size - len(data), 1 << 20))):
        data += piece
    return bytes(data)
