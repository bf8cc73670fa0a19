import asyncio
import os

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.evaluator import frames

payloads = st.lists(st.binary(max_size=200), max_size=8)


@given(payloads, st.data())
def test_payloads_come_out_as_they_went_in_however_the_bytes_are_cut(sent: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frames.frame(payload, 200) for payload in sent)
    buffer, received = frames.FrameBuffer(200), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        received += buffer.feed(stream[:size])
        stream = stream[size:]
    assert received == sent


@given(st.integers(11, 2**32 - 1))
def test_a_length_over_the_limit_is_refused_before_its_body(size: int) -> None:
    with pytest.raises(frames.FrameTooLarge) as refusal:
        frames.FrameBuffer(10).feed(size.to_bytes(4, "little"))
    assert (refusal.value.size, refusal.value.limit) == (size, 10)


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused_by_one_error(data: bytes) -> None:
    class Point(msgspec.Struct):
        x: int

    try:
        point = frames.decode(data, msgspec.msgpack.Decoder(Point))
    except frames.FrameInvalid:
        return
    assert isinstance(point.x, int)


def test_hostile_nesting_is_refused() -> None:
    with pytest.raises(frames.FrameInvalid):
        frames.decode(b"\x91" * 100_000, msgspec.msgpack.Decoder())


def test_descriptors() -> None:
    read_end, write_end = os.pipe()
    frames.write_frame(write_end, b"one", 10)
    frames.write_frame(write_end, b"", 10)
    os.write(write_end, b"\x05\x00\x00\x00ab")
    os.close(write_end)
    assert [frames.read_frame(read_end, 10) for _ in range(2)] == [b"one", b""]
    with pytest.raises(frames.FrameCut):
        frames.read_frame(read_end, 10)
    assert frames.read_frame(read_end, 10) is None
    os.close(read_end)


async def test_streams() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(frames.frame(b"one", 10) + b"\x05\x00\x00\x00ab")
    reader.feed_eof()
    assert await frames.receive_frame(reader, 10) == b"one"
    with pytest.raises(frames.FrameCut):
        await frames.receive_frame(reader, 10)
    assert await frames.receive_frame(reader, 10) is None


async def test_a_stream_refuses_a_frame_over_the_limit() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(frames.frame(b"x" * 11, 11))
    with pytest.raises(frames.FrameTooLarge):
        await frames.receive_frame(reader, 10)


def test_sending_over_the_limit_is_refused() -> None:
    with pytest.raises(frames.FrameTooLarge):
        frames.frame(b"x" * 11, 10)
