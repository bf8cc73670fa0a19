"""One job in one child, from handing over the request to its outcome."""

import asyncio
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from bot.evaluator import orders, seccomp
from bot.evaluator.child import Child
from bot.evaluator.endings import outcome_of_exit
from bot.evaluator.frames import FrameBuffer, FrameError, FrameTooLarge, decode, encode, frame
from bot.evaluator.limits import Limits
from bot.evaluator.outcomes import Crashed, Finished, Forbidden, Outcome, TimedOut, TooLarge
from bot.evaluator.pipes import PipeReader, PipeWriter

_MESSAGES: Final = msgspec.msgpack.Decoder(orders.FromSnippet)

_PATIENCE_SECONDS: Final = 1.0
"""A child that runs for longer runs beside the others' from then on, not instead of them."""

_Stream = Literal["stdout", "stderr"]


class SnippetRun:
    """Collects what the child sends until the first of: its end, its exit, a deadline, a cap. Use it once."""

    def __init__(self, child: Child, limits: Limits, on_frame: Callable[[bytes], None] | None) -> None:
        self._child = child
        self._limits = limits
        self._on_frame = on_frame
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._verdict: asyncio.Future[Outcome] = self._loop.create_future()
        self._buffer = FrameBuffer(limits.frame_bytes + orders.ENVELOPE_BYTES)
        self._frames: list[bytes] = []
        self._result_bytes = 0
        self._calling = ""
        self._printed: dict[_Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._writer = PipeWriter(child.request)
        self._readers = (
            PipeReader(child.stdout, lambda data: self._take_text("stdout", data)),
            PipeReader(child.stderr, lambda data: self._take_text("stderr", data)),
            PipeReader(child.result, self._take_result),
        )

    async def outcome(self, job: orders.Job) -> Outcome:
        """Hands the job over and waits; whatever ends this also ends the child.

        Raises what `on_frame` raises, and ZygoteFailed where the child's zygote died.
        """
        self._child.exited.add_done_callback(self._exited)
        timers = (
            self._loop.call_later(self._limits.wall_seconds, self._too_late),
            self._loop.call_later(_PATIENCE_SECONDS, self._child.step_back),
        )
        try:
            self._writer.write(frame(encode(job), self._limits.request_bytes + orders.ENVELOPE_BYTES))
            self._writer.close_after()
            verdict = await self._verdict
            self._drain()
            return self._with_what_arrived(verdict)
        finally:
            for timer in timers:
                timer.cancel()
            self._child.exited.remove_done_callback(self._exited)
            self._close()

    def _drain(self) -> None:
        for reader in self._readers:
            reader.drain()

    def _close(self) -> None:
        self._child.kill()
        self._writer.close()
        for reader in self._readers:
            reader.close()

    def _with_what_arrived(self, verdict: Outcome) -> Outcome:
        stdout, stderr = (self._text(name) for name in ("stdout", "stderr"))
        return msgspec.structs.replace(verdict, frames=tuple(self._frames), stdout=stdout, stderr=stderr)

    def _text(self, name: _Stream) -> str:
        return self._printed[name].decode(errors="replace")

    def _give_up(self, error: BaseException) -> None:
        if not self._verdict.done():
            self._verdict.set_exception(error)

    def _decide(self, verdict: Outcome) -> None:
        if not self._verdict.done():
            self._verdict.set_result(verdict)

    def _take_text(self, name: _Stream, data: bytes) -> None:
        limit, printed = self._limits.output_bytes, self._printed[name]
        if len(printed) + len(data) > limit:
            self._decide(TooLarge(what=name, limit=limit))
        printed += data[: limit - len(printed)]

    def _take_result(self, data: bytes) -> None:
        if self._verdict.done():  # nothing counts after the end
            return
        self._result_bytes += len(data)
        if self._result_bytes > self._limits.result_bytes + orders.ENVELOPE_BYTES:
            self._decide(TooLarge(what="result", limit=self._limits.result_bytes))
            return
        try:
            for payload in self._buffer.feed(data):
                self._take_message(decode(payload, _MESSAGES))
        except FrameTooLarge:
            self._decide(TooLarge(what="frame", limit=self._limits.frame_bytes))
        except FrameError as error:
            self._decide(Crashed(detail=str(error)))

    def _take_message(self, message: orders.FromSnippet) -> None:
        if self._verdict.done():
            return
        match message:
            case orders.Prepared():
                pass
            case orders.Emitted(payload):
                self._frames.append(payload)
                self._pass_on(payload)
            case orders.Calling(name):
                self._calling = name if name in seccomp.FATAL else ""
            case orders.Ended():
                self._decide(Finished())

    def _pass_on(self, payload: bytes) -> None:
        try:
            if self._on_frame is not None:
                self._on_frame(payload)
        except Exception as error:  # the caller's own: raised where it waits, not inside the event loop
            self._verdict.set_exception(error)

    def _too_late(self) -> None:
        self._decide(TimedOut(seconds=self._limits.wall_seconds, which="wall"))

    def _exited(self, exited: asyncio.Future[orders.Exited]) -> None:
        self._drain()  # the last frame may still lie in the pipe: it decides, if it is there
        if (error := exited.exception()) is not None:
            self._give_up(error)
        else:
            elapsed = self._loop.time() - self._started
            end = outcome_of_exit(exited.result(), self._limits, elapsed, self._text("stderr"))
            self._decide(Forbidden(call=self._calling) if isinstance(end, Forbidden) else end)
