"""The supervisor's handle on one explainer."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from bot.evaluator import orders
from bot.evaluator.child import Child
from bot.evaluator.frames import FrameBuffer, FrameError, decode, frame
from bot.evaluator.limits import ExplainerLimits
from bot.evaluator.pipes import PipeReader, PipeWriter

_MESSAGES: Final = msgspec.msgpack.Decoder(orders.FromExplainer)


class ExplainerTimedOut(RuntimeError):
    """No answer within `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no explanation within {seconds:.3g} s")
        self.seconds = seconds


class ExplainerDied(RuntimeError):
    """The explainer ended, broke its word, or ran out of memory; `stderr` is the end of what it wrote, `of_zygote` says
    that it died with its zygote and not of itself.
    """

    def __init__(self, reason: str, stderr: str, *, of_zygote: bool = False) -> None:
        super().__init__(f"the explainer died: {reason}")
        self.stderr = stderr
        self.of_zygote = of_zygote


class ExplainerRaised(RuntimeError):
    """The entry raised; `traceback` is for the log."""

    def __init__(self, traceback: str) -> None:
        super().__init__(f"the explainer raised {traceback.strip().rpartition(chr(10))[2]}")
        self.traceback = traceback


class Explainer:
    """One locked process, asked once at a time; not `usable` again once it was late, died or was retired.

    `served` counts its answers. `replaced` is the pool's note that a successor is on its way. `on_end`, where set, is
    called when it ended of itself.
    """

    def __init__(self, child: Child, limits: ExplainerLimits) -> None:
        self.on_end: Callable[[Explainer], None] | None = None
        self.served = 0
        self.replaced = False
        self._child = child
        self._limits = limits
        self._closed = False
        self._asked = False
        self._retired = False
        self._answer: asyncio.Future[orders.FromExplainer] = asyncio.get_running_loop().create_future()
        self._buffer = FrameBuffer(limits.frame_bytes)
        self._stderr = bytearray()
        self._writer = PipeWriter(child.request)
        self._readers = (
            PipeReader(child.stdout, self._keep_text),
            PipeReader(child.stderr, self._keep_text),
            PipeReader(child.result, self._take),
        )
        child.exited.add_done_callback(self._exited)

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def usable(self) -> bool:
        return not (self._closed or self._retired)

    async def warmed(self, seconds: float) -> None:
        """Waits until it is locked and warm; raises ExplainerDied, ExplainerTimedOut."""
        await self._next_message(seconds)

    async def ask(self, request: bytes, seconds: float) -> bytes:
        """One request; raises FrameTooLarge, ExplainerTimedOut, ExplainerDied, ExplainerRaised."""
        data = frame(request, self._limits.frame_bytes)
        self._answer = asyncio.get_running_loop().create_future()
        self._asked = True
        self._writer.write(data)
        message = await self._next_message(seconds)
        self._asked = False
        self.served += 1
        match message:
            case orders.Answered(payload):
                return payload
            case orders.Raised(traceback):
                raise ExplainerRaised(traceback)
            case orders.Warm():
                raise self._broken("it answered before it was asked")

    def step_back(self) -> None:
        """Lets others go first on a busy core."""
        self._child.step_back()

    def retire(self) -> None:
        """No more requests; ends now when nobody waits for it."""
        self._retired = True
        if not self._asked:
            self.close()

    def close(self) -> None:
        """Kills it."""
        if self._closed:
            return
        self._closed = True
        self._child.exited.remove_done_callback(self._exited)
        self._child.kill()
        self._writer.close()
        for reader in self._readers:
            reader.close()

    async def _next_message(self, seconds: float) -> orders.FromExplainer:
        try:
            async with asyncio.timeout(seconds):
                return await self._answer
        except TimeoutError:
            self.close()
            raise ExplainerTimedOut(seconds) from None
        except BaseException:
            self.close()
            raise

    def _keep_text(self, data: bytes) -> None:
        self._stderr += data
        del self._stderr[: -self._limits.stderr_bytes]

    def _take(self, data: bytes) -> None:
        try:
            for payload in self._buffer.feed(data):
                message = decode(payload, _MESSAGES)
                if self._answer.done():
                    raise FrameError("it answered twice")
                self._answer.set_result(message)
        except FrameError as error:
            self._fail(str(error))

    def _exited(self, exited: asyncio.Future[orders.Exited]) -> None:
        for reader in self._readers:
            reader.drain()
        if (error := exited.exception()) is not None:
            self._fail(str(error), of_zygote=True)
        else:
            self._fail(_reason(exited.result().code))
        if self.on_end is not None:
            self.on_end(self)

    def _fail(self, reason: str, *, of_zygote: bool = False) -> None:
        if not self._answer.done():
            self._answer.set_exception(self._broken(reason, of_zygote=of_zygote))
            self._answer.exception()
        self.close()

    def _broken(self, reason: str, *, of_zygote: bool = False) -> ExplainerDied:
        self.close()
        return ExplainerDied(reason, self._stderr.decode(errors="replace"), of_zygote=of_zygote)


def _reason(code: int) -> str:
    match code:
        case orders.EXIT_MEMORY:
            return "out of memory"
        case orders.EXIT_JAIL:
            return "it could not lock itself in"
        case _ if code < 0:
            return f"signal {-code}"
        case _:
            return f"exit status {code}"
