"""Bytes on the result's pipe that are no result. Each snippet sends one good frame, then the nonsense, then loops."""

import struct

import msgspec

from tests.attacks.attack import Attack


def framed(payload: bytes) -> bytes:
    """The payload behind its length, as the supervisor reads it."""
    return struct.pack("<I", len(payload)) + payload


def _nonsense(story: str, payload: bytes) -> Attack:
    source = f"import os; emit(b'before'); os.write(3, {framed(payload)!r})\nwhile True: pass"
    return Attack(story, source, ("status None",))


NONSENSE = {
    "not msgpack": _nonsense(
        "Sends bytes that stand for nothing, to confuse the reader; what can't be decoded ends the job.",
        b"\xc1\xc1\xc1",
    ),
    "wrong type": _nonsense(
        "Sends a list where a message should be; the schema is checked on arrival.",
        msgspec.msgpack.encode(["emitted", 1]),
    ),
    "unknown message": _nonsense(
        "Pretends to be a zygote that reports for duty; a snippet's pipe knows a snippet's messages only.",
        msgspec.msgpack.encode({"type": "ready", "user": 0}),
    ),
    "missing payload": _nonsense(
        "Leaves out what every result has, so that a default is taken; there is no default.",
        msgspec.msgpack.encode({"type": "emitted"}),
    ),
    "text for bytes": _nonsense(
        "Sends nothing in place of bytes, for a failure later on; the type of each field is checked.",
        b"\x82\xa4type\xa7emitted\xa7payload\xc0",
    ),
    "deep nesting": _nonsense(
        "Nests lists to overflow the reader's stack; the decoder counts the depth.",
        b"\x91" * 100_000,
    ),
    "a pickle": _nonsense(
        "Sends a pickle that runs a command where it is loaded; nothing is ever unpickled.",
        b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    ),
    "invalid UTF-8": _nonsense(
        "Names the message in broken text; text is checked as well.",
        b"\x82\xa4type\xa7emitt\xff\xfe\xa7payload\xc4\x00",
    ),
    "a number of a thousand digits": _nonsense(
        "Sends numbers as long as it can; in this format they have eight bytes, and are no message.",
        b"\xcf" * 1000,
    ),
    "JSON": _nonsense(
        "Speaks another language, hoping for a lenient reader; there is one format.",
        b'{"type": "emitted", "payload": ""}',
    ),
    "empty frame": _nonsense(
        "Sends a frame of no bytes, which a careless loop reads for ever; it ends the job.",
        b"",
    ),
}
