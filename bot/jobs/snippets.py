"""Entries of jailed children: reading a message, running its program, and running it again with edits.

Each is `entry(request, emit)`. Nothing that a child emits after a stranger's code has run in it is trusted.
"""

import contextlib
import errno
import os
import re
import sys
from collections.abc import Callable
from typing import Final

import msgspec

from bot import reading
from bot.claims import printed
from bot.evaluator import torch_facts
from bot.evaluator.attempts import Attempts
from bot.evaluator.frames import decode, encode
from bot.evaluator.refusals import is_out_of_memory, refused_by_jail
from bot.exchange import Error
from bot.jobs import rehearsal
from bot.jobs.work import Edited, Message, Program, Ran, Replay, Room
from bot.reading.question import Question
from explainers import replay as replaying
from explainers.recording import Raised, Recording
from explainers.reruns import GraphRerun, RerunResult, SourceRerun
from explainers.tracing import record

Emit = Callable[[bytes], None]

SEED: Final = 0
_MESSAGES: Final = msgspec.msgpack.Decoder(Message)
_PROGRAMS: Final = msgspec.msgpack.Decoder(Program)
_REPLAYS: Final = msgspec.msgpack.Decoder(Replay)
_EDITED: Final = msgspec.msgpack.Decoder(Edited)
_RAN: Final = msgspec.msgpack.Decoder(Ran)
_RECORDINGS: Final = msgspec.msgpack.Decoder(Recording)
_USUAL: Final = "import torch, torch.nn as nn, torch.nn.functional as F\n"
_ERRNO: Final = re.compile(r"\[Errno (-?\d+)\]")


def warm_up() -> None:
    """Runs in the zygote: what torch, reading and tracing do for the first time is done once for all children."""
    torch_facts.warm_up()
    reading.warm()
    record("loss = nn.CrossEntropyLoss()(torch.ones(1, 3), torch.tensor([0]))\nprint(loss)\nloss")


def rehearse() -> None:
    """Runs in a locked child while it waits: does once what jobs do, so that what they write to is its own already."""
    emitted: list[bytes] = []
    read_and_run(encode(Message(rehearsal.MESSAGE, (), True, Room(2**20, 0))), emitted.append)
    reruns = (GraphRerun("value", gradients=(0,)), GraphRerun("float64", float64=True, gradients=(0,)))
    scripts = (SourceRerun("script", "import math\nloss = math.log(2 + math.e) - 1\nprint(loss)"),)
    replay(encode(Replay(decode(emitted[1], _RAN).recording, reruns, scripts)), emitted.append)


def version(_request: bytes, emit: Emit) -> None:
    """Emits the version of torch."""
    emit(str(sys.modules["torch"].__version__).encode())


def read_and_run(request: bytes, emit: Emit) -> None:
    """Emits the Reading, before anything of the message runs; then the Ran of the subject, where there is one."""
    message = decode(request, _MESSAGES)
    found = reading.read(message.text, message.files, message.direct)
    emit(encode(found))
    if isinstance(found, Question) and found.subject is not None:
        subject = found.snippets[found.subject]
        emit(encode(_ran(Program(subject, printed(found.claims), message.room))))


def run(request: bytes, emit: Emit) -> None:
    """Emits the Ran of one program."""
    emit(encode(_ran(decode(request, _PROGRAMS))))


def replay(request: bytes, emit: Emit) -> None:
    """Emits a RerunResult for each rerun and script, as soon as it is there; never sees a stranger's source."""
    work = decode(request, _REPLAYS)
    recording = decode(work.recording, _RECORDINGS)
    for rerun in work.reruns:
        emit(encode(replaying.replay(recording, rerun)))
    for script in work.scripts:
        emit(encode(_printed(replaying.rerun_source(script))))


def rerun(request: bytes, emit: Emit) -> None:
    """Emits the RerunResult of an edited program."""
    work = decode(request, _EDITED)
    emit(encode(_printed(replaying.rerun_source(work.rerun, _namespace(work.prelude)))))


def _printed(result: RerunResult) -> RerunResult:
    """The result without its program's tensors and calls: only its value and what it printed are asked for."""
    if result.recording is None:
        return result
    bare = msgspec.structs.replace(result.recording, tensors={}, calls=())
    return msgspec.structs.replace(result, recording=bare)


def _ran(program: Program) -> Ran:
    attempts = Attempts()
    attempts.watch()
    recording = record(
        program.snippet.source,
        claims=program.claims,
        seed=SEED,
        max_bytes=program.room.recording_bytes,
        namespace=_namespace(program.snippet.prelude),
        echo=_Echo(program.room),
    )
    return _ended(recording, attempts)


def _namespace(prelude: str) -> dict[str, object]:
    """The names that the completions give, so that they take no line of the asker's program."""
    names: dict[str, object] = {}
    exec(_USUAL + prelude, names)
    del names["__builtins__"]
    return names


def _ended(recording: Recording, attempts: Attempts) -> Ran:
    encoded, raised = encode(recording), recording.raised
    if raised is None:
        return Ran(encoded, "showed-nothing" if recording.subject is None else "returned", calls=len(recording.calls))
    exception, error = _revived(raised), Error(raised.type, raised.message)
    if is_out_of_memory(exception):
        return Ran(encoded, "out-of-memory", error)
    refusal = refused_by_jail(exception)
    if refusal is None:
        return Ran(encoded, "raised", error, calls=len(recording.calls))
    return Ran(encoded, "refused", error, "thread" if isinstance(refusal, RuntimeError) else attempts.last)


def _revived(raised: Raised) -> Exception:
    """An exception that says what the raised one said: the one that the tracer caught is gone with its frames."""
    if found := _ERRNO.search(raised.message):
        number = int(found[1])
        return OSError(
            errno.EACCES if number < 0 else number, raised.message
        )  # < 0: no host is found without a network
    if os.strerror(errno.EACCES) in raised.message:  # torch's own words for it
        return OSError(errno.EACCES, raised.message)
    return MemoryError(raised.message) if raised.type == "MemoryError" else RuntimeError(raised.message)


class _Echo:
    """Passes on to the child's own standard output as much as the service keeps, and drops the rest."""

    def __init__(self, room: Room) -> None:
        self._stdout = sys.stdout
        self._left = room.printed_bytes

    def __call__(self, text: str) -> None:
        data = text.encode(errors="backslashreplace")[: self._left]
        self._left -= len(data)
        with contextlib.suppress(OSError, ValueError):  # the program may have closed it
            self._stdout.write(data.decode(errors="ignore"))
            self._stdout.flush()
